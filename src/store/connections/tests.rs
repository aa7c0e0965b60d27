use super::*;
use crate::model::connection::{DeclaredCapacity, SecretRef, SizeClass, Tier};
use crate::model::read::Bound;

fn file() -> (tempfile::TempDir, Connections) {
    let folder = tempfile::tempdir().unwrap();
    let connections = Connections::at(folder.path().join("connections.toml"));
    (folder, connections)
}

/// A connection with every field set.
fn full(name: &str) -> Connection {
    let mut connection = Connection::new(name, "postgres")
        .value("host", "db.example \"quoted\" \\ ü")
        .value("note to self", "two\nlines");
    connection.secrets.insert("password".into(), SecretRef(uuid::Uuid::new_v4()));
    connection.tier = Tier::Prod;
    connection.size_class = Some(SizeClass::Large);
    connection.capacity = Some(DeclaredCapacity {
        disk_bytes_per_sec: 1e8,
        link_bytes_per_sec: 0.5,
        cores: 2.0,
        cache_bytes: 3e9,
        requests_per_sec: 10.0,
        note: "the owner said so".into(),
    });
    connection.budget = Bound { rows: Some(1), bytes: Some(2), seconds: Some(3.5), requests: Some(4) };
    connection.note = "ask the orders team".into();
    connection
}

fn names(all: &[Connection]) -> Vec<&str> {
    all.iter().map(|connection| connection.name.as_str()).collect()
}

#[tokio::test]
async fn a_connection_comes_back_as_it_was_saved() {
    let (_folder, connections) = file();
    assert_eq!(connections.list().await.unwrap(), []);
    let (orders, plain) = (full("orders"), Connection::new("plain", "csv").value("path", "/tmp/x.csv"));
    connections.add(orders.clone()).await.unwrap();
    connections.add(plain.clone()).await.unwrap();
    assert_eq!(connections.list().await.unwrap(), [orders.clone(), plain.clone()]);
    assert_eq!(connections.get("plain").await.unwrap(), plain);
    assert_eq!(connections.get(&orders.id.to_string()).await.unwrap(), orders);

    let edited = connections.edit("orders", |it| it.name = "sales".into()).await.unwrap();
    assert_eq!((edited.id, edited.name.as_str()), (orders.id, "sales"));
    let copy = connections.duplicate("sales", "sales too").await.unwrap();
    assert!(copy.id != orders.id && copy.secrets.is_empty() && copy.values == orders.values);
    assert_eq!(names(&connections.list().await.unwrap()), ["sales", "sales too", "plain"]);
    assert_eq!(connections.remove("plain").await.unwrap(), plain);
    assert_eq!(names(&connections.list().await.unwrap()), ["sales", "sales too"]);
}

#[tokio::test]
async fn names_that_can_not_be_typed_or_are_taken_are_refused() {
    let (_folder, connections) = file();
    connections.add(Connection::new("taken", "csv")).await.unwrap();
    let long = "x".repeat(LONGEST_NAME + 1);
    for name in ["", "  ", "a\nb", " a", "-a", "postgres://x", "demo:", "taken", &long] {
        let error = connections.add(Connection::new(name, "csv")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{name:?}");
    }
    for (name, kind) in [("absent", ErrorKind::NotFound), ("Taken", ErrorKind::NotFound)] {
        let error = connections.get(name).await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.hint.unwrap().contains("taken"));
        assert_eq!(connections.remove(name).await.unwrap_err().kind, kind);
    }
    connections.add(Connection::new("ü/ new name.csv", "csv")).await.unwrap();
    let error = connections.edit("ü/ new name.csv", |it| it.name = "taken".into()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(names(&connections.list().await.unwrap()), ["taken", "ü/ new name.csv"]);
}

#[tokio::test]
async fn fields_of_a_later_version_survive_an_edit() {
    let (_folder, connections) = file();
    let text = r#"
        from_later = [1, 2]
        [[connection]]
        id = "6a8f2f0e-3a43-4bd2-9a53-2f4a1e7f6d11"
        name = "by hand"
        connector = "csv"
        colour = "red"
        [connection.values]
        path = "x.csv"
        [connection.capacity]
        disk_bytes_per_sec = 1
        link_bytes_per_sec = 1
        cores = 2
        cache_bytes = 0
        requests_per_sec = 1
        note = "whole numbers will do"
        [connection.shelf]
        deep = { deeper = true }
        [elsewhere]
        key = "value"
    "#;
    std::fs::write(connections.path(), text).unwrap();
    connections.edit("by hand", |it| it.note = "edited".into()).await.unwrap();
    let after: toml::Table = toml::from_str(&std::fs::read_to_string(connections.path()).unwrap()).unwrap();
    let entry = &after["connection"][0];
    assert_eq!(entry["note"].as_str(), Some("edited"));
    assert_eq!(entry["colour"].as_str(), Some("red"));
    assert_eq!(entry["shelf"]["deep"]["deeper"].as_bool(), Some(true));
    assert_eq!(after["from_later"][1].as_integer(), Some(2));
    assert_eq!(after["elsewhere"]["key"].as_str(), Some("value"));
}

#[tokio::test]
async fn a_broken_file_is_never_overwritten_and_the_last_good_version_is_offered() {
    let (_folder, connections) = file();
    for name in ["one", "two", "three"] {
        connections.add(Connection::new(name, "csv")).await.unwrap();
    }
    for broken in [
        &b"[[connection]]\nname = "[..],
        b"\xff\xfe",
        b"[[connection]]\nname = \"no id\"\nconnector = \"csv\"",
        b"connection = 1",
    ] {
        std::fs::write(connections.path(), broken).unwrap();
        let errors = [
            connections.list().await.unwrap_err(),
            connections.add(Connection::new("four", "csv")).await.unwrap_err(),
            connections.remove("one").await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind, ErrorKind::Decode);
            assert!(error.hint.as_deref().unwrap().contains("connections.toml.1"), "{error}");
        }
        assert_eq!(std::fs::read(connections.path()).unwrap(), broken);

        let restored = connections.restore().await.unwrap();
        assert_eq!(std::fs::read(&restored.set_aside).unwrap(), broken);
        assert!(restored.from.unwrap().ends_with("connections.toml.1"));
        assert_eq!(names(&connections.list().await.unwrap()), ["one", "two"]);
    }
    assert_eq!(connections.restore().await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn two_names_alike_in_the_file_are_told_apart_by_id() {
    let (_folder, connections) = file();
    let mut twin = Connection::new("one", "csv");
    connections.add(twin.clone()).await.unwrap();
    let once = std::fs::read_to_string(connections.path()).unwrap();
    let first = twin.id;
    twin.id = uuid::Uuid::new_v4();
    let twice = format!("{once}\n{}", once.replace(&first.to_string(), &twin.id.to_string()));
    std::fs::write(connections.path(), twice).unwrap();
    assert_eq!(connections.get("one").await.unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(connections.get(&twin.id.to_string()).await.unwrap(), twin);
    connections.edit(&twin.id.to_string(), |it| it.name = "other".into()).await.unwrap();
    assert_eq!(names(&connections.list().await.unwrap()), ["one", "other"]);
}

#[tokio::test]
async fn edits_of_two_instances_at_once_are_both_kept() {
    let (_folder, connections) = file();
    let other = Connections::at(connections.path().to_owned());
    let adds = (0..20).map(|number| {
        let instance = if number % 2 == 0 { &connections } else { &other };
        instance.add(Connection::new(format!("c{number}"), "csv"))
    });
    for added in futures::future::join_all(adds).await {
        added.unwrap();
    }
    assert_eq!(connections.list().await.unwrap().len(), 20);
}
