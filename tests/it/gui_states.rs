//! The window's states, one by one: each is reached as a user reaches it, held to the rules of accessibility, and
//! compared with its picture in the dark and the light theme.

use std::collections::HashMap;

use egui::accesskit::Role;
use egui::{Key, Modifiers, accessibility};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{SnapshotResults, try_image_snapshot};
use headwater::gui::theme::{self, Look, MIN_TARGET, Motion, ThemeChoice};

use super::gui_window::Window;

/// A state by name and the way there.
type State = (&'static str, fn() -> Window);

const STATES: [State; 14] = [
    ("welcome", welcome),
    ("catalogue", catalogue),
    ("rows", rows),
    ("sheet", sheet),
    ("profile", profile),
    ("describe", describe),
    ("export", export),
    ("inspector", inspector),
    ("error", error),
    ("empty", empty),
    ("query", query),
    ("palette", palette),
    ("found", found),
    ("form", form),
];

fn welcome() -> Window {
    let mut window = Window::new(None, None);
    window.wait_to_say("Open demo sources");
    window
}

fn catalogue() -> Window {
    let mut window = Window::new(Some("demo:".to_owned()), None);
    window.wait_for("table flights");
    // The checklist is kept in the background.
    window.wait_for("Open the demo sources: done");
    window
}

fn rows() -> Window {
    Window::at_table("weather")
}

/// A file's sheet: the figures of a table's come from a probe that stops by time.
fn sheet() -> Window {
    let mut window = catalogue();
    window.press("file flights_feed.csv");
    window.run_through_the_sheet("flights_feed.csv");
    window.choose("Limit", "all rows");
    window
        .wait("cheaper ways", |window| window.harness.query_all_by_role(Role::RadioButton).next().is_some());
    window
}

fn profile() -> Window {
    let mut window = Window::at_table("weather");
    window.press("Profile");
    window.choose("Level", "Head: the first rows");
    window.button("Profile the columns");
    window.wait("a profile or a sheet", |window| window.says("rows looked at") || window.has("Run as is"));
    window.run_sheet_if_asked("weather");
    window.wait_to_say("rows looked at");
    window
}

fn describe() -> Window {
    let mut window = Window::at_table("weather");
    window.press("Describe");
    window.wait_to_say("Columns (");
    window
}

fn export() -> Window {
    let mut window = Window::at_table("weather");
    window.button("Export sample");
    window.write("File", "weather.csv");
    window
}

fn inspector() -> Window {
    let mut window = Window::at_table("weather");
    window.harness.get_by_role(Role::Grid).focus();
    window.harness.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.wait_to_say(", row 1");
    window
}

fn error() -> Window {
    let mut window = Window::at_table("weather");
    window.write("Filter", "wetness > 3");
    window.button("Ask the source");
    window.wait_for("Dismiss error");
    window
}

fn empty() -> Window {
    let mut window = Window::at_table("weather");
    window.write("Filter", "origin = 'nowhere'");
    window.button("In the fetched rows");
    window.wait("no rows", |window| !window.has_rows());
    window
}

fn query() -> Window {
    let mut window = new_query();
    write_query(&mut window, "DELETE FROM flights");
    window.wait_to_say("gate: ");
    window
}

fn found() -> Window {
    let mut window = Window::at_table("weather");
    press(&mut window, Modifiers::COMMAND, Key::F);
    window.harness.get_by_label("Find in fetched rows").type_text("28.9");
    window.wait_to_say(" hits in the fetched rows");
    window
}

fn form() -> Window {
    let mut window = Window::new(None, None);
    press(&mut window, Modifiers::COMMAND, Key::N);
    window.wait_for("Save and open");
    window
}

fn palette() -> Window {
    let mut window = catalogue();
    press(&mut window, Modifiers::COMMAND, Key::K);
    window
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.harness.key_press_modifiers(modifiers, key);
    window.harness.run_steps(2);
}

fn new_query() -> Window {
    let mut window = catalogue();
    let source = window
        .harness
        .query_all_by_role(Role::TreeItem)
        .find(|node| node.accesskit_node().label().is_some_and(|label| label.starts_with("source ")));
    source.unwrap().click_secondary();
    window.harness.run_steps(3);
    window.harness.get_by_role_and_label(Role::Button, "New query").click();
    window.wait_to_say("No result yet");
    window.harness.event(egui::Event::PointerGone);
    window.wait("no menu", |window| !window.has("New query"));
    window
}

fn write_query(window: &mut Window, text: &str) {
    window.harness.get_by_role(Role::MultilineTextInput).focus();
    window.harness.run_steps(2);
    press(window, Modifiers::COMMAND, Key::A);
    window.harness.get_by_role(Role::MultilineTextInput).type_text(text);
    window.harness.run_steps(2);
}

/// What breaks the rules: an input without a name, two alike beside each other, a target too small to hit.
fn faults(window: &Window) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = HashMap::new();
    for node in window.harness.query_all_by(|node| accessibility::is_input(node.role())) {
        let about = node.accesskit_node();
        let role = about.role();
        let Some(name) = about.label().filter(|name| !name.trim().is_empty()) else {
            faults.push(format!("{role:?} without a name at {:?}", node.rect()));
            continue;
        };
        let size = node.rect().size();
        // Half a point of rounding is nobody's miss.
        if role != Role::Splitter && size.min_elem() < MIN_TARGET - 0.5 {
            faults.push(format!("{role:?} {name:?} is only {} × {}", size.x, size.y));
        }
        // The panels' edges and the tabs' close buttons get their names from the libraries, which have one for all.
        if role == Role::Splitter || (role == Role::Button && name == "Close") {
            continue;
        }
        let parent = about.parent().map(|parent| parent.id());
        if let Some(other) = seen.insert((parent, role, name.clone()), node.rect()) {
            faults.push(format!("two of {role:?} {name:?}: {other:?} and {:?}", node.rect()));
        }
    }
    faults
}

/// Margin that the harness puts around the window.
const MARGIN: u32 = 8;
/// Size of the pictures, the one the window opens in.
const SIZE: [u32; 2] = [1280, 800];

/// The window without the margin around it.
fn picture(window: &mut Window) -> image::RgbaImage {
    let whole = window.harness.render().unwrap();
    image::imageops::crop_imm(&whole, MARGIN, MARGIN, SIZE[0], SIZE[1]).to_image()
}

#[test]
fn every_state_has_names_is_large_enough_to_hit_and_looks_as_it_should() {
    let mut results = SnapshotResults::new();
    let mut all = Vec::new();
    for (state, reach) in STATES {
        let mut window = reach();
        // What comes late: badges of the newest estimate, jobs at their end.
        window.wait("rest", |window| window.has("Jobs (0)"));
        all.extend(faults(&window).into_iter().map(|fault| format!("{state}: {fault}")));
        if state == "form" {
            // Its picture would change with every connector.
            continue;
        }
        let size = SIZE.map(|side| (side + 2 * MARGIN) as f32);
        window.harness.set_size(egui::Vec2::from(size));
        for (theme, name) in [(ThemeChoice::Dark, "dark"), (ThemeChoice::Light, "light")] {
            let look = Look { theme, motion: Motion::Reduced, ..Look::default() };
            theme::apply(&window.harness.ctx, look).unwrap();
            // Toasts go by themselves.
            window.harness.run_steps(40);
            results.add(try_image_snapshot(&picture(&mut window), format!("gui_state_{state}_{name}")));
        }
    }
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
}

#[test]
fn a_query_that_writes_is_refused_and_one_that_reads_is_answered() {
    let mut window = new_query();
    for writes in ["DELETE FROM flights", "SELECT 1; DROP TABLE flights", "PRAGMA journal_mode = WAL"] {
        write_query(&mut window, writes);
        window.wait_to_say("gate: ");
        assert!(!window.says("gate: read"), "{writes}: {:?}", window.labels());
        window.button("Run");
        window.wait_to_say("The gate says ");
        assert!(!window.has("Run as is") && !window.has_rows(), "{writes}");
        window.button("Cancel");
        window.wait("no sheet", |window| !window.says("Load sheet: "));
    }
    write_query(&mut window, "SELECT carrier, name FROM airlines ORDER BY carrier");
    window.wait_to_say("gate: read");
    window.button("Estimate only");
    window.wait("a sheet", |window| window.has("Run as is"));
    window.run_through_the_sheet("airlines");
    assert_eq!(window.cells("carrier").first().map(String::as_str), Some("9E"));
}

#[test]
fn pages_follow_when_their_end_comes_near_and_a_row_is_gone_to_by_its_number() {
    let mut window = Window::at_table("flights");
    window.harness.get_by_role(Role::Grid).focus();
    window.harness.run_steps(2);
    press(&mut window, Modifiers::COMMAND, Key::End);
    window.wait_to_say("400 rows");
    press(&mut window, Modifiers::COMMAND, Key::G);
    window.harness.event(egui::Event::Text("300".to_owned()));
    window.harness.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.wait_to_say("row 300, ");
}
