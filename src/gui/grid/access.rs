//! The grid for screen readers: a Grid node, a Row node for each row in view, a Cell node for each cell.
//!
//! Why each cell says its row and column: the bridge to AT-SPI has no table interface, so a name is all a reader gets.
//! Costs nothing while no reader is connected.

use egui::accesskit::{Action, Node, Rect as NodeRect, Role};
use egui::{Event, Id, Rect, Sense, Ui, UiBuilder};

use super::model::GridModel;
use super::selection::{Selection, Spot};
use super::text::{one_line, spoken};
use super::{Frame, GridState};

/// Emit the nodes; a reader's click on a cell moves the cursor there.
pub fn describe(ui: &mut Ui, id: Id, model: &dyn GridModel, state: &mut GridState, frame: &Frame) {
    let columns = state.layout.shown().len();
    let noun = if columns == 1 { "column" } else { "columns" };
    let label = format!("{}, {columns} {noun}, {}", one_line(model.name()), model.row_count().spoken());
    let rows = usize::try_from(frame.rows.count).unwrap_or(usize::MAX);
    let listening = ui.ctx().accesskit_node_builder(id, |node| {
        node.set_role(Role::Grid);
        node.set_label(label);
        node.set_row_count(rows);
        node.set_column_count(columns);
    });
    if listening.is_none() {
        return;
    }
    let asked =
        ui.input(|input| input.events.iter().any(|event| matches!(event, Event::AccessKitActionRequest(_))));
    let mut chosen = None;
    for (row, y) in frame.rows.visible(state.anchor) {
        let clicked = describe_row(ui, id, model, state, frame, (row, y));
        chosen = clicked.filter(|_| asked).or(chosen);
    }
    if let Some(spot) = chosen {
        state.selection = Selection::cell(spot);
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    let cursor = state.selection.cursor;
    let in_view = frame.rows.visible(state.anchor).any(|(row, _)| row == cursor.row)
        && frame.positions(state).contains(&cursor.position);
    if let Some(column) = state.layout.column(cursor.position).filter(|_| in_view) {
        let cell = cell_id(id, cursor.row, column);
        ui.ctx().accesskit_node_builder(id, |node| node.set_active_descendant(cell.accesskit_id()));
    }
}

fn cell_id(grid: Id, row: u64, column: usize) -> Id {
    grid.with(("cell", row, column))
}

fn describe_row(
    ui: &mut Ui,
    id: Id,
    model: &dyn GridModel,
    state: &GridState,
    frame: &Frame,
    (row, y): (u64, f32),
) -> Option<Spot> {
    let number = row.saturating_add(1);
    let left = Rect::from_min_max(frame.numbers.min, frame.body.max);
    let top = frame.body.top() + y;
    let bounds = Rect::from_x_y_ranges(left.x_range(), top..=top + frame.rows.row_height);
    let group = UiBuilder::new()
        .id_salt(("row", row))
        .max_rect(bounds)
        .accessibility_parent(id)
        .accessibility_role(Role::Row)
        .accessibility_label(format!("row {number}"));
    let row_ui = ui.new_child(group);
    row_ui.ctx().accesskit_node_builder(row_ui.unique_id(), |node| {
        node.set_bounds(node_rect(bounds.intersect(frame.whole)));
        node.set_row_index(usize::try_from(row).unwrap_or(usize::MAX));
    });
    let mut chosen = None;
    let extent = frame.extent(state);
    let selected_row = state.selection.rows(extent).is_some_and(|span| span.contains(&row));
    let selected = state.selection.positions(extent).filter(|_| selected_row);
    for position in frame.positions(state) {
        let Some(column) = state.layout.column(position) else { continue };
        let Some(about) = model.columns().get(column) else { continue };
        let rect = frame.cell_rect(state, position, y).intersect(frame.body);
        let cell = cell_id(id, row, column);
        row_ui.interact(rect, cell, Sense::hover());
        let label = format!("row {number}, {}: {}", one_line(&about.name), spoken(&model.cell(row, column)));
        let is_selected = selected.as_ref().is_some_and(|span| span.contains(&position));
        row_ui.ctx().accesskit_node_builder(cell, |node| {
            fill(node, rect, label);
            node.set_column_index(column);
            if is_selected {
                node.set_selected(true);
            }
        });
        if row_ui.input(|input| input.has_accesskit_action_request(cell, Action::Click)) {
            chosen = Some(Spot { row, position });
        }
    }
    chosen
}

fn fill(node: &mut Node, rect: Rect, label: String) {
    node.set_role(Role::Cell);
    node.set_label(label);
    node.set_bounds(node_rect(rect));
    node.add_action(Action::Click);
}

fn node_rect(rect: Rect) -> NodeRect {
    NodeRect {
        x0: f64::from(rect.min.x),
        y0: f64::from(rect.min.y),
        x1: f64::from(rect.max.x),
        y1: f64::from(rect.max.y),
    }
}
