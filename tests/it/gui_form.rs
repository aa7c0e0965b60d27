//! The form of a connection in a headless window: added, filled from a pasted path, changed, removed; and the
//! form of a card that asks for everything a card can ask for.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headwater::connector::Credentials;
use headwater::gui::panes::form::{FormState, form_ui};
use headwater::gui::view_ctx::{Commands, ViewCtx};
use headwater::job::{Jobs, Runtime};
use headwater::model::card::{Card, Family, FieldKind, Form, FormField, Need};
use headwater::ops::Workspace;
use headwater::store::settings::Settings;

use super::gui_window::{Window, harness};

/// The window as it opens, with a small file in its folder; `cities` opens that.
pub fn open(target: Option<&str>) -> Window {
    let folder = tempfile::tempdir().unwrap();
    let cities = folder.path().join("cities.csv");
    std::fs::write(&cities, "city,people\nOslo,709037\nBergen,291940\nOs,21000\n").unwrap();
    let target = target.map(|target| match target {
        "cities" => cities.display().to_string(),
        other => other.to_owned(),
    });
    Window::in_folder(folder, target, None, &Credentials::none())
}

fn file(window: &Window) -> String {
    window.folder.path().join("cities.csv").display().to_string()
}

/// What the file of connections holds.
fn saved(window: &Window) -> String {
    let found = walk(&window.folder.path().join("data"));
    let file = found.iter().find(|path| path.file_name().is_some_and(|name| name == "connections.toml"));
    file.map(|path| std::fs::read_to_string(path).unwrap()).unwrap_or_default()
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let inside = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    inside.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_connection_is_added_by_its_form_and_then_stands_on_welcome_and_rail() {
    let mut window = open(None);
    window.key(Modifiers::COMMAND, Key::N);
    window.button("Save");
    window.wait_to_say("a connection needs a name");
    window.choose("Connector", "CSV");
    window.button("Save");
    window.wait_to_say("file must be filled");
    assert!(window.has("File *") && window.has("Browse for File"));
    assert!(window.has("the file; plain, gzip, zstd, bzip2 or xz"));

    window.write("Name", "towns");
    window.write("File", "/nowhere/at/all.csv");
    window.write("Lines to skip", "many");
    window.button("Save");
    window.wait_to_say("give a whole number from 0 to");
    window.write("Lines to skip", "0");
    window.button("Save");
    window.wait_to_say("the file can't be opened");
    assert_eq!(saved(&window), "");

    let file = file(&window);
    window.write("File", &file);
    window.choose("Quote", "double quote");
    window.press_as(Role::RadioButton, "DEV");
    window.choose("Capacity", "large");
    window.write("Budget: rows", "0");
    window.write("Budget: bytes", "64 MiB");
    window.button("Save");
    window.wait_to_say("Rows: give a whole number above 0");
    window.write("Budget: rows", "5 000");
    window.button("Save");
    window.wait("the saved connection", |window| {
        window.has("towns · DEV") && window.has("saved connection towns")
    });
    assert!(!window.has("Save and open"));
    let saved = saved(&window);
    for part in [file.as_str(), "towns", "DEV", "double", "large", "rows = 5000", "bytes = 67108864"] {
        assert!(saved.contains(part), "{part} is missing in {saved}");
    }
    window.press_as(Role::TreeItem, "saved connection towns");
    window.wait("its rows", |window| window.harness.query_all_by_role(Role::Cell).next().is_some());
    assert!(!window.has("saved connection towns") && window.has("source towns"));
}

#[test]
fn a_pasted_path_fills_the_form_which_saves_and_opens_at_once() {
    let mut window = open(None);
    window.button("Add connection");
    window.write("URL or path to fill from", "gopher://old");
    window.button("Fill in");
    window.wait_to_say("no connector of this build answers to gopher://");

    let file = file(&window);
    window.write("URL or path to fill from", &file);
    window.button("Fill in");
    window.wait("the path", |window| window.value("File") == file);
    assert_eq!(window.value("Name"), "cities.csv");
    window.button("Save and open");
    window.wait("its rows", |window| window.harness.query_all_by_role(Role::Cell).next().is_some());
    assert!(window.has("source cities.csv") && saved(&window).contains("cities.csv"));
}

#[test]
fn a_saved_connection_is_changed_and_removed_after_a_second_look() {
    let mut window = open(None);
    window.key(Modifiers::COMMAND, Key::N);
    let file = file(&window);
    window.write("URL or path to fill from", &file);
    window.button("Fill in");
    window.wait("the path", |window| window.value("File") == file);
    window.button("Save");
    window.wait("the connection", |window| window.has("cities.csv · LOCAL"));

    window.button("Edit cities.csv");
    assert_eq!(window.value("File"), file);
    window.write("Name", "towns");
    window.button("Cancel");
    assert!(window.has("cities.csv · LOCAL"));
    window.button("Edit cities.csv");
    window.write("Name", "towns");
    window.press_as(Role::RadioButton, "PROD");
    window.button("Save");
    window.wait("the changed connection", |window| window.has("towns · PROD"));
    assert!(!window.has("cities.csv · LOCAL"));

    window.button("Remove towns");
    window.button("Keep it");
    assert!(window.has("towns · PROD"));
    window.button("Remove towns");
    window.button("Remove towns for good");
    window.wait("nothing saved", |window| !window.has("towns · PROD") && !window.says("saved connection"));
    assert!(!saved(&window).contains("[[connection]]"));
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
    window.write("Name", "safe");
    window.button("Save");
    window.wait_to_say("password must be filled");
    window.write("Password", "hunter2");
    let shown = window.harness.get_by_role_and_label(Role::PasswordInput, "Password");
    assert!(!shown.accesskit_node().value().unwrap_or_default().contains("hunter2"));
    window.write("Port", "0");
    window.button("Save");
    window.wait_to_say("give a whole number from 1 to 65535");
    window.write("Port", "6380");
    window.button("Save");
    let connections = workspace.connections().clone();
    window.wait("the file", |_| runtime.run(connections.list()).is_ok_and(|all| all.len() == 1));
    let file = std::fs::read_to_string(workspace.connections().path()).unwrap();
    assert!(!file.contains("hunter2") && file.contains("6380"));
}
