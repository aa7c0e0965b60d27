//! What a user can do in the window, for every connector of the registry: each action by its accessible name,
//! over an upstream of known content, with what is then visible. Nothing here knows a connector; what one
//! cannot do, the window must say. The walks are functions, so that `servers` takes the connectors on servers
//! through them as well.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headwater::connector::testkit::Subject;
use headwater::job::CallCtx;
use headwater::model::ability::Support;
use headwater::model::node::NodePath;

use super::fixtures::{LOCAL, Make, Upstreams};
use super::gui_window::Window;

const LABELS: [Support; 3] = [Support::Exact, Support::Inexact, Support::None];

/// A source open in the window.
struct Walk {
    window: Window,
    subject: Subject,
}

impl Walk {
    /// Opens the saved connection of a subject.
    fn start(subject: Subject) -> Self {
        let saved = subject.connection.clone();
        let window = Window::with(Some(saved.name.clone()), Some(saved), &(subject.credentials)());
        let mut walk = Self { window, subject };
        let name = walk.subject.connection.name.clone();
        walk.window.wait_for(&format!("source {name}"));
        walk
    }

    /// Unfolds the tree down to a node and opens it; every level is listed only when it is asked for.
    fn open(&mut self, node: &NodePath) {
        for segment in node.segments() {
            self.window.wait(segment, |window| line_of(window, segment).is_some());
            let line = line_of(&self.window, segment).unwrap();
            self.window.press(&line);
        }
        self.window.run_through_the_sheet(node.name());
    }

    /// Whether the source says that it cannot profile at this level.
    fn lacks(&self, level: &str) -> bool {
        let runtime = headwater::job::Runtime::start().unwrap();
        let (connector, connection) = (self.subject.connector, self.subject.connection.clone());
        let credentials = (self.subject.credentials)();
        let source = runtime
            .run(async move { connector.connect(&CallCtx::detached(), &connection, &credentials).await })
            .unwrap();
        level.starts_with("Catalog") && source.abilities().catalog_profile == Support::None
    }

    /// Name and shown value of the first row's first cell.
    fn first_cell(&self) -> (String, String) {
        let cells = self.window.harness.query_all_by_role(Role::Cell);
        let mut labels = cells.filter_map(|node| node.accesskit_node().label());
        let label = labels.find(|label| label.starts_with("row 1, ")).unwrap();
        let (column, value) = label.trim_start_matches("row 1, ").split_once(": ").unwrap();
        (column.to_owned(), value.to_owned())
    }

    /// Asks for all rows, and waits until some came and more are coming.
    fn read_everything(&mut self, node: &NodePath) {
        let shown = |window: &Window| {
            let badges = window.harness.query_all_by_label_contains("Load of the shown read: ");
            badges.filter_map(|node| node.accesskit_node().label()).next()
        };
        let before = shown(&self.window);
        self.window.choose("Limit", "all rows");
        let on_their_way = |window: &Window| {
            window.has("Cancel")
                && !window.says("Load sheet: ")
                && window.has_rows()
                && shown(window) != before
        };
        // The badge of the first rows may still change while the cost of all is asked: a sheet can come late.
        self.window.wait("work or a sheet", |window| window.has("Run as is") || on_their_way(window));
        self.window.run_sheet_if_asked(node.name());
        self.window.wait("rows on their way", on_their_way);
    }

    fn focus_grid(&mut self) {
        self.window.harness.get_by_role(Role::Grid).focus();
        self.window.harness.run_steps(2);
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.window.harness.key_press_modifiers(modifiers, key);
        self.window.harness.run_steps(2);
    }

    /// A line of the grid's menu, opened by keyboard at the cursor.
    fn menu(&mut self, line: &str) {
        self.focus_grid();
        self.key(Modifiers::SHIFT, Key::F10);
        self.window.wait_for(line);
        self.window.press(line);
    }

    /// What the last copy put on the clipboard.
    fn copied(&mut self, act: impl FnOnce(&mut Self)) -> String {
        act(self);
        let commands = &self.window.harness.output().platform_output.commands;
        let mut texts = commands.iter().rev().filter_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        texts.next().unwrap_or_else(|| panic!("nothing was copied: {commands:?}"))
    }
}

/// The name of the line in the tree that shows a node.
fn line_of(window: &Window, name: &str) -> Option<String> {
    let ending = format!(" {name}");
    let lines = window.harness.query_all_by_role(Role::TreeItem);
    lines
        .filter_map(|node| node.accesskit_node().label())
        .find(|label| label.ends_with(&ending) && !label.starts_with("source "))
}

/// What the profile view says it looked at, and how.
fn seen_of(window: &Window) -> Option<String> {
    let mut heads = window.harness.query_all_by_label_contains("rows looked at");
    heads.next().and_then(|node| node.accesskit_node().value())
}

/// Opens a fresh upstream in the window and walks it.
fn walk_through(make: Make, walk: impl Fn(&mut Walk)) {
    let runtime = headwater::job::Runtime::start().unwrap();
    walk(&mut Walk::start(runtime.run(make())));
}

#[test]
fn every_local_connector_is_browsed_read_filtered_sorted_inspected_and_copied() {
    for id in LOCAL.ids() {
        reads_and_copies(id, &LOCAL);
    }
}

#[test]
fn every_local_connector_is_described_profiled_and_exported() {
    for id in LOCAL.ids() {
        profiles_and_exports(id, &LOCAL);
    }
}

#[test]
fn every_local_connector_is_paged_weighed_cancelled_and_closed() {
    for id in LOCAL.ids() {
        pages_weighs_and_cancels(id, &LOCAL);
    }
}

#[test]
fn every_local_connector_with_a_language_runs_reads_and_refuses_what_is_none() {
    for id in LOCAL.ids() {
        runs_reads_and_refuses_the_rest(id, &LOCAL);
    }
}

/// Browses, reads, filters, sorts, inspects and copies.
pub fn reads_and_copies(id: &str, upstreams: &Upstreams) {
    walk_through(upstreams.ordinary(id), |walk| {
        let node = walk.subject.readable.clone();
        walk.open(&node);
        assert!(walk.window.says("Load of the shown read: "));
        let (column, value) = walk.first_cell();

        walk.window.write("Filter", &format!("\"{column}\" IS NOT NULL"));
        walk.window.button("In the fetched rows");
        walk.window.wait_to_say("filtered in the fetched rows");
        walk.window.button("Clear filter");
        walk.window.write("Filter", &format!("\"{column}\" IS NOT NULL"));
        walk.window.button("Ask the source");
        walk.window.wait("an answer or a sheet", |window| {
            window.has("Run as is") || LABELS.iter().any(|support| window.says(support.label()))
        });
        walk.window.run_through_the_sheet_if_asked(node.name());
        walk.window.wait("rows", Window::has_rows);
        walk.window.button("Clear filter");
        walk.window.wait("an answer", |window| {
            window.has("Run as is") || (window.has_rows() && !window.has("Clear filter"))
        });
        walk.window.run_through_the_sheet_if_asked(node.name());

        walk.focus_grid();
        walk.key(Modifiers::ALT, Key::ArrowDown);
        walk.window.wait_for("sorted in the fetched rows");
        walk.window.button("Clear sort");
        walk.menu("Sort descending: ask the source");
        walk.window.wait("an answer or a sheet", |window| window.has("Run as is") || window.says("sorted: "));
        walk.window.run_through_the_sheet_if_asked(node.name());
        walk.window.wait_to_say("sorted: ");
        walk.window.button("Clear sort");
        walk.window.wait("an answer", |window| window.has("Run as is") || !window.says("sorted: "));
        walk.window.run_through_the_sheet_if_asked(node.name());
        walk.window.wait("rows", Window::has_rows);

        walk.focus_grid();
        walk.key(Modifiers::COMMAND, Key::Home);
        walk.key(Modifiers::NONE, Key::Enter);
        walk.window.wait_to_say(&format!("{column}, row 1"));

        let copied = walk.copied(|walk| {
            walk.focus_grid();
            walk.window.harness.event(egui::Event::Copy);
            walk.window.harness.step();
        });
        assert_eq!(copied.trim(), value);
        for format in ["TSV", "CSV", "JSON"] {
            let copied = walk.copied(|walk| {
                walk.focus_grid();
                walk.key(Modifiers::SHIFT, Key::F10);
                let line = format!("Copy as {format}");
                walk.window.wait_for(&line);
                walk.window.harness.get_by_label(&line).click_accesskit();
                walk.window.harness.step();
            });
            assert!(copied.contains(&value), "{format}: {copied}");
        }

        walk.key(Modifiers::COMMAND, Key::L);
        walk.window.wait_to_say(&node.to_string());
        walk.window.wait_to_say("estimated");
    });
}

/// Describes, profiles at every level, and exports in every format.
pub fn profiles_and_exports(id: &str, upstreams: &Upstreams) {
    walk_through(upstreams.ordinary(id), |walk| {
        let node = walk.subject.readable.clone();
        walk.open(&node);
        walk.window.press("Describe");
        walk.window.wait_to_say("Columns (");
        for section in ["Keys (", "Indexes ("] {
            assert!(walk.window.says(section), "{section}");
        }
        assert!(walk.window.says("rows: ") || walk.window.says("size: "), "how large it is");

        walk.window.press("Profile");
        for level in [
            "Catalog: what is known already",
            "Head: the first rows",
            "Sample",
            "Scan: one pass over everything",
        ] {
            let before = seen_of(&walk.window);
            walk.window.choose("Level", level);
            walk.window.button("Profile the columns");
            let answered = |window: &Window| {
                window.says("Error: Unsupported") || seen_of(window).is_some_and(|seen| Some(seen) != before)
            };
            walk.window.wait(level, |window| window.has("Run as is") || answered(window));
            walk.window.run_sheet_if_asked(node.name());
            walk.window.wait(level, answered);
            if walk.window.says("Error: Unsupported") {
                assert!(walk.lacks(level), "{level} is refused");
                walk.window.button("Dismiss error");
            }
        }

        walk.window.press("Rows");
        walk.window.button("Export sample");
        for ending in ["parquet", "csv", "jsonl", "arrow", "xlsx"] {
            let file = walk.window.folder.path().join(format!("rows.{ending}"));
            walk.window.write("File", &file.display().to_string());
            walk.window.button("Export");
            walk.window.wait(ending, |window| window.has("Run as is") || file.exists());
            walk.window.run_sheet_if_asked(node.name());
            walk.window.wait(ending, |_| file.exists());
            walk.window.wait_to_say(&file.display().to_string());
            let manifest = walk.window.folder.path().join(format!("rows.{ending}.manifest.json"));
            walk.window.wait("the manifest", |_| manifest.exists());
        }
    });
}

/// Pages, weighs a large read, cancels it, and closes its tab while it runs.
pub fn pages_weighs_and_cancels(id: &str, upstreams: &Upstreams) {
    walk_through(upstreams.slow(id), |walk| {
        let big = walk.subject.big.clone().unwrap();
        walk.open(&big);
        walk.window.wait_for("Next page");
        walk.window.button("Next page");
        walk.window.wait_to_say(". 400 rows");

        walk.focus_grid();
        walk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Enter);
        walk.window.wait_to_say("Load sheet: Read ");
        walk.window.wait("the numbers", |window| window.says("Load estimate: ") && window.has("Run as is"));
        walk.window.button("Cancel");
        walk.window.wait("rows again", |window| !window.says("Load sheet: ") && window.has_rows());

        walk.read_everything(&big);
        walk.window.button("Cancel");
        walk.window.wait_to_say("stopped: ");
        assert!(walk.window.has_rows(), "the rows that came stay");

        walk.window.choose("Limit", "200");
        walk.window
            .wait("few rows or a sheet", |window| window.has("Run as is") || window.says(". 200 rows"));
        walk.window.run_sheet_if_asked(big.name());
        walk.window.wait_to_say(". 200 rows");
        walk.read_everything(&big);
        walk.focus_grid();
        walk.key(Modifiers::COMMAND, Key::W);
        walk.window.wait("no rows", |window| !window.has_rows());
        walk.window.wait_for("Jobs (0)");
        walk.window.press("Jobs (0)");
        walk.window.wait_to_say("cancelled: ");
    });
}

/// Runs a query where there is a language, and is refused what is no read.
pub fn runs_reads_and_refuses_the_rest(id: &str, upstreams: &Upstreams) {
    walk_through(upstreams.ordinary(id), |walk| {
        let line = format!("source {}", walk.subject.connection.name);
        walk.window.harness.get_by_label(&line).click_secondary();
        walk.window.harness.run_steps(4);
        let Some(queries) = walk.subject.queries.take() else {
            assert!(walk.window.has("Disconnect") && !walk.window.has("New query"));
            return;
        };
        walk.window.wait_for("New query");
        walk.window.press("New query");
        walk.window.write("Query", &queries.read);
        walk.window.wait_to_say("gate: read");
        walk.window.button("Run");
        walk.window.wait("rows or a sheet", |window| window.has_rows() || window.has("Run as is"));
        walk.window.run_sheet_if_asked("");
        walk.window.wait_to_say(&format!(". {} row", queries.rows));
        let before = (walk.subject.fingerprint)().unwrap();
        for write in queries.writes {
            walk.window.write("Query", &write);
            walk.window.wait(&write, |window| window.says("gate: ") && !window.says("gate: read"));
            walk.window.button("Run");
            walk.window.wait(&write, |window| window.says("Load estimate: "));
            assert!(!walk.window.has("Run as is"), "{write} is offered to run");
            walk.window.button("Cancel");
            walk.window.wait("no sheet", |window| !window.says("Load estimate: "));
        }
        assert_eq!((walk.subject.fingerprint)().unwrap(), before);
    });
}
