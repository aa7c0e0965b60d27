//! What the server tells of itself, in the window: the same as `describe` says at the terminal.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use headwater::connector::{Connector as _, Credentials};
use headwater::connectors::postgres::Postgres as Connected;
use headwater::job::{CallCtx, Runtime};
use headwater::model::connection::Connection;
use headwater::model::node::{Description, NodePath};

use crate::gui_window::Window;
use crate::servers::lab::{Postgres, Version};

const LOGIN: &str = "about_reader";
const PASSWORD: &str = "an about password";

/// A database and a login with a role of its own, on a server with a slot that nobody reads.
fn prepared(server: &Postgres) -> String {
    server.role(LOGIN, PASSWORD).unwrap();
    server.psql("postgres", &format!("GRANT pg_monitor TO {LOGIN}")).unwrap();
    let slot = "SELECT pg_create_physical_replication_slot('about_slot', true)
        WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'about_slot')";
    server.psql("postgres", slot).unwrap();
    server.database("about", "CREATE TABLE t (a int)").unwrap()
}

/// By the menu of a line of the tree.
fn describe(window: &mut Window, line: &str) {
    window.harness.query_all_by_label(line).next().unwrap().click_secondary();
    window.wait_for("Describe");
    window.harness.get_by_role_and_label(Role::Button, "Describe").click();
    window.harness.run_steps(2);
    window.harness.event(egui::Event::PointerGone);
    window.wait("no menu", |window| !window.has("Describe"));
}

fn connection(server: &Postgres, database: &str) -> Connection {
    Connection::new("the server", "postgres")
        .value(Connection::HOST, server.host)
        .value(Connection::PORT, server.port.to_string())
        .value(Connection::DATABASE, database)
        .value(Connection::USER, LOGIN)
        .value("sslmode", "disable")
}

fn described(connection: &Connection) -> Description {
    let (connection, ctx) = (connection.clone(), CallCtx::detached());
    let told = async move {
        let credentials = Credentials::none().with(Connection::PASSWORD, PASSWORD.into());
        let source = Connected.connect(&ctx, &connection, &credentials).await.unwrap();
        source.describe(&ctx, &NodePath::root()).await.unwrap()
    };
    Runtime::start().unwrap().run(told)
}

#[test]
fn the_window_shows_what_the_server_tells_of_itself() {
    // Servers of its own: others watch that no slot comes up on the shared ones. A standby as well: it has a lag of
    // its own, and its primary has a replica.
    let primary = &Postgres::private(Version::V15, &[]).unwrap();
    let at_primary = prepared(primary);
    let standby = &Postgres::standby_of(primary).unwrap();
    standby.catch_up(primary).unwrap();
    let newest = &Postgres::private(Version::V18, &[]).unwrap();
    let at_newest = prepared(newest);
    for (server, database, facts) in [
        (
            primary,
            &at_primary,
            &[
                "server: PostgreSQL 15",
                "role of the server: primary",
                "replica: ",
                "replication slot: about_slot (physical, no plugin): NOT in use, keeps ",
                "member of: pg_monitor",
            ][..],
        ),
        (
            standby,
            &at_primary,
            &["server: PostgreSQL 15", "role of the server: replica", "behind its primary: "],
        ),
        (
            newest,
            &at_newest,
            &["server: PostgreSQL 18", "replication slot: about_slot", "log level: logical"],
        ),
    ] {
        let connection = connection(server, database);
        let told = described(&connection);
        let given = Credentials::none().with(Connection::PASSWORD, PASSWORD.into());
        let mut window = Window::with(Some(connection.name.clone()), Some(connection), &given);
        window.wait_for("schema public");
        // By the line of the source.
        describe(&mut window, "source the server");
        window.wait_to_say("server: PostgreSQL");
        for detail in &told.details {
            assert!(window.says(&format!("{}: ", detail.label)), "{}: {:#?}", detail.label, window.labels());
        }
        for fact in facts.iter().chain(&["activity: ", "login may: ", "databases: "]) {
            assert!(window.says(fact), "{fact}: {:#?}", window.labels());
        }
        for note in &told.notes {
            assert!(window.says(note), "{note}: {:#?}", window.labels());
        }
        // A schema tells of itself as well; the palette comes back to the source.
        describe(&mut window, "schema public");
        window.wait("a schema", |window| window.says("schema public") && !window.says("server: PostgreSQL"));
        window.key(egui::Modifiers::COMMAND, egui::Key::K);
        window.harness.event(egui::Event::Text("describe source".to_owned()));
        window.harness.run_steps(2);
        window.key(egui::Modifiers::NONE, egui::Key::Enter);
        window.wait_to_say("server: PostgreSQL");
    }
}
