//! The one grid for all data: painted by hand, exact at any row count, one tab stop.
//!
//! Why by hand: egui's scroll areas place rows in f32 and drift from a million rows on, and laying out hundreds of
//! unseen columns costs tens of milliseconds. Here only visible cells are drawn: plain Latin text as copied
//! glyphs (`glyphs`), all else shaped by egui, whose galley cache keeps it between frames.
//!
//! Invariants: rows are exactly one height apart ([`geometry`]); text is cut before layout ([`text`]); every visible
//! cell has an accessible node ("row 12, email: …"); the grid never waits for a row.

mod access;
mod body;
pub mod columns;
pub mod copy;
pub mod geometry;
mod glyphs;
mod header;
pub mod keys;
mod menu;
pub mod model;
mod pointer;
mod scrollbar;
pub mod selection;
pub mod text;

use egui::{Id, Pos2, Rect, Response, Sense, StrokeKind, Ui, pos2, vec2};

use self::columns::ColumnLayout;
use self::copy::{CopyFormat, TooLarge};
use self::geometry::{Anchor, Rows};
use self::glyphs::Glyphs;
use self::keys::GridKey;
pub use self::model::{ColumnBins, GridCell, GridColumn, GridModel, KeyMark, Mark, RowCount, Scope};
use self::selection::{Extent, Reach, Selection, Span, Spot};
use super::theme;
use crate::model::read::Direction;

/// Height of names and types over the columns, points.
pub const HEADER: f32 = 42.0;
const STRIP: f32 = 30.0;
/// Space between a cell's edge and its text, points.
pub const MARGIN: f32 = 8.0;

/// What the user asked for that the grid cannot do alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridAction {
    /// Show one cell whole.
    OpenCell {
        /// Row, from 0.
        row: u64,
        /// Index into the model's columns.
        column: usize,
    },
    /// Show one row as a record.
    OpenRecord {
        /// Row, from 0.
        row: u64,
    },
    /// Sort, here or at the source.
    Sort {
        /// Index into the model's columns.
        column: usize,
        /// Smallest or largest first.
        direction: Direction,
        /// Who sorts.
        scope: Scope,
    },
    /// Filter by a column.
    Filter {
        /// Index into the model's columns.
        column: usize,
        /// Who filters.
        scope: Scope,
    },
    /// The selection is on the clipboard.
    Copied {
        /// Cells copied.
        cells: u64,
        /// Of these, cells that were not fetched yet.
        pending: u64,
        /// In which format.
        format: CopyFormat,
    },
    /// The selection is too large for the clipboard; offer a file.
    CopyTooLarge {
        /// Cells selected.
        cells: u64,
        /// In which format.
        format: CopyFormat,
    },
}

/// What the user is dragging.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Drag {
    #[default]
    Nothing,
    /// Stretching the selection.
    Selecting,
    /// Moving a column; both are shown positions.
    Column { from: usize, to: usize },
    /// Let go there: it moves once all headers of the frame are drawn, so that none is drawn twice.
    Dropped { from: usize, to: usize },
}

/// What the grid does about the keyboard when it is drawn next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Keyboard {
    #[default]
    Leave,
    Take,
}

/// State of one grid; belongs to its pane.
#[derive(Debug, Clone, Default)]
pub struct GridState {
    layout: ColumnLayout,
    anchor: Anchor,
    scroll_x: f64,
    selection: Selection,
    drag: Drag,
    /// The menu acts on this cell.
    menu_at: Spot,
    /// Bring the cursor into view at the next frame.
    follow: bool,
    /// Shift+F10 or Ctrl+Shift+C was pressed: open the menu at the cursor.
    open_menu: bool,
    /// Where the menu stays when a key opened it.
    menu_position: Option<Pos2>,
    glyphs: Glyphs,
    /// Its id as drawn last.
    id: Option<Id>,
    keyboard: Keyboard,
    /// Turned off when the user closes the distribution strip.
    hide_strip: bool,
}

impl GridState {
    /// Move the cursor to a row (from 0) and show it.
    pub fn go_to_row(&mut self, row: u64) {
        let position = self.selection.cursor.position;
        self.selection = Selection::cell(Spot { row, position });
        self.follow = true;
    }

    /// Move the cursor to a cell, by row (from 0) and column of the model, and show it.
    pub fn go_to(&mut self, row: u64, column: usize) {
        self.go_to_row(row);
        self.go_to_column(column);
    }

    /// Move the cursor to a column of the model and show it; hidden columns come back.
    pub fn go_to_column(&mut self, column: usize) {
        if self.layout.position(column).is_none() {
            self.layout.show_all();
        }
        if let Some(position) = self.layout.position(column) {
            self.selection = Selection::cell(Spot { row: self.selection.cursor.row, position });
            self.follow = true;
        }
    }

    /// Its id as drawn last.
    pub fn id(&self) -> Option<Id> {
        self.id
    }

    /// Give it the keyboard when it is drawn next.
    pub fn take_focus(&mut self) {
        self.keyboard = Keyboard::Take;
    }

    /// Row and model column of the cursor.
    pub fn cursor(&self) -> Option<(u64, usize)> {
        let Spot { row, position } = self.selection.cursor;
        self.layout.column(position).map(|column| (row, column))
    }

    /// The selection in rows and shown positions.
    pub fn selection(&self) -> Selection {
        self.selection
    }

    /// The row at the top and the points of it scrolled out.
    pub fn anchor(&self) -> Anchor {
        self.anchor
    }

    /// Order, widths and visibility of the columns.
    pub fn layout(&self) -> &ColumnLayout {
        &self.layout
    }

    /// The same, to restore a saved layout.
    pub fn layout_mut(&mut self) -> &mut ColumnLayout {
        &mut self.layout
    }

    /// Show or hide the strip of mini histograms.
    pub fn toggle_strip(&mut self) {
        self.hide_strip = !self.hide_strip;
    }
}

/// Whether the keyboard acts on the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Here,
    Elsewhere,
}

/// Where the parts of one grid are this frame.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// All of it.
    whole: Rect,
    /// Column headers, right of the corner.
    header: Rect,
    /// Cells.
    body: Rect,
    /// Row numbers.
    numbers: Rect,
    /// Vertical scrollbar.
    bar_y: Rect,
    /// Horizontal scrollbar.
    bar_x: Rect,
    /// Row geometry of the body.
    rows: Rows,
    /// Height of the distribution strip in the header, 0 for none.
    strip: f32,
}

impl Frame {
    fn new(ui: &Ui, whole: Rect, model: &dyn GridModel, state: &GridState) -> Self {
        const BAR: f32 = 12.0;
        let count = model.row_count().scrollable();
        let digits = count.max(1).ilog10() + 1;
        let numbers_width = (digits as f32 * 8.0 + 2.0 * MARGIN).max(48.0).min(whole.width() / 2.0);
        let has_bins = model.columns().iter().any(|column| column.bins.is_some());
        let strip = if has_bins && !state.hide_strip { STRIP } else { 0.0 };
        let header_height = (HEADER + strip).min(whole.height());
        let (left, top) = (whole.left() + numbers_width, whole.top() + header_height);
        let (right, bottom) = ((whole.right() - BAR).max(left), (whole.bottom() - BAR).max(top));
        let body = Rect::from_min_max(pos2(left, top), pos2(right, bottom));
        let row_height = theme::of(ui.ctx()).density.row_height();
        Self {
            whole,
            header: Rect::from_min_max(pos2(left, whole.top()), pos2(right, top)),
            body,
            numbers: Rect::from_min_max(pos2(whole.left(), top), pos2(left, bottom)),
            bar_y: Rect::from_min_max(pos2(right, top), pos2(whole.right(), bottom)),
            bar_x: Rect::from_min_max(pos2(left, bottom), pos2(right, whole.bottom())),
            rows: Rows { count, row_height, view_height: body.height() },
            strip,
        }
    }

    fn extent(&self, state: &GridState) -> Extent {
        Extent { rows: self.rows.count, columns: state.layout.shown().len(), page: self.rows.page() }
    }

    /// Left edge of a shown position on the screen.
    fn x(&self, state: &GridState, position: usize) -> f32 {
        self.body.left() + (state.layout.start(position) - state.scroll_x) as f32
    }

    /// Shown positions that are in view.
    fn positions(&self, state: &GridState) -> std::ops::Range<usize> {
        state.layout.visible(state.scroll_x, self.body.width())
    }

    fn cell_rect(&self, state: &GridState, position: usize, y: f32) -> Rect {
        let min = pos2(self.x(state, position), self.body.top() + y);
        Rect::from_min_size(min, vec2(state.layout.width(position), self.rows.row_height))
    }
}

/// Draw the grid over all the space left.
pub fn grid_ui(ui: &mut Ui, model: &mut dyn GridModel, state: &mut GridState) -> Option<GridAction> {
    state.layout.sync(model.columns());
    header::read_widths(ui, model, state);
    let (id, whole) = ui.allocate_space(ui.available_size());
    // The cells in view change as the data scrolls under them.
    ui.ctx().allow_widget_id_changes_in(whole);
    let response = ui.interact(whole, id, Sense::click_and_drag());
    state.id = Some(id);
    if std::mem::take(&mut state.keyboard) == Keyboard::Take {
        response.request_focus();
    }
    let frame = Frame::new(ui, whole, model, state);
    let mut action = keyboard(ui, &response, model, state, &frame);
    scroll_with_wheel(ui, state, &frame);
    action = action.or(pointer::select(ui, &response, state, &frame));
    settle(state, &frame);
    want(model, state, &frame);
    let focus = if response.has_focus() { Focus::Here } else { Focus::Elsewhere };
    body::paint(ui, model, state, &frame, focus);
    action = action.or(header::show(ui, id, model, state, &frame));
    scrollbar::show(ui, id, state, &frame);
    if focus == Focus::Here {
        let ring = (2.0, theme::of(ui.ctx()).tokens.accent);
        ui.painter().rect_stroke(whole, 0.0, ring, StrokeKind::Inside);
    }
    access::describe(ui, id, model, state, &frame);
    action.or(menu::show(ui, &response, model, state, &frame))
}

fn keyboard(
    ui: &Ui,
    response: &Response,
    model: &dyn GridModel,
    state: &mut GridState,
    frame: &Frame,
) -> Option<GridAction> {
    if !response.has_focus() {
        return None;
    }
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, keys::FILTER));
    let mut action = None;
    for key in keys::take(ui) {
        action = act_on_key(ui, key, model, state, frame).or(action);
    }
    action
}

fn act_on_key(
    ui: &Ui,
    key: GridKey,
    model: &dyn GridModel,
    state: &mut GridState,
    frame: &Frame,
) -> Option<GridAction> {
    let extent = frame.extent(state);
    let Spot { row, position } = state.selection.cursor;
    let column = state.layout.column(position)?;
    match key {
        GridKey::Step(motion, reach) => {
            state.selection.step(motion, reach, extent);
            state.follow = true;
        }
        GridKey::SelectRow => state.selection.span = Span::Rows,
        GridKey::SelectColumn => state.selection.span = Span::Columns,
        GridKey::SelectAll => state.selection.span = Span::All,
        GridKey::ColumnLeft => move_column(state, position, position.saturating_sub(1)),
        GridKey::ColumnRight => move_column(state, position, (position + 1).min(extent.columns - 1)),
        GridKey::OpenCell => return Some(GridAction::OpenCell { row, column }),
        GridKey::OpenRecord => return Some(GridAction::OpenRecord { row }),
        GridKey::Sort(direction) => {
            return Some(GridAction::Sort { column, direction, scope: Scope::FetchedRows });
        }
        GridKey::Filter => return Some(GridAction::Filter { column, scope: Scope::FetchedRows }),
        GridKey::Copy => return copy_selection(ui, model, state, extent, CopyFormat::Tsv),
        GridKey::Menu | GridKey::CopyAs => {
            state.menu_at = state.selection.cursor;
            state.open_menu = true;
        }
    }
    None
}

fn move_column(state: &mut GridState, from: usize, to: usize) {
    state.layout.reorder(from, to);
    state.selection = Selection::cell(Spot { row: state.selection.cursor.row, position: to });
    state.follow = true;
}

fn copy_selection(
    ui: &Ui,
    model: &dyn GridModel,
    state: &GridState,
    extent: Extent,
    format: CopyFormat,
) -> Option<GridAction> {
    let rows = state.selection.rows(extent)?;
    let positions = state.selection.positions(extent)?;
    let columns: Vec<usize> = positions.filter_map(|position| state.layout.column(position)).collect();
    Some(match copy::render(model, &columns, rows, format) {
        Ok(copied) => {
            ui.ctx().copy_text(copied.text);
            GridAction::Copied { cells: copied.cells, pending: copied.pending, format }
        }
        Err(TooLarge { cells }) => GridAction::CopyTooLarge { cells, format },
    })
}

fn scroll_with_wheel(ui: &Ui, state: &mut GridState, frame: &Frame) {
    if !ui.rect_contains_pointer(frame.whole) {
        return;
    }
    let delta = ui.input_mut(|input| std::mem::take(&mut input.smooth_scroll_delta));
    if delta.y != 0.0 {
        state.anchor = frame.rows.scroll_by(state.anchor, -f64::from(delta.y));
    }
    state.scroll_x -= f64::from(delta.x);
}

/// Bring the cursor into view if asked, then keep everything inside its limits.
fn settle(state: &mut GridState, frame: &Frame) {
    let extent = frame.extent(state);
    state.selection.clamp(extent);
    if std::mem::take(&mut state.follow) {
        state.anchor = frame.rows.reveal(state.anchor, state.selection.cursor.row);
        let position = state.selection.cursor.position;
        let (start, width) = (state.layout.start(position), f64::from(state.layout.width(position)));
        let view = f64::from(frame.body.width());
        if start + width > state.scroll_x + view {
            state.scroll_x = start + width - view;
        }
        state.scroll_x = state.scroll_x.min(start);
    }
    state.anchor = frame.rows.clamp(state.anchor);
    let most = (state.layout.total() - f64::from(frame.body.width())).max(0.0);
    state.scroll_x = state.scroll_x.clamp(0.0, most);
}

fn want(model: &mut dyn GridModel, state: &GridState, frame: &Frame) {
    let page = frame.rows.page() + 1;
    let first = state.anchor.row.saturating_sub(page);
    let after = state.anchor.row.saturating_add(2 * page).min(frame.rows.count);
    if first < after {
        model.want(first..after);
    }
}

/// Reach of a click: shift stretches.
fn reach_of(ui: &Ui) -> Reach {
    if ui.input(|input| input.modifiers.shift) { Reach::Extend } else { Reach::Move }
}
