//! The free query: text, the gate's word on it while it is typed, and where it runs.

use egui::{RichText, TextEdit, Ui};

use crate::gui::theme;
use crate::gui::view_ctx::OpenSource;
use crate::gui::widgets::{Explained as _, list_ui};
use crate::model::gate::GateVerdict;
use crate::model::node::NodePath;
use crate::safety::display::name as visible;

/// State of a query.
pub struct QueryState {
    /// Its text.
    pub text: String,
    /// The source inside the target that runs it.
    mount: usize,
    gated: Option<(usize, String, GateVerdict)>,
}

/// What the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryWish {
    /// Run it.
    Run,
    /// Only tell what it would cost.
    Estimate,
}

impl QueryState {
    /// A new query on the first source that has a language.
    pub fn new(source: &OpenSource) -> Self {
        let mount = source
            .opened
            .mounts()
            .iter()
            .position(|mount| mount.source().query_text().is_some())
            .unwrap_or(0);
        Self { text: String::new(), mount, gated: None }
    }

    /// The node that names the source inside the target.
    pub fn node(&self, source: &OpenSource) -> NodePath {
        source.opened.mounts().get(self.mount).map(crate::ops::Mount::path).unwrap_or_default()
    }

    /// The gate's verdict, judged anew when the text changed.
    fn gate(&mut self, source: &OpenSource) -> Option<&GateVerdict> {
        if self.text.trim().is_empty() {
            return None;
        }
        let known =
            self.gated.as_ref().is_some_and(|(mount, text, _)| *mount == self.mount && *text == self.text);
        if !known {
            let language = source.opened.mounts().get(self.mount)?.source().query_text()?;
            self.gated = Some((self.mount, self.text.clone(), language.gate(&self.text)));
        }
        self.gated.as_ref().map(|(_, _, verdict)| verdict)
    }
}

/// Draws the query.
pub fn query_ui(ui: &mut Ui, source: &OpenSource, query: &mut QueryState) -> Option<QueryWish> {
    let mut wish = None;
    let mounts = source.opened.mounts();
    let languages = mounts
        .iter()
        .enumerate()
        .filter_map(|(index, mount)| Some((index, mount, mount.source().query_text()?.language())))
        .collect::<Vec<_>>();
    if languages.is_empty() {
        ui.label("This source has no query language.");
        return None;
    }
    if languages.len() > 1 {
        let label = |path: NodePath| visible(&path.to_string()).into_owned();
        let chosen = label(query.node(source));
        ui.horizontal(|ui| {
            list_ui(ui, "Runs on", chosen, |ui| {
                for (index, mount, language) in &languages {
                    let text = format!("{} ({language})", label(mount.path()));
                    ui.selectable_value(&mut query.mount, *index, text);
                }
            });
        });
    }
    let language =
        languages.iter().find(|(index, _, _)| *index == query.mount).map_or("", |(_, _, name)| name);
    let field = TextEdit::multiline(&mut query.text)
        .code_editor()
        .desired_rows(6)
        .desired_width(f32::INFINITY)
        .hint_text(format!("one {language} statement that reads"));
    ui.add(field).called("Query");
    let tokens = theme::of(ui.ctx()).tokens;
    let verdict = query.gate(source).cloned();
    ui.horizontal_wrapped(|ui| {
        let has_text = verdict.is_some();
        if ui.add_enabled(has_text, egui::Button::new("Run")).explained("Ctrl+Enter").clicked() {
            wish = Some(QueryWish::Run);
        }
        let estimate = egui::Button::new("Estimate only");
        if ui.add_enabled(has_text, estimate).explained("Ctrl+Shift+Enter").clicked() {
            wish = Some(QueryWish::Estimate);
        }
        if let Some(verdict) = &verdict {
            let color = if verdict.is_read() { tokens.text_dim } else { tokens.error() };
            let text = format!("gate: {} — {}", verdict.word(), verdict.why());
            ui.label(RichText::new(visible(&text).into_owned()).color(color));
        }
    });
    wish
}
