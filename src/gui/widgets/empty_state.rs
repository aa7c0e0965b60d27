//! Empty states say what will appear here, why it is empty, and offer one action.

use egui::{RichText, Ui};

use crate::gui::theme::{self, fonts, space};

/// What an empty pane says.
#[derive(Debug, Clone, Copy)]
pub struct Empty<'a> {
    /// What will appear here.
    pub title: &'a str,
    /// Why there is nothing yet.
    pub why: &'a str,
    /// The one thing to do about it.
    pub action: Option<&'a str>,
}

/// Draw an empty state in the middle of the space left; true when its action was chosen.
pub fn empty_state_ui(ui: &mut Ui, empty: Empty<'_>) -> bool {
    let tokens = theme::of(ui.ctx()).tokens;
    let mut chosen = false;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.3).max(space::L));
        ui.label(RichText::new(empty.title).text_style(fonts::section_style()));
        ui.label(RichText::new(empty.why).color(tokens.text_dim));
        if let Some(action) = empty.action {
            ui.add_space(space::S);
            chosen = ui.button(action).clicked();
        }
    });
    chosen
}
