//! The form of a connection, drawn from the connector's card alone: whatever a card asks for appears here, and
//! nothing here knows a connector. Checking and saving are `ops`'.
//!
//! Invariant: secrets are typed into password fields, shown nowhere, and leave with the form.

use std::path::PathBuf;

use egui::{RichText, ScrollArea, TextEdit, Ui};

mod fields;

use fields::{FieldWish, field_ui, problem_ui};

use crate::gui::theme::{self, fonts, space};
use crate::gui::view_ctx::{Command, ViewCtx};
use crate::gui::widgets::{ToastKind, list_ui};
use crate::job::Remote;
use crate::job::remote::Change;
use crate::model::card::{Card, FieldKind};
use crate::model::connection::{Connection, SizeClass, Tier};
use crate::ops::draft::limits::Limited;
use crate::ops::draft::{About, Draft, Problem, Saved, connection_of};
use crate::safety::display::name as visible;
use crate::store::secrets::Kept;

/// What happens once the connection is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Nothing more.
    Close,
    /// It is opened.
    Open,
}

/// Whether the form is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormEnd {
    /// It goes on.
    Stay,
    /// Its tab closes.
    Close,
}

/// Where the keyboard goes when the form is drawn next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Focus {
    First,
    Asked,
}

/// A form that is being filled.
pub struct FormState {
    cards: Vec<&'static Card>,
    draft: Draft,
    pasted: String,
    filling: Remote<Connection>,
    browsing: Remote<Option<PathBuf>>,
    /// The field that the file dialog fills.
    browsing_for: &'static str,
    saving: Remote<Saved>,
    then: Then,
    problems: Vec<Problem>,
    /// Where a secret will be kept; asked once a form has a field for one.
    secret_home: Remote<Kept>,
    focus: Focus,
}

impl FormState {
    /// An empty form; the first card is chosen. None if there is no card.
    pub fn new(cards: Vec<&'static Card>) -> Option<Self> {
        let draft = Draft::new(cards.first()?);
        Some(Self::with(cards, draft))
    }

    /// The form of a saved connection; none if its connector is not among the cards.
    pub fn of(cards: Vec<&'static Card>, connection: &Connection) -> Option<Self> {
        let card = cards.iter().copied().find(|card| card.id == connection.connector)?;
        Some(Self::with(cards, Draft::of(card, connection)))
    }

    fn with(cards: Vec<&'static Card>, draft: Draft) -> Self {
        Self {
            cards,
            draft,
            pasted: String::new(),
            filling: Remote::NotAsked,
            browsing: Remote::NotAsked,
            browsing_for: Connection::PATH,
            saving: Remote::NotAsked,
            then: Then::Close,
            problems: Vec::new(),
            secret_home: Remote::NotAsked,
            focus: Focus::First,
        }
    }

    /// Title of its tab.
    pub fn title(&self) -> String {
        match self.draft.edits {
            Some(_) => format!("Edit {}", visible(&self.draft.name)),
            None => "Add connection".to_owned(),
        }
    }

    /// The saved connection it changes.
    pub fn edits(&self) -> Option<uuid::Uuid> {
        self.draft.edits
    }

    /// Takes news in.
    fn logic(&mut self, ctx: &ViewCtx<'_>) -> FormEnd {
        self.secret_home.poll();
        let has_secret = self.draft.card.form.fields.iter().any(|field| field.kind == FieldKind::Secret);
        if has_secret && matches!(self.secret_home, Remote::NotAsked) {
            let workspace = ctx.workspace.clone();
            let outlook = ctx.jobs.spawn_quietly(|_| async move { Ok(workspace.secrets().outlook().await) });
            self.secret_home.ask(outlook);
        }
        if self.browsing.poll() == Change::News
            && let Some(Some(path)) = self.browsing.value()
        {
            self.draft.values.insert(self.browsing_for, path.display().to_string());
        }
        if self.filling.poll() == Change::News
            && let Remote::Ready(connection) = &self.filling
            && let Some(card) = self.cards.iter().copied().find(|card| card.id == connection.connector)
        {
            self.draft.fill(card, connection);
            self.problems.clear();
            self.pasted.clear();
        }
        if self.saving.poll() == Change::News
            && let Remote::Ready(saved) = std::mem::take(&mut self.saving)
        {
            match saved {
                Saved::Done(connection, _) => {
                    if self.then == Then::Open {
                        ctx.send(Command::OpenTarget(connection.name));
                    }
                    return FormEnd::Close;
                }
                Saved::Wrong(problems) => self.problems = problems,
            }
        }
        FormEnd::Stay
    }

    fn save(&mut self, ctx: &ViewCtx<'_>, then: Then) {
        self.problems = self.draft.check();
        if !self.problems.is_empty() || self.saving.job().is_some() {
            return;
        }
        self.then = then;
        let (draft, workspace, commands) = (self.draft.clone(), ctx.workspace.clone(), ctx.commands.clone());
        self.saving.ask(ctx.jobs.spawn_quietly(|_| async move {
            let saved = draft.save(&workspace).await?;
            if let Saved::Done(connection, kept) = &saved {
                let kept = kept.as_ref().map(|kept| format!("; its secret is {}", kept.home.phrase()));
                let said = format!("saved as {:?}{}", visible(&connection.name), kept.unwrap_or_default());
                commands.send(Command::ConnectionsChanged);
                commands.send(Command::Toast(ToastKind::Done, said));
            }
            Ok(saved)
        }));
    }

    fn fill(&mut self, ctx: &ViewCtx<'_>) {
        let (workspace, text) = (ctx.workspace.clone(), self.pasted.trim().to_owned());
        self.filling.ask(ctx.jobs.spawn_quietly(|_| async move { connection_of(&workspace, &text).await }));
    }

    fn browse(&mut self, ctx: &ViewCtx<'_>, key: &'static str) {
        let field = self.draft.card.form.field(key);
        let Some(FieldKind::File { extensions }) = field.map(|field| &field.kind) else { return };
        if self.browsing.job().is_some() {
            return;
        }
        self.browsing_for = key;
        let name = self.draft.card.name;
        self.browsing.ask(ctx.jobs.spawn_quietly(move |_| async move {
            let mut dialog = rfd::AsyncFileDialog::new().set_title("Choose a file");
            if !extensions.is_empty() {
                dialog = dialog.add_filter(name, extensions);
            }
            let picked = dialog.add_filter("All files", &["*"]).pick_file().await;
            Ok(picked.map(|file| file.path().to_owned()))
        }));
    }
}

/// Draws the form.
pub fn form_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut FormState) -> FormEnd {
    let mut end = state.logic(ctx);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.label(RichText::new(state.title()).text_style(fonts::section_style()));
        ui.add_space(space::S);
        if state.draft.edits.is_none() {
            paste_ui(ctx, ui, state);
            ui.add_space(space::S);
            connector_ui(ui, state);
        }
        card_ui(ui, state.draft.card);
        ui.add_space(space::S);
        name_ui(ui, state);
        tier_ui(ui, &mut state.draft.tier);
        ui.add_space(space::S);
        fields_ui(ctx, ui, state);
        upstream_ui(ui, state);
        note_ui(ui, &mut state.draft.note);
        ui.add_space(space::M);
        if buttons_ui(ctx, ui, state) == FormEnd::Close {
            end = FormEnd::Close;
        }
    });
    end
}

/// One field that fills the others from what was copied elsewhere.
fn paste_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut FormState) {
    let schemes = state.cards.iter().flat_map(|card| card.schemes);
    let hint = schemes.map(|scheme| format!("{scheme}://…")).chain(["/path/of/a/file".to_owned()]);
    let hint = hint.collect::<Vec<_>>().join(", ");
    ui.label("Have a URL or a path? Paste it, and the form is filled from it.");
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(&mut state.pasted).hint_text(hint).desired_width(FIELD_WIDTH);
        let response = ui.add(field).accessible_name("URL or path to fill from");
        // What is pasted fills the rest: it comes first, also for the keyboard.
        if state.focus == Focus::First {
            state.focus = Focus::Asked;
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let ready = !state.pasted.trim().is_empty() && state.filling.job().is_none();
        let pressed = ui.add_enabled(ready, egui::Button::new("Fill in")).clicked();
        if ready && (pressed || entered) {
            state.fill(ctx);
        }
    });
    if let Some(error) = state.filling.error() {
        problem_ui(ui, &crate::gui::apply::said(error));
    }
}

/// Width of the text fields, points.
const FIELD_WIDTH: f32 = 420.0;

fn connector_ui(ui: &mut Ui, state: &mut FormState) {
    let mut chosen = state.draft.card;
    ui.horizontal(|ui| {
        list_ui(ui, "Connector", chosen.name, |ui| {
            for card in &state.cards {
                if ui.selectable_label(card.id == chosen.id, card.name).clicked() {
                    chosen = card;
                }
            }
        });
    });
    if chosen.id != state.draft.card.id {
        state.draft.choose(chosen);
        state.problems.clear();
    }
}

fn card_ui(ui: &mut Ui, card: &Card) {
    let tokens = theme::of(ui.ctx()).tokens;
    ui.label(RichText::new(format!("{}: {}", card.name, card.summary)).color(tokens.text_dim));
    ui.label(RichText::new("* must be filled").font(fonts::caption()).color(tokens.text_faint));
}

fn name_ui(ui: &mut Ui, state: &mut FormState) {
    ui.label("Name *");
    let field = TextEdit::singleline(&mut state.draft.name).hint_text("orders").desired_width(FIELD_WIDTH);
    let response = ui.add(field).accessible_name("Name");
    ui.ctx().accesskit_node_builder(response.id, egui::accesskit::Node::set_required);
    if state.focus == Focus::First {
        state.focus = Focus::Asked;
        response.request_focus();
    }
    problems_ui(ui, &state.problems, About::Name);
}

fn problems_ui(ui: &mut Ui, problems: &[Problem], about: About) {
    for problem in problems.iter().filter(|problem| problem.about == about) {
        problem_ui(ui, &problem.text);
    }
}

fn tier_ui(ui: &mut Ui, tier: &mut Tier) {
    ui.horizontal(|ui| {
        ui.label("Environment");
        for (choice, why) in [
            (Tier::Prod, "Production: the strictest; nothing is asked on its own"),
            (Tier::Stg, "Staging"),
            (Tier::Dev, "Development"),
            (Tier::Local, "This machine"),
        ] {
            ui.radio_value(tier, choice, choice.word()).on_hover_text(why);
        }
    });
}

fn fields_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut FormState) {
    let mut wish = None;
    for field in state.draft.card.form.all() {
        wish = field_ui(ui, field, &mut state.draft, state.secret_home.value()).or(wish);
        problems_ui(ui, &state.problems, About::Field(field.key));
        ui.add_space(space::XS);
    }
    if let Some(FieldWish::Browse(key)) = wish {
        state.browse(ctx, key);
    }
}

/// How large the upstream is, and what one session may take of it.
fn upstream_ui(ui: &mut Ui, state: &mut FormState) {
    const LIMIT_WIDTH: f32 = 96.0;
    let tokens = theme::of(ui.ctx()).tokens;
    let by_tier = format!("by environment ({})", SizeClass::of_tier(state.draft.tier).word());
    let chosen = state.draft.size_class;
    ui.horizontal(|ui| {
        list_ui(ui, "Capacity", chosen.map_or(by_tier.clone(), |class| class.word().to_owned()), |ui| {
            ui.selectable_value(&mut state.draft.size_class, None, &by_tier);
            for class in SizeClass::ALL {
                let choice = ui.selectable_value(&mut state.draft.size_class, Some(class), class.word());
                choice.on_hover_text(class.phrase());
            }
        });
    });
    let class = chosen.unwrap_or(SizeClass::of_tier(state.draft.tier));
    let said = format!("declared until it is measured: {}", class.phrase());
    ui.label(RichText::new(said).font(fonts::caption()).color(tokens.text_dim));
    ui.add_space(space::XS);
    ui.label("Budget of a session; empty for no limit");
    ui.horizontal(|ui| {
        for limited in Limited::ALL {
            ui.label(limited.label());
            let text = state.draft.budget.entry(limited).or_default();
            let field = TextEdit::singleline(text).hint_text(limited.example()).desired_width(LIMIT_WIDTH);
            ui.add(field).accessible_name(format!("Budget: {}", limited.label().to_lowercase()));
        }
    });
    for limited in Limited::ALL {
        for problem in state.problems.iter().filter(|problem| problem.about == About::Budget(limited)) {
            problem_ui(ui, &format!("{}: {}", limited.label(), problem.text));
        }
    }
    ui.add_space(space::XS);
}

fn note_ui(ui: &mut Ui, note: &mut String) {
    ui.label("Note");
    let field = TextEdit::singleline(note).hint_text("who owns it, whom to ask").desired_width(FIELD_WIDTH);
    ui.add(field).accessible_name("Note");
}

fn buttons_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut FormState) -> FormEnd {
    let mut end = FormEnd::Stay;
    ui.horizontal(|ui| {
        ui.add_enabled_ui(state.saving.job().is_none(), |ui| {
            if ui.button("Save").clicked() {
                state.save(ctx, Then::Close);
            }
            if ui.button("Save and open").clicked() {
                state.save(ctx, Then::Open);
            }
        });
        if ui.button("Cancel").clicked() {
            end = FormEnd::Close;
        }
        if state.saving.job().is_some() {
            ui.label("saving…");
        }
    });
    if !state.problems.is_empty() {
        problem_ui(ui, "nothing was saved: see what is said beside the fields");
    }
    if let Some(error) = state.saving.error() {
        problem_ui(ui, &crate::gui::apply::said(error));
    }
    end
}
