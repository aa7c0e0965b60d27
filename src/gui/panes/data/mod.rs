//! The tab of a node or of a free query: rows, profile, description, export. Every read is prepared first;
//! what is light runs at once, everything above waits on its load sheet in the tab.
//!
//! Invariants: one read of rows at a time; rows that came stay until other rows come; dropping the tab
//! cancels all its jobs; nothing here waits.

use std::cell::Cell;

use crate::gui::grid::GridState;
use crate::gui::view_ctx::{Command, OpenSource, ViewCtx};
use crate::gui::widgets::ToastKind;
use crate::job::remote::Change;
use crate::job::{JobId, Remote};
use crate::model::node::{Description, NodePath};
use crate::model::read::{Bound, ReadSpec, Sample, SampleMethod, SampleSize};

mod ask;
mod asking;
mod cards;
mod commands;
mod describe_view;
mod export;
mod find;
mod inspector;
mod local;
mod profile_view;
mod query;
mod read_state;
mod rows;
mod sheet;
mod toolbar;
mod view;

use ask::Ask;
use asking::{Asking, Go, Purpose, Reach};
use export::{ExportState, What};
use find::FindState;
pub use inspector::data_inspector_ui;
use local::LocalView;
use profile_view::ProfileState;
use query::QueryState;
use read_state::Shown;
use sheet::SheetAnswer;
use toolbar::Toolbar;
pub use view::data_tab_ui;

/// What a tab shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Shows {
    /// A node.
    Node(NodePath),
    /// A free query.
    Query,
    /// What a source, or a part of it that has no rows, tells of itself.
    About(NodePath),
}

/// Whether a tab did something with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It did.
    Yes,
    /// The window should.
    No,
}

/// Which side of the data is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum View {
    #[default]
    Rows,
    Profile,
    Describe,
}

/// State of the tab.
pub struct DataTab {
    source: OpenSource,
    shows: Shows,
    view: View,
    /// The settings of the next read.
    ask: Ask,
    /// The settings of the shown read.
    asked: Ask,
    asking: Option<Asking>,
    shown: Option<Shown>,
    grid: GridState,
    local: LocalView,
    toolbar: Toolbar,
    find: FindState,
    description: Remote<Description>,
    profile: ProfileState,
    query: Option<QueryState>,
    export: ExportState,
    /// The row shown as a record, as the grid counts.
    record: Option<u64>,
    /// Names of all columns, whatever is projected.
    known_columns: Vec<String>,
    /// The frame in which the inspector was drawn last.
    inspector_seen: Cell<u64>,
}

impl DataTab {
    /// Opens a tab; what is light is read at once, everything above asks first.
    pub fn open(ctx: &ViewCtx<'_>, source: OpenSource, shows: Shows) -> Self {
        let query = (shows == Shows::Query).then(|| QueryState::new(&source));
        let mut tab = Self {
            source,
            shows,
            view: View::Rows,
            ask: Ask::default(),
            asked: Ask::default(),
            asking: None,
            shown: None,
            grid: GridState::default(),
            local: LocalView::default(),
            toolbar: Toolbar::default(),
            find: FindState::default(),
            description: Remote::NotAsked,
            profile: ProfileState::default(),
            query,
            export: ExportState::default(),
            record: None,
            known_columns: Vec::new(),
            inspector_seen: Cell::new(0),
        };
        match tab.shows {
            Shows::Node(_) => tab.reread(ctx, Reach::Read),
            Shows::About(_) => tab.show_description(ctx),
            Shows::Query => {}
        }
        tab
    }

    /// Title of the tab.
    pub fn title(&self) -> String {
        match &self.shows {
            Shows::Node(node) => crate::safety::display::name(node.name()).into_owned(),
            Shows::Query => "Query".to_owned(),
            Shows::About(at) if at.is_root() => {
                format!("About {}", crate::safety::display::name(&self.source.opened.name))
            }
            Shows::About(at) => format!("About {}", crate::safety::display::name(at.name())),
        }
    }

    /// The source it reads.
    pub fn source(&self) -> &OpenSource {
        &self.source
    }

    /// What it shows.
    pub fn shows(&self) -> &Shows {
        &self.shows
    }

    /// The grid, if rows are shown.
    pub fn grid_id(&self) -> Option<egui::Id> {
        self.grid.id().filter(|_| self.view == View::Rows)
    }

    /// Moves to a row, from 0.
    pub fn go_to_row(&mut self, row: u64) {
        self.view = View::Rows;
        self.grid.go_to_row(row);
    }

    /// Takes news in.
    pub fn logic(&mut self, ctx: &ViewCtx<'_>) {
        let go = self.asking.as_mut().and_then(|asking| asking.logic(ctx, &self.source));
        if let Some(go) = go {
            self.run(ctx, go);
        }
        let stopped = |asking: &Asking| {
            asking.error().is_some_and(|error| error.kind == crate::model::ErrorKind::Cancelled)
        };
        if self.asking.as_ref().is_some_and(stopped) {
            self.asking = None;
            self.ask = self.asked.clone();
        }
        if let Some(shown) = &mut self.shown {
            shown.logic(ctx);
            self.local.logic(ctx, &shown.snapshot);
            let cursor = self.grid.cursor().unwrap_or_default();
            if let Some((row, column)) = self.find.logic(ctx, &shown.snapshot, &self.local, cursor) {
                self.grid.go_to(row, column);
            }
            if self.asked.columns.is_none()
                && let Some(schema) = &shown.snapshot.schema
                && self.known_columns.len() != schema.fields.len()
            {
                self.known_columns = schema.fields.iter().map(|field| field.name.clone()).collect();
            }
            if shown.snapshot.rows > 0 && matches!(self.description, Remote::NotAsked) {
                self.describe(ctx);
            }
        }
        self.description.poll();
        if self.profile.profiled.poll() == Change::News && self.profile.profiled.error().is_none() {
            ctx.send(Command::Tick("profile"));
        }
        self.export.logic();
        if self.export.exported.poll() == Change::News
            && let Remote::Ready(done) = &self.export.exported
        {
            let text = format!("{} to {}", export::done_text(done), done.file.display());
            let kind = if done.done.error().is_some() { ToastKind::Warning } else { ToastKind::Done };
            ctx.send(Command::Toast(kind, crate::safety::display::name(&text).into_owned()));
            ctx.send(Command::Tick("export"));
        }
    }

    /// The node that is read: the tab's, or the source that runs the query.
    fn node(&self) -> NodePath {
        match (&self.shows, &self.query) {
            (Shows::Node(node) | Shows::About(node), _) => node.clone(),
            (Shows::Query, Some(query)) => query.node(&self.source),
            (Shows::Query, None) => NodePath::root(),
        }
    }

    fn start(&mut self, ctx: &ViewCtx<'_>, spec: ReadSpec, purpose: Purpose, reach: Reach) {
        self.asking = Some(Asking::start(ctx, &self.source, spec, purpose, reach));
    }

    /// Asks for the rows with the settings as they are.
    fn reread(&mut self, ctx: &ViewCtx<'_>, reach: Reach) {
        if let Some(query) = &self.query {
            if query.text.trim().is_empty() {
                return;
            }
            self.ask.query = Some(query.text.clone());
        }
        self.view = View::Rows;
        self.start(ctx, self.ask.spec(self.node()), Purpose::Rows, reach);
    }

    fn describe(&mut self, ctx: &ViewCtx<'_>) {
        if let Shows::Node(node) | Shows::About(node) = &self.shows {
            let (opened, node) = (self.source.opened.clone(), node.clone());
            let of = if node.is_root() { &opened.name } else { node.name() };
            let title = format!("describe {}", crate::safety::display::name(of));
            self.description
                .ask(ctx.spawn(title, |call| async move { Box::pin(opened.describe(&call, &node)).await }));
        }
    }

    /// Turns to the description, asking for it the first time.
    fn show_description(&mut self, ctx: &ViewCtx<'_>) {
        self.view = View::Describe;
        if matches!(self.description, Remote::NotAsked) {
            self.describe(ctx);
        }
    }

    fn start_profile(&mut self, ctx: &ViewCtx<'_>) {
        self.view = View::Profile;
        let level = self.profile.level;
        let shown = Ask { limit: ask::Limit::All, sample: None, order: Vec::new(), ..self.asked.clone() };
        let spec = self.source.opened.bounded_for(shown.spec(self.node()), level);
        self.start(ctx, spec, Purpose::Profile, Reach::Read);
    }

    fn start_export(&mut self, ctx: &ViewCtx<'_>, to: crate::ops::export::Destination) {
        let asked = self.asked.spec(self.node());
        let spec = match (self.export.what, &self.shown) {
            (What::ShownRead, Some(shown)) => shown.spec.clone(),
            (What::ShownRead, None) => asked,
            (What::AllRows, _) => ReadSpec { bound: Bound::default(), sample: None, ..asked },
            (What::Sample, _) => {
                let rows = self.export.sample_rows;
                let sample = Sample { size: SampleSize::Rows(rows), method: SampleMethod::Auto };
                ReadSpec {
                    bound: Bound::rows(rows),
                    sample: asked.query.is_none().then_some(sample),
                    order: Vec::new(),
                    ..asked
                }
            }
        };
        self.start(ctx, spec, Purpose::Export(to), Reach::Read);
    }

    /// Does what the user decided on the sheet.
    fn decide(&mut self, ctx: &ViewCtx<'_>, answer: SheetAnswer) {
        let Some(asking) = self.asking.take() else { return };
        match answer {
            SheetAnswer::Run(prepared, given) => {
                self.run(ctx, Go { purpose: asking.purpose, prepared: *prepared, given });
            }
            SheetAnswer::Cancel => self.ask = self.asked.clone(),
        }
    }

    /// Runs what may run.
    fn run(&mut self, ctx: &ViewCtx<'_>, go: Go) {
        self.asking = None;
        let Go { purpose, prepared, given } = go;
        let opened = self.source.opened.clone();
        let name = crate::safety::display::name(prepared.node.name()).into_owned();
        match purpose {
            Purpose::Rows => {
                self.adopt(&prepared.plan.spec);
                self.local = LocalView::default();
                self.record = None;
                self.grid.go_to_row(0);
                self.shown = Some(Shown::start(ctx, &self.source, prepared, given));
            }
            Purpose::Profile => {
                self.profile.profiled.ask(ctx.spawn(format!("profile {name}"), |call| async move {
                    Box::pin(opened.profile(&call, prepared, given.as_ref())).await
                }));
            }
            Purpose::Export(to) => {
                self.export.exported.ask(ctx.spawn(format!("export {name}"), |call| async move {
                    Box::pin(opened.export(&call, prepared, given.as_ref(), to)).await
                }));
            }
        }
    }

    /// The settings follow what runs: a cheaper way is not what was asked.
    fn adopt(&mut self, spec: &ReadSpec) {
        self.ask.sample = spec.sample.map(|sample| match sample.size {
            SampleSize::Rows(rows) => (rows, sample.method),
            SampleSize::Percent(_) => (spec.bound.rows.unwrap_or(0), sample.method),
        });
        self.ask.limit = spec.bound.rows.map_or(ask::Limit::All, ask::Limit::Rows);
        self.ask.filter.clone_from(&spec.filter);
        self.ask.order.clone_from(&spec.order);
        self.ask.columns.clone_from(&spec.columns);
        self.asked = self.ask.clone();
    }

    /// Jobs of this tab that are at work.
    fn running(&self) -> Vec<JobId> {
        let jobs = [
            self.asking.as_ref().and_then(Asking::job),
            self.shown.as_ref().and_then(Shown::running),
            self.profile.profiled.job(),
            self.export.exported.job(),
        ];
        jobs.into_iter().flatten().collect()
    }
}
