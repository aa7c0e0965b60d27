//! Help for what has the keyboard: what this part of the window is for, the keys it hears itself and the commands
//! that act on it. Everything but one sentence a region comes from the tables that the keys are read from.

use egui::accesskit::Role;
use egui::{Align2, Context, Grid, Id, KeyboardShortcut, Modal, RichText, ScrollArea, Ui, WidgetInfo, vec2};

use crate::gui::command::{TABLE, UiCommand};
use crate::gui::grid::keys as grid_keys;
use crate::gui::panes::catalog;
use crate::gui::region::Region;
use crate::gui::theme::{self, fonts, space};
use crate::gui::widgets::Told;
use crate::safety::display::name as visible;

/// An open help sheet.
#[derive(Clone, Debug)]
pub struct HelpSheet {
    /// What it is about.
    pub region: Region,
    /// The thing that had the keyboard, by its own name and words.
    pub thing: Option<Thing>,
    /// What kind of thing had the keyboard.
    pub on: On,
    /// What had the keyboard before.
    pub back_to: Option<Id>,
}

/// What has the keyboard in a region, as far as it hears keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The grid.
    Grid,
    /// A field of text.
    Field,
    /// A button or the like: Space or Enter presses it.
    Other,
}

/// One thing of the window: a button, a field, a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// What it is called, and what kind of thing it is; never what was typed into it.
    pub name: String,
    /// What it does, where that is more than its name.
    pub does: Option<String>,
}

impl Thing {
    /// The thing that `info` and it itself tell of; none for a thing without a name.
    pub fn of(info: &WidgetInfo, told: Told) -> Option<Self> {
        let label = told.name.or_else(|| info.label.clone())?;
        let label = label.trim();
        if label.is_empty() {
            return None;
        }
        let kind = match info.role {
            Role::TextInput | Role::MultilineTextInput | Role::PasswordInput => "field",
            Role::CheckBox => "check box",
            Role::RadioButton => "choice",
            Role::ComboBox => "list",
            Role::Button | Role::DefaultButton => "button",
            _ => "",
        };
        let command = TABLE.iter().find(|known| known.name == label).map(|known| known.tooltip.to_owned());
        let does = told.does.filter(|does| does != label).or(command);
        Some(Self { name: format!("{} {kind}", visible(label)).trim_end().to_owned(), does })
    }
}

/// What the user wants of the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelpWish {
    /// Take it away.
    Close,
    /// Show all commands.
    AllCommands,
}

/// What a region is for.
fn about(region: Region) -> &'static str {
    match region {
        Region::Rail => {
            "Sources you opened or saved, and what they hold. Nothing is listed before you unfold it."
        }
        Region::Centre => {
            "What you opened, in tabs: rows, profile and description of a data set. \
             Every read above light shows its load sheet first."
        }
        Region::Inspector => "The chosen cell whole, as text, JSON or bytes; or its row as a record.",
        Region::Drawer => {
            "Jobs that are at work, and the ledger: every read with its estimate beside what it did cost."
        }
        Region::Status => "Whose source is in front, that it is read-only, and what is left of its budget.",
    }
}

/// The region a command acts on; none = the window.
fn region_of(command: UiCommand) -> Option<Region> {
    match command {
        UiCommand::Run
        | UiCommand::EstimateOnly
        | UiCommand::Cancel
        | UiCommand::CloseTab
        | UiCommand::ReopenTab
        | UiCommand::NextTab
        | UiCommand::PreviousTab
        | UiCommand::SelectTab(_)
        | UiCommand::SplitPane
        | UiCommand::Find
        | UiCommand::FindNext
        | UiCommand::FindPrevious
        | UiCommand::JumpToColumn
        | UiCommand::GoToRow
        | UiCommand::Profile
        | UiCommand::Describe
        | UiCommand::Export
        | UiCommand::Recheck => Some(Region::Centre),
        UiCommand::NewConnection
        | UiCommand::OpenFile
        | UiCommand::OpenDemo
        | UiCommand::DescribeSource
        | UiCommand::ToggleRail => Some(Region::Rail),
        UiCommand::ToggleInspector => Some(Region::Inspector),
        UiCommand::ToggleDrawer | UiCommand::ShowLedger | UiCommand::ShowJobs => Some(Region::Drawer),
        UiCommand::Palette
        | UiCommand::NewTab
        | UiCommand::NextRegion
        | UiCommand::PreviousRegion
        | UiCommand::Settings
        | UiCommand::SwitchTheme
        | UiCommand::SwitchDensity
        | UiCommand::ZoomIn
        | UiCommand::ZoomOut
        | UiCommand::ZoomReset
        | UiCommand::Help => None,
    }
}

/// Draws the sheet over the window.
pub fn help_ui(ctx: &Context, sheet: &HelpSheet) -> Option<HelpWish> {
    let area = Modal::default_area(Id::unique("help"))
        .anchor(Align2::CENTER_TOP, vec2(0.0, 64.0))
        .accessible_name(format!("Help: {}", sheet.region.name()));
    let shown = Modal::new(Id::unique("help")).area(area).show(ctx, |ui| contents_ui(ui, sheet));
    if shown.should_close() { Some(HelpWish::Close) } else { shown.inner }
}

fn contents_ui(ui: &mut Ui, sheet: &HelpSheet) -> Option<HelpWish> {
    let mut wish = None;
    let region = sheet.region;
    let tokens = theme::of(ui.ctx()).tokens;
    ui.set_width((ui.ctx().content_rect().width() - 48.0).clamp(240.0, 620.0));
    ui.label(RichText::new(format!("Help: {}", region.name())).text_style(fonts::section_style()));
    if let Some(thing) = &sheet.thing {
        ui.label(&thing.name);
        if let Some(does) = &thing.does {
            ui.label(does);
        }
    }
    ui.label(RichText::new(about(region)).color(tokens.text_dim));
    ui.horizontal(|ui| {
        let close = ui.button("Close help");
        if ui.memory(egui::Memory::focused).is_none() {
            close.request_focus();
        }
        if close.clicked() {
            wish = Some(HelpWish::Close);
        }
        if ui.button("All commands").clicked() {
            wish = Some(HelpWish::AllCommands);
        }
    });
    let height = ui.ctx().content_rect().height() * 0.6;
    ScrollArea::vertical().id_salt("help").max_height(height).min_scrolled_height(height).show(ui, |ui| {
        let (title, own) = own_keys(ui.ctx(), sheet);
        lines_ui(ui, title, &own);
        lines_ui(ui, "Commands here", &command_lines(ui.ctx(), Some(region)));
        lines_ui(ui, "Everywhere", &command_lines(ui.ctx(), None));
    });
    wish
}

/// Keys that a field of text hears.
const FIELD_KEYS: [(&str, &str); 6] = [
    ("Enter", "takes what was typed, where it leads to something"),
    ("Home, End", "goes to the start or the end of the line"),
    ("Shift + arrows", "selects"),
    ("Ctrl+A", "selects everything"),
    ("Ctrl+C, Ctrl+X, Ctrl+V", "copies, cuts, pastes"),
    ("Ctrl+Z, Ctrl+Y", "takes back, does again"),
];

/// Keys that the thing with the keyboard hears itself, with what they do.
fn own_keys(ctx: &Context, sheet: &HelpSheet) -> (&'static str, Vec<(String, String)>) {
    let owned = |(keys, does): &(&str, &str)| ((*keys).to_owned(), (*does).to_owned());
    match (sheet.on, sheet.region) {
        (On::Grid, _) => {
            let lines = grid_keys::listed().into_iter();
            let lines = lines.map(|(keys, does)| (shortcuts_text(ctx, &keys), does.to_owned()));
            ("Keys in the grid", lines.collect())
        }
        (On::Field, _) => ("Keys in the field", FIELD_KEYS.iter().map(owned).collect()),
        (On::Other, Region::Rail) => {
            let lines = catalog::KEYS.iter();
            ("Keys here", lines.map(|(key, does)| owned(&(key.name(), *does))).collect())
        }
        (On::Other, _) => ("Keys here", vec![owned(&("Space, Enter", "presses it"))]),
    }
}

fn command_lines(ctx: &Context, region: Option<Region>) -> Vec<(String, String)> {
    let here = TABLE.iter().filter(|info| region_of(info.command) == region);
    here.map(|info| (shortcuts_text(ctx, info.shortcuts), format!("{}: {}", info.name, info.tooltip)))
        .collect()
}

fn shortcuts_text(ctx: &Context, shortcuts: &[KeyboardShortcut]) -> String {
    shortcuts.iter().map(|shortcut| ctx.format_shortcut(shortcut)).collect::<Vec<_>>().join(", ")
}

fn lines_ui(ui: &mut Ui, title: &str, lines: &[(String, String)]) {
    let tokens = theme::of(ui.ctx()).tokens;
    ui.add_space(space::S);
    ui.label(RichText::new(title).text_style(fonts::section_style()));
    Grid::new(title).num_columns(2).spacing([space::M, space::XS]).show(ui, |ui| {
        for (keys, does) in lines {
            ui.label(RichText::new(keys).font(fonts::mono()).color(tokens.text_dim));
            ui.label(does);
            ui.end_row();
        }
    });
}
