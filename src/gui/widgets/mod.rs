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
