//! The form of a connection in a headless window: added, filled from a pasted path, changed, removed; and the
//! form of a card that asks for everything a card can ask for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headwater::gui::app::App;
use headwater::gui::panes::form::{FormState, form_ui};
use headwater::gui::theme::{self, Look};
use headwater::gui::view_ctx::{Commands, ViewCtx};
use headwater::job::{Jobs, Runtime};
use headwater::model::card::{Card, Family, FieldKind, Form, FormField, Need};
use headwater::ops::Workspace;
use headwater::store::settings::Settings;

/// Longer than any step takes on a busy machine; reached only when something hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// A window of its own, with what tests ask of it.
pub struct Window<S: 'static = App> {
    pub harness: Harness<'static, S>,
    pub folder: tempfile::TempDir,
}

fn harness<S: 'static>(draw: impl FnMut(&mut egui::Ui, &mut S) + 'static, state: S) -> Harness<'static, S> {
    Harness::builder()
        .with_size(vec2(1400.0, 1000.0))
        .with_context_setup(|ctx| theme::apply(ctx, Look::default()).unwrap())
        .build_ui_state(draw, state)
}

impl Window<App> {
    /// The window as it opens, with a small file in its folder.
    pub fn open(target: Option<&str>) -> Self {
        headwater::kit::worker::set_program(env!("CARGO_BIN_EXE_headwater"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("cities.csv"),
            "city,people\nOslo,709037\nBergen,291940\nOs,21000\n",
        )
        .unwrap();
        let runtime = Arc::new(Runtime::start().unwrap());
        let workspace = runtime.run(Workspace::open(Some(folder.path().join("data")))).unwrap();
        let target = target.map(|target| match target {
            "cities" => folder.path().join("cities.csv").display().to_string(),
            other => other.to_owned(),
        });
        let app = App::new(&egui::Context::default(), runtime, workspace, Settings::default(), target);
        let draw = |ui: &mut egui::Ui, app: &mut App| {
            let ctx = ui.ctx().clone();
            app.logic(&ctx);
            app.draw(ui);
        };
        Self { harness: harness(draw, app), folder }
    }

    fn file(&self) -> String {
        self.folder.path().join("cities.csv").display().to_string()
    }

    /// What the file of connections holds.
    fn saved(&self) -> String {
        let found = walk(&self.folder.path().join("data"));
        let file = found.iter().find(|path| path.file_name().is_some_and(|name| name == "connections.toml"));
        file.map(|path| std::fs::read_to_string(path).unwrap()).unwrap_or_default()
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let inside = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    inside.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

impl<S> Window<S> {
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

    pub fn wait_to_say(&mut self, part: &str) {
        self.wait(part, |window| window.says(part));
    }

    pub fn labels(&self) -> Vec<String> {
        let all = self.harness.query_all_by(|_| true);
        all.filter_map(|node| node.accesskit_node().label()).collect()
    }

    pub fn press(&mut self, role: Role, label: &str) {
        let node = self.harness.query_all_by_role_and_label(role, label).next();
        node.unwrap_or_else(|| panic!("{label} is not there: {:#?}", self.labels())).click_accesskit();
        self.harness.run_steps(3);
    }

    pub fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(3);
    }

    /// Types into a field after emptying it.
    pub fn write(&mut self, role: Role, field: &str, text: &str) {
        self.harness.get_by_role_and_label(role, field).focus();
        self.harness.run_steps(2);
        self.key(Modifiers::COMMAND, Key::A);
        self.harness.get_by_role_and_label(role, field).type_text(text);
        self.harness.run_steps(2);
    }

    pub fn value(&self, field: &str) -> String {
        let node = self.harness.get_by_role_and_label(Role::TextInput, field);
        node.accesskit_node().value().unwrap_or_default()
    }

    pub fn choose(&mut self, list: &str, choice: &str) {
        self.press(Role::ComboBox, list);
        self.press(Role::Button, choice);
    }
}

#[test]
fn a_connection_is_added_by_its_form_and_then_stands_on_welcome_and_rail() {
    let mut window = Window::open(None);
    window.key(Modifiers::COMMAND, Key::N);
    window.press(Role::Button, "Save");
    window.wait_to_say("a connection needs a name");
    window.choose("Connector", "CSV");
    window.press(Role::Button, "Save");
    window.wait_to_say("file must be filled");
    assert!(window.has("File *") && window.has("Browse for File"));
    assert!(window.has("the file; plain, gzip or zstd"));

    window.write(Role::TextInput, "Name", "towns");
    window.write(Role::TextInput, "File", "/nowhere/at/all.csv");
    window.write(Role::TextInput, "Lines to skip", "many");
    window.press(Role::Button, "Save");
    window.wait_to_say("give a whole number from 0 to");
    window.write(Role::TextInput, "Lines to skip", "0");
    window.press(Role::Button, "Save");
    window.wait_to_say("the file can't be opened");
    assert_eq!(window.saved(), "");

    let file = window.file();
    window.write(Role::TextInput, "File", &file);
    window.choose("Quote", "double quote");
    window.press(Role::RadioButton, "DEV");
    window.press(Role::Button, "Save");
    window.wait("the saved connection", |window| {
        window.has("towns · DEV") && window.has("saved connection towns")
    });
    assert!(!window.has("Save and open"));
    let saved = window.saved();
    for part in [file.as_str(), "towns", "DEV", "double"] {
        assert!(saved.contains(part), "{part} is missing in {saved}");
    }
    window.press(Role::TreeItem, "saved connection towns");
    window.wait("its rows", |window| window.harness.query_all_by_role(Role::Cell).next().is_some());
    assert!(!window.has("saved connection towns") && window.has("source towns"));
}

#[test]
fn a_pasted_path_fills_the_form_which_saves_and_opens_at_once() {
    let mut window = Window::open(None);
    window.press(Role::Button, "Add connection");
    window.write(Role::TextInput, "URL or path to fill from", "gopher://old");
    window.press(Role::Button, "Fill in");
    window.wait_to_say("no connector of this build answers to gopher://");

    let file = window.file();
    window.write(Role::TextInput, "URL or path to fill from", &file);
    window.press(Role::Button, "Fill in");
    window.wait("the path", |window| window.value("File") == file);
    assert_eq!(window.value("Name"), "cities.csv");
    window.press(Role::Button, "Save and open");
    window.wait("its rows", |window| window.harness.query_all_by_role(Role::Cell).next().is_some());
    assert!(window.has("source cities.csv") && window.saved().contains("cities.csv"));
}

#[test]
fn a_saved_connection_is_changed_and_removed_after_a_second_look() {
    let mut window = Window::open(None);
    window.key(Modifiers::COMMAND, Key::N);
    let file = window.file();
    window.write(Role::TextInput, "URL or path to fill from", &file);
    window.press(Role::Button, "Fill in");
    window.wait("the path", |window| window.value("File") == file);
    window.press(Role::Button, "Save");
    window.wait("the connection", |window| window.has("cities.csv · LOCAL"));

    window.press(Role::Button, "Edit cities.csv");
    assert_eq!(window.value("File"), file);
    window.write(Role::TextInput, "Name", "towns");
    window.press(Role::Button, "Cancel");
    assert!(window.has("cities.csv · LOCAL"));
    window.press(Role::Button, "Edit cities.csv");
    window.write(Role::TextInput, "Name", "towns");
    window.press(Role::RadioButton, "PROD");
    window.press(Role::Button, "Save");
    window.wait("the changed connection", |window| window.has("towns · PROD"));
    assert!(!window.has("cities.csv · LOCAL"));

    window.press(Role::Button, "Remove towns");
    window.press(Role::Button, "Keep it");
    assert!(window.has("towns · PROD"));
    window.press(Role::Button, "Remove towns");
    window.press(Role::Button, "Remove towns for good");
    window.wait("nothing saved", |window| !window.has("towns · PROD") && !window.says("saved connection"));
    assert!(!window.saved().contains("[[connection]]"));
}

static CARD: Card = Card {
    id: "vault",
    name: "Vault",
    family: Family::Keys,
    summary: "a server that wants a password",
    schemes: &["vault"],
    extensions: &[],
    magic: &[],
    form: Form {
        fields: &[
            FormField {
                key: "port",
                label: "Port",
                help: "where it listens",
                kind: FieldKind::Number { min: 1, max: 65_535 },
                need: Need::Required,
                default: Some("6379"),
            },
            FormField {
                key: "password",
                label: "Password",
                help: "",
                kind: FieldKind::Secret,
                need: Need::Required,
                default: None,
            },
        ],
    },
    docs: "",
    facts: "",
};

#[test]
fn a_secret_is_typed_unseen_and_stays_out_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::start().unwrap();
    let workspace = runtime.run(Workspace::open(Some(folder.path().join("data")))).unwrap();
    let (jobs, _events) = Jobs::new(runtime.handle().clone(), std::task::Waker::noop().clone());
    let (settings, commands) = (Settings::default(), Commands::default());
    let seen = workspace.clone();
    let draw = move |ui: &mut egui::Ui, form: &mut FormState| {
        let wake = std::task::Waker::noop();
        let ctx = ViewCtx { workspace: &seen, jobs: &jobs, settings: &settings, wake, commands: &commands };
        form_ui(&ctx, ui, form);
    };
    let form = FormState::new(vec![&CARD]).unwrap();
    let mut window = Window { harness: harness(draw, form), folder };
    window.wait_to_say("Password: kept for this run only, asked for again after a restart");
    window.write(Role::TextInput, "Name", "safe");
    window.press(Role::Button, "Save");
    window.wait_to_say("password must be filled");
    window.write(Role::PasswordInput, "Password", "hunter2");
    let shown = window.harness.get_by_role_and_label(Role::PasswordInput, "Password");
    assert!(!shown.accesskit_node().value().unwrap_or_default().contains("hunter2"));
    window.write(Role::TextInput, "Port", "0");
    window.press(Role::Button, "Save");
    window.wait_to_say("give a whole number from 1 to 65535");
    window.write(Role::TextInput, "Port", "6380");
    window.press(Role::Button, "Save");
    let connections = workspace.connections().clone();
    window.wait("the file", |_| runtime.run(connections.list()).is_ok_and(|all| all.len() == 1));
    let file = std::fs::read_to_string(workspace.connections().path()).unwrap();
    assert!(!file.contains("hunter2") && file.contains("6380"));
}
