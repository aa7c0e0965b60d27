//! Drawing the tab: bar, strips, and the one of sheet, rows, profile and description that is in front.

use egui::{RichText, Ui};

use super::cards::{CardWish, card_ui};
use super::describe_view::{describe_ui, no_description_ui};
use super::export::{Panel, export_ui};
use super::find::find_ui;
use super::local::LocalView;
use super::profile_view::{ProfileWish, profile_ui};
use super::query::{QueryWish, query_ui};
use super::read_state::{Paging, Shown};
use super::rows::{RowsModel, columns};
use super::sheet::sheet_ui;
use super::toolbar::{Wish, shown_ui, toolbar_ui};
use super::{DataTab, Reach, Shows, View};
use crate::gui::grid::{GridColumn, RowCount, Scope, grid_ui};
use crate::gui::theme;
use crate::gui::view_ctx::ViewCtx;
use crate::gui::widgets::{Empty, Explained as _, empty_state_ui};
use crate::job::Remote;
use crate::model::ErrorKind;
use crate::model::units::count_text;
use crate::safety::display::name as visible;

/// Draws the tab.
pub fn data_tab_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) {
    views_ui(ctx, ui, tab);
    if let Some(query) = &mut tab.query {
        match steady(ui, "query", |ui| query_ui(ui, &tab.source, query)) {
            Some(QueryWish::Run) => tab.reread(ctx, Reach::Read),
            Some(QueryWish::Estimate) => tab.reread(ctx, Reach::EstimateOnly),
            None => {}
        }
    }
    steady(ui, "running", |ui| running_ui(ctx, ui, tab));
    if steady(ui, "sheet", |ui| asking_ui(ctx, ui, tab)) == Front::Taken {
        return;
    }
    if tab.export.panel == Panel::Open {
        if let Some(wish) = steady(ui, "export", |ui| export_ui(ctx, ui, &mut tab.export)) {
            tab.export_wish(ctx, wish);
        }
        export_card_ui(ui, tab);
    }
    match tab.view {
        View::Rows => rows_ui(ctx, ui, tab),
        View::Profile => steady(ui, "profile", |ui| profile_view_ui(ctx, ui, tab)),
        View::Describe => steady(ui, "describe", |ui| describe_view_ui(ctx, ui, tab)),
    }
}

/// Draws a part whose ids do not move when strips above it come and go: a click or the focus of the grid
/// would be lost otherwise. A part that draws nothing takes no room, not even the space between two.
fn steady<T>(ui: &mut Ui, part: &str, draw: impl FnOnce(&mut Ui) -> T) -> T {
    let scope = egui::UiBuilder::new()
        .scope_id(ui.scope_id().with(part))
        .max_rect(ui.available_rect_before_wrap())
        .layout(*ui.layout());
    let mut inner = ui.new_child(scope);
    let drawn = draw(&mut inner);
    if inner.min_rect().height() > 0.0 {
        ui.advance_cursor_after_rect(inner.min_rect());
    }
    drawn
}

/// Whether something stands in front of the data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Front {
    Free,
    Taken,
}

fn place(tab: &DataTab) -> String {
    let source = visible(&tab.source.opened.name).into_owned();
    match &tab.shows {
        Shows::Node(node) => format!("{} on {source}", visible(&node.to_string())),
        Shows::Query => format!("query on {source}"),
        Shows::About(at) if at.is_root() => source,
        Shows::About(at) => format!("{} on {source}", visible(&at.to_string())),
    }
}

fn views_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) {
    if !matches!(tab.shows, Shows::Node(_)) {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        for (view, name) in [(View::Rows, "Rows"), (View::Profile, "Profile"), (View::Describe, "Describe")] {
            if ui.selectable_label(tab.view == view, name).clicked() {
                match view {
                    View::Describe => tab.show_description(ctx),
                    View::Rows | View::Profile => tab.view = view,
                }
            }
        }
    });
}

/// What is at work, with the button that stops it.
fn running_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) {
    let running = tab.running();
    if running.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        if ui.button("Cancel").explained("Stops it here and at the source").clicked() {
            tab.cancel(ctx);
        }
        for job in running.into_iter().filter_map(|id| ctx.jobs.get(id)) {
            let progress = &job.progress;
            let done = match progress.total {
                Some(total) => format!(" — {} of {total} {}", progress.done, progress.unit),
                None if progress.done > 0 => format!(" — {} {}", progress.done, progress.unit),
                None => String::new(),
            };
            ui.label(format!("{}…{done}", visible(&job.title)));
        }
    });
}

/// The sheet, or why there is none.
fn asking_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) -> Front {
    let at = place(tab);
    let Some(asking) = &mut tab.asking else { return Front::Free };
    if let Some(sheet) = &mut asking.sheet {
        if let Some(answer) = sheet_ui(ui, &tab.source, sheet) {
            tab.decide(ctx, answer);
        }
        return Front::Taken;
    }
    let Some(error) = asking.error() else { return Front::Free };
    match card_ui(ui, error, &at, "No row was read.") {
        Some(CardWish::Retry) => tab.retry_asking(ctx),
        Some(CardWish::Dismiss) => {
            tab.asking = None;
            tab.ask = tab.asked.clone();
        }
        None => {}
    }
    Front::Free
}

fn export_card_ui(ui: &mut Ui, tab: &mut DataTab) {
    let at = place(tab);
    let Some(error) = tab.export.exported.error() else { return };
    let wish = if error.kind == ErrorKind::Cancelled {
        ui.label("the export was stopped");
        None
    } else {
        card_ui(ui, error, &at, "No whole file was written.")
    };
    match wish {
        Some(CardWish::Retry | CardWish::Dismiss) => tab.export.exported = Remote::NotAsked,
        None => {}
    }
}

fn rows_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) {
    // A query that never ran has no rows to filter, export or order.
    let is_blank = tab.query.is_some() && tab.shown.is_none();
    let wish = if is_blank {
        None
    } else {
        steady(ui, "toolbar", |ui| toolbar_ui(ui, &mut tab.toolbar, &mut tab.ask, &tab.known_columns))
    };
    let more =
        steady(ui, "shown", |ui| tab.shown.as_ref().and_then(|shown| shown_ui(ctx, ui, shown, &tab.local)));
    if let Some(wish) = wish.or(more) {
        tab.wish(ctx, wish);
    }
    if let Some(wish) = steady(ui, "find", |ui| find_ui(ui, &mut tab.find)) {
        tab.find_wish(wish);
    }
    failure_ui(ctx, ui, tab);
    let Some(shown) = &mut tab.shown else {
        nothing_ui(ui, tab);
        return;
    };
    if shown.snapshot.schema.is_none() {
        let title = if shown.is_waiting() { "Reading…" } else { "No rows" };
        let why = "Rows appear here as they come.";
        empty_state_ui(ui, Empty { title, why, action: None });
        return;
    }
    let asked_on;
    let action = {
        let description = tab.description.value();
        let profile = tab.profile.profiled.value().map(|profiled| &profiled.profile);
        let mut marked = columns(&shown.snapshot, description, profile);
        mark_sort(&mut marked, shown, &tab.local);
        let name = shown.prepared.node.name().to_owned();
        let mut model = RowsModel {
            name: &name,
            columns: marked,
            snapshot: &shown.snapshot,
            index: tab.local.index(),
            count: count(shown, &tab.local),
            found: tab.find.found(),
            front: tab.find.front(),
            wanted: None,
        };
        let place = ui.available_rect_before_wrap();
        let action = steady(ui, "grid", |ui| grid_ui(ui, &mut model, &mut tab.grid));
        let wanted = model.wanted.take();
        let paging = if tab.local.is_active() { Paging::OnRequest } else { Paging::Automatic };
        if let Some(wanted) = wanted {
            shown.want(ctx, &tab.source, &wanted, paging);
        }
        asked_on = no_rows_ui(ui, place, shown, &tab.local);
        action
    };
    if let Some(wish) = asked_on {
        tab.wish(ctx, wish);
    }
    if let Some(action) = action {
        tab.grid_action(ctx, ui.ctx().cumulative_frame_nr(), action);
    }
}

/// Under the header of a grid without rows: why there are none, and where there may be some.
fn no_rows_ui(ui: &mut Ui, grid: egui::Rect, shown: &Shown, local: &LocalView) -> Option<Wish> {
    let (fetched, hits) = (shown.snapshot.rows, local.index().map(<[u64]>::len));
    if shown.running().is_some() || hits.unwrap_or(usize::from(fetched > 0)) > 0 {
        return None;
    }
    let below = grid.with_min_y(grid.top() + crate::gui::grid::HEADER);
    let mut ui = ui.new_child(egui::UiBuilder::new().scope_id(ui.scope_id().with("no rows")).max_rect(below));
    if let Some(filter) = local.filter().filter(|_| fetched > 0) {
        let why = format!("The filter leaves none of the {} fetched rows.", count_text(fetched));
        let empty = Empty { title: "No row fits", why: &why, action: Some("Filter at the source") };
        return empty_state_ui(&mut ui, empty).then(|| Wish::FilterSource(filter.clone()));
    }
    let why = match &shown.spec.filter {
        Some(_) => "No row at the source fits the filter.",
        None => "The source answered without a row.",
    };
    empty_state_ui(&mut ui, Empty { title: "No rows", why, action: None });
    None
}

/// Why the newest page ended early.
fn failure_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) {
    let at = place(tab);
    let Some(shown) = &mut tab.shown else { return };
    let Some(error) = shown.failure() else { return };
    let did = if error.kind == ErrorKind::Refused { "Nothing was sent." } else { "Rows that came stay." };
    match card_ui(ui, error, &at, did) {
        Some(CardWish::Dismiss) => shown.dismiss(),
        Some(CardWish::Retry) if shown.snapshot.rows > 0 && shown.has_next() => {
            shown.next_page(ctx, &tab.source);
        }
        Some(CardWish::Retry) => tab.reread(ctx, Reach::Read),
        None => {}
    }
}

fn nothing_ui(ui: &mut Ui, tab: &DataTab) {
    let (title, why) = match (&tab.query, &tab.asking) {
        (Some(_), None) => ("No result yet", "Write a statement and press Ctrl+Enter."),
        (_, Some(asking)) if asking.error().is_none() => {
            ("Estimating…", "What the read would cost is looked at first.")
        }
        _ => ("Nothing was read", "Press Ctrl+Enter to read, through the load sheet."),
    };
    empty_state_ui(ui, Empty { title, why, action: None });
}

fn count(shown: &Shown, local: &LocalView) -> RowCount {
    match local.index() {
        Some(index) => RowCount::Exact(index.len() as u64),
        None if shown.is_whole() => RowCount::Exact(shown.snapshot.rows),
        None => RowCount::AtLeast(shown.snapshot.rows),
    }
}

fn mark_sort(marked: &mut [GridColumn], shown: &Shown, local: &LocalView) {
    if let Some((column, direction)) = local.sort() {
        if let Some(column) = marked.get_mut(column) {
            column.sort = Some((direction, Scope::FetchedRows));
        }
        return;
    }
    for by in &shown.spec.order {
        if let Some(column) = marked.iter_mut().find(|column| column.name == by.column) {
            column.sort = Some((by.direction, Scope::AskSource));
        }
    }
}

fn profile_view_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) {
    let at = place(tab);
    if let Some(error) = tab.profile.profiled.error() {
        if error.kind == ErrorKind::Cancelled {
            ui.label("the profile was stopped");
        } else if card_ui(ui, error, &at, "No figure was kept.") == Some(CardWish::Retry) {
            tab.start_profile(ctx);
            return;
        }
    }
    if let Some(early) = tab.profile.profiled.value().and_then(|profiled| profiled.done.error()) {
        let tokens = theme::of(ui.ctx()).tokens;
        let text = format!("the read ended early: {}", visible(&early.attempted));
        ui.label(RichText::new(text).color(tokens.warning()));
    }
    if profile_ui(ui, &mut tab.profile) == Some(ProfileWish::Profile) {
        tab.start_profile(ctx);
    }
}

fn describe_view_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) {
    let at = place(tab);
    if let Some(error) = tab.description.error()
        && card_ui(ui, error, &at, "No row was read.") == Some(CardWish::Retry)
    {
        tab.describe(ctx);
        return;
    }
    match tab.description.value() {
        Some(description) => describe_ui(ui, description),
        None => no_description_ui(ui, "Describing…"),
    }
}
