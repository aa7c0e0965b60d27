//! The cell inspector: one value whole, as text, as a JSON tree or as hex.
//!
//! Why paged: a text layout of a megabyte takes a third of a second, so only the lines in view are laid out and at
//! most one page of 64 KiB is split into lines. Nothing is ever put into an editable text field.
//! Invariant: every byte of the value can be reached in the hex view.

pub mod hex;
pub mod json;
pub mod lines;

use std::ops::Range;

use egui::{Label, RichText, ScrollArea, TextStyle, Ui};

use self::json::{JsonTree, TreeState};
use super::grid::copy::MOST_BYTES;
use super::theme::{self, fonts, space};
use super::widgets::{Empty, Icon, empty_state_ui, icon_button};

/// Bytes on one page of the text and hex views.
pub const PAGE: usize = 64 * 1024;

/// The value to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellValue<'a> {
    /// The source says null.
    Null,
    /// There is no such member.
    Missing,
    /// Text, or any value in its exact text form.
    Text(&'a str),
    /// Binary or invalid text.
    Bytes(&'a [u8]),
}

/// How the value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Lines.
    Text,
    /// A tree.
    Json,
    /// Bytes.
    Hex,
}

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectorAction {
    /// The value is on the clipboard.
    Copied,
    /// Too large for the clipboard; offer a file.
    CopyTooLarge,
}

/// State of one inspector.
#[derive(Debug, Default)]
pub struct InspectorState {
    key: Option<u64>,
    mode: Option<Mode>,
    page: usize,
    lines: Vec<Range<usize>>,
    tree: Option<Result<JsonTree, json::NotJson>>,
    folds: TreeState,
}

impl InspectorState {
    fn meet(&mut self, key: u64, value: CellValue<'_>) {
        if self.key == Some(key) {
            return;
        }
        let wanted = self.mode;
        *self = Self { key: Some(key), ..Self::default() };
        let fits = |mode| match (mode, value) {
            (Mode::Text | Mode::Json, CellValue::Text(_)) | (Mode::Hex, _) => true,
            (Mode::Text | Mode::Json, _) => false,
        };
        self.mode = wanted.filter(|&mode| fits(mode));
        self.split(value);
    }

    fn split(&mut self, value: CellValue<'_>) {
        self.lines = match value {
            CellValue::Text(text) => lines::split(text, page_of(text, self.page)),
            CellValue::Null | CellValue::Missing | CellValue::Bytes(_) => Vec::new(),
        };
    }

    fn tree(&mut self, text: &str) -> &Result<JsonTree, json::NotJson> {
        self.tree.get_or_insert_with(|| JsonTree::parse(text))
    }
}

/// Draw the inspector. `key` names the value: when it changes, page and folds start anew.
pub fn inspector_ui(
    ui: &mut Ui,
    title: &str,
    value: CellValue<'_>,
    key: u64,
    state: &mut InspectorState,
) -> Option<InspectorAction> {
    state.meet(key, value);
    ui.label(RichText::new(title).text_style(fonts::section_style()));
    let (text, bytes) = match value {
        CellValue::Null => {
            empty_state_ui(ui, Empty { title: "null", why: "The source holds no value here.", action: None });
            return None;
        }
        CellValue::Missing => {
            let why = "This row has no such member; that is not the same as null.";
            empty_state_ui(ui, Empty { title: "missing", why, action: None });
            return None;
        }
        CellValue::Text(text) => (Some(text), text.as_bytes()),
        CellValue::Bytes(bytes) => (None, bytes),
    };
    let mode = choose_mode(ui, text, state);
    let action = head(ui, text, bytes, mode);
    match (mode, text) {
        (Mode::Text, Some(text)) => text_ui(ui, text, state),
        (Mode::Json, Some(text)) => json_ui(ui, text, state),
        (Mode::Hex, _) | (_, None) => {
            pager_ui(ui, bytes.len(), &mut state.page);
            hex_ui(ui, bytes, state.page);
        }
    }
    action
}

fn choose_mode(ui: &mut Ui, text: Option<&str>, state: &mut InspectorState) -> Mode {
    let fallback = match text {
        Some(text) if json::looks_like(text) && state.tree(text).is_ok() => Mode::Json,
        Some(_) => Mode::Text,
        None => Mode::Hex,
    };
    let mut mode = state.mode.unwrap_or(fallback);
    ui.horizontal(|ui| {
        for (name, choice) in [("Text", Mode::Text), ("JSON", Mode::Json), ("Hex", Mode::Hex)] {
            let possible = choice == Mode::Hex || text.is_some();
            let tab = egui::Button::selectable(mode == choice, name);
            if ui.add_enabled(possible, tab).clicked() {
                mode = choice;
                state.mode = Some(choice);
                state.page = 0;
                if let Some(text) = text {
                    state.split(CellValue::Text(text));
                }
            }
        }
    });
    mode
}

fn head(ui: &mut Ui, text: Option<&str>, bytes: &[u8], mode: Mode) -> Option<InspectorAction> {
    let tokens = theme::of(ui.ctx()).tokens;
    let mut action = None;
    ui.horizontal(|ui| {
        let size = match text {
            // Counting the characters of a huge value every frame would stall it.
            Some(text) if text.len() <= PAGE => {
                format!("{} characters, {} bytes", text.chars().count(), bytes.len())
            }
            Some(_) | None => format!("{} bytes", bytes.len()),
        };
        ui.label(RichText::new(size).color(tokens.text_dim));
        if icon_button(ui, Icon::Copy, "Copy value").clicked() {
            action = Some(copy(ui, text, bytes, mode));
        }
    });
    action
}

fn copy(ui: &Ui, text: Option<&str>, bytes: &[u8], mode: Mode) -> InspectorAction {
    match text {
        Some(text) if mode != Mode::Hex && text.len() <= MOST_BYTES => ui.ctx().copy_text(text.to_owned()),
        Some(_) | None if bytes.len() <= MOST_BYTES / 4 => ui.ctx().copy_text(hex::dump(bytes)),
        Some(_) | None => return InspectorAction::CopyTooLarge,
    }
    InspectorAction::Copied
}

fn text_ui(ui: &mut Ui, text: &str, state: &mut InspectorState) {
    let before = state.page;
    pager_ui(ui, text.len(), &mut state.page);
    if state.page != before {
        state.split(CellValue::Text(text));
    }
    virtual_lines(ui, "text lines", state.lines.len(), |i| {
        let range = state.lines.get(i).cloned().unwrap_or_default();
        lines::visible(text.get(range).unwrap_or_default())
    });
}

fn json_ui(ui: &mut Ui, text: &str, state: &mut InspectorState) {
    state.tree(text);
    match &state.tree {
        Some(Ok(tree)) => json::tree_ui(ui, text, tree, &mut state.folds),
        Some(Err(why)) => {
            let why = why.to_string();
            empty_state_ui(ui, Empty { title: "Not shown as JSON", why: &why, action: None });
        }
        None => {}
    }
}

fn hex_ui(ui: &mut Ui, bytes: &[u8], page: usize) {
    let start = page * PAGE;
    let shown = bytes.get(start..bytes.len().min(start + PAGE)).unwrap_or_default();
    virtual_lines(ui, "hex lines", shown.len().div_ceil(hex::PER_LINE), |i| {
        let from = i * hex::PER_LINE;
        let line = shown.get(from..shown.len().min(from + hex::PER_LINE)).unwrap_or_default();
        hex::line(start + from, line)
    });
}

fn pager_ui(ui: &mut Ui, len: usize, page: &mut usize) {
    let pages = len.div_ceil(PAGE).max(1);
    *page = (*page).min(pages - 1);
    if pages == 1 {
        return;
    }
    ui.horizontal(|ui| {
        ui.add_enabled_ui(*page > 0, |ui| {
            if ui.button("Previous page").clicked() {
                *page -= 1;
            }
        });
        ui.label(format!("page {} of {pages}, 64 KiB each", *page + 1));
        ui.add_enabled_ui(*page + 1 < pages, |ui| {
            if ui.button("Next page").clicked() {
                *page += 1;
            }
        });
    });
}

/// Monospaced lines of which only those in view are made and laid out.
fn virtual_lines(ui: &mut Ui, salt: &str, count: usize, line: impl Fn(usize) -> String) {
    ui.add_space(space::XS);
    let height = ui.text_style_height(&TextStyle::Monospace) + 2.0;
    ScrollArea::both().id_salt(salt).auto_shrink(false).show_rows(ui, height, count, |ui, rows| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for i in rows {
            ui.add(Label::new(RichText::new(line(i)).monospace()).extend());
        }
    });
}

/// Byte range of a page of text, cut between characters.
fn page_of(text: &str, page: usize) -> Range<usize> {
    let start = text.floor_char_boundary(page.saturating_mul(PAGE));
    let end = text.floor_char_boundary(page.saturating_add(1).saturating_mul(PAGE));
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_text_cover_everything_and_never_split_a_character() {
        let text = "é€😀x".repeat(40_000);
        let pages = text.len().div_ceil(PAGE);
        let joined: String = (0..pages).map(|page| text.get(page_of(&text, page)).unwrap()).collect();
        assert_eq!(joined, text);
    }

    #[test]
    fn a_new_value_starts_on_its_first_page_and_keeps_a_mode_that_fits() {
        let mut state = InspectorState { mode: Some(Mode::Hex), page: 7, ..InspectorState::default() };
        state.meet(1, CellValue::Text("a\nb"));
        assert_eq!((state.page, state.mode, state.lines.len()), (0, Some(Mode::Hex), 2));
        state.mode = Some(Mode::Json);
        state.meet(2, CellValue::Bytes(&[1]));
        assert_eq!(state.mode, None);
    }
}
