//! The first thing a user sees: what to open, what was open, what to try.

use egui::accesskit::Role;
use egui::{Align, Layout, RichText, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::gui::command::UiCommand;
use crate::gui::theme::{self, fonts, space};
use crate::gui::view_ctx::{Command, ViewCtx};
use crate::gui::widgets::Explained as _;
use crate::gui::widgets::icons::{self, Icon};
use crate::model::connection::Connection;
use crate::safety::display::name as visible;

/// The steps of the checklist: id and what to do.
pub const CHECKLIST: [(&str, &str); 6] = [
    ("demo", "Open the demo sources"),
    ("preview", "Look at the rows of a table"),
    ("sheet", "See a load sheet: ask for all rows of flights"),
    ("profile", "Profile a sample"),
    ("export", "Export a sample with its manifest"),
    ("ledger", "Read in the ledger what was asked of whom"),
];

/// Width of what can be started, points.
const START_WIDTH: f32 = 360.0;

/// What the welcome keeps between frames.
#[derive(Default)]
pub struct WelcomeState {
    /// A path or URL being typed.
    path: String,
    /// The saved connection whose removal was asked for and not yet confirmed.
    removing: Option<uuid::Uuid>,
}

/// Draws the welcome.
pub fn welcome_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut WelcomeState, saved: &[Connection]) {
    let tokens = theme::of(ui.ctx()).tokens;
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.add_space(space::L);
        ui.label(RichText::new("Headwater").text_style(fonts::display_style()));
        ui.label(
            RichText::new("See what is upstream, and what a read will cost, before it runs.")
                .color(tokens.text_dim),
        );
        ui.add_space(space::L);
        let beside = ui.available_width() >= 2.0 * START_WIDTH;
        let layout = if beside { Layout::left_to_right(Align::Min) } else { Layout::top_down(Align::Min) };
        ui.with_layout(layout, |ui| {
            ui.vertical(|ui| {
                ui.set_width(START_WIDTH.min(ui.available_width()));
                start_ui(ctx, ui, state);
            });
            ui.add_space(space::XL);
            ui.vertical(|ui| {
                saved_ui(ctx, ui, state, saved);
                recent_ui(ctx, ui);
            });
        });
        ui.add_space(space::L);
        checklist_ui(ctx, ui);
        ui.add_space(space::L);
        ui.label(
            RichText::new(
                "Nothing leaves this computer. Reads are read-only; every statement is in the ledger.",
            )
            .color(tokens.text_dim),
        );
    });
}

fn start_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut WelcomeState) {
    ui.label(RichText::new("Start").text_style(fonts::section_style()));
    for command in [UiCommand::OpenDemo, UiCommand::OpenFile, UiCommand::NewConnection] {
        let Some(info) = command.info() else { continue };
        let button = egui::Button::new(info.name)
            .shortcut_text(command.shortcut_text(ui.ctx()))
            .min_size(egui::vec2(ui.available_width(), 32.0));
        if ui.add(button).explained(info.tooltip).clicked() {
            ctx.send(Command::Ui(command));
        }
    }
    ui.add_space(space::S);
    ui.label("…or drop a file here, or paste a path:");
    ui.horizontal(|ui| {
        let field =
            egui::TextEdit::singleline(&mut state.path).hint_text("/data/orders.csv").desired_width(260.0);
        let response = ui.add(field).called("Path or URL");
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if (ui.button("Open path").clicked() || entered) && !state.path.trim().is_empty() {
            ctx.send(Command::OpenTarget(std::mem::take(&mut state.path)));
        }
    });
}

fn saved_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut WelcomeState, saved: &[Connection]) {
    if saved.is_empty() {
        return;
    }
    ui.label(RichText::new("Saved connections").text_style(fonts::section_style()));
    for connection in saved {
        ui.horizontal_wrapped(|ui| connection_ui(ctx, ui, state, connection));
    }
    ui.add_space(space::S);
}

fn connection_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut WelcomeState, connection: &Connection) {
    let name = visible(&connection.name).into_owned();
    if ui.button(format!("{name} · {}", connection.tier.word())).clicked() {
        ctx.send(Command::OpenTarget(connection.name.clone()));
    }
    if state.removing == Some(connection.id) {
        if ui.button("Remove it").called(format!("Remove {name} for good")).clicked() {
            state.removing = None;
            ctx.send(Command::RemoveConnection(connection.id));
        }
        if ui.button("Keep it").clicked() {
            state.removing = None;
        }
        return;
    }
    if ui.button("Edit").called(format!("Edit {name}")).clicked() {
        ctx.send(Command::EditConnection(connection.id));
    }
    if ui.button("Remove…").called(format!("Remove {name}")).clicked() {
        state.removing = Some(connection.id);
    }
}

fn recent_ui(ctx: &ViewCtx<'_>, ui: &mut Ui) {
    let tokens = theme::of(ui.ctx()).tokens;
    ui.label(RichText::new("Recent").text_style(fonts::section_style()));
    let recent = ctx.settings.recent();
    if recent.is_empty() {
        ui.label(RichText::new("What you open appears here.").color(tokens.text_faint));
    }
    for opened in recent.iter().take(8) {
        let name = RichText::new(visible(&opened.target).into_owned()).color(tokens.accent);
        // No link: it would be lower than a finger or a shaky hand can hit.
        if ui.add(egui::Button::new(name).frame(false)).clicked() {
            ctx.send(Command::OpenTarget(opened.target.clone()));
        }
    }
}

fn checklist_ui(ctx: &ViewCtx<'_>, ui: &mut Ui) {
    let done = |id: &str| ctx.settings.checklist.contains(id);
    let count = CHECKLIST.iter().filter(|(id, _)| done(id)).count();
    ui.label(
        RichText::new(format!("First steps {count}/{}", CHECKLIST.len())).text_style(fonts::section_style()),
    );
    for (id, text) in CHECKLIST {
        step_ui(ui, text, if done(id) { Step::Done } else { Step::Open });
    }
}

/// Whether a step of the checklist was done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    Open,
}

fn step_ui(ui: &mut Ui, text: &str, step: Step) {
    let tokens = theme::of(ui.ctx()).tokens;
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(icons::SIZE, icons::SIZE), Sense::hover());
        let ring = egui::Stroke::new(1.0, tokens.line_strong);
        let (said, color) = match step {
            Step::Done => {
                Icon::Check.paint_at(ui.painter(), rect.center(), tokens.accent);
                ("done", tokens.text_dim)
            }
            Step::Open => {
                ui.painter().circle_stroke(rect.center(), 5.0, ring);
                ("not yet", tokens.text)
            }
        };
        let label = ui.label(RichText::new(text).color(color));
        label.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{text}: {said}")));
    });
}
