use super::*;

async fn workspace() -> (tempfile::TempDir, Workspace) {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(Some(folder.path().join("data"))).await.unwrap();
    (folder, workspace)
}

async fn imported(name: &str, text: &str) -> Imported {
    let (folder, workspace) = workspace().await;
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    read(&workspace, &path, None).await.unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn line(connection: &Connection) -> String {
    let of = |key| connection.filled(key).unwrap_or("-");
    format!(
        "{} {} {} {} {}",
        connection.name,
        connection.connector,
        connection.place().unwrap_or_default(),
        of(Connection::USER),
        of(Connection::DATABASE)
    )
}

#[tokio::test]
async fn lists_of_other_tools_come_in_without_their_passwords() {
    for (name, text, expected, dropped, skipped) in [
        (
            ".pgpass",
            "# mine\ndb.example:5432:shop:reader:hunter2-secret\n*:*:*:postgres:hunter2-secret\nh\\:x:*:*:me:hunter2-secret\n/run/pg:5433:a:b:hunter2-secret\n",
            &[
                "shop at db.example postgres db.example:5432 reader shop",
                "a at /run/pg postgres /run/pg:5433 b a",
            ][..],
            2,
            2,
        ),
        (
            "pg_service.conf",
            "[orders]\nhost=db1\nport=5433\ndbname=shop\nuser=reader\npassword=hunter2-secret\nsslmode=verify-ca\napplication_name=x\n",
            &["orders postgres db1:5433 reader shop"][..],
            1,
            0,
        ),
        (
            "links.redis",
            "CACHE=redis://:hunter2-secret@cache:6380/2\nredis://plain\n# nothing\ngopher://old\n",
            &["cache redis cache:6380 - 2", "plain redis plain - -"][..],
            1,
            1,
        ),
        (
            "x.mongo",
            "mongodb://app:hunter2-secret@m1:27017/admin?retryWrites=true&authMechanism=SCRAM-SHA-256\n",
            &["admin at m1 mongodb m1:27017 app admin"][..],
            1,
            0,
        ),
        (
            "data-sources.json",
            r#"{"folders":{},"connections":{
                "postgres-jdbc-1":{"provider":"postgresql","driver":"postgres-jdbc","name":"Shop","folder":"team","description":"ask password=hunter2-secret",
                    "configuration":{"host":"db1","port":"5432","database":"shop","user":"reader","url":"jdbc:postgresql://db1:5432/shop","type":"prod","password":"hunter2-secret"}},
                "other":{"provider":"oracle","name":"Old","configuration":{"host":"o","url":"jdbc:oracle:thin:@o:1521"}}}}"#,
            &["Shop postgres db1:5432 reader shop"][..],
            1,
            1,
        ),
        (
            "dataSources.xml",
            r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><project><component>
                <data-source source="LOCAL" name="a &amp; b" uuid="1"><driver-ref>postgresql</driver-ref>
                <jdbc-url>jdbc:postgresql://db1:5432/shop?password=hunter2-secret&amp;ssl=true</jdbc-url><user-name>reader</user-name></data-source>
                <data-source source="LOCAL" name="no url" uuid="2"></data-source></component></project>"#,
            &["a & b postgres db1:5432 reader shop"][..],
            0,
            1,
        ),
    ] {
        let found = imported(name, text).await;
        let lines = found.connections.iter().map(line).collect::<Vec<_>>();
        let skipped_parts = (found.dropped_secrets, found.skipped.len());
        assert!(
            expected.iter().all(|line| lines.contains(&(*line).to_owned())),
            "{name}: {lines:?} {:?}",
            found.skipped
        );
        assert_eq!(skipped_parts, (dropped, skipped), "{name}: {:?}", found.skipped);
        let all = format!("{found:?}");
        assert!(!all.contains("hunter2"), "{name}: {all}");
        assert!(found.connections.iter().all(|connection| connection.secrets.is_empty()), "{name}");
    }
}

#[tokio::test]
async fn what_is_exported_comes_back_the_same_without_anything_secret() {
    let (folder, workspace) = workspace().await;
    let mut original = Connection::new("shop", "postgres")
        .value(Connection::HOST, "db1")
        .value(Connection::DATABASE, "shop")
        .value(Connection::USER, "reader")
        .value(Connection::VIA, "socks5://me:hunter2-secret@proxy:1080")
        .value("unknown", "hunter2-secret")
        .value(Connection::PASSWORD, "hunter2-secret");
    original.tier = Tier::Prod;
    original.group = "team".to_owned();
    original.owner = "ann".to_owned();
    original.note = "password=hunter2-secret, ask ann".to_owned();
    original.secrets.insert("password".to_owned(), workspace.keep_secret("hunter2-secret".into()));
    let api = Connection::new("api", "rest").value(
        Connection::URL,
        "https://u:hunter2-secret@api.example/v1?api_key=hunter2-secret&page=2&sig=hunter2-secret#token=hunter2-secret",
    );
    let text = export(&workspace, &[original.clone(), api]).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("secrets"), "{text}");
    assert!(text.contains("page=2"), "{text}");

    let path = folder.path().join("shared.toml");
    std::fs::write(&path, &text).unwrap();
    let back = read(&workspace, &path, None).await.unwrap().connections;
    assert_eq!((back[0].tier, back[0].group.as_str(), back[0].owner.as_str()), (Tier::Prod, "team", "ann"));
    assert_eq!(back[0].filled(Connection::VIA), Some("socks5://proxy:1080"));
    assert_ne!(back[0].id, original.id);
}

#[tokio::test]
async fn a_shared_file_names_no_secret_of_ours_and_a_moved_host_gets_none() {
    let (folder, workspace) = workspace().await;
    let mut ours = Connection::new("shop", "postgres").value(Connection::HOST, "db1");
    let name = workspace.keep_secret("hunter2".into());
    ours.secrets.insert(Connection::PASSWORD.to_owned(), name.clone());
    workspace.connections().add(ours.clone()).await.unwrap();
    workspace.settle_secrets(&ours).await;

    let shared = format!(
        "[[connection]]\nid = \"{}\"\nname = \"shop\"\nconnector = \"postgres\"\npassword_command = \"id\"\n[connection.values]\nhost = \"trap\"\n[connection.secrets]\npassword = \"{}\"\n\
         [[connection]]\nname = \"other\"\nconnector = \"postgres\"\n[connection.values]\nhost = \"trap\"\n[connection.secrets]\npassword = \"{}\"\n",
        ours.id, name.0, name.0
    );
    let path = folder.path().join("shared.toml");
    std::fs::write(&path, shared).unwrap();
    let take = async |taken| {
        let found = read(&workspace, &path, None).await.unwrap().connections;
        take_over(&workspace, found, taken).await.unwrap()
    };
    let skipped = take(Taken::Skip).await;
    assert_eq!((skipped.added, skipped.skipped), (vec!["other".to_owned()], vec!["shop".to_owned()]));
    let other = workspace.connections().get("other").await.unwrap();
    assert!(other.secrets.is_empty(), "{other:?}");
    let renamed = take(Taken::Rename).await;
    assert_eq!(renamed.added, ["shop 2", "other 2"]);

    let replaced = take(Taken::Replace).await;
    assert_eq!(replaced.moved, ["shop"]);
    let moved = workspace.connections().get("shop").await.unwrap();
    assert_eq!((moved.id, moved.filled(Connection::HOST)), (ours.id, Some("trap")));
    let refused = workspace.credentials(&moved).await.err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Refused, "{refused}");
    assert!(refused.attempted.contains("db1") && refused.attempted.contains("trap"), "{refused}");
    workspace.settle_secrets(&moved).await;
    assert!(workspace.credentials(&moved).await.is_ok());
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_in_words() {
    let (folder, workspace) = workspace().await;
    for (text, kind) in [
        (&b"nothing of the kind"[..], ErrorKind::Unsupported),
        (b"\xff\xfe", ErrorKind::Decode),
        (b"[[connection]]\nname = ", ErrorKind::Decode),
        (b"{\"connections\": [", ErrorKind::Decode),
        (b"", ErrorKind::Unsupported),
    ] {
        let path = folder.path().join("file");
        std::fs::write(&path, text).unwrap();
        let error = read(&workspace, &path, None).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
    for naughty in crate::safety::naughty_strings() {
        let file = toml::to_string(&SharedFile {
            connections: vec![Shared {
                name: naughty.clone(),
                connector: "postgres".to_owned(),
                values: [("host".to_owned(), naughty.clone())].into(),
                tier: Tier::Local,
                size_class: None,
                capacity: None,
                budget: Bound::default(),
                group: naughty.clone(),
                owner: String::new(),
                contact: String::new(),
                note: naughty,
            }],
        });
        let path = folder.path().join("naughty.toml");
        std::fs::write(&path, file.unwrap()).unwrap();
        let found = read(&workspace, &path, None).await.unwrap().connections;
        take_over(&workspace, found, Taken::Rename).await.unwrap();
    }
}
