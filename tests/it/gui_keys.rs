//! The keyboard's way through the window: regions, help for what has the keyboard, finding in the fetched rows.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headwater::gui::region::Region;

use crate::gui_form::open;
use crate::gui_window::Window;

/// The window with the rows of the small file.
fn at_rows() -> Window {
    let mut window = open(Some("cities"));
    window.wait("rows", |window| window.harness.query_all_by_role(Role::Cell).next().is_some());
    window
}

/// Where the focused thing lies and what it is.
fn focused(window: &Window) -> (egui::Rect, String) {
    let mut all = window.harness.query_all_by(|_| true);
    let node = all.rfind(|node| node.accesskit_node().is_focused());
    let node = node.unwrap_or_else(|| panic!("nothing has the keyboard"));
    (node.rect(), node.accesskit_node().label().unwrap_or_default())
}

#[test]
fn f6_goes_through_the_regions_and_shift_f6_back() {
    let mut window = at_rows();
    window.key(Modifiers::COMMAND, Key::I);
    window.key(Modifiers::COMMAND, Key::J);
    window.harness.get_by_role(Role::Grid).focus();
    window.harness.run_steps(3);
    assert_eq!(window.harness.state().region(), Region::Centre);
    let mut places = Vec::new();
    let onwards = [Region::Inspector, Region::Drawer, Region::Status, Region::Rail, Region::Centre];
    for region in onwards {
        window.key(Modifiers::NONE, Key::F6);
        assert_eq!(window.harness.state().region(), region);
        places.push(focused(&window));
    }
    assert!(
        places[0].0.min.x > 1000.0 && places[2].0.min.y > 960.0 && places[3].0.max.x < 300.0,
        "{places:?}"
    );
    assert_eq!(places[1].1, "Jobs", "{places:?}");
    assert!(places[4].1.starts_with("row "), "{places:?}");
    for region in onwards.into_iter().rev().skip(1).chain([Region::Centre]) {
        window.key(Modifiers::SHIFT, Key::F6);
        assert_eq!(window.harness.state().region(), region);
    }
    assert!(grid_has_the_keyboard(&window));
    // A hidden region is left out.
    window.key(Modifiers::COMMAND, Key::J);
    window.key(Modifiers::COMMAND, Key::I);
    window.key(Modifiers::NONE, Key::F6);
    assert_eq!(window.harness.state().region(), Region::Status);
}

#[test]
fn tab_goes_through_the_tab_in_the_order_it_is_read_and_leaves_the_grid() {
    let mut window = at_rows();
    window.harness.get_by_role_and_label(Role::Button, "Rows").focus();
    window.harness.run_steps(3);
    let mut order = vec![focused(&window).1];
    while !order.last().unwrap().starts_with("row ") {
        window.key(Modifiers::NONE, Key::Tab);
        order.push(focused(&window).1);
        assert!(order.len() < 40, "the grid is never reached: {order:#?}");
    }
    let wanted = [
        "Rows",
        "Profile",
        "Describe",
        "Limit",
        "Sample",
        "Columns",
        "Export sample",
        "Filter",
        "In the fetched rows",
        "Ask the source",
    ];
    assert_eq!(order.iter().take(wanted.len()).map(String::as_str).collect::<Vec<_>>(), wanted);
    // One stop for the whole grid, whatever its cells.
    window.key(Modifiers::NONE, Key::Tab);
    assert!(!grid_has_the_keyboard(&window), "{:?}", focused(&window));
    window.key(Modifiers::SHIFT, Key::Tab);
    assert!(grid_has_the_keyboard(&window), "{:?}", focused(&window));
    window.key(Modifiers::SHIFT, Key::Tab);
    assert_eq!(Some(&focused(&window).1), order.iter().rev().nth(1));
}

#[test]
fn a_new_connection_begins_at_what_is_pasted_and_a_saved_one_at_its_name() {
    let mut window = open(None);
    window.key(Modifiers::COMMAND, Key::N);
    assert_eq!(focused(&window).1, "URL or path to fill from");
    let file = window.folder.path().join("cities.csv").display().to_string();
    window.harness.get_by_label("URL or path to fill from").type_text(&file);
    window.key(Modifiers::NONE, Key::Enter);
    window.wait("the path", |window| window.value("File") == file);
    window.button("Save");
    window.wait("the connection", |window| window.has("cities.csv · LOCAL"));
    window.button("Edit cities.csv");
    assert_eq!(focused(&window).1, "Name");
}

/// The grid tells a screen reader the cell at its cursor.
fn grid_has_the_keyboard(window: &Window) -> bool {
    focused(window).1.starts_with("row ")
}

#[test]
fn f1_helps_with_what_has_the_keyboard_and_gives_it_back() {
    let mut window = at_rows();
    window.harness.get_by_role(Role::Grid).focus();
    window.harness.run_steps(3);
    window.key(Modifiers::NONE, Key::F1);
    assert!(window.has("Help: tabs") && window.has("Keys in the grid"));
    assert!(window.has("sort the fetched rows, smallest first") && window.has("Alt+Up"));
    assert!(window.says("Find in fetched rows: ") && window.has("Ctrl+F"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.has("Help: tabs"));
    assert!(grid_has_the_keyboard(&window));

    window
        .harness
        .get_by(|node| node.role() == Role::TextInput && node.label().as_deref() == Some("Filter"))
        .focus();
    window.harness.run_steps(3);
    window.key(Modifiers::NONE, Key::F1);
    assert!(window.has("Filter field"), "F1 names the thing");
    assert!(window.has("Keys in the field") && !window.has("Keys in the grid"));
    assert!(window.has("goes to the start or the end of the line"));
    window.key(Modifiers::NONE, Key::Escape);
    assert_eq!(focused(&window).1, "Filter");

    window.harness.get_by_label("source cities.csv").focus();
    window.harness.run_steps(3);
    window.key(Modifiers::NONE, Key::F1);
    assert!(window.has("Help: rail") && window.has("unfolds or folds the line"));
    assert!(window.says("Add connection: "));
    window.button("Close help");
    assert!(!window.has("Help: rail"));
    assert_eq!(focused(&window).1, "source cities.csv");

    // A button that is a command says what the command does; another what it says on hover.
    window.harness.get_by_role_and_label(Role::Button, "Open file").focus();
    window.harness.run_steps(3);
    window.key(Modifiers::NONE, Key::F1);
    assert!(window.has("Open file button") && window.says("Choose a file to look into"), "what it does");
}

#[test]
fn text_is_found_in_the_fetched_rows_and_esc_goes_back_to_the_grid() {
    let mut window = at_rows();
    window.harness.get_by_role(Role::Grid).focus();
    window.harness.run_steps(3);
    window.key(Modifiers::COMMAND, Key::F);
    assert_eq!(focused(&window).1, "Find in fetched rows");
    window.harness.get_by_label("Find in fetched rows").type_text("os");
    window.wait_to_say("1 of 2 hits in the fetched rows");
    for (modifiers, key, said) in [
        (Modifiers::NONE, Key::Enter, "2 of 2 hits"),
        (Modifiers::NONE, Key::Enter, "1 of 2 hits"),
        (Modifiers::SHIFT, Key::Enter, "2 of 2 hits"),
        (Modifiers::NONE, Key::F3, "1 of 2 hits"),
        (Modifiers::SHIFT, Key::F3, "2 of 2 hits"),
    ] {
        window.key(modifiers, key);
        assert!(window.says(said), "{modifiers:?} {key:?}: {:#?}", window.labels());
        assert_eq!(focused(&window).1, "Find in fetched rows");
    }
    let chosen = window.harness.get_by_label("row 3, city: Os");
    assert_eq!(chosen.accesskit_node().is_selected(), Some(true));
    window.write("Find in fetched rows", "nowhere");
    window.wait_to_say("no hit in the fetched rows");
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.has("Find in fetched rows"));
    assert!(grid_has_the_keyboard(&window));
}
