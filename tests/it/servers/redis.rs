//! What only a real Redis can show: flags of commands, logins that may do little, a node of two faces in the window.

use std::sync::Arc;

use headwater::connector::testkit::StatementLog;
use headwater::connector::{Connector as _, Credentials, Source};
use headwater::connectors::redis::Redis;
use headwater::job::CallCtx;
use headwater::model::ErrorKind;
use headwater::model::connection::Connection;
use headwater::model::node::{NodePath, PageRequest};
use headwater::model::read::ReadSpec;

use super::lab;
use crate::gui_window::Window;

fn connection(server: &lab::Redis, database: u32) -> Connection {
    Connection::new(format!("keys {database}"), "redis")
        .value(Connection::HOST, server.host)
        .value(Connection::PORT, server.port.to_string())
        .value(Connection::DATABASE, database.to_string())
}

async fn connected(connection: &Connection, password: Option<&str>) -> (Arc<dyn Source>, CallCtx) {
    let ctx = CallCtx::new(Arc::new(StatementLog::default()), std::task::Waker::noop().clone());
    let credentials = match password {
        Some(password) => Credentials::none().with(Connection::PASSWORD, password.to_owned().into()),
        None => Credentials::none(),
    };
    (Redis.connect(&ctx, connection, &credentials).await.unwrap(), ctx)
}

#[test]
fn the_server_itself_says_that_no_command_of_the_table_writes() {
    let server = lab::redis();
    for entry in Redis.commands() {
        // What logs in, names and chooses is no command on data.
        if entry.id.as_str() == "open" {
            continue;
        }
        let words = entry.template.replace('{', " {");
        let name = words.split(' ').next().unwrap();
        let told = server.cli(0, &["COMMAND", "INFO", name]).unwrap();
        assert!(told.lines().any(|line| line.eq_ignore_ascii_case(name)), "{name} is no command: {told}");
        assert!(!told.lines().any(|line| line.trim() == "write"), "{name} writes: {told}");
    }
    assert!(server.cli(0, &["COMMAND", "INFO", "SET"]).unwrap().lines().any(|line| line.trim() == "write"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_may_little_sees_what_it_may_and_is_told_the_rest() {
    let server = lab::redis();
    let database = server.fresh_database();
    let rules = "on >word ~open:* +scan +type +hlen +hscan +memory|usage +pttl +object|encoding +select";
    let mut user = vec!["ACL", "SETUSER", "little"];
    user.extend(rules.split(' '));
    server.cli(0, &user).unwrap();
    server.script(database, "HSET open:1 a 1\nHSET closed:1 b 2\n").unwrap();
    let connection = connection(server, database).value(Connection::USER, "little");
    let (source, ctx) = connected(&connection, Some("word")).await;
    let at = NodePath::of([format!("db{database}")]);
    let page = source.children(&ctx, &at, &PageRequest::first()).await.unwrap();
    let seen = |name: &str| page.nodes.iter().find(|node| node.name == name).unwrap();
    assert_eq!((seen("open:1").readable, seen("closed:1").readable), (true, false));
    assert_eq!(seen("closed:1").note.as_deref(), Some("not permitted"));
    let plan = source.plan(&ctx, ReadSpec::preview(at.child("open:1"))).await.unwrap();
    source.estimate(&ctx, &plan).await.unwrap();
    let refused = source.plan(&ctx, ReadSpec::preview(at.child("closed:1"))).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied, "{refused}");
    let wrong = Redis.connect(&ctx, &connection, &Credentials::none()).await.err().unwrap();
    assert_eq!(wrong.kind, ErrorKind::Denied, "{wrong}");
}

#[test]
fn a_database_unfolds_into_its_keys_and_opens_as_a_table() {
    let server = lab::Redis::start().unwrap();
    server.script(0, "SET one 1\nSET two 2\n").unwrap();
    let saved = connection(&server, 0);
    let name = saved.name.clone();
    let mut window = Window::new(Some(name.clone()), Some(saved));
    window.wait_for(&format!("source {name}"));
    window.wait_for("database db0");
    assert!(!window.has_rows(), "nobody asked for rows");
    window.press("database db0");
    window.wait_for("key one");
    use egui_kittest::kittest::Queryable as _;
    window.harness.get_by_label("database db0").click_secondary();
    window.harness.run_steps(4);
    window.wait_for("Open as table");
    window.press("Open as table");
    window.wait("rows", Window::has_rows);
    assert!(window.says("2 rows"));
}
