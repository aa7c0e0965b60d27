//! Column headers: key glyph, name, type, sort mark, distribution strip; resize, auto-fit, reorder, select.

use egui::accesskit::{Role, SortDirection};
use egui::{Color32, CursorIcon, Id, Painter, PointerButton, Pos2, Rect, Response, Sense, Ui, UiBuilder};
use egui::{Shape, Stroke, WidgetInfo, pos2, vec2};

use super::columns::WIDEST_AUTO;
use super::model::{GridCell, GridColumn, GridModel, KeyMark, Scope};
use super::selection::{Reach, Selection, Span, Spot};
use super::text::{Painted, Side, Slant, one_line, painted};
use super::{Drag, Frame, GridAction, GridState, HEADER, MARGIN, body, reach_of};
use crate::gui::theme::{self, Tokens, fonts};
use crate::gui::widgets::{Histogram, Icon, histogram};
use crate::model::read::Direction;

const ICON: f32 = 14.0;
const EDGE: f32 = 4.0;

/// One header in view.
struct Head<'a> {
    about: &'a GridColumn,
    position: usize,
    column: usize,
    rect: Rect,
}

/// Draw the headers in view and follow the mouse on them.
pub fn show(
    ui: &mut Ui,
    id: Id,
    model: &dyn GridModel,
    state: &mut GridState,
    frame: &Frame,
) -> Option<GridAction> {
    let tokens = theme::of(ui.ctx()).tokens;
    let strip = Rect::from_min_max(frame.whole.min, pos2(frame.whole.right(), frame.header.bottom()));
    ui.painter_at(frame.whole).rect_filled(strip, 0.0, tokens.bg2);
    let group = UiBuilder::new()
        .id_salt("header row")
        .max_rect(frame.header)
        .accessibility_parent(id)
        .accessibility_role(Role::Row)
        .accessibility_label("column headers");
    let row = ui.new_child(group);
    let mut action = None;
    let mut resized = None;
    let mut heads = Vec::new();
    for position in frame.positions(state) {
        let Some(column) = state.layout.column(position) else { continue };
        let Some(about) = model.columns().get(column) else { continue };
        let head = Head { about, position, column, rect: header_rect(state, frame, position) };
        let visible = head.rect.intersect(frame.header);
        let response = row.interact(visible, id.with(("header", column)), Sense::CLICK | Sense::DRAG);
        let fill = if response.hovered() { tokens.bg3 } else { tokens.bg2 };
        paint(&ui.painter_at(visible), &head, frame, tokens, fill);
        name(&row, &response, &head);
        action = follow(ui, &response, state, frame, &head).or(action);
        heads.push(head);
    }
    // After all headers: an edge lies over both its neighbours.
    for head in &heads {
        resized = resize(ui, id, model, state, frame, head).or(resized);
    }
    if let Some((position, width)) = resized {
        state.layout.set_width(position, width);
    }
    if let Drag::Dropped { from, to } = state.drag {
        state.drag = Drag::Nothing;
        state.layout.reorder(from, to);
    }
    drop_mark(ui, state, frame);
    let bottom = frame.header.bottom() - 0.5;
    ui.painter_at(frame.whole).hline(frame.whole.x_range(), bottom, (1.0, tokens.line_strong));
    action
}

fn header_rect(state: &GridState, frame: &Frame, position: usize) -> Rect {
    let min = pos2(frame.x(state, position), frame.header.top());
    Rect::from_min_size(min, vec2(state.layout.width(position), frame.header.height()))
}

fn paint(painter: &Painter, head: &Head<'_>, frame: &Frame, tokens: &Tokens, fill: Color32) {
    let Head { about, rect, .. } = head;
    painter.rect_filled(*rect, 0.0, fill);
    painter.vline(rect.right() - 0.5, rect.y_range(), (1.0, tokens.line_soft));
    let mut left = rect.left() + MARGIN;
    if let Some(key) = about.key {
        let tint = match key {
            KeyMark::Primary => tokens.accent,
            KeyMark::Foreign => tokens.text_dim,
        };
        let center = pos2(left + ICON / 2.0, rect.top() + HEADER * 0.3);
        Icon::Key.paint(painter, Rect::from_center_size(center, vec2(ICON, ICON)), tint);
        left += ICON + 4.0;
    }
    let mut right = rect.right() - MARGIN;
    if let Some((direction, _)) = about.sort {
        paint_sort_mark(painter, sort_rect(*rect), direction, tokens.accent);
        right -= ICON + 4.0;
    }
    let top_line = line(&about.name, fonts::header(), tokens.text);
    draw_line(painter, top_line, pos2(left, rect.top() + HEADER * 0.3), right - left);
    let type_line = line(&about.type_name, fonts::caption(), tokens.text_dim);
    let room = rect.right() - rect.left() - 2.0 * MARGIN;
    draw_line(painter, type_line, pos2(rect.left() + MARGIN, rect.top() + HEADER * 0.72), room);
    if let Some(bins) = about.bins.as_ref().filter(|_| frame.strip > 0.0) {
        let area = Rect::from_min_max(pos2(rect.left(), rect.bottom() - frame.strip), rect.max);
        let bars = Histogram { bins: &bins.bins, null_share: bins.null_share };
        histogram::paint(painter, area.shrink2(vec2(MARGIN, 3.0)), bars, tokens);
    }
}

fn paint_sort_mark(painter: &Painter, rect: Rect, direction: Direction, color: Color32) {
    let rect = rect.shrink(3.0);
    let (tip, base) = match direction {
        Direction::Ascending => (rect.top(), rect.bottom()),
        Direction::Descending => (rect.bottom(), rect.top()),
    };
    let corners = vec![pos2(rect.center().x, tip), pos2(rect.right(), base), pos2(rect.left(), base)];
    painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
}

fn line(text: &str, font: egui::FontId, color: Color32) -> Painted {
    Painted { text: one_line(text), font, color, side: Side::Left, slant: Slant::Upright }
}

fn draw_line(painter: &Painter, text: Painted, middle_left: Pos2, room: f32) {
    if room < 8.0 {
        return;
    }
    let color = text.color;
    let galley = painter.fonts_mut(|fonts| body::layout(fonts, text, room));
    painter.galley(pos2(middle_left.x, middle_left.y - galley.size().y / 2.0), galley, color);
}

fn sort_rect(header: Rect) -> Rect {
    let center = pos2(header.right() - MARGIN - ICON / 2.0, header.top() + HEADER * 0.3);
    Rect::from_center_size(center, vec2(ICON, ICON))
}

fn name(row: &Ui, response: &Response, head: &Head<'_>) {
    let sentence = sentence(head.about);
    response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, &sentence));
    row.ctx().accesskit_node_builder(response.id, |node| {
        node.set_column_index(head.column);
        match head.about.sort {
            Some((Direction::Ascending, _)) => node.set_sort_direction(SortDirection::Ascending),
            Some((Direction::Descending, _)) => node.set_sort_direction(SortDirection::Descending),
            None => {}
        }
    });
}

/// "email, text, primary key, sorted ascending in the fetched rows, 0.2 % null".
fn sentence(about: &GridColumn) -> String {
    let mut parts = vec![one_line(&about.name)];
    if !about.type_name.is_empty() {
        parts.push(one_line(&about.type_name));
    }
    match about.key {
        Some(KeyMark::Primary) => parts.push("primary key".to_owned()),
        Some(KeyMark::Foreign) => parts.push("foreign key".to_owned()),
        None => {}
    }
    if let Some((direction, scope)) = about.sort {
        let direction = match direction {
            Direction::Ascending => "ascending",
            Direction::Descending => "descending",
        };
        let scope = match scope {
            Scope::FetchedRows => "in the fetched rows",
            Scope::AskSource => "by the source",
        };
        parts.push(format!("sorted {direction} {scope}"));
    }
    if let Some(bins) = &about.bins {
        parts.push(bins.sentence.clone());
    }
    parts.join(", ")
}

fn follow(
    ui: &Ui,
    response: &Response,
    state: &mut GridState,
    frame: &Frame,
    head: &Head<'_>,
) -> Option<GridAction> {
    let at = response.interact_pointer_pos();
    if response.drag_started_by(PointerButton::Primary) {
        state.drag = Drag::Column { from: head.position, to: head.position };
    }
    if let (Drag::Column { from, .. }, true, Some(at)) = (state.drag, response.dragged(), at) {
        let x = f64::from(at.x - frame.body.left()) + state.scroll_x;
        state.drag = Drag::Column { from, to: state.layout.position_at(x) };
    }
    if response.drag_stopped()
        && let Drag::Column { from, to } = state.drag
    {
        state.drag = Drag::Dropped { from, to };
    }
    if response.secondary_clicked() {
        state.menu_at = Spot { row: state.selection.cursor.row, position: head.position };
        state.open_menu = true;
    }
    if !response.clicked() {
        return None;
    }
    if let Some((direction, scope)) = head.about.sort
        && at.is_some_and(|at| sort_rect(head.rect).contains(at))
    {
        let direction = match direction {
            Direction::Ascending => Direction::Descending,
            Direction::Descending => Direction::Ascending,
        };
        return Some(GridAction::Sort { column: head.column, direction, scope });
    }
    match reach_of(ui) {
        Reach::Extend => state.selection.cursor.position = head.position,
        Reach::Move => {
            let row = state.selection.cursor.row;
            state.selection = Selection::cell(Spot { row, position: head.position });
        }
    }
    state.selection.span = Span::Columns;
    None
}

/// Drag the right edge, or double-click it for the width that fits what is in view.
fn resize(
    ui: &Ui,
    id: Id,
    model: &dyn GridModel,
    state: &GridState,
    frame: &Frame,
    head: &Head<'_>,
) -> Option<(usize, f32)> {
    let right = head.rect.right();
    let edge = Rect::from_x_y_ranges(right - EDGE..=right + EDGE, head.rect.y_range());
    let edge = edge.intersect(frame.header);
    if !edge.is_positive() {
        return None;
    }
    let response = ui
        .interact(edge, id.with(("edge", head.column)), Sense::CLICK | Sense::DRAG)
        .on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    if response.double_clicked() {
        return Some((head.position, fitting_width(ui, model, state, frame, head)));
    }
    let at = response.interact_pointer_pos().filter(|_| response.dragged())?;
    Some((head.position, at.x - head.rect.left()))
}

/// Width that shows the rows in view and the header whole, up to a limit.
pub fn fit(ui: &Ui, model: &dyn GridModel, state: &GridState, frame: &Frame, position: usize) -> Option<f32> {
    let column = state.layout.column(position)?;
    let about = model.columns().get(column)?;
    let head = Head { about, position, column, rect: header_rect(state, frame, position) };
    Some(fitting_width(ui, model, state, frame, &head))
}

fn fitting_width(ui: &Ui, model: &dyn GridModel, state: &GridState, frame: &Frame, head: &Head<'_>) -> f32 {
    let tokens = theme::of(ui.ctx()).tokens;
    let room = WIDEST_AUTO - 2.0 * MARGIN;
    let icons = ICON * 2.0 + 8.0;
    let widest = ui.fonts_mut(|fonts| {
        let name = line(&head.about.name, fonts::header(), tokens.text);
        let type_name = line(&head.about.type_name, fonts::caption(), tokens.text);
        let mut widest = body::layout(fonts, name, room).size().x + icons;
        widest = widest.max(body::layout(fonts, type_name, room).size().x);
        for (row, _) in frame.rows.visible(state.anchor) {
            let cell = painted(&model.cell(row, head.column), tokens);
            widest = widest.max(body::layout(fonts, cell, room).size().x);
        }
        widest
    });
    (widest + 2.0 * MARGIN).ceil().min(WIDEST_AUTO)
}

/// Reads the first widths of new columns from the first rows, once some are here.
pub fn read_widths(ui: &Ui, model: &dyn GridModel, state: &mut GridState) {
    const ROWS: u64 = 30;
    // More are seldom looked at, and measuring them all would stall the frame.
    const COLUMNS: usize = 200;
    let Some(&first) = state.layout.unread().first() else { return };
    let rows = model.row_count().scrollable().min(ROWS);
    if rows == 0 || model.cell(0, first) == GridCell::Pending {
        return;
    }
    let tokens = theme::of(ui.ctx()).tokens;
    let room = WIDEST_AUTO - 2.0 * MARGIN;
    let columns = state.layout.unread().iter().copied().take(COLUMNS);
    let widths = ui.fonts_mut(|fonts| {
        let width = |column| {
            let cells = (0..rows).map(|row| painted(&model.cell(row, column), tokens));
            let longest = cells.max_by_key(|cell| cell.text.chars().count())?;
            // The longest is not always the widest: a little is added.
            Some((column, body::layout(fonts, longest, room).size().x + 2.0 * MARGIN + 6.0))
        };
        columns.filter_map(width).collect::<Vec<_>>()
    });
    state.layout.widen(widths);
}

fn drop_mark(ui: &Ui, state: &GridState, frame: &Frame) {
    let Drag::Column { from, to } = state.drag else { return };
    let tokens = theme::of(ui.ctx()).tokens;
    let edge = if to > from { to + 1 } else { to };
    let x = frame.x(state, edge).clamp(frame.body.left(), frame.body.right());
    let y = frame.header.top()..=frame.body.bottom();
    ui.painter_at(frame.whole).vline(x, y, (3.0, tokens.accent));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_everything_it_shows() {
        let about = GridColumn {
            name: "email".into(),
            type_name: "text".into(),
            key: Some(KeyMark::Primary),
            sort: Some((Direction::Ascending, Scope::FetchedRows)),
            bins: None,
        };
        assert_eq!(sentence(&about), "email, text, primary key, sorted ascending in the fetched rows");
    }
}
