//! The palette: one field that finds commands (`>`), objects (`@`) and rows (`:`).
//!
//! Invariants: matching runs only when the query or the objects change; at most [`MOST_SHOWN`] lines are drawn;
//! the keyboard stays in the field, arrows move the choice.

use egui::accesskit::Role;
use egui::text::LayoutJob;
use egui::{
    Align2, Context, Id, Key, Modal, Modifiers, Response, ScrollArea, Sense, TextEdit, TextFormat, Ui,
    WidgetInfo, pos2, vec2,
};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::command::{TABLE, UiCommand};
use super::grid::text::one_line;
use super::theme::{self, Tokens, fonts};

/// Most lines drawn.
pub const MOST_SHOWN: usize = 50;

/// Something in the catalogue that can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteObject {
    /// Its name or path.
    pub name: String,
    /// Kind and connection.
    pub detail: String,
}

/// What the user chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaletteAction {
    /// Run a command.
    Run(UiCommand),
    /// Open an object, by index.
    Open(usize),
    /// Go to a row, from 0.
    GoToRow(u64),
    /// Nothing; take the palette away.
    Close,
}

/// One found line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    action: PaletteAction,
    title: String,
    /// Characters of the title that matched.
    hits: Vec<u32>,
    detail: String,
}

/// State of the open palette; make a new one each time it opens.
pub struct PaletteState {
    query: String,
    chosen: usize,
    lines: Option<Vec<Line>>,
    matched: (String, usize),
    matcher: Matcher,
    opened: Opened,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    JustNow,
    Before,
}

impl Default for PaletteState {
    fn default() -> Self {
        Self::with_query("")
    }
}

impl PaletteState {
    /// A palette with something typed already: ":" for "go to row".
    pub fn with_query(query: &str) -> Self {
        Self {
            query: query.to_owned(),
            chosen: 0,
            lines: None,
            matched: (String::new(), 0),
            matcher: Matcher::new(Config::DEFAULT),
            opened: Opened::JustNow,
        }
    }

    fn find(&mut self, ctx: &Context, objects: &[PaletteObject]) {
        let now = (self.query.clone(), objects.len());
        if self.lines.is_some() && self.matched == now {
            return;
        }
        self.matched = now;
        self.chosen = 0;
        // The palette may open with a sign already typed: a second one replaces it.
        if let Some(rest) = self.query.strip_prefix(['>', '@', ':'])
            && rest.starts_with(['>', '@', ':'])
        {
            self.query = rest.to_owned();
        }
        let lines = match self.query.chars().next() {
            Some(':') => row_line(self.query.get(1..).unwrap_or_default()).into_iter().collect(),
            Some('>') => self.ranked(ctx, 1, objects, Kinds::Commands),
            Some('@') => self.ranked(ctx, 1, objects, Kinds::Objects),
            _ => self.ranked(ctx, 0, objects, Kinds::Both),
        };
        self.lines = Some(lines);
    }

    fn ranked(&mut self, ctx: &Context, skip: usize, objects: &[PaletteObject], kinds: Kinds) -> Vec<Line> {
        let text = self.query.get(skip..).unwrap_or_default().trim();
        let pattern = Pattern::parse(text, CaseMatching::Smart, Normalization::Smart);
        let mut found: Vec<(u32, Line)> = Vec::new();
        if kinds != Kinds::Objects {
            for info in TABLE.iter().filter(|info| info.command != UiCommand::Palette) {
                let action = PaletteAction::Run(info.command);
                let detail = info.command.shortcut_text(ctx);
                found.extend(self.score(&pattern, action, info.name, detail));
            }
        }
        if kinds != Kinds::Commands {
            for (at, object) in objects.iter().enumerate() {
                let action = PaletteAction::Open(at);
                found.extend(self.score(&pattern, action, &object.name, object.detail.clone()));
            }
        }
        // Stable: equal scores keep the table's order.
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.truncate(MOST_SHOWN);
        found.into_iter().map(|(_, line)| line).collect()
    }

    fn score(
        &mut self,
        pattern: &Pattern,
        action: PaletteAction,
        title: &str,
        detail: String,
    ) -> Option<(u32, Line)> {
        let title = one_line(title);
        let (mut buffer, mut hits) = (Vec::new(), Vec::new());
        let score = pattern.indices(Utf32Str::new(&title, &mut buffer), &mut self.matcher, &mut hits)?;
        hits.sort_unstable();
        hits.dedup();
        Some((score, Line { action, title, hits, detail }))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Commands,
    Objects,
    Both,
}

fn row_line(digits: &str) -> Option<Line> {
    let plain: String = digits.chars().filter(|c| !matches!(c, ' ' | '_' | ',' | '\u{a0}')).collect();
    let row = plain.parse::<u64>().ok()?.checked_sub(1)?;
    let title = format!("Go to row {plain}");
    Some(Line { action: PaletteAction::GoToRow(row), title, hits: Vec::new(), detail: String::new() })
}

/// Draw the palette over the window.
pub fn palette_ui(
    ctx: &Context,
    objects: &[PaletteObject],
    state: &mut PaletteState,
) -> Option<PaletteAction> {
    let area = Modal::default_area(Id::unique("palette"))
        .anchor(Align2::CENTER_TOP, vec2(0.0, 64.0))
        .accessible_name("Command palette");
    let shown = Modal::new(Id::unique("palette")).area(area).show(ctx, |ui| contents(ui, objects, state));
    if shown.should_close() { Some(PaletteAction::Close) } else { shown.inner }
}

fn contents(ui: &mut Ui, objects: &[PaletteObject], state: &mut PaletteState) -> Option<PaletteAction> {
    ui.set_width((ui.ctx().content_rect().width() - 48.0).clamp(240.0, 620.0));
    let (steps, enter) = ui.input_mut(|input| {
        let down = input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown);
        let up = input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp);
        (down as isize - up as isize, input.consume_key(Modifiers::NONE, Key::Enter))
    });
    let field = TextEdit::singleline(&mut state.query)
        .hint_text("Find a command, @object or :row")
        .desired_width(f32::INFINITY);
    let field = ui.add(field).accessible_name("Find a command, object or row");
    if state.opened == Opened::JustNow {
        state.opened = Opened::Before;
        field.request_focus();
    }
    state.find(ui.ctx(), objects);
    let lines = state.lines.as_deref().unwrap_or_default();
    let last = lines.len().saturating_sub(1);
    state.chosen = state.chosen.saturating_add_signed(steps).min(last);
    let mut action = enter.then(|| lines.get(state.chosen).map(|line| line.action)).flatten();
    let height = ui.ctx().content_rect().height() * 0.6;
    ScrollArea::vertical().id_salt("found").max_height(height).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        if lines.is_empty() {
            ui.label("Nothing found. > lists commands, @ objects, : goes to a row.");
        }
        for (at, line) in lines.iter().enumerate() {
            let mark = if at == state.chosen { Mark::Chosen } else { Mark::Plain };
            let response = line_ui(ui, at, line, mark);
            if mark == Mark::Chosen && steps != 0 {
                response.scroll_to_me(None);
            }
            if response.clicked() {
                action = Some(line.action);
            }
        }
    });
    action
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Plain,
    Chosen,
}

fn line_ui(ui: &mut Ui, at: usize, line: &Line, mark: Mark) -> Response {
    const HEIGHT: f32 = 30.0;
    let tokens = theme::of(ui.ctx()).tokens;
    let id = ui.scope_id().with(("found", at));
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), HEIGHT));
    let response = ui.interact(rect, id, Sense::CLICK);
    if ui.is_rect_visible(rect) {
        let fill = match mark {
            Mark::Chosen => tokens.selection.fill,
            Mark::Plain if response.hovered() => tokens.bg3,
            Mark::Plain => tokens.bg1,
        };
        ui.painter().rect_filled(rect, theme::RADIUS, fill);
        let title = ui.painter().layout_job(title(line, mark, tokens));
        let middle = rect.center().y;
        ui.painter().galley(pos2(rect.left() + 8.0, middle - title.size().y / 2.0), title, tokens.text);
        let color = if mark == Mark::Chosen { tokens.selection.text } else { tokens.text_dim };
        let right = pos2(rect.right() - 8.0, middle);
        ui.painter().text(right, Align2::RIGHT_CENTER, one_line(&line.detail), fonts::caption(), color);
    }
    response
        .widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, mark == Mark::Chosen, &line.title));
    response
}

/// The title with its matched characters underlined.
fn title(line: &Line, mark: Mark, tokens: &Tokens) -> LayoutJob {
    let (plain, hit) = match mark {
        Mark::Chosen => (tokens.selection.text, tokens.selection.text),
        Mark::Plain => (tokens.text, tokens.accent),
    };
    let mut job = LayoutJob::default();
    let mut next = line.hits.iter().copied().peekable();
    for (at, c) in (0_u32..).zip(line.title.chars()) {
        let matched = next.next_if_eq(&at).is_some();
        let color = if matched { hit } else { plain };
        let mut format = TextFormat::simple(fonts::body(), color);
        if matched {
            format.underline = egui::Stroke::new(1.0, color);
        }
        job.append(c.encode_utf8(&mut [0; 4]), 0.0, format);
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects() -> Vec<PaletteObject> {
        ["public/orders", "public/customers", "audit/orders_old"]
            .map(|name| PaletteObject { name: name.into(), detail: "table".into() })
            .into()
    }

    fn found(query: &str) -> Vec<PaletteAction> {
        let mut state = PaletteState::with_query(query);
        state.find(&Context::default(), &objects());
        state.lines.unwrap().into_iter().map(|line| line.action).collect()
    }

    #[test]
    fn a_prefix_narrows_what_is_searched() {
        assert!(found(">").iter().all(|action| matches!(action, PaletteAction::Run(_))));
        assert_eq!(found("@").len(), 3);
        assert_eq!(found("@custom"), [PaletteAction::Open(1)]);
        assert_eq!(found(">ledger"), [PaletteAction::Run(UiCommand::ShowLedger)]);
    }

    #[test]
    fn a_row_number_is_counted_from_one_and_may_be_grouped() {
        assert_eq!(found(":1"), [PaletteAction::GoToRow(0)]);
        assert_eq!(found(":1 204 331"), [PaletteAction::GoToRow(1_204_330)]);
        for nothing in [":", ":0", ":x", ":-1"] {
            assert!(found(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn the_better_match_comes_first() {
        assert_eq!(found("orders").first(), Some(&PaletteAction::Open(0)));
        assert!(found("").len() > 20);
    }
}
