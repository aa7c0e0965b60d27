//! Rows that were pushed out of memory: the grid comes back to them and they are read again, as a small read of
//! their own.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use headwater::connector::Credentials;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use super::gui_window::Window;

/// A page of 200 of these rows takes most of the memory that rows may take in the window.
const CONTENT: &str = "
CREATE TABLE letters (id INTEGER PRIMARY KEY, body TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
INSERT INTO letters SELECT i, printf('letter %d ', i) || replace(hex(zeroblob(100000)), '00', 'ab') FROM n;
";

async fn make(file: &std::path::Path) {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut made = options.connect().await.unwrap();
    made.execute(CONTENT).await.unwrap();
    made.close().await.unwrap();
}

fn shows(window: &Window, row: u32) -> bool {
    window.says(&format!("row {row}, body: letter {row} "))
}

#[test]
fn rows_pushed_out_of_memory_are_read_again_when_the_grid_comes_back_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("letters.db");
    headwater::job::Runtime::start().unwrap().run(make(&file));
    let mut window = Window::in_folder(folder, Some(file.display().to_string()), None, &Credentials::none());
    window.wait_for("table letters");
    window.press("table letters");
    window.run_through_the_sheet("letters");
    window.wait("the first rows", |window| shows(window, 1));
    window.wait_to_say("session: 200 rows");

    // The second page pushes out the first, which is in view: it is read again at once, and nothing else.
    window.wait_for("Next page");
    window.button("Next page");
    window.wait_to_say(". 400 rows");
    window.wait_to_say("session: 600 rows");
    window.wait("the first rows again", |window| shows(window, 1));

    // The first page read again has pushed out the second.
    window.harness.get_by_role(Role::Grid).focus();
    window.harness.run_steps(2);
    window.key(Modifiers::COMMAND, Key::G);
    window.harness.event(egui::Event::Text("300".to_owned()));
    window.harness.run_steps(2);
    window.key(Modifiers::NONE, Key::Enter);
    window.wait_to_say("session: 800 rows");
    window.wait("a row of the second page", |window| shows(window, 300));
    assert!(window.says(". 400 rows"), "reading again adds no rows");
}
