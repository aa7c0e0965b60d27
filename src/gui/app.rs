//! The window's state and its two phases: `logic` takes news in and does what was asked, `ui` draws. Few
//! fields; what a pane needs alone lives in the pane.

use std::sync::Arc;

use egui::{CentralPanel, Context, Panel, Ui};

use super::apply;
use super::command;
use super::inspect::InspectorState;
use super::palette::{PaletteAction, PaletteObject, PaletteState, palette_ui};
use super::panes::catalog::catalog_ui;
use super::panes::data::{DataTab, data_inspector_ui};
use super::panes::drawer::{DrawerTab, drawer_ui};
use super::panes::help::{HelpSheet, HelpWish, On, Thing, help_ui};
use super::panes::status::status_ui;
use super::region::{Region, Regions, Way};
use super::sources::{SourceEntry, SourceNews};
use super::tabs::{Tab, Tabs};
use super::theme::{self, Look};
use super::view_ctx::{Command, Commands, OpenSource, SourceId, ViewCtx};
use super::widgets::{self, ToastKind, Toasts};
use crate::job::remote::Change;
use crate::job::{JobEvent, JobState, Jobs, Remote, Runtime};
use crate::model::connection::{Connection, Tier};
use crate::model::node::NodePath;
use crate::ops::{Target, Workspace};
use crate::store::ledger::{Filter, Page, ReadRow};
use crate::store::settings::{Settings, SettingsFile};

/// What is shown beside the tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The rail.
    pub rail: Side,
    /// The inspector.
    pub inspector: Side,
    /// The drawer.
    pub drawer: Side,
}

/// Whether a side of the window is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Shown.
    Open,
    /// Hidden.
    Closed,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Open => Self::Closed,
            Self::Closed => Self::Open,
        }
    }
}

/// Containers of a source that are opened as soon as it is listed.
const MOST_OPENED_AT_ONCE: usize = 4;

/// The window.
pub struct App {
    pub(super) workspace: Workspace,
    pub(super) jobs: Jobs,
    pub(super) events: tokio::sync::mpsc::Receiver<JobEvent>,
    pub(super) wake: std::task::Waker,
    pub(super) commands: Commands,
    pub(super) settings: Settings,
    pub(super) settings_file: SettingsFile,
    pub(super) look: Look,
    pub(super) sources: Vec<SourceEntry>,
    pub(super) opening: Vec<Remote<Target>>,
    pub(super) next_source: u64,
    pub(super) tabs: Tabs,
    pub(super) shown: Shown,
    pub(super) drawer: DrawerTab,
    pub(super) ledger: Remote<Vec<ReadRow>>,
    pub(super) saved: Remote<Vec<Connection>>,
    pub(super) saving: Vec<Remote<()>>,
    pub(super) picking: Remote<Option<std::path::PathBuf>>,
    pub(super) inspector: InspectorState,
    pub(super) palette: Option<PaletteState>,
    pub(super) help: Option<HelpSheet>,
    /// Gets the keyboard in the frame after a sheet is gone: before that, egui keeps it from what lies under.
    pub(super) refocus: Option<egui::Id>,
    pub(super) regions: Regions,
    pub(super) toasts: Toasts,
    // Dropped last: jobs may still be ending.
    _runtime: Arc<Runtime>,
}

impl App {
    /// The window over a workspace. `target` is opened at once.
    pub fn new(
        ctx: &Context,
        runtime: Arc<Runtime>,
        workspace: Workspace,
        settings: Settings,
        target: Option<String>,
    ) -> Self {
        let wake = super::start::waker(ctx);
        let (jobs, events) = Jobs::new(runtime.handle().clone(), wake.clone());
        let look = super::start::look_of(&settings);
        let settings_file = SettingsFile::at(workspace.folders().settings());
        let mut app = Self {
            workspace,
            jobs,
            events,
            wake,
            commands: Commands::default(),
            settings,
            settings_file,
            look,
            sources: Vec::new(),
            opening: Vec::new(),
            next_source: 1,
            tabs: Tabs::default(),
            shown: Shown { rail: Side::Open, inspector: Side::Closed, drawer: Side::Closed },
            drawer: DrawerTab::default(),
            ledger: Remote::NotAsked,
            saved: Remote::NotAsked,
            saving: Vec::new(),
            picking: Remote::NotAsked,
            inspector: InspectorState::default(),
            palette: None,
            help: None,
            refocus: None,
            regions: Regions::default(),
            toasts: Toasts::default(),
            _runtime: runtime,
        };
        app.refresh_saved();
        if let Some(target) = target {
            app.commands.send(Command::OpenTarget(target));
        }
        app
    }

    /// Tells an error in passing.
    pub fn warn(&self, error: &crate::model::Error) {
        self.commands.send(Command::Toast(ToastKind::Warning, apply::said(error)));
    }

    /// Runs `work` with the context panes see and the parts of the window that it may change.
    pub(super) fn with_ctx<T>(
        &mut self,
        work: impl FnOnce(&ViewCtx<'_>, &mut Vec<SourceEntry>, &mut Tabs) -> T,
    ) -> T {
        let ctx = ViewCtx {
            workspace: &self.workspace,
            jobs: &self.jobs,
            settings: &self.settings,
            wake: &self.wake,
            commands: &self.commands,
        };
        work(&ctx, &mut self.sources, &mut self.tabs)
    }

    /// Reads the list of saved connections again.
    pub(super) fn refresh_saved(&mut self) {
        let workspace = self.workspace.clone();
        let ticket = self.jobs.spawn_quietly(|_| async move { workspace.connections().list().await });
        self.saved.ask(ticket);
    }

    /// Reads the newest entries of the ledger again, if it is looked at.
    pub(super) fn refresh_ledger(&mut self) {
        const SHOWN_ENTRIES: u32 = 500;
        if self.shown.drawer == Side::Closed
            || self.drawer != DrawerTab::Ledger
            || self.ledger.job().is_some()
        {
            return;
        }
        let workspace = self.workspace.clone();
        let ticket = self.jobs.spawn_quietly(|_| async move {
            workspace.ledger().reads(&Filter::default(), Page::newest(SHOWN_ENTRIES)).await
        });
        self.ledger.ask(ticket);
    }

    /// Opens a source for a resolved target.
    pub(super) fn add_source(&mut self, target: Target) {
        let id = SourceId(self.next_source);
        self.next_source += 1;
        let entry = self.with_ctx(|ctx, _, _| SourceEntry::connect(ctx, id, target));
        self.sources.push(entry);
    }

    /// The source of the tab in front, else the only one.
    pub(super) fn front_source(&self) -> Option<OpenSource> {
        match self.tabs.front().and_then(Tab::data) {
            Some(tab) => Some(tab.source().clone()),
            None if self.sources.len() == 1 => self.sources.first().and_then(SourceEntry::open_source),
            None => None,
        }
    }

    fn drain(&mut self) {
        let mut ended = false;
        while let Ok(event) = self.events.try_recv() {
            ended = true;
            if let JobState::Stopped(report) = event.job.state {
                self.toasts.push(ToastKind::Warning, format!("{}: {}", event.job.title, report.phrase()));
            }
        }
        if ended {
            self.refresh_ledger();
        }
        self.ledger.poll();
        self.saved.poll();
        if self.picking.poll() == Change::News
            && let Some(Some(path)) = self.picking.value()
        {
            self.commands.send(Command::OpenTarget(path.display().to_string()));
        }
        self.poll_opening();
        self.poll_saving();
        self.poll_sources();
        self.with_ctx(|ctx, _, tabs| tabs.data_tabs_mut().for_each(|tab| tab.logic(ctx)));
    }

    fn poll_opening(&mut self) {
        let mut opened = Vec::new();
        let (toasts, opening) = (&mut self.toasts, &mut self.opening);
        opening.retain_mut(|target| {
            if target.poll() == Change::Same {
                return true;
            }
            if let Some(error) = target.error() {
                toasts.push(ToastKind::Refused, apply::said(error));
            } else if let Some(target) = target.value() {
                opened.push(target.clone());
            }
            false
        });
        for target in opened {
            self.add_source(target);
        }
    }

    fn poll_saving(&mut self) {
        let mut saved = false;
        let toasts = &mut self.toasts;
        self.saving.retain_mut(|saving| {
            if saving.poll() == Change::Same {
                return true;
            }
            match saving.error() {
                Some(error) => toasts.push(ToastKind::Refused, apply::said(error)),
                None => saved = true,
            }
            false
        });
        if saved {
            self.refresh_saved();
        }
    }

    fn poll_sources(&mut self) {
        let news = self.with_ctx(|ctx, sources, _| {
            sources
                .iter_mut()
                .flat_map(|source| {
                    let id = source.id;
                    source.poll(ctx).into_iter().map(move |news| (id, news))
                })
                .collect::<Vec<_>>()
        });
        for (id, news) in news {
            match news {
                SourceNews::Connected => self.connected(id),
                SourceNews::Listed => self.show_only_node(id),
                SourceNews::Failed(why) => self.toasts.push(ToastKind::Refused, why),
            }
        }
    }

    fn connected(&mut self, id: SourceId) {
        let Some(source) = self.sources.iter().find(|source| source.id == id) else { return };
        let connector =
            source.target.parts.first().map(|part| part.connection.connector.clone()).unwrap_or_default();
        let text = source.target.text.clone();
        if text == Target::DEMO {
            self.commands.send(Command::Tick("demo"));
        }
        self.settings.opened(text.clone(), connector.clone());
        apply::keep_settings(self, move |settings| settings.opened(text, connector));
    }

    /// A source of one data set is shown at once.
    fn show_only_node(&mut self, id: SourceId) {
        let Some(source) = self.sources.iter().find(|source| source.id == id) else { return };
        let nodes = source
            .children
            .get(&NodePath::root())
            .map(|children| children.nodes.as_slice())
            .unwrap_or_default();
        // A node of two faces is listed, not read: nobody asked for its rows.
        if let [only] = nodes
            && only.readable
            && !only.expandable
        {
            self.commands.send(Command::OpenNode { source: id, node: only.path.clone() });
        }
        // A few sources of one target are opened at once, so that tables are seen; nothing is automatic on PROD,
        // and what lies inside a source is listed when somebody asks for it.
        let tier = source.target.parts.first().map(|part| part.connection.tier).unwrap_or_default();
        let containers = nodes.iter().filter(|node| node.expandable && !node.readable);
        let are_sources = source.target.parts.len() > 1;
        if are_sources && nodes.len() <= MOST_OPENED_AT_ONCE && tier < Tier::Prod {
            for node in containers {
                self.commands.send(Command::ToggleNode { source: id, node: node.path.clone() });
            }
        }
    }

    fn dropped_files(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        for path in dropped.iter().map(|file| file.path().to_owned()) {
            self.commands.send(Command::OpenTarget(path.display().to_string()));
        }
    }

    /// Phase one: news in, commands done.
    pub fn logic(&mut self, ctx: &Context) {
        self.dropped_files(ctx);
        self.drain();
        for command in self.commands.take() {
            apply::apply(self, ctx, command);
        }
    }

    /// Phase two: drawing.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        if self.palette.is_none()
            && self.help.is_none()
            && let Some(command) = command::pressed(&ctx)
        {
            self.commands.send(Command::Ui(command));
        }
        let front = self.front_source();
        let view = ViewCtx {
            workspace: &self.workspace,
            jobs: &self.jobs,
            settings: &self.settings,
            wake: &self.wake,
            commands: &self.commands,
        };
        let regions = &mut self.regions;
        regions.begin();
        let status =
            Panel::bottom("status").exact_size(28.0).show(ui, |ui| status_ui(&view, ui, front.as_ref()));
        regions.drawn(Region::Status, status.response.rect);
        if self.shown.drawer == Side::Open {
            let (drawer, ledger) = (self.drawer, &self.ledger);
            let shown = Panel::bottom("drawer")
                .resizable(true)
                .default_size(220.0)
                .show(ui, |ui| drawer_ui(&view, ui, drawer, ledger));
            regions.drawn(Region::Drawer, shown.response.rect);
        }
        if self.shown.rail == Side::Open {
            let (sources, saved) = (&self.sources, self.saved.value().map(Vec::as_slice).unwrap_or_default());
            let shown = Panel::left("rail")
                .resizable(true)
                .default_size(260.0)
                .show(ui, |ui| catalog_ui(&view, ui, sources, saved));
            regions.drawn(Region::Rail, shown.response.rect);
        }
        if self.shown.inspector == Side::Open {
            let (tabs, state) = (&self.tabs, &mut self.inspector);
            let shown = Panel::right("inspector").resizable(true).default_size(320.0).show(ui, |ui| {
                if let Some(tab) = tabs.front().and_then(Tab::data) {
                    data_inspector_ui(&view, ui, tab, state);
                }
            });
            regions.drawn(Region::Inspector, shown.response.rect);
        }
        let saved = self.saved.value().map(Vec::as_slice).unwrap_or_default();
        let tabs = &mut self.tabs;
        let look = self.look;
        let centre =
            CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| tabs.show(&view, ui, saved, look));
        regions.drawn(Region::Centre, centre.response.rect);
        regions.note_focus(&ctx);
        self.draw_palette(&ctx);
        self.draw_help(&ctx);
        self.toasts.show(&ctx, 28.0);
        if !self.commands.is_empty() {
            ctx.request_repaint();
        }
    }

    fn palette_objects(&self) -> Vec<(SourceId, NodePath, PaletteObject)> {
        let nodes = self.sources.iter().flat_map(|source| {
            source.children.values().flat_map(|children| &children.nodes).filter(|node| node.readable).map(
                |node| {
                    let name = crate::safety::display::name(&node.name).into_owned();
                    let detail = format!(
                        "{} in {}",
                        node.kind.word(),
                        crate::safety::display::name(&source.target.name)
                    );
                    (source.id, node.path.clone(), PaletteObject { name, detail })
                },
            )
        });
        nodes.collect()
    }

    fn draw_palette(&mut self, ctx: &Context) {
        if self.palette.is_none() {
            return;
        }
        let objects = self.palette_objects();
        let shown = objects.iter().map(|(_, _, object)| object.clone()).collect::<Vec<_>>();
        let Some(state) = &mut self.palette else { return };
        let Some(action) = palette_ui(ctx, &shown, state) else { return };
        self.palette = None;
        match action {
            PaletteAction::Run(command) => self.commands.send(Command::Ui(command)),
            PaletteAction::Open(index) => {
                if let Some((source, node, _)) = objects.into_iter().nth(index) {
                    self.commands.send(Command::OpenNode { source, node });
                }
            }
            PaletteAction::GoToRow(row) => {
                if let Some(tab) = self.tabs.front_mut().and_then(Tab::data_mut) {
                    tab.go_to_row(row);
                }
            }
            PaletteAction::Close => {}
        }
    }

    /// Moves the keyboard to another region.
    pub(super) fn go_to_region(&mut self, ctx: &Context, way: Way) {
        let grid = self.tabs.front().and_then(Tab::data).and_then(DataTab::grid_id);
        self.regions.go(ctx, way, |region| grid.filter(|_| region == Region::Centre));
    }

    /// The region that has the keyboard, or had it last.
    pub fn region(&self) -> Region {
        self.regions.now()
    }

    /// Opens the help of the region that has the keyboard.
    pub(super) fn open_help(&mut self, ctx: &Context) {
        let grid = self.tabs.front().and_then(Tab::data).and_then(DataTab::grid_id);
        let on = match ctx.memory(egui::Memory::focused) {
            // Nothing has it: what most keys are for.
            None if grid.is_some() && self.regions.now() == Region::Centre => On::Grid,
            Some(id) if grid == Some(id) => On::Grid,
            Some(_) if ctx.text_edit_focused() => On::Field,
            _ => On::Other,
        };
        let told = self.regions.focused();
        let thing = told.and_then(|info| Thing::of(info, widgets::told(ctx)));
        let back_to = ctx.memory_mut(|memory| {
            let focused = memory.focused();
            if let Some(id) = focused {
                memory.surrender_focus(id);
            }
            focused
        });
        self.help = Some(HelpSheet { region: self.regions.now(), thing, on, back_to });
    }

    fn draw_help(&mut self, ctx: &Context) {
        let Some(sheet) = &self.help else {
            if let Some(id) = self.refocus.take() {
                ctx.memory_mut(|memory| memory.request_focus(id));
                ctx.request_repaint();
            }
            return;
        };
        let Some(wish) = help_ui(ctx, sheet) else { return };
        let back_to = sheet.back_to;
        self.help = None;
        match wish {
            HelpWish::Close => {
                self.refocus = back_to;
                ctx.request_repaint();
            }
            HelpWish::AllCommands => self.open_palette(">"),
        }
    }

    /// Opens the palette with a beginning.
    pub(super) fn open_palette(&mut self, query: &str) {
        self.palette = Some(PaletteState::with_query(query));
    }

    /// Sets and keeps the look.
    pub(super) fn set_look(&mut self, ctx: &Context, look: Look) {
        self.look = look;
        if let Err(error) = theme::apply(ctx, look) {
            self.toasts.push(ToastKind::Refused, error.to_string());
        }
        apply::keep_settings(self, move |settings| super::start::keep_look(settings, look));
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        Self::logic(self, ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}
