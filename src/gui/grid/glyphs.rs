//! Cells of plain Latin text as one mesh, without shaping.
//!
//! Why: shaping a cell costs 7 µs and a frame of new cells 5 ms; copying ready glyphs costs a tenth. It is also
//! truer: no ligature turns `!=` or `->` into one sign. Text with any other character takes the shaped way, cell
//! by cell.
//!
//! Invariants: a glyph is a copy of what egui lays out for that character at that quarter of a pixel, so both ways
//! look alike; copies live only as long as egui's glyph atlas, told by a galley that egui would have to make anew.

use std::sync::Arc;

use egui::epaint::text::FontsView;
use egui::epaint::{Mesh, Vertex};
use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, Galley, Pos2, Rect, Shape, Vec2, pos2, vec2};

use super::text::{Painted, Side, Slant};
use crate::gui::theme::fonts::body as body_font;

/// Latin up to U+017F and the signs that cutting and escaping use.
const SLOTS: usize = 0x183;
const ELLIPSIS: usize = 0x180;
/// Pairs of ASCII characters are kerned.
const KERNED: usize = 0x80;
/// egui draws a glyph at quarters of a pixel.
const BINS: usize = 4;

/// A glyph ready to be copied: its picture in the atlas and its place relative to the pen.
#[derive(Debug, Clone, Copy)]
struct Copyable {
    uv: Rect,
    /// From the pen's whole pixel and the line's top, points.
    offset: Vec2,
    size: Vec2,
}

/// Copies and widths of one font.
#[derive(Debug, Clone)]
struct Face {
    font: FontId,
    height: f32,
    copies: Vec<Option<Copyable>>,
    advances: Vec<Option<f32>>,
    kerning: Vec<Option<f32>>,
}

impl Face {
    fn new(font: FontId, height: f32) -> Self {
        Self {
            font,
            height,
            copies: vec![None; SLOTS * BINS],
            advances: vec![None; SLOTS],
            kerning: vec![None; KERNED * KERNED],
        }
    }
}

/// The copies of all fonts of one grid.
#[derive(Debug, Clone, Default)]
pub struct Glyphs {
    /// Laid out every frame: a new one means a new atlas.
    witness: Option<Arc<Galley>>,
    faces: Vec<Face>,
    pixels_per_point: f32,
    mesh: Mesh,
    /// Scratch: slots and pen positions of the cell at hand.
    pens: Vec<(usize, f32)>,
}

impl Glyphs {
    /// Start a frame; forgets the copies when the atlas is a new one.
    pub fn begin(&mut self, fonts: &mut FontsView<'_>, pixels_per_point: f32) {
        let witness = single(fonts, &body_font(), 'x', 0.0);
        let same = self.witness.as_ref().is_some_and(|old| Arc::ptr_eq(old, &witness));
        if !same || self.pixels_per_point != pixels_per_point {
            self.faces.clear();
            self.pixels_per_point = pixels_per_point;
        }
        self.witness = Some(witness);
        self.mesh = Mesh::default();
    }

    /// Add a cell's line, cut with `…` to fit between `left` and `right`; false if it needs shaping.
    pub fn add(
        &mut self,
        fonts: &mut FontsView<'_>,
        span: (f32, f32),
        middle: f32,
        painted: &Painted,
    ) -> bool {
        if painted.slant == Slant::Italic || !painted.text.chars().all(|c| slot(c).is_some()) {
            return false;
        }
        let (left, right) = span;
        let face = self.face(fonts, &painted.font);
        let width = self.place(fonts, face, &painted.text, right - left);
        let start = match painted.side {
            Side::Left => left,
            Side::Right => right - width,
        };
        let height = self.faces.get(face).map_or(0.0, |face| face.height);
        let origin = pos2(self.to_pixel(start), self.to_pixel(middle - height / 2.0));
        let pens = std::mem::take(&mut self.pens);
        for &(slot, x) in &pens {
            self.push(fonts, face, slot, origin + vec2(x, 0.0), painted.color);
        }
        self.pens = pens;
        true
    }

    /// All cells of the frame as one shape.
    pub fn finish(&mut self, bounds: Rect) -> Option<Shape> {
        let mut galley = Galley::clone(self.witness.as_ref()?);
        let mesh = std::mem::take(&mut self.mesh);
        let placed = galley.rows.first_mut()?;
        let row = Arc::make_mut(&mut placed.row);
        row.glyphs.clear();
        row.visuals.glyph_index_start = 0;
        row.visuals.glyph_vertex_range = 0..mesh.vertices.len();
        row.visuals.mesh_bounds = bounds;
        placed.pos = Pos2::ZERO;
        galley.num_vertices = mesh.vertices.len();
        galley.num_indices = mesh.indices.len();
        galley.mesh_bounds = bounds;
        galley.rect = bounds;
        Arc::make_mut(&mut placed.row).visuals.mesh = mesh;
        Some(Shape::galley(Pos2::ZERO, Arc::new(galley), Color32::PLACEHOLDER))
    }

    fn face(&mut self, fonts: &mut FontsView<'_>, font: &FontId) -> usize {
        if let Some(at) = self.faces.iter().position(|face| face.font == *font) {
            return at;
        }
        let height = single(fonts, font, 'x', 0.0).size().y;
        self.faces.push(Face::new(font.clone(), height));
        self.faces.len() - 1
    }

    /// Put the pens of a line into `pens`, cut to `room`; returns its width.
    fn place(&mut self, fonts: &mut FontsView<'_>, face: usize, text: &str, room: f32) -> f32 {
        self.pens.clear();
        let mut x = 0.0;
        let mut slots = text.chars().filter_map(slot).peekable();
        while let Some(slot) = slots.next() {
            self.pens.push((slot, x));
            x += self.advance(fonts, face, slot, slots.peek().copied());
            if x > room {
                return self.cut(fonts, face, room);
            }
        }
        x
    }

    fn cut(&mut self, fonts: &mut FontsView<'_>, face: usize, room: f32) -> f32 {
        let sign = self.advance(fonts, face, ELLIPSIS, None);
        // The sign stands where the first glyph that leaves it no room would start.
        let mut x = 0.0;
        while let Some((_, start)) = self.pens.pop() {
            x = start;
            if start + sign <= room {
                break;
            }
        }
        self.pens.push((ELLIPSIS, x));
        x + sign
    }

    fn advance(&mut self, fonts: &mut FontsView<'_>, face: usize, slot: usize, next: Option<usize>) -> f32 {
        let Some(face) = self.faces.get_mut(face) else { return 0.0 };
        let Some(known) = face.advances.get_mut(slot) else { return 0.0 };
        let alone =
            *known.get_or_insert_with(|| first_advance(&single(fonts, &face.font, char_of(slot), 0.0)));
        let pair =
            next.filter(|&next| slot < KERNED && next < KERNED).map(|next| (next, slot * KERNED + next));
        let Some((next, at)) = pair else { return alone };
        let Some(known) = face.kerning.get_mut(at) else { return alone };
        *known.get_or_insert_with(|| {
            let both = [char_of(slot), char_of(next)].iter().collect();
            let kerned = first_advance(&layout(fonts, &face.font, both, 0.0));
            // A ligature is not kerning: its first part takes the width of both.
            if (kerned - alone).abs() < alone * 0.3 { kerned } else { alone }
        })
    }

    fn push(&mut self, fonts: &mut FontsView<'_>, face: usize, slot: usize, pen: Pos2, color: Color32) {
        let scale = self.pixels_per_point;
        // The nearest quarter of a pixel: a whole pixel and a bin.
        let quarters = (pen.x * scale * BINS as f32).round();
        let whole = (quarters / BINS as f32).floor();
        let bin = (quarters - whole * BINS as f32) as usize;
        let Some(face) = self.faces.get_mut(face) else { return };
        let Some(known) = face.copies.get_mut(slot * BINS + bin) else { return };
        let copy = *known.get_or_insert_with(|| {
            let shift = bin as f32 / BINS as f32 / scale;
            copy_of(&single(fonts, &face.font, char_of(slot), shift))
        });
        if copy.size == Vec2::ZERO {
            return;
        }
        let corner = pos2(whole / scale, pen.y) + copy.offset;
        let corner = pos2((corner.x * scale).round() / scale, (corner.y * scale).round() / scale);
        add_quad(&mut self.mesh, Rect::from_min_size(corner, copy.size), copy.uv, color);
    }

    fn to_pixel(&self, points: f32) -> f32 {
        (points * self.pixels_per_point).round() / self.pixels_per_point
    }
}

fn add_quad(mesh: &mut Mesh, rect: Rect, uv: Rect, color: Color32) {
    let first = mesh.vertices.len() as u32;
    mesh.add_triangle(first, first + 1, first + 2);
    mesh.add_triangle(first + 2, first + 1, first + 3);
    mesh.vertices.extend([
        Vertex { pos: rect.left_top(), uv: uv.left_top(), color },
        Vertex { pos: rect.right_top(), uv: uv.right_top(), color },
        Vertex { pos: rect.left_bottom(), uv: uv.left_bottom(), color },
        Vertex { pos: rect.right_bottom(), uv: uv.right_bottom(), color },
    ]);
}

/// Place of a character in the tables; none for what needs shaping.
fn slot(c: char) -> Option<usize> {
    match c {
        ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{17f}' => usize::try_from(u32::from(c)).ok(),
        '…' => Some(ELLIPSIS),
        '‹' => Some(ELLIPSIS + 1),
        '›' => Some(ELLIPSIS + 2),
        _ => None,
    }
}

fn char_of(slot: usize) -> char {
    match slot.checked_sub(ELLIPSIS) {
        Some(0) => '…',
        Some(1) => '‹',
        Some(_) => '›',
        None => u32::try_from(slot).ok().and_then(char::from_u32).unwrap_or(' '),
    }
}

fn single(fonts: &mut FontsView<'_>, font: &FontId, c: char, shift: f32) -> Arc<Galley> {
    layout(fonts, font, c.to_string(), shift)
}

fn layout(fonts: &mut FontsView<'_>, font: &FontId, text: String, leading_space: f32) -> Arc<Galley> {
    let format = TextFormat::simple(font.clone(), Color32::PLACEHOLDER);
    let mut job = LayoutJob::single_section(text, format);
    job.break_on_newline = false;
    for section in &mut job.sections {
        section.leading_space = leading_space;
    }
    fonts.layout_job(job)
}

fn first_advance(galley: &Galley) -> f32 {
    let glyph = galley.rows.first().and_then(|row| row.glyphs.first());
    glyph.map_or(0.0, |glyph| glyph.advance_width)
}

fn copy_of(galley: &Galley) -> Copyable {
    let Some((row, glyph)) = galley.rows.first().and_then(|row| Some((row, row.glyphs.first()?))) else {
        return Copyable { uv: Rect::ZERO, offset: Vec2::ZERO, size: Vec2::ZERO };
    };
    let texel = |[x, y]: [u16; 2]| pos2(f32::from(x), f32::from(y));
    Copyable {
        uv: Rect::from_min_max(texel(glyph.uv_rect.min), texel(glyph.uv_rect.max)),
        offset: row.pos.to_vec2() + glyph.pos.to_vec2() + glyph.uv_rect.offset,
        size: glyph.uv_rect.size,
    }
}

#[cfg(test)]
mod tests {
    use super::super::body;
    use super::*;
    use crate::gui::theme::{self, Look, fonts};

    fn painted(text: &str, font: FontId) -> Painted {
        Painted {
            text: text.into(),
            font,
            color: Color32::PLACEHOLDER,
            side: Side::Left,
            slant: Slant::Upright,
        }
    }

    /// Run `check` inside a frame with the fonts of the window.
    fn with_fonts(check: impl Fn(&mut FontsView<'_>, &mut Glyphs)) {
        let ctx = egui::Context::default();
        theme::apply(&ctx, Look::default()).unwrap();
        ctx.run_ui(egui::RawInput::default(), |ui| {
            let scale = ui.pixels_per_point();
            ui.fonts_mut(|fonts| {
                let mut glyphs = Glyphs::default();
                glyphs.begin(fonts, scale);
                check(fonts, &mut glyphs);
            });
        })
        .textures_delta
        .clear();
    }

    #[test]
    fn copied_glyphs_stand_where_shaped_ones_do() {
        with_fonts(|fonts, glyphs| {
            for (text, font) in [
                ("AVATAR To We 0123456789", fonts::body()),
                ("12345678901234567890", fonts::mono()),
                ("Zürich Łódź café", fonts::body()),
            ] {
                let painted = painted(text, font);
                glyphs.mesh = Mesh::default();
                assert!(glyphs.add(fonts, (10.0, 900.0), 100.0, &painted));
                let shaped = body::layout(fonts, painted, 890.0);
                let origin = vec2(10.0, (100.0 - shaped.size().y / 2.0).round());
                let expected = shaped.rows.first().unwrap().visuals.mesh.vertices.iter();
                let same = glyphs.mesh.vertices.iter().zip(expected).filter(|(copy, shaped)| {
                    copy.uv == shaped.uv && (copy.pos - shaped.pos - origin).length() < 0.01
                });
                let (same, all) = (same.count(), glyphs.mesh.vertices.len());
                // A quarter of a pixel may round the other way.
                assert!(same * 10 >= all * 9, "{text}: {same} of {all}");
            }
        });
    }

    #[test]
    fn what_does_not_fit_ends_with_the_sign_inside_the_cell() {
        with_fonts(|fonts, glyphs| {
            for side in [Side::Left, Side::Right] {
                let painted = Painted { side, ..painted(&"9".repeat(200), fonts::mono()) };
                glyphs.mesh = Mesh::default();
                assert!(glyphs.add(fonts, (10.0, 110.0), 50.0, &painted));
                assert_eq!(glyphs.pens.last().map(|pen| pen.0), Some(ELLIPSIS));
                let bounds = glyphs.mesh.calc_bounds();
                assert!(bounds.left() >= 9.0 && bounds.right() <= 111.0, "{bounds:?}");
            }
        });
    }

    #[test]
    fn text_that_needs_shaping_is_left_to_egui() {
        with_fonts(|fonts, glyphs| {
            for text in ["e\u{301}", "日本", "مرحبا", "😀"] {
                assert!(!glyphs.add(fonts, (0.0, 100.0), 10.0, &painted(text, fonts::body())), "{text}");
            }
            let null = Painted { slant: Slant::Italic, ..painted("null", fonts::mono()) };
            assert!(!glyphs.add(fonts, (0.0, 100.0), 10.0, &null));
        });
    }

    #[test]
    fn slots_and_characters_belong_together() {
        for c in (' '..='\u{17f}').chain(['…', '‹', '›']) {
            assert!(slot(c).is_none_or(|slot| slot < SLOTS && char_of(slot) == c), "{c:?}");
        }
    }
}
