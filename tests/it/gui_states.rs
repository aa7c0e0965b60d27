//! The window's states, one by one: each is reached as a user reaches it and held to the rules of accessibility.

use std::collections::HashMap;

use egui::accesskit::Role;
use egui::{Key, Modifiers, accessibility};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headwater::gui::theme::MIN_TARGET;

use super::gui_window::Window;

/// A state by name and the way there.
type State = (&'static str, fn() -> Window);

const STATES: [State; 12] = [
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
];

fn welcome() -> Window {
    let mut window = Window::new(None, None);
    window.wait_to_say("Open demo sources");
    window
}

fn catalogue() -> Window {
    let mut window = Window::new(Some("demo:".to_owned()), None);
    window.wait_for("table flights");
    window
}

fn rows() -> Window {
    Window::at_table("weather")
}

fn sheet() -> Window {
    let mut window = Window::at_table("flights");
    window.choose("Limit", "all rows");
    window.wait("a sheet", |window| window.has("Run as is"));
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
    window.button("New query");
    window.wait_to_say("No result yet");
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

#[test]
fn every_state_has_names_and_is_large_enough_to_hit() {
    let mut all = Vec::new();
    for (state, reach) in STATES {
        let mut window = reach();
        // What comes late: badges of the newest estimate, jobs at their end.
        window.wait("rest", |window| window.has("Jobs (0)"));
        all.extend(faults(&window).into_iter().map(|fault| format!("{state}: {fault}")));
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
