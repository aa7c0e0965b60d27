//! The drawer: jobs with progress and cancel, and the ledger with estimate beside actual.

use egui::{RichText, ScrollArea, Ui};
use egui_extras::{Column, TableBuilder};

use crate::gui::command::UiCommand;
use crate::gui::theme::{self, fonts};
use crate::gui::view_ctx::{Command, ViewCtx};
use crate::gui::widgets::{Empty, Explained as _, empty_state_ui, verdict_badge};
use crate::job::{Job, JobState, Remote};
use crate::model::load::Dim;
use crate::model::units::seconds_text;
use crate::safety::display::name as visible;
use crate::store::ledger::{Home, ReadRow};

/// Which side of the drawer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DrawerTab {
    /// Jobs.
    #[default]
    Jobs,
    /// The ledger.
    Ledger,
}

/// Draws the drawer.
pub fn drawer_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: DrawerTab, ledger: &Remote<Vec<ReadRow>>) {
    ui.horizontal(|ui| {
        for (shown, name, command) in [
            (DrawerTab::Jobs, "Jobs", UiCommand::ShowJobs),
            (DrawerTab::Ledger, "Ledger", UiCommand::ShowLedger),
        ] {
            if ui.selectable_label(tab == shown, name).clicked() {
                ctx.send(Command::Ui(command));
            }
        }
        if let Home::Memory { why } = ctx.workspace.ledger().home() {
            let tokens = theme::of(ui.ctx()).tokens;
            let said = ui.label(RichText::new("ledger in memory only, this run").color(tokens.warning()));
            said.on_hover_text(visible(&why.to_string()).into_owned());
        }
    });
    ui.separator();
    match tab {
        DrawerTab::Jobs => jobs_ui(ctx, ui),
        DrawerTab::Ledger => ledger_ui(ui, ledger),
    }
}

fn jobs_ui(ctx: &ViewCtx<'_>, ui: &mut Ui) {
    let jobs = ctx.jobs.list();
    if jobs.is_empty() {
        empty_state_ui(
            ui,
            Empty {
                title: "No jobs yet",
                why: "Everything that reaches a source appears here while it works.",
                action: None,
            },
        );
        return;
    }
    let height = theme::of(ui.ctx()).density.row_height();
    ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, height, jobs.len(), |ui, range| {
        for job in jobs.get(range).unwrap_or_default() {
            job_ui(ctx, ui, job);
        }
    });
}

fn job_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, job: &Job) {
    let tokens = theme::of(ui.ctx()).tokens;
    ui.horizontal(|ui| {
        let (word, color) = match &job.state {
            JobState::Running => ("running".to_owned(), tokens.accent),
            JobState::Stopping => ("stopping".to_owned(), tokens.warning()),
            JobState::Finished => ("done".to_owned(), tokens.text_dim),
            JobState::Stopped(report) => (format!("cancelled: {}", report.phrase()), tokens.warning()),
            JobState::Failed(error) => (format!("failed: {}", visible(&error.attempted)), tokens.error()),
        };
        if matches!(job.state, JobState::Running)
            && ui.button("Cancel").explained("Stops it here and at the source").clicked()
        {
            ctx.send(Command::CancelJob(job.id));
        }
        ui.label(visible(&job.title).into_owned());
        let progress = &job.progress;
        if let (JobState::Running, Some(total)) = (&job.state, progress.total.filter(|total| *total > 0)) {
            let share = progress.done as f32 / total as f32;
            ui.add(
                egui::ProgressBar::new(share)
                    .desired_width(160.0)
                    .text(format!("{} of {total} {}", progress.done, progress.unit)),
            );
        } else if progress.done > 0 {
            ui.label(format!("{} {}", progress.done, progress.unit));
        }
        ui.label(RichText::new(word).color(color));
        ui.label(
            RichText::new(seconds_text(job.elapsed.as_secs_f64()))
                .font(fonts::caption())
                .color(tokens.text_faint),
        );
    });
}

/// Name and first width of each column; the last takes what is left.
const LEDGER_COLUMNS: [(&str, f32); 8] = [
    ("time (UTC)", 150.0),
    ("source", 110.0),
    ("node", 190.0),
    ("want", 90.0),
    ("verdict", 120.0),
    ("outcome", 90.0),
    ("estimated", 180.0),
    ("actual", 160.0),
];

fn ledger_ui(ui: &mut Ui, ledger: &Remote<Vec<ReadRow>>) {
    let tokens = theme::of(ui.ctx()).tokens;
    if let Some(error) = ledger.error() {
        ui.label(
            RichText::new(format!("the ledger can't be read: {}", visible(&error.to_string())))
                .color(tokens.error()),
        );
    }
    let rows = ledger.value().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        empty_state_ui(
            ui,
            Empty {
                title: "Nothing was read yet",
                why: "Every read appears here, its estimate beside what it did cost.",
                action: None,
            },
        );
        return;
    }
    let height = theme::of(ui.ctx()).density.row_height();
    let columns = LEDGER_COLUMNS.len();
    let (_, sized) = LEDGER_COLUMNS.split_last().unwrap_or((&LEDGER_COLUMNS[0], &[]));
    sized
        .iter()
        .fold(TableBuilder::new(ui).striped(true), |table, (_, width)| {
            table.column(Column::initial(*width).at_least(60.0).clip(true).resizable(true))
        })
        .column(Column::remainder().clip(true))
        .header(height, |mut header| {
            for (name, _) in LEDGER_COLUMNS {
                header.col(|ui| {
                    ui.label(fonts::strong(name));
                });
            }
        })
        .body(|body| {
            body.rows(height, rows.len(), |mut row| {
                let Some(read) = rows.get(row.index()) else { return };
                for column in 0..columns {
                    row.col(|ui| ledger_cell_ui(ui, read, column));
                }
            });
        });
}

fn ledger_cell_ui(ui: &mut Ui, read: &ReadRow, column: usize) {
    let text = match column {
        0 => read.started_at.get(..19).unwrap_or(&read.started_at).replace('T', " "),
        1 => visible(&read.connection).into_owned(),
        2 => visible(&read.node).into_owned(),
        3 => read.want.clone(),
        4 => {
            verdict_badge(ui, read.verdict, &format!("Load: {}", read.verdict.word()));
            return;
        }
        5 => read.outcome.word().to_owned(),
        6 => costs(read, |read, dim| read.estimate.quantity(dim).map(|quantity| quantity.hi), "≤ "),
        _ => costs(read, |read, dim| read.actual.as_ref().and_then(|actual| actual.value(dim)), ""),
    };
    let label = ui.label(text);
    if let (5, Some(error)) = (column, &read.error) {
        label.on_hover_text(visible(error).into_owned());
    } else if column == 3 {
        label.on_hover_text(visible(&read.statements.join("\n")).into_owned());
    }
}

fn costs(read: &ReadRow, value: impl Fn(&ReadRow, Dim) -> Option<f64>, sign: &str) -> String {
    let parts = [Dim::RowsReturned, Dim::BytesServer]
        .into_iter()
        .filter_map(|dim| Some(format!("{sign}{}", dim.value_text(value(read, dim)?))));
    parts.collect::<Vec<_>>().join(", ")
}
