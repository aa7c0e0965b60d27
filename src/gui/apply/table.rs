//! The commands of the table: first offered to the tab in front, then done by the window.

use egui::Context;

use crate::gui::app::{App, Side};
use crate::gui::command::UiCommand;
use crate::gui::panes::data::{DataTab, Handled};
use crate::gui::panes::drawer::DrawerTab;
use crate::gui::panes::welcome::WelcomeState;
use crate::gui::region::Way;
use crate::gui::tabs::Tab;
use crate::gui::theme::{Density, Look, ThemeChoice, Zoom};
use crate::gui::view_ctx::Command;
use crate::gui::widgets::ToastKind;
use crate::ops::Target;

/// Does one command of the table.
pub fn apply(app: &mut App, ctx: &Context, command: UiCommand) {
    let handled = app.with_ctx(|view, _, tabs| match tabs.front_mut().and_then(Tab::data_mut) {
        Some(tab) => tab.command(view, command),
        None => Handled::No,
    });
    if handled == Handled::Yes {
        return;
    }
    match command {
        UiCommand::Palette => app.open_palette(">"),
        UiCommand::GoToRow => app.open_palette(":"),
        UiCommand::OpenDemo => app.commands.send(Command::OpenTarget(Target::DEMO.to_owned())),
        UiCommand::OpenFile => pick_file(app),
        UiCommand::NewConnection => super::saved::add(app),
        UiCommand::DescribeSource => super::source::describe_front(app),
        UiCommand::NewTab => app.tabs.add(Tab::Welcome(WelcomeState::default())),
        UiCommand::CloseTab => app.tabs.close_front(),
        UiCommand::ReopenTab => reopen(app),
        UiCommand::NextTab => app.tabs.cycle(1),
        UiCommand::PreviousTab => app.tabs.cycle(-1),
        UiCommand::SelectTab(number) => app.tabs.select(number),
        UiCommand::SplitPane => split(app),
        UiCommand::ToggleRail => app.shown.rail = app.shown.rail.toggled(),
        UiCommand::ToggleInspector => app.shown.inspector = app.shown.inspector.toggled(),
        UiCommand::ToggleDrawer => {
            app.shown.drawer = app.shown.drawer.toggled();
            app.refresh_ledger();
        }
        UiCommand::ShowLedger => show_drawer(app, DrawerTab::Ledger),
        UiCommand::ShowJobs => show_drawer(app, DrawerTab::Jobs),
        UiCommand::Settings => app.tabs.show_settings(),
        UiCommand::SwitchTheme => switch_theme(app, ctx),
        UiCommand::SwitchDensity => switch_density(app, ctx),
        UiCommand::ZoomIn => app.set_look(ctx, app.look.zoomed(Zoom::In)),
        UiCommand::ZoomOut => app.set_look(ctx, app.look.zoomed(Zoom::Out)),
        UiCommand::ZoomReset => app.set_look(ctx, app.look.zoomed(Zoom::Reset)),
        UiCommand::Help => app.open_help(ctx),
        UiCommand::NextRegion => app.go_to_region(ctx, Way::Onwards),
        UiCommand::PreviousRegion => app.go_to_region(ctx, Way::Back),
        UiCommand::Run
        | UiCommand::EstimateOnly
        | UiCommand::Cancel
        | UiCommand::Find
        | UiCommand::FindNext
        | UiCommand::FindPrevious
        | UiCommand::JumpToColumn
        | UiCommand::Profile
        | UiCommand::Describe
        | UiCommand::Export
        | UiCommand::Recheck => {}
    }
}

fn show_drawer(app: &mut App, tab: DrawerTab) {
    app.shown.drawer = Side::Open;
    app.drawer = tab;
    if tab == DrawerTab::Ledger {
        app.commands.send(Command::Tick("ledger"));
    }
    app.refresh_ledger();
}

/// Opens the system's file dialog; where there is none, a path can be pasted.
fn pick_file(app: &mut App) {
    if app.picking.job().is_some() {
        return;
    }
    let extensions = app
        .workspace
        .registry()
        .iter()
        .flat_map(|connector| connector.card().extensions)
        .copied()
        .collect::<Vec<_>>();
    let ticket = app.jobs.spawn_quietly(move |_| async move {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open a file")
            .add_filter("Files that headwater opens", &extensions);
        let picked = dialog.add_filter("All files", &["*"]).pick_file().await;
        Ok(picked.map(|file| file.path().to_owned()))
    });
    app.picking.ask(ticket);
    app.commands.send(Command::Toast(
        ToastKind::Done,
        "choose a file in the dialog, or paste its path into the welcome".to_owned(),
    ));
}

fn reopen(app: &mut App) {
    if let Some(closed) = app.tabs.take_closed() {
        let tab = app.with_ctx(|ctx, _, _| DataTab::open(ctx, closed.source, closed.shows));
        app.tabs.add(Tab::Data(Box::new(tab)));
    }
}

fn split(app: &mut App) {
    let Some(tab) = app.tabs.front().and_then(Tab::data) else { return };
    let (source, shows) = (tab.source().clone(), tab.shows().clone());
    let twin = app.with_ctx(|ctx, _, _| DataTab::open(ctx, source, shows));
    app.tabs.split(Tab::Data(Box::new(twin)));
}

fn switch_theme(app: &mut App, ctx: &Context) {
    let theme = match app.look.theme {
        ThemeChoice::System => ThemeChoice::Dark,
        ThemeChoice::Dark => ThemeChoice::Light,
        ThemeChoice::Light => ThemeChoice::HighContrast,
        ThemeChoice::HighContrast => ThemeChoice::System,
    };
    app.set_look(ctx, Look { theme, ..app.look });
}

fn switch_density(app: &mut App, ctx: &Context) {
    let density = match app.look.density {
        Density::Compact => Density::Normal,
        Density::Normal => Density::Roomy,
        Density::Roomy => Density::Compact,
    };
    app.set_look(ctx, Look { density, ..app.look });
}
