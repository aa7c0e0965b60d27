//! Finding text in the fetched rows, as they are shown: nothing is asked of the source. Small results are searched
//! at once, large ones in the background while the old hits stay.

use egui::{Key, Modifiers, TextEdit, Ui};

use super::local::LocalView;
use super::rows::place;
use crate::gui::theme;
use crate::gui::view_ctx::ViewCtx;
use crate::gui::widgets::{Explained as _, Icon, icon_button};
use crate::job::Remote;
use crate::job::buffer::{Held, Snapshot};
use crate::job::remote::Change;
use crate::model::cell::Cell;
use crate::model::schema::LogicalType;
use crate::model::units::count_text;
use crate::model::{Error, Result};

/// Above this many cells the search runs in the background.
const AT_ONCE_CELLS: u64 = 50_000;
/// Hits beyond these are not kept.
const MOST_HITS: usize = 100_000;

/// A cell that holds what is looked for: shown row and column, both from 0.
pub type Hit = (u64, usize);

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// In the order of the shown rows.
    hits: Vec<Hit>,
    /// Rows that were pushed out of memory and could not be looked at.
    unseen: u64,
}

impl Found {
    /// Whether a cell is a hit.
    pub fn holds(&self, row: u64, column: usize) -> bool {
        self.hits.binary_search(&(row, column)).is_ok()
    }
}

/// What a search was made of: text, state of the local view, rows.
type Searched = (String, u64, u64);

/// Which hit is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The one after, around the end.
    Next,
    /// The one before, around the start.
    Previous,
}

/// What the bar asks of the tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindWish {
    /// Another hit.
    Go(Step),
    /// No more finding.
    Close,
}

/// Whether the bar is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Bar {
    #[default]
    Closed,
    /// It takes the keyboard when it is drawn next.
    Opening,
    Open,
}

/// State of finding in one tab.
#[derive(Default)]
pub struct FindState {
    bar: Bar,
    text: String,
    found: Found,
    searched: Option<Searched>,
    searching: Remote<Found>,
    /// The hit in front.
    at: Option<usize>,
    /// The text the hit in front belongs to.
    at_of: String,
}

impl FindState {
    /// Opens the bar and gives it the keyboard.
    pub fn open(&mut self) {
        self.bar = Bar::Opening;
    }

    /// Takes the bar and the marks away; the text stays for the next time.
    pub fn close(&mut self) {
        *self = Self { text: std::mem::take(&mut self.text), ..Self::default() };
    }

    /// Whether the bar is there.
    pub fn is_open(&self) -> bool {
        self.bar != Bar::Closed
    }

    /// The hits, while the bar is there.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Brings the hits up to date. A new text leads to its first hit from `cursor` on.
    pub fn logic(
        &mut self,
        ctx: &ViewCtx<'_>,
        snapshot: &Snapshot,
        local: &LocalView,
        cursor: Hit,
    ) -> Option<Hit> {
        if !self.is_open() {
            return None;
        }
        if self.searching.poll() == Change::News
            && let Some(found) = std::mem::take(&mut self.searching).into_value()
        {
            self.found = found;
        }
        let wanted = (self.text.clone(), local.stamp(), snapshot.rows);
        if self.searched.as_ref() != Some(&wanted) && self.searching.job().is_none() {
            self.search(ctx, snapshot, local);
            self.searched = Some(wanted);
        }
        let is_fresh = self.searching.job().is_none() && self.at_of != self.text;
        if !is_fresh {
            return None;
        }
        self.at_of.clone_from(&self.text);
        let first = self.found.hits.partition_point(|hit| *hit < cursor);
        let count = self.found.hits.len();
        self.at = (count > 0).then_some(if first < count { first } else { 0 });
        self.front()
    }

    fn search(&mut self, ctx: &ViewCtx<'_>, snapshot: &Snapshot, local: &LocalView) {
        let columns = snapshot.schema.as_ref().map_or(0, |schema| schema.fields.len());
        if self.text.is_empty() {
            self.found = Found::default();
        } else if snapshot.rows.saturating_mul(columns as u64) <= AT_ONCE_CELLS {
            self.found = search(snapshot, local.index(), &self.text);
        } else {
            let (snapshot, text) = (snapshot.clone(), self.text.clone());
            let index = local.index().map(<[u64]>::to_vec);
            self.searching.ask(ctx.jobs.spawn_quietly(move |_| async move {
                tokio::task::spawn_blocking(move || search(&snapshot, index.as_deref(), &text))
                    .await
                    .map_err(|error| Error::unexpected("find", error)) as Result<Found>
            }));
        }
    }

    /// Goes to another hit.
    pub fn step(&mut self, step: Step) -> Option<Hit> {
        let count = self.found.hits.len();
        if count == 0 {
            return None;
        }
        let at = self.at.map_or(0, |at| match step {
            Step::Next => (at + 1) % count,
            Step::Previous => (at.min(count) + count - 1) % count,
        });
        self.at = Some(at);
        self.front()
    }

    /// The hit in front, while the bar is there.
    pub fn front(&self) -> Option<Hit> {
        self.found.hits.get(self.at?).copied()
    }

    /// "2 of 14 hits in the fetched rows".
    fn said(&self) -> String {
        let count = self.found.hits.len();
        if self.text.is_empty() {
            return "looks in the fetched rows only".to_owned();
        }
        if self.searching.job().is_some() {
            return "looking in the fetched rows…".to_owned();
        }
        let most = if count >= MOST_HITS { "at least " } else { "" };
        let noun = if count == 1 { "hit" } else { "hits" };
        let number = count_text(count as u64);
        let hits = match self.at.filter(|at| *at < count) {
            _ if count == 0 => "no hit in the fetched rows".to_owned(),
            Some(at) => format!("{} of {most}{number} {noun} in the fetched rows", count_text(at as u64 + 1)),
            None => format!("{most}{number} {noun} in the fetched rows"),
        };
        match self.found.unseen {
            0 => hits,
            unseen => format!("{hits}; {} rows that left memory were not looked at", count_text(unseen)),
        }
    }
}

/// Draws the bar, if it is open.
pub fn find_ui(ui: &mut Ui, state: &mut FindState) -> Option<FindWish> {
    if !state.is_open() {
        return None;
    }
    let mut wish = None;
    let id = ui.scope_id().with("find");
    if ui.memory(|memory| memory.has_focus(id)) {
        // Shift first: without it the other pattern would match too.
        let (back, on) = ui.input_mut(|input| {
            (input.consume_key(Modifiers::SHIFT, Key::Enter), input.consume_key(Modifiers::NONE, Key::Enter))
        });
        if back || on {
            wish = Some(FindWish::Go(if back { Step::Previous } else { Step::Next }));
        }
    }
    ui.horizontal_wrapped(|ui| {
        let field = TextEdit::singleline(&mut state.text).id(id).hint_text("find").desired_width(220.0);
        let response = ui.add(field).called("Find in fetched rows");
        if state.bar == Bar::Opening {
            state.bar = Bar::Open;
            response.request_focus();
        }
        if response.changed() {
            // The hits are looked for before the next frame.
            ui.ctx().request_repaint();
        }
        if ui.button("Previous").called("Previous hit").clicked() {
            wish = Some(FindWish::Go(Step::Previous));
        }
        if ui.button("Next").called("Next hit").clicked() {
            wish = Some(FindWish::Go(Step::Next));
        }
        let tokens = theme::of(ui.ctx()).tokens;
        ui.colored_label(tokens.text_dim, state.said());
        if icon_button(ui, Icon::Close, "Close find").clicked() {
            wish = Some(FindWish::Close);
        }
    });
    wish
}

/// The cells whose text holds `text`, whatever the case, in the order of the shown rows.
fn search(snapshot: &Snapshot, index: Option<&[u64]>, text: &str) -> Found {
    let wanted = text.to_lowercase();
    let mut found = Found::default();
    let Some(schema) = &snapshot.schema else { return found };
    let rows = index.map_or(snapshot.rows, |index| index.len() as u64);
    for row in 0..rows {
        let Some(place) = place(index, row) else { continue };
        for (column, field) in schema.fields.iter().enumerate() {
            let Held::Here(cell) = snapshot.cell(place, column) else {
                found.unseen += 1;
                break;
            };
            if holds(&cell, &field.logical, &wanted) {
                found.hits.push((row, column));
            }
        }
        if found.hits.len() >= MOST_HITS {
            break;
        }
    }
    found
}

fn holds(cell: &Cell, logical: &LogicalType, wanted: &str) -> bool {
    match cell {
        Cell::Null | Cell::Missing => false,
        Cell::Text(text) => text.to_lowercase().contains(wanted),
        other => other.text(logical).to_lowercase().contains(wanted),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::job::{BatchSink as _, ResultBuffer};
    use crate::model::batch::{BatchBuilder, Origin};
    use crate::model::schema::{Field, Schema};

    #[tokio::test]
    async fn text_is_found_in_the_order_shown_whatever_its_case_and_nulls_are_no_text() {
        let fields = vec![Field::new("city", LogicalType::Text), Field::new("people", LogicalType::INT64)];
        let mut builder = BatchBuilder::new(Arc::new(Schema::new(fields)));
        for (city, people) in [("Oslo", 709_037), ("Bergen", 291_940), ("OS", 21_070)] {
            builder.push_row([Cell::Text(city.to_owned()), Cell::Int(people)]);
        }
        builder.push_row([Cell::Null, Cell::Int(1)]);
        let mut buffer = ResultBuffer::new(1 << 20, std::task::Waker::noop().clone());
        buffer.begin_page(None);
        buffer.batch(builder.take(Origin::default()).unwrap()).await.unwrap();
        let snapshot = buffer.snapshot();
        for (index, text, expected) in [
            (None, "os", vec![(0, 0), (2, 0)]),
            (None, "70", vec![(0, 1), (2, 1)]),
            (None, "null", vec![]),
            (Some([2, 1, 0].as_slice()), "os", vec![(0, 0), (2, 0)]),
            (Some([1].as_slice()), "os", vec![]),
        ] {
            let found = search(&snapshot, index, text);
            assert_eq!(found.hits, expected, "{text}");
            assert!(expected.iter().all(|(row, column)| found.holds(*row, *column)));
        }
    }

    #[test]
    fn hits_are_gone_through_around_the_ends() {
        let found = Found { hits: vec![(0, 0), (3, 1), (9, 0)], unseen: 0 };
        let mut state = FindState { found, at: Some(0), ..FindState::default() };
        let steps = [Step::Next, Step::Next, Step::Next, Step::Previous];
        assert_eq!(steps.map(|step| state.step(step).unwrap().0), [3, 9, 0, 9]);
        state.found.hits.clear();
        assert_eq!(state.step(Step::Next), None);
    }
}
