//! The data tab in a headless window over the real program: the demo is opened, read, filtered, sorted, asked
//! for all rows, profiled, described and exported, as a user would.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headwater::gui::app::App;
use headwater::gui::theme::{self, Look};
use headwater::job::Runtime;
use headwater::ops::Workspace;
use headwater::store::settings::Settings;

/// Longer than any step takes on a busy machine; reached only when something hangs.
const DEADLINE: Duration = Duration::from_secs(20);

struct Window {
    harness: Harness<'static, App>,
    folder: tempfile::TempDir,
}

impl Window {
    /// The window with the demo open and a table of it in a tab.
    fn at_table(table: &str) -> Self {
        headwater::kit::worker::set_program(env!("CARGO_BIN_EXE_headwater"));
        let folder = tempfile::tempdir().unwrap();
        let runtime = Arc::new(Runtime::start().unwrap());
        let workspace = runtime.run(Workspace::open(Some(folder.path().join("data")))).unwrap();
        let context = egui::Context::default();
        let app = App::new(&context, runtime, workspace, Settings::default(), Some("demo:".to_owned()));
        let harness = Harness::builder()
            .with_size(vec2(1400.0, 1000.0))
            .with_context_setup(|ctx| theme::apply(ctx, Look::default()).unwrap())
            .build_ui_state(
                |ui, app: &mut App| {
                    let ctx = ui.ctx().clone();
                    app.logic(&ctx);
                    app.draw(ui);
                },
                app,
            );
        let mut window = Self { harness, folder };
        window.wait_for(&format!("table {table}"));
        window.press(&format!("table {table}"));
        window.run_through_the_sheet(table);
        window
    }

    /// Rows of the read that was asked for, given a reason where the demo's slow box wants one.
    fn run_through_the_sheet(&mut self, table: &str) {
        self.wait("rows or a sheet", |window| window.has_rows() || window.has("Run as is"));
        if self.has_rows() {
            return;
        }
        for (field, text) in [("Reason", "a test"), ("Type the object's name", table)] {
            if self.has(field) {
                self.write(field, text);
            }
        }
        self.button("Run as is");
        self.wait("rows", Self::has_rows);
    }

    fn run_through_the_sheet_if_asked(&mut self, table: &str) {
        if self.has("Run as is") {
            self.run_through_the_sheet(table);
        }
    }

    fn has_rows(&self) -> bool {
        self.harness.query_all_by_role(Role::Cell).next().is_some()
    }

    fn has(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    fn says(&self, part: &str) -> bool {
        self.harness.query_all_by_label_contains(part).next().is_some()
    }

    /// Frames until something holds.
    fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
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

    fn wait_for(&mut self, label: &str) {
        self.wait(label, |window| window.has(label));
    }

    fn wait_to_say(&mut self, part: &str) {
        self.wait(part, |window| window.says(part));
    }

    fn labels(&self) -> Vec<String> {
        let all = self.harness.query_all_by(|_| true);
        all.filter_map(|node| node.accesskit_node().label()).collect()
    }

    fn press(&mut self, label: &str) {
        let node = self.harness.query_all_by_label(label).next();
        node.unwrap_or_else(|| panic!("{label} is not there")).click_accesskit();
        self.harness.run_steps(2);
    }

    fn button(&mut self, label: &str) {
        self.harness.get_by_role_and_label(Role::Button, label).click_accesskit();
        self.harness.run_steps(2);
    }

    /// Types into a field after emptying it.
    fn write(&mut self, field: &str, text: &str) {
        self.harness.get_by_role_and_label(Role::TextInput, field).focus();
        self.harness.run_steps(2);
        self.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        self.harness.run_steps(2);
        self.harness.get_by_role_and_label(Role::TextInput, field).type_text(text);
        self.harness.run_steps(2);
    }

    fn choose(&mut self, list: &str, choice: &str) {
        self.harness.get_by_role_and_label(Role::ComboBox, list).click_accesskit();
        self.harness.run_steps(3);
        self.press(choice);
    }

    fn cells(&self, column: &str) -> Vec<String> {
        let mark = format!(", {column}: ");
        let cells = self.harness.query_all_by_role(Role::Cell);
        cells
            .filter_map(|node| node.accesskit_node().label())
            .filter_map(|label| label.split_once(&mark).map(|(_, value)| value.to_owned()))
            .collect()
    }
}

#[test]
fn a_table_is_read_filtered_both_ways_and_sorted() {
    let mut window = Window::at_table("flights");
    assert!(window.says("Load of the shown read: "));

    window.write("Filter", "carrier = 'UA' AND");
    window.button("In the fetched rows");
    window.wait_to_say("the condition stops making sense");

    window.write("Filter", "carrier = 'UA'");
    window.button("In the fetched rows");
    window.wait_to_say("filtered in the fetched rows");
    window.wait("only UA", |window| window.cells("carrier").iter().all(|carrier| carrier == "UA"));

    window.write("Filter", "carrier = 'B6'");
    window.button("Ask the source");
    window.wait("the answer", |window| window.says("asked of the source") || window.has("Run as is"));
    window.run_through_the_sheet_if_asked("flights");
    window.wait("only B6", |window| {
        let carriers = window.cells("carrier");
        !carriers.is_empty() && carriers.iter().all(|carrier| carrier == "B6")
    });
    window.button("Clear filter");
    window.wait("an answer", |window| {
        window.has("Run as is") || window.cells("carrier").iter().any(|carrier| carrier != "B6")
    });
    window.run_through_the_sheet_if_asked("flights");
    window.wait("all carriers", |window| window.cells("carrier").iter().any(|carrier| carrier != "B6"));

    window.harness.get_by_role(Role::Grid).focus();
    window.harness.run_steps(2);
    window.harness.key_press_modifiers(egui::Modifiers::ALT, egui::Key::ArrowDown);
    window.wait_for("sorted in the fetched rows");
}

#[test]
fn all_rows_are_weighed_on_a_sheet_and_the_cheaper_way_runs() {
    let mut window = Window::at_table("flights");
    window.choose("Limit", "all rows");
    window.wait_to_say("Load sheet: Read flights");
    assert!(window.says("Load estimate: heavy") || window.says("Load estimate: dangerous"));
    window
        .wait("a cheaper way", |window| window.harness.query_all_by_role(Role::RadioButton).next().is_some());
    window.button("Run the cheaper one");
    window.wait("no sheet", |window| !window.says("Load sheet: "));
    window.wait("rows of the cheaper way", |window| !window.cells("carrier").is_empty());
}

#[test]
fn a_sheet_is_cancelled_and_the_rows_stay() {
    let mut window = Window::at_table("flights");
    window.choose("Limit", "all rows");
    window.wait_to_say("Load sheet: Read flights");
    window.wait_to_say("Run as is");
    window.button("Cancel");
    window.wait("rows again", |window| !window.says("Load sheet: ") && !window.cells("carrier").is_empty());
}

#[test]
fn a_table_is_profiled_and_described() {
    let mut window = Window::at_table("weather");
    window.press("Profile");
    window.press("Profile the columns");
    window.wait("a profile or a sheet", |window| window.says("rows looked at") || window.has("Run as is"));
    if window.has("Run the cheaper one") {
        window.wait("a decision", |window| window.has("Cancel"));
        window.button("Cancel");
    } else {
        window.wait_to_say("Distribution of ");
    }
    window.press("Describe");
    window.wait_to_say("table weather");
    window.wait_to_say("Columns (");
}

#[test]
fn the_shown_read_is_exported_with_its_manifest() {
    let mut window = Window::at_table("weather");
    let file = window.folder.path().join("weather.csv");
    window.button("Export sample");
    window.write("File", &file.display().to_string());
    window.button("Export");
    window.wait("an end or a sheet", |window| window.says("exported ") || window.has("Run as is"));
    if window.has("Run as is") {
        if window.has("Reason") {
            window.write("Reason", "a test");
        }
        window.button("Run as is");
    }
    window.wait_to_say("exported 200 rows");
    assert!(file.exists());
}
