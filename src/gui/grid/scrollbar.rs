//! The grid's own scrollbars: the vertical one maps rows in f64, so that it neither jitters nor loses rows.

use egui::accesskit::Role;
use egui::{Id, Rect, Response, Sense, Ui, WidgetInfo, pos2};

use super::{Frame, GridState};
use crate::gui::theme::{self, Tokens};

const SHORTEST_THUMB: f64 = 24.0;

/// A track with its thumb, in points along the bar.
struct Thumb {
    start: f64,
    length: f64,
    free: f64,
}

impl Thumb {
    fn new(track: f32, view_share: f64, share: f64) -> Self {
        let track = f64::from(track);
        let length = (track * view_share).clamp(SHORTEST_THUMB.min(track), track);
        let free = track - length;
        Self { start: free * share, length, free }
    }
}

/// Draw both bars and follow the mouse on them.
pub fn show(ui: &Ui, id: Id, state: &mut GridState, frame: &Frame) {
    let tokens = theme::of(ui.ctx()).tokens;
    let response = ui.interact(frame.bar_y, id.with("bar y"), Sense::CLICK | Sense::DRAG);
    let share = frame.rows.share(state.anchor);
    let thumb = Thumb::new(frame.bar_y.height(), frame.rows.view_share(), share);
    if thumb.free > 0.0 {
        let moved = f64::from(response.drag_delta().y);
        if moved != 0.0 {
            state.anchor = frame.rows.at_share(share + moved / thumb.free);
        } else if let Some(towards) = paging(&response, &thumb, frame.bar_y.top(), |at| at.y) {
            let page = frame.rows.page() as f64 * f64::from(frame.rows.row_height);
            state.anchor = frame.rows.scroll_by(state.anchor, towards * page);
        }
    }
    if thumb.free <= 0.0 {
        ui.painter_at(frame.whole).rect_filled(frame.bar_y, 0.0, tokens.bg1);
        return horizontal(ui, id, state, frame, tokens);
    }
    let start = frame.bar_y.top() + thumb.start as f32;
    let y = start..=start + thumb.length as f32;
    paint(ui, &response, frame.bar_y, Rect::from_x_y_ranges(frame.bar_y.x_range(), y), tokens);
    let row = state.anchor.row.saturating_add(1);
    name(ui, &response, "Vertical scroll position", &format!("row {row} of {}", frame.rows.count), share);
    horizontal(ui, id, state, frame, tokens);
}

fn horizontal(ui: &Ui, id: Id, state: &mut GridState, frame: &Frame, tokens: &Tokens) {
    let total = state.layout.total();
    let view = f64::from(frame.body.width());
    let most = (total - view).max(0.0);
    if most <= 0.0 {
        ui.painter_at(frame.whole).rect_filled(frame.bar_x, 0.0, tokens.bg1);
        return;
    }
    let response = ui.interact(frame.bar_x, id.with("bar x"), Sense::CLICK | Sense::DRAG);
    let share = state.scroll_x / most;
    let thumb = Thumb::new(frame.bar_x.width(), view / total, share);
    let moved = f64::from(response.drag_delta().x);
    if moved != 0.0 && thumb.free > 0.0 {
        state.scroll_x = (share + moved / thumb.free).clamp(0.0, 1.0) * most;
    } else if let Some(towards) = paging(&response, &thumb, frame.bar_x.left(), |at| at.x) {
        state.scroll_x = (state.scroll_x + towards * view).clamp(0.0, most);
    }
    let start = frame.bar_x.left() + thumb.start as f32;
    let x = start..=start + thumb.length as f32;
    paint(ui, &response, frame.bar_x, Rect::from_x_y_ranges(x, frame.bar_x.y_range()), tokens);
    let first = state.layout.position_at(state.scroll_x) + 1;
    let of = state.layout.shown().len();
    name(ui, &response, "Horizontal scroll position", &format!("column {first} of {of}"), share);
}

/// A click beside the thumb moves one view towards it.
fn paging(response: &Response, thumb: &Thumb, origin: f32, along: fn(egui::Pos2) -> f32) -> Option<f64> {
    let at = response.interact_pointer_pos().filter(|_| response.clicked())?;
    let at = f64::from(along(at) - origin);
    if at < thumb.start {
        Some(-1.0)
    } else if at > thumb.start + thumb.length {
        Some(1.0)
    } else {
        None
    }
}

fn paint(ui: &Ui, response: &Response, track: Rect, thumb: Rect, tokens: &Tokens) {
    let painter = ui.painter();
    painter.rect_filled(track, 0.0, tokens.bg1);
    let color = if response.hovered() || response.dragged() { tokens.text_dim } else { tokens.line_strong };
    painter.rect_filled(thumb.shrink(2.0), 4.0, color);
    painter.hline(track.x_range(), pos2(track.left(), track.top()).y, (1.0, tokens.line_soft));
}

fn name(ui: &Ui, response: &Response, label: &str, value: &str, share: f64) {
    response.widget_info(|| WidgetInfo::labeled(Role::ScrollBar, true, label));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_value(value);
        node.set_numeric_value(share * 100.0);
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(100.0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumb_stays_inside_its_track_and_can_be_grabbed() {
        for (track, view_share, share) in
            [(500.0, 1e-9, 0.0), (500.0, 1e-9, 1.0), (500.0, 0.5, 0.5), (10.0, 0.1, 1.0)]
        {
            let thumb = Thumb::new(track, view_share, share);
            assert!(thumb.start >= 0.0 && thumb.start + thumb.length <= f64::from(track) + 1e-9);
            assert!(thumb.length >= SHORTEST_THUMB.min(f64::from(track)));
        }
    }
}
