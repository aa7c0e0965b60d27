//! Errors of a tab as cards: redacted, visible, with a way on.

use egui::Ui;

use crate::gui::widgets::{ErrorCard, ErrorCardAction, error_card_ui};
use crate::model::Error;
use crate::safety::display::{Place, visible};
use crate::safety::redact::redact;

/// What the user chose on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardWish {
    /// Try again.
    Retry,
    /// Take it away.
    Dismiss,
}

/// Draws an error; `did` says what holds since: nothing sent, rows kept.
pub fn card_ui(ui: &mut Ui, error: &Error, place: &str, did: &str) -> Option<CardWish> {
    let block = |text: &str| visible(&redact(text), Place::Block, 4_000).text.into_owned();
    let what = block(&format!("{}: {}", error.kind.word(), error.attempted));
    let hint = error.hint.as_ref().map(|hint| format!(" {}", block(hint))).unwrap_or_default();
    let details =
        error.context.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join("\n");
    let card = ErrorCard {
        what: &what,
        place: &block(&format!("{place}, at {}", error.stage)),
        did: &format!("{did}{hint}"),
        next_steps: &["Retry"],
        details: &block(&details),
    };
    match error_card_ui(ui, card)? {
        ErrorCardAction::Step(_) => Some(CardWish::Retry),
        ErrorCardAction::Dismiss => Some(CardWish::Dismiss),
        ErrorCardAction::Copy => {
            ui.ctx().copy_text(card.as_text());
            None
        }
    }
}
