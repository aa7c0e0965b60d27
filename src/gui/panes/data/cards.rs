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
    let what = capital(&block(&format!("{}: {}", error.kind.word(), error.attempted)));
    let hint = error.hint.as_ref().map(|hint| format!(" {}", sentence(&block(hint)))).unwrap_or_default();
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

/// A hint as a sentence: a capital at its start and a stop at its end. A name or an option stays as it is written.
fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{stop}", capital(text))
}

fn capital(text: &str) -> String {
    let word = text.split(|letter: char| letter.is_whitespace() || letter == ':').next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if word.chars().all(char::is_lowercase) => first.to_uppercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_sentences_and_names_stay_as_they_are_written() {
        for (hint, expected) in [
            ("its columns: origin, temp", "Its columns: origin, temp."),
            ("try again; nothing was kept", "Try again; nothing was kept."),
            ("Already one.", "Already one."),
            ("`headwater ls` lists them", "`headwater ls` lists them."),
            ("list what is there with `headwater ls`", "List what is there with `headwater ls`."),
            ("dep_delay is no column", "dep_delay is no column."),
        ] {
            assert_eq!(sentence(hint), expected);
        }
    }
}
