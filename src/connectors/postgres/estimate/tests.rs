//! Plans as servers print them, cut to what matters, against facts as the catalogue gives them.

use serde_json::{Value, json};

use super::*;
use crate::model::load::{Dim, Intrusiveness, Provenance, Quantity};
use crate::model::node::NodePath;
use crate::model::read::Bound;

fn capacity() -> Capacity {
    Capacity {
        disk_bytes_per_sec: 200e6,
        link_bytes_per_sec: 12.5e6,
        cores: 2.0,
        cache_bytes: 256e6,
        requests_per_sec: 100.0,
        provenance: Provenance::Declared { who: "class small".into() },
    }
}

/// 100 000 rows on 1 000 pages, an index on its counted `id`, one on its skewed `kind`.
fn table(name: &str, more: Value) -> String {
    let mut facts = json!({
        "schema": "app", "name": name, "kind": "r", "pages": 1000, "tuples": 100_000, "visible_pages": 1000,
        "bytes": 8_192_000, "changed": 0, "dead": 0, "live": 100_000, "analyzed": 1.7e9, "now": 1.7e9 + 60.0,
        "indexes": [
            {"name": "t_id", "bytes": 2_252_800, "unique": true, "method": "btree", "columns": ["id"]},
            {"name": "t_kind", "bytes": 1_000_000, "unique": false, "method": "btree", "columns": ["kind"]}
        ],
        "columns": [
            {"name": "id", "storage": "p", "counted": true, "distinct": -1, "nulls": 0, "width": 8,
             "correlation": 1.0, "bounds": "{1,25000,50000,75000,100000}"},
            {"name": "kind", "storage": "x", "distinct": 10, "nulls": 0, "width": 6, "correlation": 0.2,
             "common": "{a,b,c}", "shares": [0.6, 0.3, 0.05]},
            {"name": "body", "storage": "x", "distinct": -1, "nulls": 0, "width": 400, "correlation": 0.0}
        ]
    });
    let (Value::Object(facts_map), Value::Object(more)) = (&mut facts, more) else { panic!("objects") };
    facts_map.extend(more);
    facts.to_string()
}

fn scan(kind: &str, name: &str, rows: u64, more: Value) -> Value {
    let mut node = json!({
        "Node Type": kind, "Schema": "app", "Relation Name": name, "Alias": name, "Startup Cost": 0.0,
        "Total Cost": 2000.0, "Plan Rows": rows, "Plan Width": 50, "Output": ["t.id", "t.kind"]
    });
    let (Value::Object(map), Value::Object(more)) = (&mut node, more) else { panic!("objects") };
    map.extend(more);
    node
}

fn above(kind: &str, rows: u64, cost: f64, below: Vec<Value>) -> Value {
    json!({"Node Type": kind, "Startup Cost": 0.0, "Total Cost": cost, "Plan Rows": rows, "Plan Width": 50,
           "Output": ["t.id", "t.kind"], "Plans": below})
}

fn try_estimate(plan: &Value, facts: &[String], bound: Bound) -> Result<LoadEstimate> {
    let plan = Plan::parse(&json!([{"Plan": plan}]).to_string()).unwrap();
    let facts = Facts::parse(facts.iter().map(String::as_str)).unwrap();
    let spec = ReadSpec { bound, ..ReadSpec::preview(NodePath::root()) };
    estimate(&plan, &facts, &spec, capacity(), Some(30.0))
}

fn load(plan: &Value, facts: &[String]) -> LoadEstimate {
    try_estimate(plan, facts, Bound::default()).unwrap()
}

fn touched(plan: &Value, facts: &[String]) -> Quantity {
    load(plan, facts).quantity(Dim::BlocksTouched).unwrap().clone()
}

#[test]
fn a_whole_table_is_its_pages() {
    let found = touched(&scan("Seq Scan", "t", 100_000, json!({})), &[table("t", json!({}))]);
    assert!(found.lo >= 900.0 && found.mid == 1000.0 && found.hi < 1_100.0, "{found:?}");
    assert_eq!(found.provenance, Provenance::Planned { class: "no_filter".into() });
}

#[test]
fn size_is_that_of_now_and_not_that_of_the_statistics() {
    let grown = table("t", json!({"bytes": 81_920_000, "changed": 900_000}));
    let found = touched(&scan("Seq Scan", "t", 1_000_000, json!({})), &[grown]);
    assert!(found.mid == 10_000.0, "{found:?}");
    assert!(matches!(&found.provenance, Provenance::Planned { class } if class.contains("old statistics")));
}

#[test]
fn a_limit_over_a_filter_may_read_the_whole_table() {
    let filter = json!({"Filter": "(t.kind = 'rare'::text)"});
    let limited = above("Limit", 10, 100.0, vec![scan("Seq Scan", "t", 200, filter)]);
    let found = touched(&limited, &[table("t", json!({}))]);
    assert!(found.lo < 60.0 && found.mid < 200.0 && found.hi >= 1_000.0, "{found:?}");
    // Without a filter it stops where it says.
    let plain = above("Limit", 200, 4.0, vec![scan("Seq Scan", "t", 100_000, json!({}))]);
    let found = touched(&plain, &[table("t", json!({}))]);
    assert!(found.hi < 20.0, "{found:?}");
}

#[test]
fn a_page_by_key_is_a_way_down_and_some_pages() {
    let by_id =
        scan("Index Scan", "t", 50_000, json!({"Index Name": "t_id", "Index Cond": "(t.id > 50000)"}));
    let page = above("Limit", 200, 8.0, vec![by_id]);
    let found = touched(&page, &[table("t", json!({}))]);
    assert!(found.lo >= 2.0 && found.hi <= 30.0, "{found:?}");
    let one = scan("Index Scan", "t", 1, json!({"Index Name": "t_id", "Index Cond": "(t.id = 5)"}));
    let found = load(&one, &[table("t", json!({}))]);
    assert_eq!(found.quantity(Dim::RowsReturned).unwrap().hi, 1.0);
    assert!(found.quantity(Dim::BlocksTouched).unwrap().hi <= 12.0);
}

#[test]
fn order_that_holds_only_globally_leaves_touches_open_and_distinct_blocks_not() {
    let column = json!([{"name": "ts", "storage": "p", "distinct": -1, "nulls": 0, "width": 8, "correlation": 0.9999,
        "bounds": "{\"2023-01-01 00:00:00\",\"2023-09-01 00:00:00\",\"2024-01-01 00:00:00\",\"2024-02-01 00:00:00\"}"}]);
    let index =
        json!([{"name": "t_ts", "bytes": 2_252_800, "unique": false, "method": "btree", "columns": ["ts"]}]);
    let facts = [table("t", json!({"columns": column, "indexes": index}))];
    let plan = scan(
        "Index Scan",
        "t",
        10_000,
        json!({"Index Name": "t_ts", "Index Cond": "(t.ts > '2024-01-20 00:00:00'::timestamp)"}),
    );
    let estimate = load(&plan, &facts);
    let touches = estimate.quantity(Dim::BlocksTouched).unwrap();
    assert!(touches.lo < 200.0 && touches.hi >= 10_000.0, "{touches:?}");
    assert!(estimate.quantity(Dim::BlocksDistinct).unwrap().hi < 900.0);
}

#[test]
fn the_upper_end_does_not_multiply_columns() {
    let plan = scan(
        "Bitmap Heap Scan",
        "t",
        5,
        json!({
        "Filter": "(t.kind = 'b'::text)",
        "Plans": [{"Node Type": "Bitmap Index Scan", "Parent Relationship": "Outer", "Schema": "app",
                   "Relation Name": "t", "Index Name": "t_kind", "Index Cond": "(t.kind = 'b'::text)",
                   "Plan Rows": 30_000, "Total Cost": 100.0}]}),
    );
    let found = touched(&plan, &[table("t", json!({}))]);
    assert!(found.hi >= 990.0, "{found:?}");
    let two = scan("Seq Scan", "t", 10, json!({"Filter": "((t.kind = 'b'::text) AND (t.id < 50000))"}));
    let rows = load(&two, &[table("t", json!({}))]).quantity(Dim::RowsReturned).unwrap().clone();
    assert!(rows.hi >= 30_000.0 && rows.hi <= 40_000.0, "{rows:?}");
}

#[test]
fn rows_beyond_the_last_statistics_may_all_match() {
    let stale = table("t", json!({"changed": 400_000, "bytes": 40_960_000}));
    let plan = scan("Index Scan", "t", 1, json!({"Index Name": "t_id", "Index Cond": "(t.id > 200000)"}));
    let found = load(&plan, &[stale]);
    assert!(found.quantity(Dim::RowsReturned).unwrap().hi >= 400_000.0);
    assert!(found.quantity(Dim::BlocksDistinct).unwrap().hi >= 4_000.0);
    assert!(found.assumptions.iter().any(|said| said.contains("400")), "{:?}", found.assumptions);
}

#[test]
fn inner_loops_are_paid_for_each_outer_row_and_semi_joins_stop_early() {
    let join = |kind: &str, unique: bool| {
        let outer = scan(
            "Seq Scan",
            "o",
            1_000,
            json!({"Filter": "(o.kind = 'c'::text)", "Parent Relationship": "Outer"}),
        );
        let inner = scan(
            "Index Scan",
            "t",
            50,
            json!({"Index Name": "t_kind", "Index Cond": "(t.kind = o.kind)", "Parent Relationship": "Inner"}),
        );
        let mut node = above("Nested Loop", 50_000, 9_000.0, vec![outer, inner]);
        node["Join Type"] = kind.into();
        node["Inner Unique"] = unique.into();
        node
    };
    let facts = [table("t", json!({})), table("o", json!({}))];
    let full = touched(&join("Inner", false), &facts);
    let semi = touched(&join("Semi", false), &facts);
    assert!(full.mid > 10_000.0, "{full:?}");
    assert!(semi.mid < full.mid / 3.0, "{semi:?} {full:?}");
    assert!(semi.hi * 2.0 >= full.hi, "{semi:?} {full:?}");
}

#[test]
fn large_values_are_paid_where_they_are_looked_at() {
    let toasted = [table("t", json!({"toast_bytes": 819_200_000}))];
    let mut whole = scan("Seq Scan", "t", 100_000, json!({}));
    whole["Output"] = json!(["t.id", "t.body"]);
    assert!(touched(&whole, &toasted).mid > 100_000.0);
    let without = scan("Seq Scan", "t", 100_000, json!({}));
    assert!(touched(&without, &toasted).hi < 1_100.0);
    let searched = scan("Seq Scan", "t", 10, json!({"Filter": "(t.body ~~ '%x%'::text)"}));
    assert!(touched(&searched, &toasted).hi > 100_000.0);
    let given = load(&whole, &toasted).quantity(Dim::BytesWire).unwrap().clone();
    assert!(given.hi > 800e6, "{given:?}");
}

#[test]
fn samples_by_page_are_a_share_of_the_pages_and_samples_by_row_are_all() {
    for (method, lo, hi) in [("system", 60.0, 160.0), ("bernoulli", 900.0, 1_100.0)] {
        let plan = scan(
            "Sample Scan",
            "t",
            10_000,
            json!({"Sampling Method": method, "Sampling Parameters": ["'10'::real"]}),
        );
        let found = touched(&plan, &[table("t", json!({}))]);
        assert!(found.lo >= lo && found.hi <= hi, "{method}: {found:?}");
    }
    let places = scan(
        "Tid Range Scan",
        "t",
        1_000,
        json!({"TID Cond": "((t.ctid >= '(100,0)'::tid) AND (t.ctid < '(200,0)'::tid))"}),
    );
    let found = touched(&places, &[table("t", json!({}))]);
    assert!(found.lo >= 90.0 && found.hi <= 115.0, "{found:?}");
}

#[test]
fn workers_share_a_scan_and_repeat_what_they_do_not_share() {
    let shared =
        scan("Seq Scan", "t", 41_667, json!({"Parallel Aware": true, "Parent Relationship": "Outer"}));
    let mut gather = above("Gather", 100_000, 3_000.0, vec![shared]);
    gather["Workers Planned"] = 2.into();
    let found = load(&gather, &[table("t", json!({}))]);
    assert!(found.quantity(Dim::BlocksTouched).unwrap().hi < 1_100.0);
    assert!((found.quantity(Dim::RowsReturned).unwrap().mid - 100_000.0).abs() < 2_000.0);
}

#[test]
fn sorts_and_hashes_spill_what_does_not_fit() {
    let sort = above("Sort", 100_000, 9_000.0, vec![scan("Seq Scan", "t", 100_000, json!({}))]);
    let found = load(&sort, &[table("t", json!({}))]);
    assert!(found.quantity(Dim::TempBytes).unwrap().mid > 5e6);
    let top = above("Limit", 10, 8_999.0, vec![sort]);
    let found = load(&top, &[table("t", json!({}))]);
    assert_eq!(
        found.quantity(Dim::BlocksTouched).unwrap().mid,
        1000.0,
        "a sort reads all before its first row"
    );
}

#[test]
fn what_a_plan_does_not_show_is_not_estimated() {
    let function =
        json!({"Node Type": "Function Scan", "Schema": "app", "Function Name": "f", "Plan Rows": 1000});
    assert!(load(&function, &[]).not_estimable.contains(&Dim::BlocksTouched));
    let built_in = json!({"Node Type": "Function Scan", "Schema": "pg_catalog", "Function Name": "generate_series", "Plan Rows": 10});
    assert!(load(&built_in, &[]).not_estimable.is_empty());
    let foreign = scan("Foreign Scan", "far", 1_000, json!({}));
    let found = load(&foreign, &[]);
    assert!(!found.not_estimable.is_empty());
    assert!(found.effects.iter().any(|effect| effect.what.contains("another server")));
    let unknown = load(&scan("Seq Scan", "gone", 10, json!({})), &[]);
    assert!(unknown.not_estimable.contains(&Dim::RowsExamined), "{unknown:?}");
}

#[test]
fn a_plan_that_writes_is_refused() {
    for kind in ["ModifyTable", "LockRows"] {
        let plan = above(kind, 1, 10.0, vec![scan("Seq Scan", "t", 1, json!({}))]);
        let error = try_estimate(&plan, &[table("t", json!({}))], Bound::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
    }
}

#[test]
fn bounds_become_caps_and_hard_ends() {
    let plan = scan("Seq Scan", "t", 100_000, json!({}));
    let found = try_estimate(&plan, &[table("t", json!({}))], Bound::rows(200)).unwrap();
    assert_eq!(found.quantity(Dim::RowsReturned).unwrap().hi, 200.0);
    assert!(found.quantity(Dim::Duration).unwrap().hi <= 30.0);
    assert_eq!(found.caps.len(), 2);
}

#[test]
fn without_statistics_intervals_open_and_say_so() {
    let hidden = table("t", json!({"columns": [{"name": "kind", "storage": "x"}], "indexes": null}));
    let plan =
        scan("Index Scan", "t", 10, json!({"Index Name": "t_kind", "Index Cond": "(t.kind = 'x'::text)"}));
    let found = load(&plan, &[hidden]);
    let touches = found.quantity(Dim::BlocksTouched).unwrap();
    assert!(touches.hi >= 1_000.0, "{touches:?}");
    assert!(matches!(touches.provenance, Provenance::Guessed { .. }));
    assert!(found.assumptions.iter().any(|said| said.contains("not shown")));
}

#[test]
fn marking_rows_as_committed_is_said() {
    let fresh = table("t", json!({"visible_pages": 0}));
    let found = load(&scan("Seq Scan", "t", 100_000, json!({})), &[fresh]);
    assert!(found.effects.iter().any(|effect| effect.intrusiveness == Intrusiveness::I3));
    let found = load(&scan("Seq Scan", "t", 100_000, json!({})), &[table("t", json!({}))]);
    assert!(found.effects.iter().all(|effect| effect.intrusiveness <= Intrusiveness::I2));
}

#[test]
fn relations_and_columns_of_a_plan_are_asked_for_once() {
    let plan = above(
        "Append",
        9,
        9.0,
        vec![
            scan("Seq Scan", "part_1", 1, json!({"Filter": "(part.day > '2024-01-01'::date)"})),
            scan("Seq Scan", "part_2", 1, json!({"Filter": "(part.day > '2024-01-01'::date)"})),
            scan("Seq Scan", "part_2", 1, json!({})),
        ],
    );
    let plan = Plan::parse(&json!([{"Plan": plan}]).to_string()).unwrap();
    let wanted = relations_of(&plan);
    assert_eq!(wanted.names(), ["part_1", "part_2"]);
    assert!(wanted.columns.contains(&"day".to_owned()));
}
