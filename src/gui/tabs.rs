//! The centre of the window: tabs that split. A closed tab is dropped, and with it its jobs; what it showed
//! is remembered, so that it can be opened again.

use egui::{Ui, WidgetText};
use egui_tiles::{Behavior, SimplificationOptions, TileId, Tiles, Tree, UiResponse};

use super::panes::data::{DataTab, Shows, data_tab_ui};
use super::panes::form::{FormEnd, FormState, form_ui};
use super::panes::welcome::{WelcomeState, welcome_ui};
use super::theme::{self, space};
use super::view_ctx::{OpenSource, SourceId, ViewCtx};
use super::widgets::env_fill;
use crate::model::connection::{Connection, Tier};

/// One tab.
pub enum Tab {
    /// The welcome.
    Welcome(WelcomeState),
    /// Settings.
    Settings,
    /// A connection that is added or changed.
    Form(Box<FormState>),
    /// A node or a query.
    Data(Box<DataTab>),
}

impl Tab {
    /// The data tab, if it is one.
    pub fn data(&self) -> Option<&DataTab> {
        if let Self::Data(tab) = self { Some(tab) } else { None }
    }

    /// The data tab, if it is one.
    pub fn data_mut(&mut self) -> Option<&mut DataTab> {
        if let Self::Data(tab) = self { Some(tab) } else { None }
    }

    fn title(&self) -> String {
        match self {
            Self::Welcome(_) => "Welcome".to_owned(),
            Self::Settings => "Settings".to_owned(),
            Self::Form(form) => form.title(),
            Self::Data(tab) => tab.title(),
        }
    }
}

/// A tab that was closed.
#[derive(Clone)]
pub struct Closed {
    /// Its source.
    pub source: OpenSource,
    /// What it showed.
    pub shows: Shows,
}

/// The tabs of a window.
pub struct Tabs {
    tree: Tree<Tab>,
    closed: Vec<Closed>,
    last_active: Option<TileId>,
}

impl Default for Tabs {
    fn default() -> Self {
        Self {
            tree: Tree::new_tabs(egui::Id::unique("tabs"), vec![Tab::Welcome(WelcomeState::default())]),
            closed: Vec::new(),
            last_active: None,
        }
    }
}

impl Tabs {
    /// Adds a tab beside the one in front and brings it to the front.
    pub fn add(&mut self, tab: Tab) {
        let pane = self.tree.tiles.insert_pane(tab);
        let beside = self.front_id().and_then(|front| self.tree.tiles.parent_of(front));
        let container = beside.filter(|id| {
            matches!(
                self.tree.tiles.get(*id),
                Some(egui_tiles::Tile::Container(egui_tiles::Container::Tabs(_)))
            )
        });
        match container.or(self.tree.root) {
            Some(id) if matches!(self.tree.tiles.get(id), Some(egui_tiles::Tile::Container(_))) => {
                self.tree.move_tile_to_container(pane, id, usize::MAX, false);
            }
            _ => {
                let root = self.tree.root;
                let children = root.into_iter().chain([pane]).collect();
                self.tree.root = Some(self.tree.tiles.insert_tab_tile(children));
            }
        }
        self.bring_to_front(pane);
    }

    fn bring_to_front(&mut self, tile: TileId) {
        self.tree.make_active(|id, _| id == tile);
        self.last_active = Some(tile);
    }

    /// Panes from left to right.
    fn pane_ids(&self) -> Vec<TileId> {
        let mut found = Vec::new();
        if let Some(root) = self.tree.root {
            collect(&self.tree.tiles, root, &mut found);
        }
        found
    }

    fn front_id(&self) -> Option<TileId> {
        let active = self.tree.active_tiles();
        let is_pane = |id: &TileId| matches!(self.tree.tiles.get(*id), Some(egui_tiles::Tile::Pane(_)));
        self.last_active
            .filter(|id| active.contains(id) && is_pane(id))
            .or_else(|| active.into_iter().rfind(is_pane))
    }

    /// The tab in front.
    pub fn front(&self) -> Option<&Tab> {
        self.tree.tiles.get_pane(&self.front_id()?)
    }

    /// The tab in front.
    pub fn front_mut(&mut self) -> Option<&mut Tab> {
        let id = self.front_id()?;
        self.pane_mut(id)
    }

    fn pane_mut(&mut self, id: TileId) -> Option<&mut Tab> {
        match self.tree.tiles.get_mut(id) {
            Some(egui_tiles::Tile::Pane(tab)) => Some(tab),
            _ => None,
        }
    }

    /// All data tabs.
    pub fn data_tabs_mut(&mut self) -> impl Iterator<Item = &mut DataTab> {
        self.tree.tiles.tiles_mut().filter_map(|tile| match tile {
            egui_tiles::Tile::Pane(tab) => tab.data_mut(),
            egui_tiles::Tile::Container(_) => None,
        })
    }

    /// Brings the tab of a node to the front, if there is one.
    pub fn focus(&mut self, source: SourceId, shows: &Shows) -> Focused {
        let wanted = self.pane_ids().into_iter().find(|id| {
            self.tree
                .tiles
                .get_pane(id)
                .and_then(Tab::data)
                .is_some_and(|tab| tab.source().id == source && tab.shows() == shows)
        });
        match wanted {
            Some(id) => {
                self.bring_to_front(id);
                Focused::Found
            }
            None => Focused::NotOpen,
        }
    }

    /// Brings the settings to the front, opening them if needed.
    pub fn show_settings(&mut self) {
        let open = self
            .pane_ids()
            .into_iter()
            .find(|id| matches!(self.tree.tiles.get_pane(id), Some(Tab::Settings)));
        match open {
            Some(id) => self.bring_to_front(id),
            None => self.add(Tab::Settings),
        }
    }

    /// Brings the form of a saved connection (none = of a new one) to the front, if it is open.
    pub fn focus_form(&mut self, edits: Option<uuid::Uuid>) -> Focused {
        let is_it = |tab: &Tab| matches!(tab, Tab::Form(form) if form.edits() == edits);
        let open = self.pane_ids().into_iter().find(|id| self.tree.tiles.get_pane(id).is_some_and(is_it));
        match open {
            Some(id) => {
                self.bring_to_front(id);
                Focused::Found
            }
            None => Focused::NotOpen,
        }
    }

    /// Closes the tab in front; its jobs end.
    pub fn close_front(&mut self) {
        if let Some(id) = self.front_id() {
            self.close(id);
        }
    }

    fn close(&mut self, id: TileId) {
        if let Some(tab) = self.tree.tiles.get_pane(&id).and_then(Tab::data) {
            self.closed.push(Closed { source: tab.source().clone(), shows: tab.shows().clone() });
        }
        self.tree.remove_recursively(id);
        if self.pane_ids().is_empty() {
            self.tree = Tree::new_tabs(egui::Id::unique("tabs"), vec![Tab::Welcome(WelcomeState::default())]);
        }
    }

    /// Closes all tabs of a source.
    pub fn close_source(&mut self, source: SourceId) {
        let of_source = |tab: &Tab| tab.data().is_some_and(|tab| tab.source().id == source);
        for id in self.pane_ids() {
            if self.tree.tiles.get_pane(&id).is_some_and(of_source) {
                self.close(id);
            }
        }
        self.closed.retain(|closed| closed.source.id != source);
    }

    /// The tab closed last.
    pub fn take_closed(&mut self) -> Option<Closed> {
        self.closed.pop()
    }

    /// Goes `step` tabs to the right (left if negative), around the end.
    pub fn cycle(&mut self, step: isize) {
        let ids = self.pane_ids();
        let at = self.front_id().and_then(|front| ids.iter().position(|id| *id == front)).unwrap_or(0);
        let count = ids.len().cast_signed();
        if count > 0 {
            self.bring_to_front(ids[(at.cast_signed() + step).rem_euclid(count).cast_unsigned()]);
        }
    }

    /// Goes to a tab by number, 1 = the first.
    pub fn select(&mut self, number: u8) {
        if let Some(id) = self.pane_ids().get(usize::from(number).saturating_sub(1)) {
            self.bring_to_front(*id);
        }
    }

    /// Shows a further tab beside the one in front.
    pub fn split(&mut self, tab: Tab) {
        let Some(front) = self.front_id() else { return self.add(tab) };
        let pane = self.tree.tiles.insert_pane(tab);
        let right = self.tree.tiles.insert_tab_tile(vec![pane]);
        let container = self.tree.tiles.parent_of(front).unwrap_or(front);
        let parent = self.tree.tiles.parent_of(container);
        let split = self.tree.tiles.insert_horizontal_tile(vec![container, right]);
        match parent.and_then(|id| self.tree.tiles.get_mut(id)) {
            Some(egui_tiles::Tile::Container(outer)) => {
                outer.remove_child(container);
                outer.add_child(split);
            }
            _ => self.tree.root = Some(split),
        }
        self.bring_to_front(pane);
    }

    /// Draws the tabs.
    pub fn show(&mut self, ctx: &ViewCtx<'_>, ui: &mut Ui, saved: &[Connection], look: theme::Look) {
        let mut behavior = TabBehavior { ctx, saved, look, closing: Vec::new(), touched: None };
        self.tree.ui(&mut behavior, ui);
        let TabBehavior { closing, touched, .. } = behavior;
        if touched.is_some() {
            self.last_active = touched;
        }
        for id in closing {
            self.close(id);
        }
    }
}

/// Whether a tab was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focused {
    /// It is in front now.
    Found,
    /// It is not open.
    NotOpen,
}

fn collect(tiles: &Tiles<Tab>, id: TileId, found: &mut Vec<TileId>) {
    match tiles.get(id) {
        Some(egui_tiles::Tile::Pane(_)) => found.push(id),
        Some(egui_tiles::Tile::Container(container)) => {
            container.children().for_each(|child| collect(tiles, *child, found));
        }
        None => {}
    }
}

struct TabBehavior<'a> {
    ctx: &'a ViewCtx<'a>,
    saved: &'a [Connection],
    look: theme::Look,
    closing: Vec<TileId>,
    touched: Option<TileId>,
}

impl Behavior<Tab> for TabBehavior<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, tile_id: TileId, tab: &mut Tab) -> UiResponse {
        let rect = ui.max_rect();
        if ui.input(|input| {
            input.pointer.any_pressed() && input.pointer.interact_pos().is_some_and(|at| rect.contains(at))
        }) {
            self.touched = Some(tile_id);
        }
        if let Some(tab) = tab.data() {
            env_edge(ui, tab.source().opened.tier);
        }
        // The whole pane, not only what its content takes.
        ui.painter().rect_filled(rect, 0.0, ui.visuals().panel_fill);
        egui::Frame::central_panel(ui.style()).show(ui, |ui| match tab {
            Tab::Welcome(state) => welcome_ui(self.ctx, ui, state, self.saved),
            Tab::Settings => super::panes::settings::settings_ui(self.ctx, ui, self.look),
            Tab::Form(form) => {
                if form_ui(self.ctx, ui, form) == FormEnd::Close {
                    self.closing.push(tile_id);
                }
            }
            Tab::Data(tab) => data_tab_ui(self.ctx, ui, tab),
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, tab: &Tab) -> WidgetText {
        tab.title().into()
    }

    fn is_tab_closable(&self, _tiles: &Tiles<Tab>, _tile_id: TileId) -> bool {
        true
    }

    fn on_tab_close(&mut self, _tiles: &mut Tiles<Tab>, tile_id: TileId) -> bool {
        self.closing.push(tile_id);
        false
    }

    fn tab_bar_height(&self, _style: &egui::Style) -> f32 {
        theme::MIN_TARGET + 2.0 * space::XS
    }

    fn close_button_outer_size(&self) -> f32 {
        theme::MIN_TARGET
    }

    fn close_button_inner_margin(&self) -> f32 {
        space::S
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        visuals.panel_fill
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }
}

/// The coloured upper edge that tells a source's environment; the word stands in the status bar and the tab.
fn env_edge(ui: &Ui, tier: Tier) {
    const EDGE: f32 = 4.0;
    let rect = ui.max_rect();
    let edge = egui::Rect::from_min_size(rect.min, egui::vec2(rect.width(), EDGE));
    ui.painter().rect_filled(edge, 0.0, env_fill(tier, theme::of(ui.ctx()).tokens).fill);
}
