//! The window as tests drive it: headless, by accessible names, over the real program.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headwater::connector::Credentials;
use headwater::gui::app::App;
use headwater::gui::theme::{self, Look};
use headwater::job::Runtime;
use headwater::model::connection::Connection;
use headwater::ops::Workspace;
use headwater::store::settings::Settings;

/// Longer than any step takes on a busy machine; reached only when something hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// A window of its own, with what tests ask of it.
pub struct Window<S: 'static = App> {
    pub harness: Harness<'static, S>,
    pub folder: tempfile::TempDir,
}

/// A headless window that draws a state.
pub fn harness<S: 'static>(
    draw: impl FnMut(&mut egui::Ui, &mut S) + 'static,
    state: S,
) -> Harness<'static, S> {
    Harness::builder()
        .with_size(vec2(1400.0, 1000.0))
        // Rows hold any character; without the system's fonts, some have no picture.
        .allow_missing_glyphs()
        .with_context_setup(|ctx| theme::apply(ctx, Look::default()).unwrap())
        .build_ui_state(draw, state)
}

impl Window {
    /// The window with the demo open and a table of it in a tab.
    pub fn at_table(table: &str) -> Self {
        let mut window = Self::new(Some("demo:".to_owned()), None);
        window.wait_for(&format!("table {table}"));
        window.press(&format!("table {table}"));
        window.run_through_the_sheet(table);
        window
    }

    /// The window with this opened and that connection saved.
    pub fn new(target: Option<String>, saved: Option<Connection>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::in_folder(folder, target, saved, &Credentials::none())
    }

    /// The same with a password given for this run.
    pub fn with(target: Option<String>, saved: Option<Connection>, given: &Credentials) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::in_folder(folder, target, saved, given)
    }

    /// The same, with its data in a folder that is there already.
    pub fn in_folder(
        folder: tempfile::TempDir,
        target: Option<String>,
        saved: Option<Connection>,
        given: &Credentials,
    ) -> Self {
        headwater::kit::worker::set_program(env!("CARGO_BIN_EXE_headwater"));
        let runtime = Arc::new(Runtime::start().unwrap());
        let workspace = runtime.run(Workspace::open(Some(folder.path().join("data")))).unwrap();
        if let Some(password) = given.get(Connection::PASSWORD) {
            workspace.give_password(password.clone());
        }
        if let Some(connection) = saved {
            runtime.run(workspace.connections().add(connection)).unwrap();
        }
        let context = egui::Context::default();
        let app = App::new(&context, runtime, workspace, Settings::default(), target);
        let draw = |ui: &mut egui::Ui, app: &mut App| {
            let ctx = ui.ctx().clone();
            app.logic(&ctx);
            app.draw(ui);
        };
        let harness = harness(draw, app);
        Self { harness, folder }
    }

    /// Rows of the read that was asked for, given a reason where the demo's slow box wants one.
    pub fn run_through_the_sheet(&mut self, table: &str) {
        self.wait("rows or a sheet", |window| window.has_rows() || window.has("Run as is"));
        if self.has_rows() {
            return;
        }
        self.run_sheet_if_asked(table);
        self.wait("rows", Self::has_rows);
    }

    /// Runs what a sheet asks about as it is, with a reason where one is wanted.
    pub fn run_sheet_if_asked(&mut self, table: &str) {
        if !self.has("Run as is") {
            return;
        }
        for (field, text) in [("Reason", "a test"), ("Type the object's name", table)] {
            if self.has(field) {
                self.write(field, text);
            }
        }
        self.button("Run as is");
    }

    pub fn run_through_the_sheet_if_asked(&mut self, table: &str) {
        if self.has("Run as is") {
            self.run_through_the_sheet(table);
        }
    }
}

impl<S> Window<S> {
    pub fn has_rows(&self) -> bool {
        self.harness.query_all_by_role(Role::Cell).next().is_some()
    }

    pub fn has(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    pub fn says(&self, part: &str) -> bool {
        self.harness.query_all_by_label_contains(part).next().is_some()
    }

    /// Frames until something holds.
    pub fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        loop {
            self.harness.step();
            if holds(self) {
                return;
            }
            assert!(Instant::now() < until, "{what} never came; the window says {:#?}", self.labels());
            std::thread::yield_now();
        }
    }

    pub fn wait_for(&mut self, label: &str) {
        self.wait(label, |window| window.has(label));
    }

    pub fn wait_to_say(&mut self, part: &str) {
        self.wait(part, |window| window.says(part));
    }

    pub fn labels(&self) -> Vec<String> {
        let all = self.harness.query_all_by(|_| true);
        all.filter_map(|node| node.accesskit_node().label()).collect()
    }

    pub fn press(&mut self, label: &str) {
        let node = self.harness.query_all_by_label(label).next();
        node.unwrap_or_else(|| panic!("{label} is not there")).click_accesskit();
        self.harness.run_steps(2);
    }

    pub fn button(&mut self, label: &str) {
        self.press_as(Role::Button, label);
    }

    pub fn press_as(&mut self, role: Role, label: &str) {
        let node = self.harness.query_all_by_role_and_label(role, label).next();
        node.unwrap_or_else(|| panic!("{label} is not there: {:#?}", self.labels())).click_accesskit();
        self.harness.run_steps(3);
    }

    pub fn key(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(3);
    }

    /// What a field of text holds.
    pub fn value(&self, field: &str) -> String {
        let node = self.harness.get_by(|node| is_field(node, field));
        node.accesskit_node().value().unwrap_or_default()
    }

    /// Types into a field of one line or of many, after emptying it.
    pub fn write(&mut self, field: &str, text: &str) {
        self.harness.get_by(|node| is_field(node, field)).focus();
        self.harness.run_steps(2);
        self.key(egui::Modifiers::COMMAND, egui::Key::A);
        self.harness.get_by(|node| is_field(node, field)).type_text(text);
        self.harness.run_steps(2);
    }

    pub fn choose(&mut self, list: &str, choice: &str) {
        // A list that was chosen from without a pointer may still be unfolded.
        if !self.has(choice) {
            self.harness.get_by_role_and_label(Role::ComboBox, list).click_accesskit();
            self.harness.run_steps(3);
        }
        self.press_as(Role::Button, choice);
    }

    pub fn cells(&self, column: &str) -> Vec<String> {
        let mark = format!(", {column}: ");
        let cells = self.harness.query_all_by_role(Role::Cell);
        cells
            .filter_map(|node| node.accesskit_node().label())
            .filter_map(|label| label.split_once(&mark).map(|(_, value)| value.to_owned()))
            .collect()
    }
}

fn is_field(node: &egui_kittest::kittest::AccessKitNode<'_>, name: &str) -> bool {
    matches!(node.role(), Role::TextInput | Role::MultilineTextInput | Role::PasswordInput)
        && node.label().as_deref() == Some(name)
}
