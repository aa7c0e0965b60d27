//! Every command of the window in one table: it feeds the palette, the shortcuts and the menus.
//!
//! Invariants: each command is in the table once; no two commands share a shortcut where both could hear it
//! (tests). What the grid hears itself is listed in [`crate::gui::grid::keys`].

use egui::{Context, Event, Key, KeyboardShortcut, Modifiers};

/// Something the user can ask of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UiCommand {
    /// Open the palette.
    Palette,
    /// Add a connection.
    NewConnection,
    /// Open a file.
    OpenFile,
    /// Open the demo.
    OpenDemo,
    /// Run, through the load sheet.
    Run,
    /// Estimate without reading.
    EstimateOnly,
    /// Cancel the job, close the popup, go back to the grid.
    Cancel,
    /// A new tab.
    NewTab,
    /// Close the tab and cancel its jobs.
    CloseTab,
    /// Bring back the tab closed last.
    ReopenTab,
    /// The tab to the right.
    NextTab,
    /// The tab to the left.
    PreviousTab,
    /// A tab by number, 1 to 9.
    SelectTab(u8),
    /// Split the pane.
    SplitPane,
    /// The next region of the window.
    NextRegion,
    /// The region before.
    PreviousRegion,
    /// Show or hide the rail.
    ToggleRail,
    /// Show or hide the inspector.
    ToggleInspector,
    /// Show or hide the drawer.
    ToggleDrawer,
    /// Show the ledger.
    ShowLedger,
    /// Show the jobs.
    ShowJobs,
    /// Find in the fetched rows.
    Find,
    /// The next hit.
    FindNext,
    /// The hit before.
    FindPrevious,
    /// Jump to a column.
    JumpToColumn,
    /// Go to a row.
    GoToRow,
    /// Profile what the tab shows.
    Profile,
    /// Show schema, keys, indexes and sizes of what the tab shows.
    Describe,
    /// Show what the source tells of itself: server, activity, replicas, sizes.
    DescribeSource,
    /// Export the sample.
    Export,
    /// Ask the source again.
    Recheck,
    /// Open the settings.
    Settings,
    /// Dark, light or as the desktop says.
    SwitchTheme,
    /// Compact, normal or roomy rows.
    SwitchDensity,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// 100 %.
    ZoomReset,
    /// Help for what has the focus.
    Help,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct CommandInfo {
    /// The command.
    pub command: UiCommand,
    /// Its name in palette and menus.
    pub name: &'static str,
    /// What it does, one sentence.
    pub tooltip: &'static str,
    /// Its shortcuts; the first is shown.
    pub shortcuts: &'static [KeyboardShortcut],
}

const NONE: Modifiers = Modifiers::NONE;
const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
/// Switching tabs by number is Alt on Linux, Ctrl elsewhere.
const NUMBER: Modifiers = if cfg!(target_os = "linux") { Modifiers::ALT } else { Modifiers::COMMAND };

const fn key(modifiers: Modifiers, key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(modifiers, key)
}

const fn line(
    command: UiCommand,
    name: &'static str,
    tooltip: &'static str,
    shortcuts: &'static [KeyboardShortcut],
) -> CommandInfo {
    CommandInfo { command, name, tooltip, shortcuts }
}

/// All commands in display order.
#[rustfmt::skip]
pub const TABLE: &[CommandInfo] = &[
    line(UiCommand::Palette, "Command palette", "Find commands, objects and rows.", &[key(CTRL, Key::K), key(CTRL, Key::P)]),
    line(UiCommand::OpenDemo, "Open demo sources", "Browse the sources that come with the program.", &[]),
    line(UiCommand::OpenFile, "Open file", "Choose a file to look into.", &[key(CTRL, Key::O)]),
    line(UiCommand::NewConnection, "Add connection", "Describe a source and save it.", &[key(CTRL, Key::N)]),
    line(UiCommand::Run, "Run", "Read, through the load sheet.", &[key(CTRL, Key::Enter)]),
    line(UiCommand::EstimateOnly, "Estimate only", "Show what a read would cost without reading.", &[key(CTRL_SHIFT, Key::Enter)]),
    line(UiCommand::Cancel, "Cancel", "Cancel the job, close the popup or go back to the grid.", &[key(NONE, Key::Escape)]),
    line(UiCommand::Profile, "Profile", "Profile what the tab shows.", &[]),
    line(UiCommand::Describe, "Describe", "Schema, keys, indexes and sizes of what the tab shows.", &[]),
    line(UiCommand::DescribeSource, "Describe source", "What the source tells of itself: its server, its role, its activity.", &[]),
    line(UiCommand::Export, "Export sample", "Write the rows to a file.", &[key(CTRL, Key::E)]),
    line(UiCommand::Recheck, "Check again", "Ask the source again.", &[key(NONE, Key::F5)]),
    line(UiCommand::Find, "Find in fetched rows", "Search the rows that are already here.", &[key(CTRL, Key::F)]),
    line(UiCommand::FindNext, "Next hit", "Go to the next hit in the fetched rows.", &[key(NONE, Key::F3)]),
    line(UiCommand::FindPrevious, "Previous hit", "Go to the hit before.", &[key(SHIFT, Key::F3)]),
    line(UiCommand::JumpToColumn, "Jump to column", "Find a column by its name.", &[key(CTRL_SHIFT, Key::F)]),
    line(UiCommand::GoToRow, "Go to row", "Show a row by its number.", &[key(CTRL, Key::G)]),
    line(UiCommand::NewTab, "New tab", "Open the welcome in a new tab.", &[key(CTRL, Key::T)]),
    line(UiCommand::CloseTab, "Close tab", "Close the tab and cancel its jobs.", &[key(CTRL, Key::W)]),
    line(UiCommand::ReopenTab, "Reopen closed tab", "Bring back the tab closed last.", &[key(CTRL_SHIFT, Key::T)]),
    line(UiCommand::NextTab, "Next tab", "Go to the tab on the right.", &[key(CTRL, Key::Tab)]),
    line(UiCommand::PreviousTab, "Previous tab", "Go to the tab on the left.", &[key(CTRL_SHIFT, Key::Tab)]),
    line(UiCommand::SelectTab(1), "Go to tab 1", "Go to the first tab.", &[key(NUMBER, Key::Num1)]),
    line(UiCommand::SelectTab(2), "Go to tab 2", "Go to the second tab.", &[key(NUMBER, Key::Num2)]),
    line(UiCommand::SelectTab(3), "Go to tab 3", "Go to the third tab.", &[key(NUMBER, Key::Num3)]),
    line(UiCommand::SelectTab(4), "Go to tab 4", "Go to the fourth tab.", &[key(NUMBER, Key::Num4)]),
    line(UiCommand::SelectTab(5), "Go to tab 5", "Go to the fifth tab.", &[key(NUMBER, Key::Num5)]),
    line(UiCommand::SelectTab(6), "Go to tab 6", "Go to the sixth tab.", &[key(NUMBER, Key::Num6)]),
    line(UiCommand::SelectTab(7), "Go to tab 7", "Go to the seventh tab.", &[key(NUMBER, Key::Num7)]),
    line(UiCommand::SelectTab(8), "Go to tab 8", "Go to the eighth tab.", &[key(NUMBER, Key::Num8)]),
    line(UiCommand::SelectTab(9), "Go to tab 9", "Go to the ninth tab.", &[key(NUMBER, Key::Num9)]),
    line(UiCommand::SplitPane, "Split pane", "Show the tab beside itself.", &[key(CTRL, Key::Backslash)]),
    line(UiCommand::NextRegion, "Next region", "Move the keyboard to the next part of the window.", &[key(NONE, Key::F6)]),
    line(UiCommand::PreviousRegion, "Previous region", "Move the keyboard to the part before.", &[key(SHIFT, Key::F6)]),
    line(UiCommand::ToggleRail, "Toggle rail", "Show or hide connections and catalog.", &[key(CTRL, Key::B)]),
    line(UiCommand::ToggleInspector, "Toggle inspector", "Show or hide the inspector.", &[key(CTRL, Key::I)]),
    line(UiCommand::ToggleDrawer, "Toggle drawer", "Show or hide jobs and ledger.", &[key(CTRL, Key::J)]),
    line(UiCommand::ShowLedger, "Show ledger", "Every statement with its estimate and what it did cost.", &[key(CTRL, Key::L)]),
    line(UiCommand::ShowJobs, "Show jobs", "What is running, with progress and cancel.", &[]),
    line(UiCommand::Settings, "Settings", "Theme, density, motion and zoom.", &[key(CTRL, Key::Comma)]),
    line(UiCommand::SwitchTheme, "Switch theme", "Dark, light, high contrast or as the desktop says.", &[]),
    line(UiCommand::SwitchDensity, "Switch row height", "Compact, normal or roomy rows.", &[]),
    line(UiCommand::ZoomIn, "Zoom in", "Make everything larger.", &[key(CTRL, Key::Plus), key(CTRL, Key::Equals)]),
    line(UiCommand::ZoomOut, "Zoom out", "Make everything smaller.", &[key(CTRL, Key::Minus)]),
    line(UiCommand::ZoomReset, "Zoom to 100 %", "Back to the desktop's own size.", &[key(CTRL, Key::Num0)]),
    line(UiCommand::Help, "Help", "Explain what has the focus.", &[key(NONE, Key::F1)]),
];

impl UiCommand {
    /// Its line of the table.
    pub fn info(self) -> Option<&'static CommandInfo> {
        TABLE.iter().find(|info| info.command == self)
    }

    /// Its first shortcut as shown to people, e.g. "Ctrl+K".
    pub fn shortcut_text(self, ctx: &Context) -> String {
        self.info()
            .and_then(|info| info.shortcuts.first())
            .map(|shortcut| ctx.format_shortcut(shortcut))
            .unwrap_or_default()
    }
}

/// The command whose shortcut was pressed this frame, taken out of the input.
///
/// A shortcut that edits text is left to a focused text field, Esc is left to an open popup.
pub fn pressed(ctx: &Context) -> Option<UiCommand> {
    let (typing, popup) = (ctx.text_edit_focused(), ctx.any_popup_open());
    ctx.input_mut(|input| {
        let hit = input.events.iter().enumerate().find_map(|(at, event)| {
            let Event::Key { key, pressed: true, modifiers, .. } = event else { return None };
            let (command, shortcut) = meaning(*key, *modifiers)?;
            let for_text = typing && shortcut.conflicts_with_text_editing() && !is_no_text(*key);
            let for_popup = popup && *key == Key::Escape;
            (!for_text && !for_popup).then_some((at, command))
        });
        let (at, command) = hit?;
        input.events.remove(at);
        Some(command)
    })
}

/// Keys that never edit text, whatever is held with them: Esc and the function keys.
fn is_no_text(key: Key) -> bool {
    let function = key.name().strip_prefix('F').is_some_and(|number| number.parse::<u8>().is_ok());
    function || key == Key::Escape
}

fn meaning(key: Key, modifiers: Modifiers) -> Option<(UiCommand, KeyboardShortcut)> {
    TABLE.iter().find_map(|info| {
        let hit = |shortcut: &&KeyboardShortcut| {
            shortcut.logical_key == key && modifiers.matches_exact(shortcut.modifiers)
        };
        info.shortcuts.iter().find(hit).map(|shortcut| (info.command, *shortcut))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::grid::keys;
    use super::*;

    #[test]
    fn every_command_is_listed_once_and_explains_itself() {
        let commands: HashSet<_> = TABLE.iter().map(|info| info.command).collect();
        let names: HashSet<_> = TABLE.iter().map(|info| info.name).collect();
        assert_eq!((commands.len(), names.len()), (TABLE.len(), TABLE.len()));
        assert!(TABLE.iter().all(|info| info.tooltip.ends_with('.')));
    }

    #[test]
    fn no_two_commands_share_a_shortcut() {
        let mut seen = HashSet::new();
        for shortcut in TABLE.iter().flat_map(|info| info.shortcuts) {
            assert!(seen.insert(*shortcut), "{shortcut:?}");
        }
    }

    #[test]
    fn no_command_takes_a_key_from_the_grid() {
        for shortcut in TABLE.iter().flat_map(|info| info.shortcuts) {
            assert_eq!(keys::meaning(shortcut.logical_key, shortcut.modifiers), None, "{shortcut:?}");
        }
    }

    #[test]
    fn modifiers_must_match_exactly() {
        let ctrl = Modifiers { ctrl: true, command: true, ..Modifiers::NONE };
        let ctrl_shift = Modifiers { shift: true, ..ctrl };
        let command = |key, modifiers| meaning(key, modifiers).map(|(command, _)| command);
        assert_eq!(command(Key::Enter, ctrl), Some(UiCommand::Run));
        assert_eq!(command(Key::Enter, ctrl_shift), Some(UiCommand::EstimateOnly));
        assert_eq!(command(Key::Enter, Modifiers::NONE), None);
    }
}
