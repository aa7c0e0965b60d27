//! Commands of the window's table that are meant for a data tab, and wishes of its parts.

use super::asking::{Asking, Reach};
use super::export::{ExportWish, Panel};
use super::find::{FindWish, Step};
use super::toolbar::{Focus, Unfolded, Wish};
use super::{DataTab, Handled, Shows, View};
use crate::gui::command::UiCommand;
use crate::gui::grid::{GridAction, Scope};
use crate::gui::view_ctx::{Command, ViewCtx};
use crate::gui::widgets::ToastKind;
use crate::job::Remote;
use crate::model::read::OrderBy;
use crate::model::units::count_text;

impl DataTab {
    /// Does a command of the table, if it is meant for a data tab.
    pub fn command(&mut self, ctx: &ViewCtx<'_>, command: UiCommand) -> Handled {
        if matches!(self.shows, Shows::About(_)) {
            // It has no rows: all there is to do is to ask again.
            return match command {
                UiCommand::Describe | UiCommand::Recheck => {
                    self.describe(ctx);
                    Handled::Yes
                }
                _ => Handled::No,
            };
        }
        match command {
            UiCommand::Run => self.run_or_decide(ctx),
            UiCommand::EstimateOnly => self.reread(ctx, Reach::EstimateOnly),
            UiCommand::Cancel if self.find.is_open() => self.find_wish(FindWish::Close),
            UiCommand::Cancel => return self.cancel(ctx),
            UiCommand::Find => {
                self.view = View::Rows;
                self.find.open();
            }
            UiCommand::FindNext => self.find_step(Step::Next),
            UiCommand::FindPrevious => self.find_step(Step::Previous),
            UiCommand::JumpToColumn => {
                self.view = View::Rows;
                self.toolbar.unfolded = Unfolded::Jump;
                self.toolbar.focus = Focus::Jump;
            }
            UiCommand::Profile => self.start_profile(ctx),
            UiCommand::Describe => self.show_description(ctx),
            UiCommand::Export => self.export.panel = Panel::Open,
            UiCommand::Recheck => {
                self.description = Remote::NotAsked;
                self.reread(ctx, Reach::Read);
            }
            _ => return Handled::No,
        }
        Handled::Yes
    }

    /// Another hit; without a bar it is opened.
    fn find_step(&mut self, step: Step) {
        self.view = View::Rows;
        if !self.find.is_open() {
            self.find.open();
        }
        self.find_wish(FindWish::Go(step));
    }

    pub(super) fn find_wish(&mut self, wish: FindWish) {
        match wish {
            FindWish::Go(step) => {
                if let Some((row, column)) = self.find.step(step) {
                    self.grid.go_to(row, column);
                }
            }
            FindWish::Close => {
                self.find.close();
                self.grid.take_focus();
            }
        }
    }

    fn run_or_decide(&mut self, ctx: &ViewCtx<'_>) {
        match self.asking.as_ref().map(|asking| asking.sheet.as_ref()) {
            Some(Some(sheet)) => {
                if let Some(answer) = sheet.default_answer() {
                    self.decide(ctx, answer);
                }
            }
            Some(None) => {}
            None => self.reread(ctx, Reach::Read),
        }
    }

    /// Stops what is at work, else takes away what stands over the rows.
    pub(super) fn cancel(&mut self, ctx: &ViewCtx<'_>) -> Handled {
        let running = self.running();
        if !running.is_empty() {
            for job in running {
                ctx.send(Command::CancelJob(job));
            }
        } else if self.asking.take().is_some() {
            self.ask = self.asked.clone();
        } else if self.toolbar.unfolded != Unfolded::Nothing {
            self.toolbar.unfolded = Unfolded::Nothing;
        } else if self.export.panel == Panel::Open {
            self.export.panel = Panel::Closed;
        } else if self.record.take().is_none() {
            return Handled::No;
        }
        Handled::Yes
    }

    pub(super) fn wish(&mut self, ctx: &ViewCtx<'_>, wish: Wish) {
        match wish {
            Wish::Reread => self.reread(ctx, Reach::Read),
            Wish::FilterHere(filter) => self.filter_here(filter),
            Wish::FilterSource(filter) => {
                self.ask.filter = Some(filter);
                self.reread(ctx, Reach::Read);
            }
            Wish::ClearFilter => {
                self.local.set_filter(None);
                self.toolbar.filter.clear();
                if self.ask.filter.take().is_some() {
                    self.reread(ctx, Reach::Read);
                }
            }
            Wish::ClearSort => {
                self.local.set_sort(None);
                if !self.ask.order.is_empty() {
                    self.ask.order.clear();
                    self.reread(ctx, Reach::Read);
                }
            }
            Wish::NextPage => {
                if let Some(shown) = &mut self.shown {
                    shown.next_page(ctx, &self.source);
                }
            }
            Wish::Export => self.export.panel = Panel::Open,
            Wish::Column(column) => self.grid.go_to_column(column),
        }
    }

    /// A column that is not in the fetched rows is a slip, not an empty result.
    fn filter_here(&mut self, filter: crate::model::filter::Filter) {
        let schema = self.shown.as_ref().and_then(|shown| shown.snapshot.schema.as_ref());
        let unknown = schema.and_then(|schema| {
            filter.columns().into_iter().find(|column| schema.index_of(column).is_none()).map(str::to_owned)
        });
        match unknown {
            Some(name) => {
                let name = crate::safety::display::name(&name).into_owned();
                self.toolbar.filter_error = Some(format!("there is no column {name} in the fetched rows"));
            }
            None => {
                self.local.set_filter(Some(filter));
                self.grid.go_to_row(0);
            }
        }
    }

    pub(super) fn export_wish(&mut self, ctx: &ViewCtx<'_>, wish: ExportWish) {
        match wish {
            ExportWish::Export(to) => self.start_export(ctx, to),
            ExportWish::Close => self.export.panel = Panel::Closed,
        }
    }

    /// Tries again what could not be prepared.
    pub(super) fn retry_asking(&mut self, ctx: &ViewCtx<'_>) {
        if let Some(asking) = &mut self.asking {
            Asking::prepare(asking, ctx, &self.source);
        }
    }

    pub(super) fn grid_action(&mut self, ctx: &ViewCtx<'_>, frame: u64, action: GridAction) {
        let name = |tab: &Self, column: usize| {
            let schema = tab.shown.as_ref()?.snapshot.schema.clone()?;
            schema.fields.get(column).map(|field| field.name.clone())
        };
        match action {
            GridAction::OpenCell { .. } => {
                self.record = None;
                self.open_inspector(ctx, frame);
            }
            GridAction::OpenRecord { row } => {
                self.record = if self.record == Some(row) { None } else { Some(row) };
                self.open_inspector(ctx, frame);
            }
            GridAction::Sort { column, direction, scope: Scope::FetchedRows } => {
                self.local.set_sort(Some((column, direction)));
                self.grid.go_to_row(0);
            }
            GridAction::Sort { column, direction, scope: Scope::AskSource } => {
                let Some(column) = name(self, column) else { return };
                self.ask.order = vec![OrderBy { column, direction }];
                self.reread(ctx, Reach::Read);
            }
            GridAction::Filter { column, .. } => {
                if let Some(name) = name(self, column) {
                    self.toolbar.filter = format!("\"{}\" = ", name.replace('"', "\"\""));
                    self.toolbar.focus = Focus::Filter;
                }
            }
            GridAction::Copied { cells, pending, format } => {
                let missing = if pending > 0 {
                    format!(", {} not fetched", count_text(pending))
                } else {
                    String::new()
                };
                let text = format!("copied {} cells as {}{missing}", count_text(cells), format.name());
                ctx.send(Command::Toast(ToastKind::Done, text));
            }
            GridAction::CopyTooLarge { cells, .. } => {
                self.export.panel = Panel::Open;
                let text =
                    format!("{} cells are too much for the clipboard: export a file", count_text(cells));
                ctx.send(Command::Toast(ToastKind::Warning, text));
            }
        }
    }

    /// Shows the inspector if it is hidden.
    fn open_inspector(&self, ctx: &ViewCtx<'_>, frame: u64) {
        if self.inspector_seen.get() + 2 < frame {
            ctx.send(Command::Ui(UiCommand::ToggleInspector));
        }
    }
}
