//! Small parts that every pane uses; each is found by its accessible name.
//!
//! Invariant: what is painted by hand is one focusable node whose name is a whole sentence.

pub mod badge;
pub mod empty_state;
pub mod error_card;
pub mod gauge;
pub mod histogram;
pub mod icons;
pub mod key_value;
pub mod list;
pub mod toast;

use egui::accesskit::Role;
use egui::{Response, Ui, WidgetInfo};

pub use badge::{env_fill, env_tag, verdict_badge};
pub use empty_state::{Empty, empty_state_ui};
pub use error_card::{ErrorCard, ErrorCardAction, error_card_ui};
pub use gauge::{Gauge, gauge_ui};
pub use histogram::{Histogram, histogram_ui};
pub use icons::{Icon, icon_button};
pub use key_value::{Fact, fact_ui, key_value_ui};
pub use list::list_ui;
pub use toast::{Toast, ToastKind, Toasts};

/// Name a hand-painted thing for screen readers and tests, show the same sentence on hover,
/// and draw the focus ring when it has the keyboard.
fn named(ui: &Ui, response: Response, role: Role, sentence: &str) -> Response {
    response.widget_info(|| WidgetInfo::labeled(role, true, sentence));
    if response.has_focus() {
        let tokens = super::theme::of(ui.ctx()).tokens;
        super::theme::paint_focus_ring(ui.painter(), response.rect, tokens);
    }
    response.on_hover_text(sentence)
}

/// What the thing with the keyboard is called and what it does, beyond what its kind tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Its name, where it does not show it itself.
    pub name: Option<String>,
    /// What it does, in a sentence.
    pub does: Option<String>,
}

/// A widget that says what it is and what it does: to screen readers, on hover, and to F1 when it has the keyboard.
pub trait Explained {
    /// Names it.
    fn called(self, name: impl Into<String>) -> Self;
    /// Explains it in a sentence.
    fn explained(self, sentence: impl Into<String>) -> Self;
}

impl Explained for Response {
    fn called(self, name: impl Into<String>) -> Self {
        let name = name.into();
        tell(&self, |told| told.name = Some(name.clone()));
        self.accessible_name(name)
    }

    fn explained(self, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        tell(&self, |told| told.does = Some(sentence.clone()));
        self.on_hover_text(sentence)
    }
}

/// Where what is told of the thing with the keyboard is kept from frame to frame.
fn told_key() -> egui::Id {
    egui::Id::unique("told of what has the keyboard")
}

fn tell(response: &Response, change: impl FnOnce(&mut Told)) {
    if !response.has_focus() {
        return;
    }
    response.ctx.data_mut(|data| {
        let (id, told) = data.get_temp_mut_or_default::<(Option<egui::Id>, Told)>(told_key());
        if *id != Some(response.id) {
            (*id, *told) = (Some(response.id), Told::default());
        }
        change(told);
    });
}

/// What the widget with the keyboard tells of itself.
pub fn told(ctx: &egui::Context) -> Told {
    let focused = ctx.memory(egui::Memory::focused);
    let kept = ctx.data(|data| data.get_temp::<(Option<egui::Id>, Told)>(told_key()));
    kept.filter(|(id, _)| *id == focused && focused.is_some()).map(|(_, told)| told).unwrap_or_default()
}
