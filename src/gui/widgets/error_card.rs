//! The error card: what happened, where, what we did about it, what to do next. Never a modal.

use egui::accesskit::{Live, Role};
use egui::{CollapsingHeader, Frame, Margin, RichText, Stroke, Ui, UiBuilder};

use super::icons::{Icon, icon_button};
use crate::gui::theme::{self, fonts, space};

/// What an error card says; all texts are already redacted.
#[derive(Debug, Clone, Copy)]
pub struct ErrorCard<'a> {
    /// What happened, plainly.
    pub what: &'a str,
    /// Connection, object and statement.
    pub place: &'a str,
    /// What was done since: nothing written, connection closed, rows kept.
    pub did: &'a str,
    /// Names of the buttons.
    pub next_steps: &'a [&'a str],
    /// Folded, copyable; empty for none.
    pub details: &'a str,
}

/// What the user chose on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCardAction {
    /// Index into `next_steps`.
    Step(usize),
    /// Copy what the card says, details included.
    Copy,
    /// Take the card away.
    Dismiss,
}

impl ErrorCard<'_> {
    /// The card as text for the clipboard.
    pub fn as_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.what, self.place, self.did);
        if !self.details.is_empty() {
            text.push('\n');
            text.push_str(self.details);
            text.push('\n');
        }
        text
    }
}

/// Draw the card; screen readers announce it once, politely.
pub fn error_card_ui(ui: &mut Ui, card: ErrorCard<'_>) -> Option<ErrorCardAction> {
    let tokens = theme::of(ui.ctx()).tokens;
    let frame = Frame::new()
        .fill(tokens.bg2)
        .stroke(Stroke::new(1.0, tokens.error()))
        .corner_radius(theme::CARD_RADIUS)
        .inner_margin(Margin::same(12));
    let name = format!("Error: {}", card.what);
    let group = UiBuilder::new().accessibility_role(Role::Alert).accessibility_label(name);
    ui.scope_builder(group, |ui| {
        let id = ui.unique_id();
        ui.ctx().accesskit_node_builder(id, |node| node.set_live(Live::Polite));
        frame.show(ui, |ui| contents(ui, card)).inner
    })
    .inner
}

fn contents(ui: &mut Ui, card: ErrorCard<'_>) -> Option<ErrorCardAction> {
    let tokens = theme::of(ui.ctx()).tokens;
    let mut action = None;
    ui.horizontal(|ui| {
        ui.label(RichText::new(card.what).text_style(fonts::section_style()));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon_button(ui, Icon::Close, "Dismiss error").clicked() {
                action = Some(ErrorCardAction::Dismiss);
            }
            if icon_button(ui, Icon::Copy, "Copy error").clicked() {
                action = Some(ErrorCardAction::Copy);
            }
        });
    });
    ui.label(RichText::new(card.place).color(tokens.text_dim));
    ui.label(card.did);
    ui.horizontal_wrapped(|ui| {
        for (i, step) in card.next_steps.iter().enumerate() {
            if ui.button(*step).clicked() {
                action = Some(ErrorCardAction::Step(i));
            }
        }
    });
    if !card.details.is_empty() {
        ui.add_space(space::XS);
        CollapsingHeader::new("Details").id_salt("error details").show(ui, |ui| {
            ui.label(RichText::new(card.details).monospace());
        });
    }
    action
}
