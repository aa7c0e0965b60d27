//! A drop-down list whose name stands before it, as people read.

use egui::{ComboBox, Ui, WidgetText};

use super::Explained as _;

/// Draws the name, then the list. `choices` draws what can be chosen.
pub fn list_ui<R>(
    ui: &mut Ui,
    name: &str,
    chosen: impl Into<WidgetText>,
    choices: impl FnOnce(&mut Ui) -> R,
) -> Option<R> {
    ui.label(name);
    let text: WidgetText = chosen.into();
    let shown = ComboBox::from_id_salt(name).selected_text(text).show_ui(ui, choices);
    shown.response.called(name);
    shown.inner
}
