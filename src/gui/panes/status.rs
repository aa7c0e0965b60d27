//! The status bar: whose source is in front, that it is read-only, what the session took of its budget, and
//! what is at work.

use egui::{Align, Layout, RichText, Ui};

use crate::gui::command::UiCommand;
use crate::gui::theme::{self, fonts};
use crate::gui::view_ctx::{Command, OpenSource, ViewCtx};
use crate::gui::widgets::{Gauge, Icon, env_tag, gauge_ui, icon_button};
use crate::model::units::{bytes_text, count_text, seconds_text};
use crate::ops::Opened;
use crate::safety::display::name as visible;

/// Draws the status bar.
pub fn status_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, front: Option<&OpenSource>) {
    ui.horizontal(|ui| {
        let tokens = theme::of(ui.ctx()).tokens;
        match front {
            Some(source) => {
                env_tag(ui, source.opened.tier);
                ui.label(visible(&source.opened.name).into_owned());
                ui.label(RichText::new("read-only").font(fonts::caption()).color(tokens.text_dim));
                budget_ui(ui, &source.opened);
            }
            None => {
                ui.label(RichText::new("no source in front").color(tokens.text_faint));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new("UTC").font(fonts::caption()).color(tokens.text_faint));
            if icon_button(ui, Icon::Ledger, "Show ledger").clicked() {
                ctx.send(Command::Ui(UiCommand::ShowLedger));
            }
            let running = ctx.jobs.running();
            if ui.button(format!("Jobs ({running})")).clicked() {
                ctx.send(Command::Ui(UiCommand::ShowJobs));
            }
        });
    });
}

/// The tightest of the session's budgets.
fn budget_ui(ui: &mut Ui, opened: &Opened) {
    let (limit, spent) = (opened.policy.budget().limit(), opened.policy.budget().spent());
    let parts = [
        limit.rows.map(|most| {
            (
                spent.rows as f64 / most.max(1) as f64,
                format!("{} / {} rows", count_text(spent.rows), count_text(most)),
            )
        }),
        limit.bytes.map(|most| {
            (
                spent.bytes as f64 / most.max(1) as f64,
                format!("{} / {}", bytes_text(spent.bytes as f64), bytes_text(most as f64)),
            )
        }),
        limit.seconds.map(|most| {
            (
                spent.seconds / most.max(0.001),
                format!("{} / {}", seconds_text(spent.seconds), seconds_text(most)),
            )
        }),
        limit.requests.map(|most| {
            (spent.requests as f64 / most.max(1) as f64, format!("{} / {most} requests", spent.requests))
        }),
    ];
    let tightest = parts.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0));
    match tightest {
        Some((share, short)) => {
            let sentence = format!("Session budget: {short} used");
            gauge_ui(ui, Gauge { share: share as f32, short: &short, sentence: &sentence, bar_width: 90.0 });
        }
        None => {
            let text = format!(
                "session: {} rows, {} · no budget set",
                count_text(spent.rows),
                bytes_text(spent.bytes as f64)
            );
            ui.label(RichText::new(text).font(fonts::caption()));
        }
    }
}
