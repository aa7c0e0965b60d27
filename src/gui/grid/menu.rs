//! The context menu, by right click or Shift+F10; sort and filter say who does the work.

use egui::{Popup, Response, SetOpenCommand, Ui};

use super::copy::CopyFormat;
use super::model::{GridModel, Scope};
use super::{Frame, GridAction, GridState, copy_selection, header};
use crate::model::read::Direction;

/// Draw the menu if it is open.
pub fn show(
    ui: &Ui,
    response: &Response,
    model: &dyn GridModel,
    state: &mut GridState,
    frame: &Frame,
) -> Option<GridAction> {
    let mut popup = Popup::context_menu(response).accessible_name("Grid menu");
    if response.secondary_clicked() {
        state.menu_position = None;
    }
    if std::mem::take(&mut state.open_menu) {
        let row =
            state.menu_at.row.clamp(state.anchor.row, state.anchor.row.saturating_add(frame.rows.page()));
        let y = (row - state.anchor.row) as f32 * frame.rows.row_height - state.anchor.sub;
        let at = frame.cell_rect(state, state.menu_at.position, y).left_bottom();
        state.menu_position = Some(at.clamp(frame.body.min, frame.body.max));
        popup = popup.open_memory(SetOpenCommand::Bool(true));
    }
    if let Some(at) = state.menu_position {
        popup = popup.at_position(at);
    }
    popup.show(|menu| items(ui, menu, model, state, frame))?.inner
}

fn items(
    ui: &Ui,
    menu: &mut Ui,
    model: &dyn GridModel,
    state: &mut GridState,
    frame: &Frame,
) -> Option<GridAction> {
    let spot = state.menu_at;
    let column = state.layout.column(spot.position)?;
    let mut action = None;
    let mut choice = |menu: &mut Ui, name: &str, chosen: GridAction| {
        if menu.button(name).clicked() {
            action = Some(chosen);
        }
    };
    choice(menu, "Open cell", GridAction::OpenCell { row: spot.row, column });
    choice(menu, "Show row as record", GridAction::OpenRecord { row: spot.row });
    menu.separator();
    for (name, direction, scope) in [
        ("Sort ascending in the fetched rows", Direction::Ascending, Scope::FetchedRows),
        ("Sort descending in the fetched rows", Direction::Descending, Scope::FetchedRows),
        ("Sort ascending: ask the source", Direction::Ascending, Scope::AskSource),
        ("Sort descending: ask the source", Direction::Descending, Scope::AskSource),
    ] {
        choice(menu, name, GridAction::Sort { column, direction, scope });
    }
    choice(menu, "Filter the fetched rows", GridAction::Filter { column, scope: Scope::FetchedRows });
    choice(menu, "Filter: ask the source", GridAction::Filter { column, scope: Scope::AskSource });
    menu.separator();
    for format in CopyFormat::ALL {
        if menu.button(format!("Copy as {}", format.name())).clicked() {
            action = copy_selection(ui, model, state, frame.extent(state), format);
        }
    }
    menu.separator();
    column_items(ui, menu, model, state, frame, spot.position);
    action
}

fn column_items(
    ui: &Ui,
    menu: &mut Ui,
    model: &dyn GridModel,
    state: &mut GridState,
    frame: &Frame,
    position: usize,
) {
    if menu.button("Fit column to content").clicked()
        && let Some(width) = header::fit(ui, model, state, frame, position)
    {
        state.layout.set_width(position, width);
    }
    if menu.button("Hide column").clicked() {
        state.layout.hide(position);
    }
    let hidden = state.layout.hidden_count();
    if hidden > 0 && menu.button(format!("Show all columns ({hidden} hidden)")).clicked() {
        state.layout.show_all();
    }
    let strip = if state.hide_strip { "Show distributions" } else { "Hide distributions" };
    if menu.button(strip).clicked() {
        state.toggle_strip();
    }
}
