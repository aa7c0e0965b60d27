//! One field of a form, by what its card says it takes.

use egui::{ComboBox, Response, RichText, TextEdit, Ui};

use super::FIELD_WIDTH;
use crate::gui::theme::{self, fonts};
use crate::model::card::{FieldKind, FormField, Need};
use crate::ops::draft::Draft;
use crate::safety::display::name as visible;
use crate::store::secrets::Kept;

/// What a field asks of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldWish {
    /// Choose the file of this field in a dialog.
    Browse(&'static str),
}

/// Draws a field: its label, what is typed, and the card's help under it.
pub fn field_ui(
    ui: &mut Ui,
    field: &'static FormField,
    draft: &mut Draft,
    secret_home: Option<&Kept>,
) -> Option<FieldWish> {
    let mut wish = None;
    let needed = field.need == Need::Required && field.default.is_none();
    let mark = if needed { " *" } else { "" };
    ui.label(format!("{}{mark}", field.label));
    let response = match &field.kind {
        FieldKind::Text => text_ui(ui, field, draft),
        FieldKind::Number { min, max } => {
            let response = text_ui(ui, field, draft);
            help_ui(ui, &format!("a whole number from {min} to {max}"));
            response
        }
        FieldKind::File { .. } => {
            ui.horizontal(|ui| {
                let response = text_ui(ui, field, draft);
                let browse = ui.button("Browse…").accessible_name(format!("Browse for {}", field.label));
                if browse.clicked() {
                    wish = Some(FieldWish::Browse(field.key));
                }
                response
            })
            .inner
        }
        FieldKind::Choice { options } => choice_ui(ui, field, options, draft),
        FieldKind::Secret => secret_ui(ui, field, draft, secret_home),
    };
    if needed {
        ui.ctx().accesskit_node_builder(response.id, egui::accesskit::Node::set_required);
    }
    help_ui(ui, field.help);
    wish
}

fn help_ui(ui: &mut Ui, help: &str) {
    if !help.is_empty() {
        let tokens = theme::of(ui.ctx()).tokens;
        ui.label(RichText::new(help).font(fonts::caption()).color(tokens.text_dim));
    }
}

/// What is wrong, beside what it is about.
pub fn problem_ui(ui: &mut Ui, text: &str) {
    let tokens = theme::of(ui.ctx()).tokens;
    ui.colored_label(tokens.error(), visible(text).into_owned());
}

fn text_ui(ui: &mut Ui, field: &'static FormField, draft: &mut Draft) -> Response {
    let typed = draft.values.entry(field.key).or_default();
    let line = TextEdit::singleline(typed).desired_width(FIELD_WIDTH);
    let line = match field.default {
        Some(default) => line.hint_text(default),
        None => line,
    };
    ui.add(line).accessible_name(field.label)
}

fn choice_ui(
    ui: &mut Ui,
    field: &'static FormField,
    options: &[(&'static str, &'static str)],
    draft: &mut Draft,
) -> Response {
    let typed = draft.values.entry(field.key).or_default();
    let standing = field.default.or(options.first().map(|(value, _)| *value)).unwrap_or_default();
    let chosen = if typed.is_empty() { standing } else { typed.as_str() };
    let label = options.iter().find(|(value, _)| *value == chosen).map_or(chosen, |(_, label)| *label);
    let list = ComboBox::from_id_salt(field.key).selected_text(label).width(FIELD_WIDTH);
    let shown = list.show_ui(ui, |ui| {
        let mut picked = None;
        for (value, label) in options {
            if ui.selectable_label(*value == chosen, *label).clicked() {
                picked = Some(*value);
            }
        }
        picked
    });
    if let Some(picked) = shown.inner.flatten() {
        picked.clone_into(typed);
    }
    shown.response.accessible_name(field.label)
}

fn secret_ui(ui: &mut Ui, field: &'static FormField, draft: &mut Draft, home: Option<&Kept>) -> Response {
    let kept = draft.edits.is_some();
    let typed = draft.secrets.entry(field.key).or_default();
    let line = TextEdit::singleline(typed).password(true).desired_width(FIELD_WIDTH);
    let line = if kept { line.hint_text("leave empty to keep what was given") } else { line };
    let response = ui.add(line).accessible_name(field.label);
    if let Some(kept) = home {
        let why = kept.why.as_ref().map(|why| format!("; {}", visible(&why.attempted))).unwrap_or_default();
        help_ui(ui, &format!("{}: {}{why}", field.label, kept.home.phrase()));
    }
    response
}
