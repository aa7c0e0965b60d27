//! The rail: opened sources with their catalogues. Only visible lines are laid out; names pass
//! `safety::display`; arrows move, Enter opens, Left and Right fold.

use egui::accesskit::Role;
use egui::{Align, Key, Layout, Modifiers, RichText, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::gui::command::UiCommand;
use crate::gui::sources::{CatalogLine, LineShows, SourceEntry, catalog_lines};
use crate::gui::theme::{self, fonts, space};
use crate::gui::view_ctx::{Command, ViewCtx};
use crate::gui::widgets::{Empty, Explained as _, Icon, empty_state_ui, env_tag, icon_button};
use crate::job::Remote;
use crate::model::connection::Connection;
use crate::model::node::{Node, NodeKind, NodePath};
use crate::model::units::count_text;
use crate::safety::display::name as visible;

/// Draws the rail.
pub fn catalog_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, sources: &[SourceEntry], saved: &[Connection]) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Sources").text_style(fonts::section_style()));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon_button(ui, Icon::Folder, "Open file").clicked() {
                ctx.send(Command::Ui(UiCommand::OpenFile));
            }
            if icon_button(ui, Icon::Plus, "Add connection").clicked() {
                ctx.send(Command::Ui(UiCommand::NewConnection));
            }
        });
    });
    saved_ui(ctx, ui, sources, saved);
    if sources.is_empty() {
        let empty = Empty {
            title: "Nothing is open",
            why: "Sources you open and what they hold appear here.",
            action: Some("Open demo sources"),
        };
        if empty_state_ui(ui, empty) {
            ctx.send(Command::Ui(UiCommand::OpenDemo));
        }
        return;
    }
    let lines = catalog_lines(sources);
    let height = theme::of(ui.ctx()).density.row_height();
    ScrollArea::both().auto_shrink([false, false]).show_rows(ui, height, lines.len(), |ui, range| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for line in lines.get(range).unwrap_or_default() {
            // A line keeps its focus, and what was pressed on it, while lines above come and go.
            ui.push_id((line.source.id, path_of(&line.shows)), |ui| line_ui(ctx, ui, line, height));
        }
    });
}

/// What tells a line from all others of its source.
fn path_of(shows: &LineShows<'_>) -> String {
    match shows {
        LineShows::Node(node) => node.path.to_string(),
        LineShows::More(at) => format!("more of {at}"),
        LineShows::Source | LineShows::Fetching | LineShows::Empty | LineShows::Failed(_) => String::new(),
    }
}

/// Saved connections that are not open; one press opens them.
fn saved_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, sources: &[SourceEntry], saved: &[Connection]) {
    const MOST_HEIGHT: f32 = 180.0;
    let open = |connection: &&Connection| sources.iter().any(|source| source.target.text == connection.name);
    let closed = saved.iter().filter(|connection| !open(connection)).collect::<Vec<_>>();
    if closed.is_empty() {
        return;
    }
    let tokens = theme::of(ui.ctx()).tokens;
    let height = theme::of(ui.ctx()).density.row_height();
    ui.label(RichText::new("Saved").font(fonts::caption()).color(tokens.text_dim));
    let area = ScrollArea::vertical().id_salt("saved").max_height(MOST_HEIGHT).auto_shrink([false, true]);
    area.show_rows(ui, height, closed.len(), |ui, range| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for connection in closed.get(range).unwrap_or_default() {
            ui.horizontal(|ui| {
                let title = visible(&connection.name).into_owned();
                let sentence = format!("saved connection {title}");
                let response = tree_item(ui, Fold::Leaf, Icon::Database, &title, &sentence);
                if response.clicked() {
                    ctx.send(Command::OpenTarget(connection.name.clone()));
                }
                response.context_menu(|ui| {
                    if ui.button("Edit connection").clicked() {
                        ctx.send(Command::EditConnection(connection.id));
                    }
                });
                env_tag(ui, connection.tier);
            });
        }
    });
    ui.separator();
}

fn line_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, line: &CatalogLine<'_>, height: f32) {
    let source = line.source;
    match &line.shows {
        LineShows::Source => source_ui(ctx, ui, source, height),
        LineShows::Node(node) => node_ui(ctx, ui, source, node, line.depth, height),
        LineShows::Fetching => remark_ui(ui, line.depth, height, "listing…"),
        LineShows::Empty => remark_ui(ui, line.depth, height, "nothing in here"),
        LineShows::Failed(why) => {
            remark_ui(ui, line.depth, height, &format!("could not be listed: {}", visible(why)));
        }
        LineShows::More(at) => {
            ui.horizontal(|ui| {
                ui.add_space(indent(line.depth));
                if ui.button("More…").clicked() {
                    ctx.send(Command::MoreChildren { source: source.id, node: (*at).clone() });
                }
            });
        }
    }
}

fn indent(depth: usize) -> f32 {
    depth as f32 * space::L
}

fn remark_ui(ui: &mut Ui, depth: usize, height: f32, text: &str) {
    let tokens = theme::of(ui.ctx()).tokens;
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), height),
        Layout::left_to_right(Align::Center),
        |ui| {
            ui.add_space(indent(depth) + space::M);
            ui.label(RichText::new(text).color(tokens.text_faint));
        },
    );
}

fn source_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, source: &SourceEntry, height: f32) {
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), height),
        Layout::left_to_right(Align::Center),
        |ui| {
            let tier = source.target.parts.first().map(|part| part.connection.tier).unwrap_or_default();
            let title = visible(&source.target.name).into_owned();
            let open = source.expanded.contains(&NodePath::root());
            let response = tree_item(ui, open.into(), Icon::Database, &title, &format!("source {title}"));
            if response.clicked() || unfolds(ui, &response) {
                ctx.send(Command::ToggleNode { source: source.id, node: NodePath::root() });
            }
            response.context_menu(|ui| {
                if source.opened.value().is_some_and(|opened| {
                    opened.mounts().iter().any(|mount| mount.source().query_text().is_some())
                }) && ui.button("New query").clicked()
                {
                    ctx.send(Command::OpenQuery(source.id));
                }
                // Of several sources in one, each is described by its own line.
                if source.opened.value().is_some_and(|opened| opened.mounts().len() == 1)
                    && ui.button("Describe").clicked()
                {
                    ctx.send(Command::Describe { source: source.id, node: NodePath::root() });
                }
                if ui.button("Check again").clicked() {
                    ctx.send(Command::Retry(source.id));
                }
                if ui.button("Disconnect").clicked() {
                    ctx.send(Command::CloseSource(source.id));
                }
            });
            env_tag(ui, tier);
            match &source.opened {
                Remote::Pending { .. } => {
                    ui.label("connecting…");
                }
                Remote::Failed { error, .. } => {
                    let failed = ui.button("failed: try again");
                    if failed.explained(visible(&error.to_string()).into_owned()).clicked() {
                        ctx.send(Command::Retry(source.id));
                    }
                }
                Remote::NotAsked | Remote::Ready(_) => {}
            }
        },
    );
}

fn icon_of(kind: NodeKind) -> Icon {
    match kind {
        NodeKind::Database | NodeKind::Schema => Icon::Database,
        NodeKind::View => Icon::View,
        NodeKind::Folder => Icon::Folder,
        NodeKind::File | NodeKind::Image => Icon::File,
        NodeKind::Key => Icon::Key,
        NodeKind::Table | NodeKind::Sheet | NodeKind::Collection | NodeKind::Operation | NodeKind::Topic => {
            Icon::Table
        }
    }
}

fn node_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, source: &SourceEntry, node: &Node, depth: usize, height: f32) {
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), height),
        Layout::left_to_right(Align::Center),
        |ui| {
            ui.add_space(indent(depth));
            let title = visible(&node.name).into_owned();
            let fold =
                if node.expandable { Fold::from(source.expanded.contains(&node.path)) } else { Fold::Leaf };
            let sentence = format!("{} {title}", node.kind.word());
            let response = tree_item(ui, fold, icon_of(node.kind), &title, &sentence);
            let toggle = node.expandable && (response.clicked() || unfolds(ui, &response));
            if toggle {
                ctx.send(Command::ToggleNode { source: source.id, node: node.path.clone() });
            } else if node.readable && response.clicked() {
                ctx.send(Command::OpenNode { source: source.id, node: node.path.clone() });
            }
            // A click unfolds it: its rows, if it has two faces, and its description are asked for by name.
            if node.expandable {
                response.context_menu(|ui| {
                    if node.readable && ui.button("Open as table").clicked() {
                        ctx.send(Command::OpenNode { source: source.id, node: node.path.clone() });
                    }
                    if ui.button("Describe").clicked() {
                        ctx.send(Command::Describe { source: source.id, node: node.path.clone() });
                    }
                });
            }
            let tokens = theme::of(ui.ctx()).tokens;
            if let Some(rows) = &node.rows {
                let sign = if rows.provenance.rank() == 0 { "" } else { "~" };
                let text = format!("{sign}{}", count_text(rows.value));
                let count = RichText::new(text).font(fonts::caption()).color(tokens.text_faint);
                let shown = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add_space(space::XS);
                    ui.label(count)
                });
                let said = format!("{} rows, {}", count_text(rows.value), rows.provenance.phrase());
                shown.inner.on_hover_text(said);
            }
            if let Some(note) = &node.note {
                response.explained(visible(note).into_owned());
            }
        },
    );
}

/// Whether a line can be unfolded, and is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    Leaf,
    Closed,
    Open,
}

impl From<bool> for Fold {
    fn from(open: bool) -> Self {
        if open { Self::Open } else { Self::Closed }
    }
}

/// Keys that a focused line hears beside those of a button.
pub const KEYS: [(Key, &str); 2] =
    [(Key::ArrowRight, "unfolds or folds the line"), (Key::ArrowLeft, "unfolds or folds the line")];

/// Left or Right on a focused line.
fn unfolds(ui: &Ui, response: &egui::Response) -> bool {
    response.has_focus()
        && ui.input_mut(|input| KEYS.iter().any(|(key, _)| input.consume_key(Modifiers::NONE, *key)))
}

/// A line with chevron, icon and title; one focusable node with a name.
fn tree_item(ui: &mut Ui, fold: Fold, icon: Icon, title: &str, sentence: &str) -> egui::Response {
    let tokens = theme::of(ui.ctx()).tokens;
    let galley = ui.painter().layout_no_wrap(title.to_owned(), fonts::body(), tokens.text);
    let height = theme::of(ui.ctx()).density.row_height();
    let size = vec2(space::L + galley.size().x + space::L + space::M, height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::TreeItem, true, sentence));
    ui.ctx().accesskit_node_builder(response.id, |node| match fold {
        Fold::Leaf => {}
        Fold::Closed => node.set_expanded(false),
        Fold::Open => node.set_expanded(true),
    });
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        if response.hovered() {
            painter.rect_filled(rect, theme::RADIUS, tokens.bg3);
        }
        if response.has_focus() {
            theme::paint_focus_ring(painter, rect.shrink(2.0), tokens);
        }
        let mut at = rect.left_center() + vec2(space::S, 0.0);
        match fold {
            Fold::Leaf => {}
            Fold::Closed => Icon::ChevronRight.paint_at(painter, at, tokens.text_dim),
            Fold::Open => Icon::ChevronDown.paint_at(painter, at, tokens.text_dim),
        }
        at.x += space::L;
        icon.paint_at(painter, at, tokens.text_dim);
        let text = egui::pos2(at.x + space::M, rect.center().y - galley.size().y / 2.0);
        painter.galley(text, galley, tokens.text);
    }
    response
}
