//! Doing what panes asked, between frames. One file per family of commands.

use egui::Context;

use super::app::App;
use super::view_ctx::Command;
use super::widgets::ToastKind;
use crate::model::Error;
use crate::store::settings::Settings;

mod saved;
mod source;
mod table;

/// Does one command.
pub fn apply(app: &mut App, ctx: &Context, command: Command) {
    match command {
        Command::Ui(command) => table::apply(app, ctx, command),
        Command::OpenTarget(text) => source::open_target(app, text),
        Command::OpenNode { source, node } => source::open_node(app, source, node),
        Command::OpenQuery(source) => source::open_query(app, source),
        Command::Describe { source, node } => source::describe(app, source, node),
        Command::CloseSource(source) => source::close(app, source),
        Command::ToggleNode { source, node } => source::toggle(app, source, &node),
        Command::MoreChildren { source, node } => source::more(app, source, &node),
        Command::Retry(source) => source::retry(app, source),
        Command::EditConnection(id) => saved::edit(app, id),
        Command::RemoveConnection(id) => saved::remove(app, id),
        Command::ConnectionsChanged => app.refresh_saved(),
        Command::SaveConnection { source, name } => source::save(app, source, name),
        Command::CancelJob(job) => app.jobs.cancel(job),
        Command::Toast(kind, text) => app.toasts.push(kind, text),
        Command::Tick(step) => tick(app, step),
        Command::Look(look) => app.set_look(ctx, look),
    }
}

/// What an error says to a person: redacted, visible, with the next step.
pub fn said(error: &Error) -> String {
    let hint = error.hint.as_ref().map(|hint| format!(" — {hint}")).unwrap_or_default();
    let text = format!("{}{hint}", error.attempted);
    crate::safety::display::name(&crate::safety::redact::redact(&text)).into_owned()
}

fn tick(app: &mut App, step: &'static str) {
    if app.settings.checklist.insert(step.to_owned()) {
        keep_settings(app, move |settings| {
            settings.checklist.insert(step.to_owned());
        });
    }
}

/// Changes the settings on disk in the background; a failure is told once.
pub fn keep_settings(app: &mut App, change: impl FnOnce(&mut Settings) + Send + 'static) {
    let file = app.settings_file.clone();
    let commands = app.commands.clone();
    let ticket = app.jobs.spawn_quietly(move |_| async move {
        if let Err(error) = file.change(change).await {
            commands
                .send(Command::Toast(ToastKind::Warning, format!("settings are not kept: {}", said(&error))));
        }
        Ok(())
    });
    let mut keeping = crate::job::Remote::NotAsked;
    keeping.ask(ticket);
    app.saving.push(keeping);
}
