//! The data tab in a headless window over the real program: the demo is opened, read, filtered, sorted, asked
//! for all rows, profiled, described and exported, as a user would.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;

use super::gui_window::Window;

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
