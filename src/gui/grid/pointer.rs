//! Selecting with the mouse: click, shift-click, drag with scrolling at the edges, row numbers, double click.

use egui::{PointerButton, Pos2, Response, Ui};

use super::selection::{Reach, Selection, Span, Spot};
use super::{Drag, Frame, GridAction, GridState, reach_of};

/// Follow the pointer; a double click on a cell opens it.
pub fn select(ui: &Ui, response: &Response, state: &mut GridState, frame: &Frame) -> Option<GridAction> {
    if frame.rows.count == 0 || state.layout.shown().is_empty() {
        return None;
    }
    let pressed = response.is_pointer_button_down_on()
        && ui.input(|input| input.pointer.button_pressed(PointerButton::Primary));
    let at = response.interact_pointer_pos();
    if let (true, Some(at)) = (pressed, at) {
        response.request_focus();
        press(ui, state, frame, at);
    } else if let (Drag::Selecting, true, Some(at)) =
        (state.drag, response.dragged_by(PointerButton::Primary), at)
    {
        state.selection.reach(spot_at(state, frame, at), Reach::Extend);
        scroll_at_edges(ui, state, frame, at);
    }
    if !response.is_pointer_button_down_on() && state.drag == Drag::Selecting {
        state.drag = Drag::Nothing;
    }
    if response.secondary_clicked() {
        if let Some(at) = at.filter(|at| frame.body.contains(*at) || frame.numbers.contains(*at)) {
            point_menu_at(state, frame, spot_at(state, frame, at));
        }
        response.request_focus();
    }
    let opened = response.double_clicked() && at.is_some_and(|at| frame.body.contains(at));
    let (row, column) = state.cursor()?;
    opened.then_some(GridAction::OpenCell { row, column })
}

fn press(ui: &Ui, state: &mut GridState, frame: &Frame, at: Pos2) {
    let reach = reach_of(ui);
    let spot = spot_at(state, frame, at);
    if frame.body.contains(at) {
        state.selection.reach(spot, reach);
    } else if frame.numbers.contains(at) {
        match reach {
            Reach::Extend => state.selection.cursor.row = spot.row,
            Reach::Move => {
                state.selection = Selection::cell(Spot { position: 0, ..spot });
            }
        }
        state.selection.span = Span::Rows;
    } else if at.x < frame.header.left() && at.y < frame.header.bottom() {
        state.selection.span = Span::All;
        return;
    } else {
        return;
    }
    state.drag = Drag::Selecting;
}

/// A right click inside the selection keeps it, elsewhere it selects the cell.
fn point_menu_at(state: &mut GridState, frame: &Frame, spot: Spot) {
    let extent = frame.extent(state);
    let inside = state.selection.rows(extent).is_some_and(|rows| rows.contains(&spot.row))
        && state.selection.positions(extent).is_some_and(|positions| positions.contains(&spot.position));
    if !inside {
        state.selection = Selection::cell(spot);
    }
    state.menu_at = spot;
}

fn spot_at(state: &GridState, frame: &Frame, at: Pos2) -> Spot {
    let x = f64::from(at.x - frame.body.left()) + state.scroll_x;
    let row = frame.rows.row_at(state.anchor, at.y - frame.body.top());
    Spot { row, position: state.layout.position_at(x) }
}

fn scroll_at_edges(ui: &Ui, state: &mut GridState, frame: &Frame, at: Pos2) {
    const SPEED: f32 = 0.25;
    let beyond = |low: f32, high: f32, value: f32| (value - high).max(0.0) + (value - low).min(0.0);
    let down = beyond(frame.body.top(), frame.body.bottom(), at.y) * SPEED;
    let right = beyond(frame.body.left(), frame.body.right(), at.x) * SPEED;
    if down != 0.0 {
        state.anchor = frame.rows.scroll_by(state.anchor, f64::from(down));
    }
    state.scroll_x += f64::from(right);
    if down != 0.0 || right != 0.0 {
        ui.ctx().request_repaint();
    }
}
