//! How the window looks: theme, density, motion, zoom. Changes hold at once and are kept.

use egui::{RichText, Ui};

use crate::gui::theme::{Density, Look, Motion, ThemeChoice, Zoom, fonts, space};
use crate::gui::view_ctx::{Command, ViewCtx};

/// Draws the settings.
pub fn settings_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, look: Look) {
    ui.label(RichText::new("Settings").text_style(fonts::section_style()));
    let mut chosen = look;
    choice_ui(
        ui,
        "Theme",
        &mut chosen.theme,
        &[
            (ThemeChoice::System, "As the desktop"),
            (ThemeChoice::Dark, "Dark"),
            (ThemeChoice::Light, "Light"),
            (ThemeChoice::HighContrast, "High contrast"),
        ],
    );
    choice_ui(
        ui,
        "Rows",
        &mut chosen.density,
        &[(Density::Compact, "Compact"), (Density::Normal, "Normal"), (Density::Roomy, "Roomy")],
    );
    choice_ui(ui, "Motion", &mut chosen.motion, &[(Motion::Full, "Full"), (Motion::Reduced, "Reduced")]);
    ui.horizontal(|ui| {
        ui.label(format!("Zoom {} %", look.zoom_percent));
        for (name, zoom) in [("Smaller", Zoom::Out), ("100 %", Zoom::Reset), ("Larger", Zoom::In)] {
            if ui.button(name).clicked() {
                chosen = chosen.zoomed(zoom);
            }
        }
    });
    ui.add_space(space::M);
    ui.label(format!("Data folder: {}", ctx.workspace.data_dir().display()));
    if chosen != look {
        ctx.send(Command::Look(chosen));
    }
}

fn choice_ui<T: PartialEq + Copy>(ui: &mut Ui, label: &str, chosen: &mut T, options: &[(T, &str)]) {
    ui.horizontal(|ui| {
        ui.label(label);
        for (option, name) in options {
            ui.selectable_value(chosen, *option, *name);
        }
    });
}
