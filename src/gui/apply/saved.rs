//! Adding, changing and removing saved connections.

use crate::gui::app::App;
use crate::gui::panes::form::FormState;
use crate::gui::tabs::{Focused, Tab};
use crate::gui::view_ctx::Command;
use crate::gui::widgets::ToastKind;
use crate::job::Remote;
use crate::model::card::Card;
use crate::safety::display::name as visible;

fn cards(app: &App) -> Vec<&'static Card> {
    app.workspace.registry().iter().map(crate::connector::Connector::card).collect()
}

fn show(app: &mut App, form: Option<FormState>) {
    match form {
        Some(form) => app.tabs.add(Tab::Form(Box::new(form))),
        None => app.toasts.push(ToastKind::Refused, "this build has no connector for it".to_owned()),
    }
}

/// Shows the form of a new connection.
pub fn add(app: &mut App) {
    if app.tabs.focus_form(None) == Focused::NotOpen {
        let form = FormState::new(cards(app));
        show(app, form);
    }
}

/// Shows the form of a saved connection.
pub fn edit(app: &mut App, id: uuid::Uuid) {
    if app.tabs.focus_form(Some(id)) == Focused::Found {
        return;
    }
    let saved = app.saved.value().map(Vec::as_slice).unwrap_or_default();
    let Some(connection) = saved.iter().find(|connection| connection.id == id) else { return };
    let form = FormState::of(cards(app), connection);
    show(app, form);
}

/// Removes a saved connection. What is open of it stays open.
pub fn remove(app: &mut App, id: uuid::Uuid) {
    let (workspace, commands) = (app.workspace.clone(), app.commands.clone());
    let ticket = app.jobs.spawn_quietly(|_| async move {
        let removed = workspace.remove_connection(&id.to_string()).await?;
        let said = format!("removed {:?}; its source was not touched", visible(&removed.name));
        commands.send(Command::Toast(ToastKind::Done, said));
        Ok(())
    });
    let mut removing = Remote::NotAsked;
    removing.ask(ticket);
    app.saving.push(removing);
}
