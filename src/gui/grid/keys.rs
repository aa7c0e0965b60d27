//! What each key does in the grid: a pure table, so that it can be tested and printed.

use egui::{Event, EventFilter, Key, KeyboardShortcut, Modifiers, Ui};

use super::selection::{Motion, Reach};
use crate::model::read::Direction;

/// What a key asks of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridKey {
    /// Move or stretch.
    Step(Motion, Reach),
    /// Select the cursor's rows.
    SelectRow,
    /// Select the cursor's columns.
    SelectColumn,
    /// Select everything.
    SelectAll,
    /// Open the cell inspector.
    OpenCell,
    /// Show the row as a record.
    OpenRecord,
    /// Sort the fetched rows.
    Sort(Direction),
    /// Move the cursor's column one to the left.
    ColumnLeft,
    /// Move the cursor's column one to the right.
    ColumnRight,
    /// Filter by the cursor's column.
    Filter,
    /// Open the context menu.
    Menu,
    /// Copy as tab-separated text.
    Copy,
    /// Open the menu of copy formats.
    CopyAs,
}

/// Keys the focused grid keeps for itself: arrows would otherwise move the focus.
pub const FILTER: EventFilter =
    EventFilter { tab: false, horizontal_arrows: true, vertical_arrows: true, escape: true };

/// The meaning of a key, if the grid has one for it.
pub fn meaning(key: Key, modifiers: Modifiers) -> Option<GridKey> {
    let Modifiers { alt, shift, command, .. } = modifiers;
    let reach = if shift { Reach::Extend } else { Reach::Move };
    let step = |motion| Some(GridKey::Step(motion, reach));
    match (key, command, alt, shift) {
        (Key::ArrowUp, false, true, false) => Some(GridKey::Sort(Direction::Ascending)),
        (Key::ArrowDown, false, true, false) => Some(GridKey::Sort(Direction::Descending)),
        (Key::ArrowLeft, false, true, false) => Some(GridKey::ColumnLeft),
        (Key::ArrowRight, false, true, false) => Some(GridKey::ColumnRight),
        (Key::ArrowUp, false, false, _) => step(Motion::Up),
        (Key::ArrowDown, false, false, _) => step(Motion::Down),
        (Key::ArrowLeft, false, false, _) => step(Motion::Left),
        (Key::ArrowRight, false, false, _) => step(Motion::Right),
        (Key::ArrowUp, true, false, _) => step(Motion::FirstRow),
        (Key::ArrowDown, true, false, _) => step(Motion::LastRow),
        (Key::ArrowLeft, true, false, _) | (Key::Home, false, false, _) => step(Motion::RowStart),
        (Key::ArrowRight, true, false, _) | (Key::End, false, false, _) => step(Motion::RowEnd),
        (Key::Home, true, false, _) => step(Motion::FirstCell),
        (Key::End, true, false, _) => step(Motion::LastCell),
        (Key::PageUp, false, false, _) => step(Motion::PageUp),
        (Key::PageDown, false, false, _) => step(Motion::PageDown),
        (Key::Space, true, false, false) => Some(GridKey::SelectColumn),
        (Key::Space, false, false, true) => Some(GridKey::SelectRow),
        (Key::Space, false, false, false) => Some(GridKey::OpenRecord),
        (Key::A, true, false, false) => Some(GridKey::SelectAll),
        (Key::Enter, false, false, false) => Some(GridKey::OpenCell),
        (Key::L, true, false, true) => Some(GridKey::Filter),
        (Key::C, true, false, true) => Some(GridKey::CopyAs),
        (Key::F10, false, false, true) => Some(GridKey::Menu),
        _ => None,
    }
}

/// Every key the grid hears with what it does, keys that do the same together; read off [`meaning`].
pub fn listed() -> Vec<(Vec<KeyboardShortcut>, &'static str)> {
    let mut lines: Vec<(GridKey, Vec<KeyboardShortcut>)> = Vec::new();
    for modifiers in [
        Modifiers::NONE,
        Modifiers::SHIFT,
        Modifiers::ALT,
        Modifiers::COMMAND,
        Modifiers::COMMAND | Modifiers::SHIFT,
    ] {
        for key in Key::ALL {
            // Stretching is one line for all motions.
            let Some(meaning) = meaning(*key, modifiers) else { continue };
            if matches!(meaning, GridKey::Step(_, Reach::Extend)) {
                continue;
            }
            let shortcut = KeyboardShortcut::new(modifiers, *key);
            match lines.iter_mut().find(|(known, _)| *known == meaning) {
                Some((_, shortcuts)) => shortcuts.push(shortcut),
                None => lines.push((meaning, vec![shortcut])),
            }
        }
    }
    lines.into_iter().map(|(meaning, shortcuts)| (shortcuts, meaning.does())).collect()
}

impl GridKey {
    /// What it does, for people.
    fn does(self) -> &'static str {
        match self {
            Self::Step(motion, _) => match motion {
                Motion::Left => "one cell left; Shift stretches the selection, as with every motion",
                Motion::Right => "one cell right",
                Motion::Up => "one row up",
                Motion::Down => "one row down",
                Motion::RowStart => "first cell of the row",
                Motion::RowEnd => "last cell of the row",
                Motion::FirstRow => "first row",
                Motion::LastRow => "last row",
                Motion::FirstCell => "first cell of all",
                Motion::LastCell => "last cell of all",
                Motion::PageUp => "a page up",
                Motion::PageDown => "a page down",
            },
            Self::SelectRow => "select the row",
            Self::SelectColumn => "select the column",
            Self::SelectAll => "select everything",
            Self::OpenCell => "show the cell whole",
            Self::OpenRecord => "show the row as a record",
            Self::Sort(Direction::Ascending) => "sort the fetched rows, smallest first",
            Self::Sort(Direction::Descending) => "sort the fetched rows, largest first",
            Self::ColumnLeft => "move the column to the left",
            Self::ColumnRight => "move the column to the right",
            Self::Filter => "filter by the column",
            Self::Menu => "menu of the cell",
            Self::Copy => "copy as tab-separated text",
            Self::CopyAs => "copy as another format",
        }
    }
}

/// Take this frame's grid keys out of the input, in order.
pub fn take(ui: &Ui) -> Vec<GridKey> {
    let mut keys = Vec::new();
    ui.input_mut(|input| {
        input.events.retain(|event| {
            let key = match event {
                Event::Copy => Some(GridKey::Copy),
                Event::Key { key, pressed: true, modifiers, .. } => meaning(*key, *modifiers),
                _ => None,
            };
            keys.extend(key);
            key.is_none()
        });
    });
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_shortcut_table_says() {
        let (none, shift, ctrl, alt) =
            (Modifiers::NONE, Modifiers::SHIFT, Modifiers::COMMAND | Modifiers::CTRL, Modifiers::ALT);
        for (key, modifiers, expected) in [
            (Key::ArrowDown, none, Some(GridKey::Step(Motion::Down, Reach::Move))),
            (Key::ArrowDown, shift, Some(GridKey::Step(Motion::Down, Reach::Extend))),
            (Key::ArrowDown, ctrl, Some(GridKey::Step(Motion::LastRow, Reach::Move))),
            (Key::ArrowDown, alt, Some(GridKey::Sort(Direction::Descending))),
            (Key::ArrowLeft, alt, Some(GridKey::ColumnLeft)),
            (Key::Home, ctrl | shift, Some(GridKey::Step(Motion::FirstCell, Reach::Extend))),
            (Key::Space, none, Some(GridKey::OpenRecord)),
            (Key::Space, shift, Some(GridKey::SelectRow)),
            (Key::Space, ctrl, Some(GridKey::SelectColumn)),
            (Key::C, ctrl | shift, Some(GridKey::CopyAs)),
            (Key::F10, shift, Some(GridKey::Menu)),
            (Key::Tab, none, None),
            (Key::Escape, none, None),
            (Key::K, ctrl, None),
        ] {
            assert_eq!(meaning(key, modifiers), expected, "{key:?} {modifiers:?}");
        }
    }
}
