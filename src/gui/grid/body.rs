//! Painting the cells: one list of shapes, only what is in view.

use std::ops::RangeInclusive;
use std::sync::Arc;

use egui::epaint::text::FontsView;
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Color32, Galley, Rect, Shape, Stroke, StrokeKind, Ui, pos2};

use super::glyphs::Glyphs;
use super::model::{GridModel, Mark};
use super::text::{Painted, Side, Slant, painted};
use super::{Focus, Frame, GridState, MARGIN};
use crate::gui::theme::{self, Tokens, fonts};

/// What one frame's painting reads.
struct Scene<'a> {
    state: &'a GridState,
    frame: &'a Frame,
    tokens: &'a Tokens,
    rows: Vec<(u64, f32)>,
    selected_rows: Option<RangeInclusive<u64>>,
    selected_positions: Option<RangeInclusive<usize>>,
}

impl Scene<'_> {
    fn is_selected(&self, row: u64, position: usize) -> bool {
        self.selected_rows.as_ref().is_some_and(|span| span.contains(&row))
            && self.selected_positions.as_ref().is_some_and(|span| span.contains(&position))
    }
}

/// Paint row numbers, cells, lines and the selection.
pub fn paint(ui: &Ui, model: &dyn GridModel, state: &mut GridState, frame: &Frame, focus: Focus) {
    let mut glyphs = std::mem::take(&mut state.glyphs);
    paint_with(ui, model, state, frame, focus, &mut glyphs);
    state.glyphs = glyphs;
}

fn paint_with(
    ui: &Ui,
    model: &dyn GridModel,
    state: &GridState,
    frame: &Frame,
    focus: Focus,
    glyphs: &mut Glyphs,
) {
    let extent = frame.extent(state);
    let scene = Scene {
        state,
        frame,
        tokens: theme::of(ui.ctx()).tokens,
        rows: frame.rows.visible(state.anchor).collect(),
        selected_rows: state.selection.rows(extent),
        selected_positions: state.selection.positions(extent),
    };
    let painter = ui.painter_at(frame.whole);
    painter.rect_filled(frame.whole, 0.0, scene.tokens.bg1);
    painter.rect_filled(frame.body, 0.0, scene.tokens.bg0);
    let mut shapes = Vec::with_capacity(scene.rows.len() * (frame.positions(state).len() + 2));
    selected_area(&mut shapes, &scene);
    lines(&mut shapes, &scene);
    let pixels_per_point = ui.pixels_per_point();
    ui.fonts_mut(|fonts| {
        glyphs.begin(fonts, pixels_per_point);
        cells(&mut shapes, fonts, glyphs, model, &scene);
    });
    shapes.extend(glyphs.finish(frame.body));
    painter.with_clip_rect(frame.body.intersect(ui.clip_rect())).extend(shapes);
    row_numbers(ui, &scene);
    cursor(ui, &scene, focus);
}

fn selected_area(shapes: &mut Vec<Shape>, scene: &Scene<'_>) {
    let Scene { state, frame, .. } = scene;
    let (Some(span), Some(positions)) = (&scene.selected_rows, &scene.selected_positions) else {
        return;
    };
    let mut inside = scene.rows.iter().filter(|(row, _)| span.contains(row));
    let Some((_, first)) = inside.next() else { return };
    let last = inside.next_back().map_or(*first, |(_, y)| *y);
    let left = frame.x(state, *positions.start());
    let right = frame.x(state, *positions.end()) + state.layout.width(*positions.end());
    let top = frame.body.top() + first;
    let bottom = frame.body.top() + last + frame.rows.row_height;
    let area = Rect::from_min_max(pos2(left, top), pos2(right, bottom)).intersect(frame.body);
    shapes.push(Shape::rect_filled(area, 0.0, scene.tokens.selection.fill));
}

fn lines(shapes: &mut Vec<Shape>, scene: &Scene<'_>) {
    let Scene { state, frame, rows, .. } = scene;
    let stroke = Stroke::new(1.0, scene.tokens.line_soft);
    let positions = frame.positions(state);
    let right = frame.x(state, positions.end).min(frame.body.right());
    for (_, y) in rows {
        let y = frame.body.top() + y + frame.rows.row_height - 0.5;
        shapes.push(Shape::hline(frame.body.left()..=right, y, stroke));
    }
    let bottom = rows.last().map_or(frame.body.top(), |(_, y)| frame.body.top() + y + frame.rows.row_height);
    for position in positions {
        let x = frame.x(state, position) + state.layout.width(position) - 0.5;
        shapes.push(Shape::vline(x, frame.body.top()..=bottom.min(frame.body.bottom()), stroke));
    }
}

fn cells(
    shapes: &mut Vec<Shape>,
    fonts: &mut FontsView<'_>,
    glyphs: &mut Glyphs,
    model: &dyn GridModel,
    scene: &Scene<'_>,
) {
    let Scene { state, frame, tokens, .. } = scene;
    for position in frame.positions(state) {
        let Some(column) = state.layout.column(position) else { continue };
        for &(row, y) in &scene.rows {
            let mut painted = painted(&model.cell(row, column), tokens);
            if scene.is_selected(row, position) {
                painted.color = tokens.selection.text;
            }
            let rect = frame.cell_rect(state, position, y);
            let marked = match model.mark(row, column) {
                Mark::None => None,
                Mark::Hit => Some(tokens.hit),
                Mark::FrontHit => Some(tokens.front_hit),
            };
            if let Some(look) = marked {
                painted.color = look.text;
                shapes.push(Shape::rect_filled(rect.shrink(1.0), theme::RADIUS, look.fill));
            }
            let span = (rect.left() + MARGIN, rect.right() - MARGIN);
            if span.1 - span.0 >= 8.0 && !glyphs.add(fonts, span, rect.center().y, &painted) {
                shapes.push(cell(fonts, rect, painted));
            }
        }
    }
}

/// One shaped cell, cut with `…` at the cell's margin.
fn cell(fonts: &mut FontsView<'_>, rect: Rect, painted: Painted) -> Shape {
    let room = rect.width() - 2.0 * MARGIN;
    let (color, side) = (painted.color, painted.side);
    let galley = layout(fonts, painted, room);
    let x = match side {
        Side::Left => rect.left() + MARGIN,
        Side::Right => rect.right() - MARGIN - galley.size().x,
    };
    let y = rect.center().y - galley.size().y / 2.0;
    Shape::galley(pos2(x, y), galley, color)
}

/// Lay out one cut line; the colour is applied when painting, so that selecting keeps the galley.
pub fn layout(fonts: &mut FontsView<'_>, painted: Painted, room: f32) -> Arc<Galley> {
    let format = TextFormat {
        font_id: painted.font,
        color: Color32::PLACEHOLDER,
        italics: painted.slant == Slant::Italic,
        ..TextFormat::default()
    };
    let mut job = LayoutJob::single_section(painted.text, format);
    job.wrap = TextWrapping::truncate_at_width(room);
    job.break_on_newline = false;
    fonts.layout_job(job)
}

fn row_numbers(ui: &Ui, scene: &Scene<'_>) {
    let Scene { frame, tokens, .. } = scene;
    let painter = ui.painter_at(frame.numbers);
    painter.rect_filled(frame.numbers, 0.0, tokens.bg1);
    for &(row, y) in &scene.rows {
        let selected = scene.selected_rows.as_ref().is_some_and(|span| span.contains(&row));
        let color = if selected { tokens.text } else { tokens.text_faint };
        let at = pos2(frame.numbers.right() - MARGIN, frame.numbers.top() + y + frame.rows.row_height / 2.0);
        painter.text(at, egui::Align2::RIGHT_CENTER, (row + 1).to_string(), fonts::mono(), color);
    }
    painter.vline(frame.numbers.right() - 0.5, frame.numbers.y_range(), (1.0, tokens.line_strong));
}

fn cursor(ui: &Ui, scene: &Scene<'_>, focus: Focus) {
    let Scene { state, frame, tokens, .. } = scene;
    let spot = state.selection.cursor;
    if let Some((_, y)) = scene.rows.iter().find(|(row, _)| *row == spot.row) {
        let rect = frame.cell_rect(state, spot.position, *y);
        let stroke = match focus {
            Focus::Here => (2.0, tokens.accent),
            Focus::Elsewhere => (1.0, tokens.line_strong),
        };
        ui.painter_at(frame.body).rect_stroke(rect, 0.0, stroke, StrokeKind::Inside);
    }
}
