//! Names, columns, keys, indexes, facts.

use headwater::model::ErrorKind;
use headwater::model::load::Provenance;
use headwater::model::node::{KeyKind, NodeKind, NodePath, PageRequest};
use headwater::model::schema::LogicalType;

use super::{Lab, context, node};

const SCHEMA: &str = "
    CREATE TABLE orders(
        id INTEGER PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers(name), amount DECIMAL(10,2) DEFAULT 0,
        at DATETIME, twice AS (amount * 2), code TEXT COLLATE NOCASE UNIQUE);
    CREATE TABLE customers(name TEXT PRIMARY KEY, country TEXT) WITHOUT ROWID;
    CREATE TABLE tight(a INT, b ANY) STRICT;
    CREATE INDEX orders_by_day ON orders(date(at), amount DESC) WHERE amount > 0;
    CREATE VIEW big AS SELECT id, amount FROM orders WHERE amount > 10;
    CREATE VIRTUAL TABLE notes USING fts5(body);
    CREATE TRIGGER orders_seen AFTER INSERT ON orders BEGIN SELECT 1; END;
    CREATE TABLE \"we\"\"ird/100%\"(\"ro\"\"wid\" TEXT);
    INSERT INTO orders(customer, amount, at) VALUES ('a', 1, '2024-01-01'), ('b', 20.5, '2024-01-02');
    ANALYZE;
    PRAGMA user_version = 7;";

#[tokio::test]
async fn tables_and_views_come_page_by_page_and_each_once() {
    let lab = Lab::new(SCHEMA).await;
    let source = lab.open().await;
    for size in [1, 3, 500] {
        let (ctx, _) = context();
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = source.children(&ctx, &NodePath::root(), &PageRequest { token, size }).await.unwrap();
            assert!(page.nodes.len() <= size);
            seen.extend(page.nodes);
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        let mut names = seen.iter().map(|node| node.name.as_str()).collect::<Vec<_>>();
        names.dedup();
        assert_eq!(names.len(), seen.len());
        assert!(names.iter().all(|name| !name.starts_with("sqlite_")));
        let find = |name: &str| seen.iter().find(|node| node.name == name).unwrap();
        assert_eq!(find("big").kind, NodeKind::View);
        let rows = find("orders").rows.clone().unwrap();
        assert_eq!((rows.value, rows.provenance), (2, Provenance::Catalogued { age_secs: None }));
        assert!(find("customers").rows.is_none(), "an empty table has no statistics: unknown, not zero");
        assert!(find("notes_data").note.as_deref().unwrap().contains("shadow table of notes"));
        assert!(find("notes").note.as_deref().unwrap().contains("fts5"));
    }
}

#[tokio::test]
async fn describe_tells_columns_keys_indexes_and_what_is_computed() {
    let lab = Lab::new(SCHEMA).await;
    let source = lab.open().await;
    let (ctx, _) = context();
    let orders = source.describe(&ctx, &node("orders")).await.unwrap();
    let field = |name: &str| &orders.schema.fields[orders.schema.index_of(name).unwrap()];
    assert_eq!(field("id").logical, LogicalType::INT64);
    assert_eq!(field("amount").logical, LogicalType::FLOAT64);
    assert_eq!(field("at").logical, LogicalType::Text);
    assert_eq!(field("at").native, "DATETIME");
    assert!(field("twice").note.as_deref().unwrap().contains("computed when read"));
    let kinds = orders.keys.iter().map(|key| key.kind).collect::<Vec<_>>();
    assert_eq!(kinds, [KeyKind::Primary, KeyKind::Unique, KeyKind::Foreign]);
    assert_eq!(orders.keys[2].references.as_ref().unwrap().node, node("customers"));
    let index = orders.indexes.iter().find(|index| index.name == "orders_by_day").unwrap();
    assert_eq!(index.columns, ["date(at)", "amount DESC"]);
    assert_eq!(index.condition.as_deref(), Some("amount > 0"));
    assert!(index.statistics.is_some());
    assert!(orders.ddl.unwrap().starts_with("CREATE TABLE orders"));
    let detail =
        |label: &str| orders.details.iter().find(|detail| detail.label == label).unwrap().value.clone();
    assert_eq!(detail("triggers"), "orders_seen");
    assert_eq!(detail("computed columns"), "twice");

    let customers = source.describe(&ctx, &node("customers")).await.unwrap();
    assert!(customers.details.iter().any(|detail| detail.value.contains("WITHOUT ROWID")));
    let tight = source.describe(&ctx, &node("tight")).await.unwrap();
    assert!(tight.details.iter().any(|detail| detail.value == "strict"));
    let weird = source.describe(&ctx, &node("we\"ird/100%")).await.unwrap();
    assert_eq!(weird.schema.fields[0].name, "ro\"wid");

    let file = source.describe(&ctx, &NodePath::root()).await.unwrap();
    let detail =
        |label: &str| file.details.iter().find(|detail| detail.label == label).unwrap().value.clone();
    assert_eq!(detail("user version"), "7");
    assert_eq!(detail("encoding"), "UTF-8");
    assert!(file.node.bytes.unwrap().value > 4096);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let lab = Lab::new(SCHEMA).await;
    let source = lab.open().await;
    let (ctx, _) = context();
    for path in [node("ORDERS"), node("nope"), NodePath::of(["orders", "x"])] {
        assert_eq!(source.describe(&ctx, &path).await.unwrap_err().kind, ErrorKind::NotFound, "{path}");
        let children = source.children(&ctx, &path, &PageRequest::first()).await;
        assert_eq!(children.unwrap_err().kind, ErrorKind::NotFound, "{path}");
    }
    assert!(source.children(&ctx, &node("orders"), &PageRequest::first()).await.unwrap().nodes.is_empty());
}

#[tokio::test]
async fn declared_relations_are_given_by_the_facet() {
    let lab = Lab::new(SCHEMA).await;
    let source = lab.open().await;
    let (ctx, _) = context();
    let keys = source.relations().unwrap().outgoing(&ctx, &node("orders")).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].columns, ["customer"]);
    assert_eq!(keys[0].references.as_ref().unwrap().columns, ["name"]);
}
