//! The gate's lists and verdicts against the servers they speak of.

use std::collections::BTreeMap;

use headwater::connector::{Connector as _, Credentials};
use headwater::connectors::postgres::Postgres as Connected;
use headwater::connectors::postgres::gate::{self, KnownFunctions, LOOKUP, LookedUp};
use headwater::job::CallCtx;
use headwater::model::connection::Connection;
use headwater::model::node::NodePath;
use headwater::model::read::ReadSpec;

use crate::servers::lab::{self, Postgres, Version};

const TEXTS: &str = include_str!("../../../../src/connectors/postgres/gate/texts.jsonl");
const BUILTINS: &str = include_str!("../../../../src/connectors/postgres/gate/builtins.txt");

const SETUP: &str = "
    CREATE TABLE t (a int, b text, ts timestamptz DEFAULT now(), flag bool);
    INSERT INTO t VALUES (1, 'x'), (2, 'y');
    CREATE TABLE u (a int, ts timestamptz);
    INSERT INTO u VALUES (1);
    CREATE SCHEMA app;
    CREATE TABLE app.t (a int, b text);
    CREATE TABLE docs (j jsonb);
    CREATE TABLE part (k int);
    CREATE TYPE comp AS (x int);
    CREATE VIEW v AS SELECT * FROM t;
    CREATE SEQUENCE s;
";

fn texts(verdict: &str) -> Vec<String> {
    let all = TEXTS.lines().map(|line| serde_json::from_str::<(String, String)>(line).unwrap());
    all.filter(|(word, _)| word == verdict).map(|(_, text)| text).collect()
}

#[test]
fn every_text_that_is_let_through_runs_in_a_read_only_transaction() {
    let texts = texts("read");
    assert!(texts.len() > 100);
    for version in Version::ALL {
        let server = lab::postgres(version);
        let database = server.database("gate", SETUP).unwrap();
        for text in &texts {
            let sql = format!("BEGIN READ ONLY;\n{text}\n;\nROLLBACK;");
            let answer = server.psql(&database, &sql);
            assert!(answer.is_ok(), "{version:?} {text:?}: {}", answer.unwrap_err());
        }
    }
}

#[test]
fn the_gate_stops_what_a_read_only_transaction_does_not() {
    let server = lab::postgres(Version::V15);
    let database = server.database("gate", SETUP).unwrap();
    for text in [
        "SET TRANSACTION READ WRITE",
        "LOCK TABLE t IN ACCESS EXCLUSIVE MODE",
        "NOTIFY x, 'y'",
        "SELECT pg_advisory_lock(1)",
        "SELECT lo_create(0)",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT pg_create_restore_point('x')",
        "SELECT pg_logical_emit_message(true, 'a', 'b')",
        "SELECT txid_current()",
        "SELECT * FROM table_to_xml('t', true, true, '')",
    ] {
        server.psql(&database, &format!("BEGIN READ ONLY; {text}; ROLLBACK;")).unwrap();
        assert_eq!(gate::judge(text).word(), "refused", "{text}");
    }
}

/// The functions of a server with the most volatile of each name, as the head of the list says.
const FUNCTIONS: &str = "
    SELECT proname || ' ' || max(CASE provolatile WHEN 'v' THEN 3 WHEN 's' THEN 2 ELSE 1 END)
    FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind <> 'p'
    AND NOT (proargtypes::oid[] && ARRAY['internal'::regtype::oid, 'cstring'::regtype::oid])
    AND prorettype NOT IN ('cstring'::regtype, 'trigger'::regtype, 'event_trigger'::regtype,
        'internal'::regtype, 'language_handler'::regtype, 'index_am_handler'::regtype,
        'table_am_handler'::regtype, 'tsm_handler'::regtype, 'fdw_handler'::regtype)
    GROUP BY proname";

#[test]
fn the_shipped_list_of_built_ins_is_that_of_the_servers() {
    let mut listed: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    let mut class = 0;
    for line in BUILTINS.lines().filter(|line| !line.starts_with("# ") && !line.is_empty()) {
        if line.starts_with('[') {
            class += 1;
            continue;
        }
        for name in line.split_whitespace().filter(|_| class <= 3) {
            let at = name.find(['<', '>']).unwrap_or(name.len());
            let (bare, only) = name.split_at(at);
            listed.insert(bare, (class, only));
        }
    }
    for version in Version::ALL {
        let answer = lab::postgres(version).psql("postgres", FUNCTIONS).unwrap();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for line in answer.lines() {
            let (name, class) = line.split_once(' ').unwrap();
            known.insert(name, class.parse().unwrap());
        }
        for (name, class) in &known {
            let (listed, _) = listed.get(name).unwrap_or_else(|| panic!("{version:?}: {name} is not listed"));
            assert!(listed >= class, "{version:?}: {name} is more volatile than listed");
        }
        let missing = match version {
            Version::V15 => ">15",
            Version::V18 => "<18",
        };
        for (name, (_, only)) in &listed {
            assert_eq!(known.contains_key(name), *only != missing, "{version:?}: {name}");
        }
    }
}

fn look_up(server: &Postgres, database: &str, text: &str) -> KnownFunctions {
    let wanted = gate::functions_of(text).unwrap_or_else(|verdict| panic!("{text}: {}", verdict.why()));
    let array = |names: Vec<String>| {
        let quoted: Vec<String> =
            names.iter().map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
        format!("ARRAY[{}]::text[]", quoted.join(", "))
    };
    let sql =
        LOOKUP.replace("$1", &array(wanted.function_names())).replace("$2", &array(wanted.operator_names()));
    let answer = server.psql(database, &sql).unwrap();
    let rows = answer.lines().map(|line| {
        // The first field and the last six have no bar in them; a name may.
        let fields: Vec<&str> = line.split('|').collect();
        let count = fields.len();
        let first = |text: &str| text.chars().next().unwrap_or('v');
        LookedUp {
            kind: first(fields[0]),
            schema: fields[1].to_owned(),
            name: fields[2..count - 6].join("|"),
            volatility: first(fields[count - 6]),
            language: fields[count - 5].to_owned(),
            least_arguments: fields[count - 4].parse().unwrap(),
            most_arguments: fields[count - 3].parse().unwrap(),
            is_visible: fields[count - 2] == "t",
            takes_row: fields[count - 1] == "t",
        }
    });
    KnownFunctions::of(rows.collect())
}

#[test]
fn connected_the_catalogue_decides_on_functions_and_operators() {
    const FUNCTIONS: &str = "
        CREATE FUNCTION calm(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1; END';
        CREATE FUNCTION calm(int, int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
        CREATE FUNCTION wild(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
        CREATE FUNCTION app.calm(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE FUNCTION computed(t) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION lower(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION app.upper(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION step(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION pure(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE AGGREGATE sneaky(int) (SFUNC = step, STYPE = int);
        CREATE AGGREGATE honest(int) (SFUNC = pure, STYPE = int);
        CREATE OPERATOR <%> (LEFTARG = int, RIGHTARG = int, FUNCTION = step);
        CREATE OPERATOR <#> (LEFTARG = int, RIGHTARG = int, FUNCTION = pure);
        CREATE FUNCTION other_name(int) RETURNS bool LANGUAGE internal IMMUTABLE AS 'pg_cancel_backend';
    ";
    for version in Version::ALL {
        let server = lab::postgres(version);
        let database = server.database("gate", &format!("{SETUP}{FUNCTIONS}")).unwrap();
        for (text, expected) in [
            ("SELECT calm(a) FROM t", "read"),
            ("SELECT calm(a, a) FROM t", "refused"),
            ("SELECT wild(a) FROM t", "refused"),
            ("SELECT app.calm(a) FROM t", "read"),
            ("SELECT app.wild(a) FROM t", "unknown"),
            ("SELECT nowhere(a) FROM t", "unknown"),
            ("SELECT t.computed FROM t", "refused"),
            ("SELECT t.a FROM t", "read"),
            ("SELECT lower(b) FROM t", "refused"),
            ("SELECT pg_catalog.lower(b) FROM t", "read"),
            ("SELECT upper(b) FROM t", "read"),
            ("SELECT sneaky(a) FROM t", "refused"),
            ("SELECT honest(a) FROM t", "read"),
            ("SELECT a <%> a FROM t", "refused"),
            ("SELECT a <#> a FROM t", "read"),
            ("SELECT a <~> a FROM t", "unknown"),
            ("SELECT other_name(1)", "refused"),
            ("SELECT count(*), max(b), now() FROM t WHERE a = 1 AND b ~ 'x'", "read"),
        ] {
            let verdict = gate::judge_knowing(text, &look_up(server, &database, text));
            assert_eq!(verdict.word(), expected, "{version:?} {text}: {}", verdict.why());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_backslash_may_end_a_text_no_query_is_let_through() {
    let server = lab::postgres(Version::V15);
    let database = tokio::task::block_in_place(|| server.database("backslashes", "").unwrap());
    let settings = format!("ALTER DATABASE \"{database}\" SET standard_conforming_strings = off");
    tokio::task::block_in_place(|| server.psql("postgres", &settings).unwrap());
    let connection = Connection::new("backslashes", "postgres")
        .value(Connection::HOST, server.host)
        .value(Connection::PORT, server.port.to_string())
        .value(Connection::USER, server.user)
        .value(Connection::DATABASE, database)
        .value("sslmode", "disable");
    let ctx = CallCtx::detached();
    let source = Connected.connect(&ctx, &connection, &Credentials::none()).await.unwrap();
    let query = Some(r"SELECT '\', (SELECT pg_sleep(60)), '".to_owned());
    let spec = ReadSpec { query, ..ReadSpec::preview(NodePath::root()) };
    let plan = source.plan(&ctx, spec).await.unwrap();
    let gate = plan.gate.unwrap();
    assert!(!gate.is_read() && gate.why().contains("standard_conforming_strings"), "{gate:?}");
}
