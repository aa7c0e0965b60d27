//! Toasts: what ended, said in a corner and to screen readers, gone by itself unless it is an error.
//!
//! Invariant: at most [`MOST`] at once; the oldest goes first; one repaint is asked for per expiry.

use std::collections::VecDeque;
use std::time::Duration;

use egui::accesskit::{Live, Role};
use egui::{Align2, Area, Context, Frame, Id, Margin, Order, RichText, Stroke, Ui, vec2};

use super::icons::{Icon, icon_button};
use crate::gui::theme;

/// How many toasts are kept.
pub const MOST: usize = 4;
const SHOWN_SECS: f64 = 6.0;

/// What a toast is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToastKind {
    /// Something ended well.
    Done,
    /// Something ended with a loss or a limit.
    Warning,
    /// A refusal or a failure; stays until dismissed and interrupts the screen reader.
    Refused,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    /// Its kind.
    pub kind: ToastKind,
    /// One sentence.
    pub text: String,
    born_secs: Option<f64>,
    serial: u64,
}

/// The toasts of the window.
#[derive(Debug, Default)]
pub struct Toasts {
    shown: VecDeque<Toast>,
    next: u64,
}

impl Toasts {
    /// Say something; its time starts with the next frame.
    pub fn push(&mut self, kind: ToastKind, text: impl Into<String>) {
        if self.shown.len() == MOST {
            self.shown.pop_front();
        }
        self.shown.push_back(Toast { kind, text: text.into(), born_secs: None, serial: self.next });
        self.next += 1;
    }

    /// What is shown now, oldest first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.shown.iter().map(|toast| toast.text.as_str())
    }

    /// Draw the toasts in the lower right corner, above `bottom_margin` points.
    pub fn show(&mut self, ctx: &Context, bottom_margin: f32) {
        if self.shown.is_empty() {
            return;
        }
        let now = ctx.input(|i| i.time);
        for toast in &mut self.shown {
            toast.born_secs.get_or_insert(now);
        }
        self.shown.retain(|toast| left_secs(toast, now) > 0.0);
        let mut dismissed = None;
        Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -bottom_margin - 16.0))
            .show(ctx, |ui| {
                for toast in &self.shown {
                    if toast_ui(ui, toast) {
                        dismissed = Some(toast.serial);
                    }
                }
            });
        self.shown.retain(|toast| Some(toast.serial) != dismissed);
        let soonest = self.shown.iter().map(|toast| left_secs(toast, now)).fold(f64::INFINITY, f64::min);
        if soonest.is_finite() {
            ctx.request_repaint_after(Duration::from_secs_f64(soonest));
        }
    }
}

fn left_secs(toast: &Toast, now: f64) -> f64 {
    match (toast.kind, toast.born_secs) {
        (ToastKind::Refused, _) | (_, None) => f64::INFINITY,
        (_, Some(born)) => SHOWN_SECS - (now - born),
    }
}

fn toast_ui(ui: &mut Ui, toast: &Toast) -> bool {
    let tokens = theme::of(ui.ctx()).tokens;
    let (edge, live) = match toast.kind {
        ToastKind::Done => (tokens.line_strong, Live::Polite),
        ToastKind::Warning => (tokens.warning(), Live::Polite),
        ToastKind::Refused => (tokens.error(), Live::Assertive),
    };
    let frame = Frame::new()
        .fill(tokens.bg2)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(theme::CARD_RADIUS)
        .inner_margin(Margin::symmetric(12, 8));
    let mut dismissed = false;
    ui.push_id(toast.serial, |ui| {
        frame.show(ui, |ui| {
            ui.set_max_width(420.0);
            ui.horizontal(|ui| {
                let label = ui.label(RichText::new(&toast.text));
                ui.ctx().accesskit_node_builder(label.id, |node| {
                    node.set_role(Role::Status);
                    node.set_label(toast.text.as_str());
                    node.set_live(live);
                });
                dismissed = icon_button(ui, Icon::Close, "Dismiss message").clicked();
            });
        });
    });
    dismissed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_four_toasts_are_kept() {
        let mut toasts = Toasts::default();
        for i in 0..6 {
            toasts.push(ToastKind::Done, format!("{i}"));
        }
        assert_eq!(toasts.texts().collect::<Vec<_>>(), ["2", "3", "4", "5"]);
    }

    #[test]
    fn a_message_goes_by_itself_and_a_refusal_stays() {
        let mut toast =
            Toast { kind: ToastKind::Done, text: String::new(), born_secs: Some(10.0), serial: 0 };
        assert!(left_secs(&toast, 11.0) > 0.0);
        assert!(left_secs(&toast, 16.5) <= 0.0);
        toast.kind = ToastKind::Refused;
        assert!(left_secs(&toast, 1e9) > 0.0);
    }
}
