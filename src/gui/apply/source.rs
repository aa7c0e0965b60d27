//! Opening, listing and closing sources.

use crate::gui::app::App;
use crate::gui::panes::data::{DataTab, Shows};
use crate::gui::sources::SourceEntry;
use crate::gui::tabs::{Focused, Tab};
use crate::gui::view_ctx::{Command, SourceId};
use crate::gui::widgets::ToastKind;
use crate::job::Remote;
use crate::model::connection::Connection;
use crate::model::node::NodePath;
use crate::model::{Error, ErrorKind};
use crate::ops::Target;

/// Resolves what a user gave; the source is opened once it is known.
pub fn open_target(app: &mut App, text: String) {
    if let Some(known) = app.sources.iter().find(|source| source.target.text == text) {
        let (id, failed) = (known.id, known.opened.error().is_some());
        if failed {
            retry(app, id);
        }
        return;
    }
    let workspace = app.workspace.clone();
    let ticket = app.jobs.spawn_quietly(|_| async move { Target::resolve(&workspace, &text).await });
    let mut opening = Remote::NotAsked;
    opening.ask(ticket);
    app.opening.push(opening);
}

fn entry(app: &App, id: SourceId) -> Option<&SourceEntry> {
    app.sources.iter().find(|source| source.id == id)
}

/// Shows a node in a tab, the one that shows it already if there is one.
pub fn open_node(app: &mut App, id: SourceId, node: NodePath) {
    show(app, id, Shows::Node(node));
}

/// Shows what a source, or a part of it, tells of itself.
pub fn describe(app: &mut App, id: SourceId, node: NodePath) {
    show(app, id, Shows::About(node));
}

/// Describes the source of the tab in front, or the first that is open.
pub fn describe_front(app: &mut App) {
    let front = app.tabs.front().and_then(Tab::data).map(|tab| tab.source().id);
    let open = |source: &&SourceEntry| source.opened.value().is_some();
    match front.or_else(|| app.sources.iter().find(open).map(|source| source.id)) {
        Some(id) => describe(app, id, NodePath::root()),
        None => app
            .commands
            .send(Command::Toast(ToastKind::Refused, "no source is open: open one first".to_owned())),
    }
}

fn show(app: &mut App, id: SourceId, shows: Shows) {
    if app.tabs.focus(id, &shows) == Focused::Found {
        return;
    }
    add_tab(app, id, shows);
}

/// Opens a free query.
pub fn open_query(app: &mut App, id: SourceId) {
    add_tab(app, id, Shows::Query);
}

fn add_tab(app: &mut App, id: SourceId, shows: Shows) {
    let Some(source) = entry(app, id).and_then(SourceEntry::open_source) else { return };
    let tab = app.with_ctx(|ctx, _, _| DataTab::open(ctx, source, shows));
    app.tabs.add(Tab::Data(Box::new(tab)));
}

/// Disconnects: tabs, jobs and the live source go.
pub fn close(app: &mut App, id: SourceId) {
    app.tabs.close_source(id);
    app.sources.retain(|source| source.id != id);
}

fn with_entry(
    app: &mut App,
    id: SourceId,
    work: impl FnOnce(&crate::gui::view_ctx::ViewCtx<'_>, &mut SourceEntry),
) {
    app.with_ctx(|ctx, sources, _| {
        if let Some(source) = sources.iter_mut().find(|source| source.id == id) {
            work(ctx, source);
        }
    });
}

/// Shows or hides children.
pub fn toggle(app: &mut App, id: SourceId, node: &NodePath) {
    with_entry(app, id, |ctx, source| source.toggle(ctx, node));
}

/// Fetches more children.
pub fn more(app: &mut App, id: SourceId, node: &NodePath) {
    with_entry(app, id, |ctx, source| source.fetch(ctx, node));
}

/// Connects anew.
pub fn retry(app: &mut App, id: SourceId) {
    with_entry(app, id, |ctx, source| source.reconnect(ctx));
}

/// Saves the connection of a source under a name.
pub fn save(app: &mut App, id: SourceId, name: String) {
    let Some(source) = entry(app, id) else { return };
    let [part] = source.target.parts.as_slice() else {
        let built_in =
            Error::new(ErrorKind::Invalid, "save", "built-in sources need no saving: they are always there");
        app.commands.send(Command::Toast(ToastKind::Refused, super::said(&built_in)));
        return;
    };
    let connection = Connection { id: uuid::Uuid::new_v4(), name, ..part.connection.clone() };
    let (workspace, commands) = (app.workspace.clone(), app.commands.clone());
    let ticket = app.jobs.spawn_quietly(|_| async move {
        let said = format!("saved as {:?}", connection.name);
        workspace.connections().add(connection).await?;
        commands.send(Command::Toast(ToastKind::Done, said));
        Ok(())
    });
    let mut saving = Remote::NotAsked;
    saving.ask(ticket);
    app.saving.push(saving);
}
