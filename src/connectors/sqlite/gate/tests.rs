use super::*;

/// Every row must get the verdict of its table; rows are what people and attackers type.
fn check(expected: &str, rows: &[&str]) {
    let mut wrong = Vec::new();
    for sql in rows {
        let verdict = judge(sql);
        if verdict.word() != expected {
            wrong.push(format!("{sql:?}: {} ({})", verdict.word(), verdict.why()));
        }
        if verdict.is_read() {
            let again = judge(&format!("  {sql} ;\n"));
            assert!(again.is_read(), "{sql:?} with blanks and a semicolon: {}", again.why());
        }
    }
    assert!(wrong.is_empty(), "expected {expected}:\n{}", wrong.join("\n"));
}

#[test]
fn reads_are_let_through() {
    check(
        "read",
        &[
            "SELECT 1",
            "select 1",
            "SELECT * FROM orders",
            "SELECT o.id, count(*) FROM orders AS o JOIN customers c ON c.id = o.customer_id GROUP BY o.id HAVING count(*) > 1 ORDER BY 2 DESC LIMIT 10 OFFSET 5",
            "SELECT * FROM orders LIMIT 5, 10",
            "SELECT DISTINCT a FROM t UNION ALL SELECT b FROM u EXCEPT SELECT c FROM v INTERSECT SELECT d FROM w",
            "VALUES (1, 'a'), (2, 'b')",
            "WITH x AS (SELECT 1 AS a) SELECT * FROM x",
            "WITH x(a) AS (VALUES (1)), y AS (SELECT a FROM x) SELECT * FROM y",
            "WITH x AS MATERIALIZED (SELECT 1) SELECT * FROM x",
            "SELECT (SELECT max(a) FROM t) AS m, EXISTS (SELECT 1 FROM u)",
            "SELECT a FROM t WHERE b IN (SELECT c FROM u) AND d NOT IN (1, 2) AND e BETWEEN 1 AND 2",
            "SELECT a FROM t WHERE b LIKE 'x%' ESCAPE '\\' OR c GLOB 'x*' OR d IS NOT NULL",
            "SELECT a IS NOT DISTINCT FROM b, a ISNULL, b NOTNULL FROM t",
            "SELECT CASE WHEN a > 1 THEN 'x' ELSE 'y' END, CAST(b AS INTEGER), c COLLATE NOCASE FROM t",
            "SELECT json_extract(doc, '$.a.b'), doc -> '$.a', doc ->> 'b' FROM t",
            "SELECT e.key, e.value FROM t, json_each(t.doc) AS e",
            "SELECT * FROM json_tree('[1]')",
            "SELECT row_number() OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
            "SELECT sum(a) FILTER (WHERE b > 0) OVER w FROM t WINDOW w AS (ORDER BY c)",
            "SELECT group_concat(a, ', '), total(b), avg(DISTINCT c) FROM t",
            "SELECT strftime('%Y', d), date('now'), julianday(d), unixepoch() FROM t",
            "SELECT CURRENT_TIMESTAMP, current_date",
            "SELECT abs(-1), round(2.5), substr('abc', 1, 2), trim(' a '), replace('a', 'b', 'c'), hex(x'ff')",
            "SELECT substring('abc', 2), ceil(1.5), floor(1.5), trim(a, 'x') FROM t",
            "SELECT iif(a, 1, 2), ifnull(a, b), coalesce(a, b, c), nullif(a, b) FROM t",
            "SELECT \"a b\", [c d], `e f` FROM \"my table\"",
            "SELECT \"lower\"('X'), [upper]('x'), `length`('x')",
            "SELECT main.orders.id FROM main.orders",
            "SELECT rowid, _rowid_, oid FROM orders",
            "SELECT 'it''s; -- not a comment /* nor this */' AS x",
            "SELECT 'DELETE FROM t'",
            "SELECT * FROM \"DROP TABLE t\"",
            "SELECT 1 -- a comment; DELETE FROM t",
            "SELECT /* DELETE FROM t; */ 1",
            "-- first\nSELECT 1",
            "SELECT 1;",
            "SELECT 1;;",
            "SELECT x'0aFF', 0x1F, 1e3, .5, 1.",
            "SELECT a || b || c, a % b, a << 1, a & b, a | b, ~a, -a, +a, NOT a FROM t",
            "SELECT a == b, a <> b, a != b FROM t",
            "SELECT (a, b) = (1, 2) FROM t",
            "SELECT * FROM a LEFT JOIN b USING (id) CROSS JOIN c NATURAL JOIN d",
            "SELECT * FROM (SELECT * FROM a) AS x, (b JOIN c ON 1)",
            "SELECT * FROM docs WHERE docs MATCH 'word'",
            "SELECT bm25(docs), highlight(docs, 0, '<', '>'), snippet(docs, 0, '', '', '', 5) FROM docs",
            "SELECT name FROM sqlite_master WHERE type = 'table'",
            "SELECT * FROM sqlite_schema",
            "SELECT * FROM pragma_table_info('orders')",
            "SELECT m.name, p.name FROM sqlite_master m, pragma_table_xinfo(m.name) p",
            "SELECT * FROM pragma_database_list",
            "SELECT * FROM dbstat",
            "EXPLAIN SELECT 1",
            "EXPLAIN QUERY PLAN SELECT * FROM t WHERE a = 1",
            "explain query plan with x as (select 1) select * from x",
            "PRAGMA table_info(orders)",
            "PRAGMA main.table_info('orders')",
            "pragma Index_List(\"orders\")",
            "PRAGMA user_version",
            "PRAGMA page_count;",
            "SELECT 'ä\u{202E}b', '\u{200B}'",
            "SELECT größe FROM bestellungen",
            "SELECT \u{6570} FROM \u{8868}",
            "SELECT a FROM t WHERE b NOT GLOB 'x' AND c NOT LIKE 'y' AND d NOT MATCH 'z' OR e REGEXP 'r'",
            "SELECT a >> 2 | 1 << b FROM t",
            "WITH x AS NOT MATERIALIZED (SELECT 1) SELECT * FROM x",
            "SELECT a AS materialized FROM t AS glob WHERE glob.a = 1",
            "SELECT a IS b, a IS NOT b, a IS 1 FROM t",
            "SELECT 1 AS 'name', 2 'name'",
            "SELECT * FROM a FULL OUTER JOIN b ON a.x = b.x ORDER BY a.x COLLATE NOCASE DESC NULLS LAST",
            "SELECT * FROM t WHERE (a, b) IN (SELECT c, d FROM u)",
            "SELECT * FROM t WHERE a = 1 COLLATE NOCASE",
            "SELECT count(*), count(DISTINCT a), group_concat(a ORDER BY b) FROM t",
            "SELECT a.*, b.c FROM a, b",
            "SELECT NULL, TRUE, FALSE, 9223372036854775807, -9223372036854775808",
            "SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.a = t.a)",
            "SELECT \"select\" FROM \"from\"",
            "SELECT date(d, '+1 month', 'start of month') FROM t",
            "SELECT key, replace(value, 'a', 'b') FROM t",
            "SELECT nth_value(a, 2) OVER (ORDER BY b GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) FROM t",
            "SELECT a FROM t INDEXED BY i WHERE a = 1",
            "SELECT a FROM t NOT INDEXED WHERE NOT glob('x', a) AND b GLOB lower('x') AND match = 1",
            "SELECT * FROM csv, zipfile",
            "SELECT 1_000",
            "SELECT likely(a), likelihood(b, 0.5) FROM t",
            "SELECT a\nFROM\tt\r\nWHERE 1",
        ],
    );
}

#[test]
fn writes_are_refused() {
    check(
        "refused",
        &[
            "INSERT INTO t VALUES (1)",
            "insert or replace into t select * from u",
            "REPLACE INTO t VALUES (1)",
            "UPDATE t SET a = 1",
            "DELETE FROM t",
            "delete from t returning *",
            "CREATE TABLE t (a)",
            "CREATE TEMP TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
            "CREATE VIRTUAL TABLE t USING fts5(a)",
            "ALTER TABLE t RENAME TO u",
            "DROP TABLE t",
            "DROP INDEX IF EXISTS i",
            "VACUUM",
            "VACUUM INTO '/tmp/copy.db'",
            "REINDEX",
            "ANALYZE",
            "ATTACH DATABASE 'other.db' AS o",
            "ATTACH 'other.db' AS o KEY 'x'",
            "DETACH o",
            "BEGIN",
            "BEGIN IMMEDIATE",
            "COMMIT",
            "ROLLBACK",
            "SAVEPOINT s",
            "RELEASE s",
            "END",
            "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
            "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x",
            "WITH x AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM x",
            "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
            "WITH x AS (SELECT 1) DELETE FROM t",
            "WITH x AS (SELECT 1) UPDATE t SET a = 1",
            "EXPLAIN DELETE FROM t",
            "EXPLAIN QUERY PLAN DELETE FROM t",
            "EXPLAIN QUERY PLAN INSERT INTO t VALUES (1)",
            "EXPLAIN VACUUM",
            "EXPLAIN WITH x AS (SELECT 1) DELETE FROM t",
            "SELECT * INTO u FROM t",
            "SELECT 1; DELETE FROM t",
            "SELECT 1; SELECT 2",
            "SELECT 1;-- x\nDELETE FROM t",
            "SELECT 1;/* x */DROP TABLE t",
            ";;DELETE FROM t",
            "SELECT 1;\u{20}PRAGMA user_version = 5",
            "/* SELECT */ DELETE FROM t",
            "-- SELECT 1\nDELETE FROM t",
            "/* /* nested? */ DELETE FROM t; */",
            "DeLeTe FROM t",
            "PRAGMA journal_mode = DELETE",
            "PRAGMA journal_mode(WAL)",
            "PRAGMA user_version = 5",
            "PRAGMA user_version(5)",
            "PRAGMA writable_schema = ON",
            "PRAGMA main.schema_version=7",
            "PRAGMA query_only = 0",
            "PRAGMA page_size(4096)",
            "SELECT * FROM sqlite_dbpage",
            "SELECT * FROM fsdir",
        ],
    );
}

#[test]
fn what_is_not_recognised_is_not_sent() {
    check(
        "unknown",
        &[
            "",
            ";",
            "   ",
            "-- only a comment",
            "/* only a comment */",
            "hello",
            "SELEC 1",
            "SELECT",
            "SELECT * FROM",
            "SELECT 'unterminated",
            "SELECT \"unterminated",
            "SELECT (1",
            "SELECT 1)",
            "SELECT /* unterminated",
            "SELECT 1 garbage more garbage",
            "SELECT load_extension('x')",
            "SELECT LOAD_EXTENSION('x')",
            "SELECT Load_Extension ('x', 'y')",
            "SELECT \"load_extension\"('x')",
            "SELECT [load_extension]('x')",
            "SELECT `load_extension`('x')",
            "SELECT load_extension/**/('x')",
            "SELECT load_extension--\n('x')",
            "SELECT main.load_extension('x')",
            "SELECT main.lower('x')",
            "SELECT lower(load_extension('x'))",
            "SELECT CASE WHEN 1 THEN load_extension('x') END",
            "SELECT 1 WHERE load_extension('x')",
            "SELECT 1 FROM t ORDER BY load_extension('x')",
            "SELECT 1 FROM t GROUP BY a HAVING load_extension('x')",
            "SELECT 1 LIMIT (SELECT load_extension('x'))",
            "SELECT sum(a) FILTER (WHERE load_extension('x')) FROM t",
            "SELECT sum(a) OVER (PARTITION BY load_extension('x')) FROM t",
            "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY load_extension('x'))",
            "SELECT * FROM a JOIN b ON load_extension('x')",
            "SELECT * FROM json_each(load_extension('x'))",
            "SELECT * FROM (SELECT load_extension('x'))",
            "WITH x AS (SELECT load_extension('x')) SELECT 1",
            "VALUES (load_extension('x'))",
            "SELECT 1 IN (SELECT load_extension('x'))",
            "SELECT a BETWEEN 1 AND load_extension('x') FROM t",
            "SELECT CAST(load_extension('x') AS TEXT)",
            "SELECT trim(load_extension('x'))",
            "SELECT EXISTS (VALUES (load_extension('x')))",
            "SELECT (1, load_extension('x')) = (1, 2)",
            "SELECT readfile('/etc/passwd')",
            "SELECT writefile('/tmp/x', 'y')",
            "SELECT edit('x')",
            "SELECT fts3_tokenizer('x', x'00')",
            "SELECT optimize(docs) FROM docs",
            "SELECT sqlite_log(1, 'x')",
            "SELECT eval('DELETE FROM t')",
            "SELECT my_function(1)",
            "SELECT * FROM my_table_function(1)",
            "SELECT * FROM pragma_optimize",
            "SELECT * FROM PRAGMA_OPTIMIZE(2)",
            "SELECT * FROM \"pragma_incremental_vacuum\"(5)",
            "SELECT * FROM pragma_wal_checkpoint",
            "PRAGMA",
            "PRAGMA optimize",
            "PRAGMA wal_checkpoint(TRUNCATE)",
            "PRAGMA incremental_vacuum(10)",
            "PRAGMA shrink_memory",
            "PRAGMA temp_store_directory",
            "PRAGMA table_info",
            "PRAGMA table_info(orders) extra",
            "PRAGMA my_pragma",
            "PRAGMA journal_mode WAL",
            "EXPLAIN PRAGMA optimize",
        ],
    );
}

#[test]
fn texts_that_read_differently_to_people_or_servers_are_not_sent() {
    check(
        "unknown",
        &[
            // One text to this tokenizer, a variable and a second statement to SQLite's.
            "SELECT @lower(');DELETE FROM t;--')",
            "SELECT $lower(');DELETE FROM t;--')",
            "SELECT :lower(');DELETE FROM t;--')",
            "SELECT #lower(');DELETE FROM t;--')",
            "SELECT a::lower(');DELETE FROM t;--')",
            "SELECT $$;DELETE FROM t;$$",
            "SELECT $x$;DELETE FROM t;$x$",
            "SELECT ?",
            "SELECT ?1, :name, @name",
            // What people do not see.
            "SELECT 1\0; DELETE FROM t",
            "SELECT '\0'",
            "SELECT 1 \u{202E} AS x",
            "SELECT\u{A0}1",
            "SELECT\u{3000}1",
            "SELECT 1 -- \u{202E} hidden\n",
            "\u{FEFF}SELECT 1",
            "SELECT a\u{200B}b FROM t",
            "SELECT \u{2018}a\u{2019}; DELETE FROM t",
            "SELECT \u{201C}a\u{201D}",
            "SELECT \u{FF07}a\u{FF07}",
            "SELECT /*! 1 */ 2",
            "SELECT /*+ hint */ 2",
            "SELECT /*M!100100 1 */ 2",
            "SELECT * FROM t FORMAT JSON",
            "SELECT 1 |> SELECT 2",
            "SELECT a := 1",
            "SELECT a IN t FROM u",
            "SELECT a IN pragma_optimize FROM u",
            "SELECT a IS load_extension('x') FROM t",
            "SELECT a NOT GLOB load_extension('x') FROM t",
            "SELECT a << load_extension('x') FROM t",
            "SELECT * FROM t INDEXED BY load_extension('x')",
            "SHOW TABLES",
            "DESCRIBE t",
            "TABLE",
            "FROM t SELECT 1 FORMAT x",
        ],
    );
}

#[test]
fn load_is_allowed_with_a_word_of_caution() {
    let rows = [
        ("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c", "recursion"),
        ("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c LIMIT 5", ""),
        ("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 5) SELECT n FROM c", ""),
        ("SELECT zeroblob(1000000000)", "zeroblob"),
        ("SELECT length(randomblob(1e9))", "randomblob"),
        ("SELECT zeroblob(1 << 30)", "zeroblob"),
        ("SELECT zeroblob(16)", ""),
        ("SELECT printf('%1000000000d', 1)", "printf"),
        ("SELECT format('%*d', a, b) FROM t", "format"),
        ("SELECT printf('%.2f', a) FROM t", ""),
        ("PRAGMA integrity_check", "every page"),
        ("PRAGMA quick_check(orders)", "every page"),
    ];
    for (sql, caution) in rows {
        let GateVerdict::Read { cautions } = judge(sql) else { panic!("{sql}: {}", judge(sql).why()) };
        assert_eq!(cautions.is_empty(), caution.is_empty(), "{sql}: {cautions:?}");
        assert!(cautions.iter().all(|text| text.contains(caution)), "{sql}: {cautions:?}");
    }
}

#[test]
fn no_naughty_string_is_taken_for_a_read_or_ends_the_program() {
    for naughty in crate::safety::naughty_strings() {
        let starts_like_one = naughty.trim_start().to_lowercase().starts_with("select");
        assert!(!judge(&naughty).is_read() || starts_like_one, "{naughty:?}");
        judge(&format!("SELECT {naughty} FROM t"));
        let quoted = naughty.replace('\'', "''");
        let verdict = judge(&format!("SELECT '{quoted}'"));
        assert!(verdict.is_read() || naughty.contains('\0'), "{naughty:?}: {}", verdict.why());
    }
}

/// Every prefix and every cut of a statement ends in a verdict.
#[test]
fn any_piece_of_a_statement_gets_a_verdict() {
    let sql = "WITH x(a) AS (SELECT 'é''' || \"q\" FROM t WHERE a IN (1, x'ff') -- c\n) SELECT max(a) OVER (ORDER BY 1) FROM x /* c */ LIMIT 1";
    let ends: Vec<usize> = sql.char_indices().map(|(at, _)| at).collect();
    for &end in &ends {
        for &start in ends.iter().filter(|&&start| start <= end).step_by(7) {
            judge(sql.get(start..end).unwrap());
        }
    }
    assert!(judge(sql).is_read(), "{}", judge(sql).why());
}

/// Texts made to drown a parser: each must end quickly and without a stack overflow on a small stack.
#[test]
fn deep_and_long_texts_do_not_drown_the_parser() {
    let deep = |open: &str, close: &str, times: usize| {
        format!("SELECT {}1{}", open.repeat(times), close.repeat(times))
    };
    let chain = |piece: &str, times: usize| format!("SELECT 1{}", piece.repeat(times));
    let mut texts = Vec::new();
    for times in [5, 10, 20, 23, 24, 30, 100, 990, 1_990, 50_000] {
        texts.push(deep("(", ")", times));
        texts.push(deep("(SELECT ", ")", times));
        texts.push(deep("lower(", ")", times));
        texts.push(deep("CASE WHEN 1 THEN ", " END", times));
        texts.push(deep("NOT ", "", times));
        texts.push(deep("- ", "", times));
        texts.push(deep("EXISTS (SELECT ", ")", times));
        texts.push(deep("CAST(", " AS TEXT)", times));
        texts.push(deep("[", "]", times));
        texts.push(format!("SELECT * FROM {}t{}", "(".repeat(times), ")".repeat(times)));
        texts.push(format!("SELECT * FROM {}t{}", "(SELECT * FROM ".repeat(times), ")".repeat(times)));
        texts.push(format!("SELECT * FROM {}t{}", "((SELECT 1) UNION ".repeat(times), ")".repeat(times)));
        texts.push(format!("{}SELECT 1{}", "(".repeat(times), ")".repeat(times)));
        texts.push(format!("{}SELECT 1", "EXPLAIN ".repeat(times)));
        texts.push(format!("{}SELECT 1{}", "WITH x AS (".repeat(times), ") SELECT 1".repeat(times)));
        texts.push(chain(" + 1", times));
        texts.push(chain(" OR a = 1", times));
        texts.push(chain(" UNION ALL SELECT 1, 2", times));
        texts.push(chain(" COLLATE NOCASE", times));
        texts.push(chain(" IS NULL", times));
        texts.push(chain(" IN (1)", times));
        texts.push(chain(" -> 'a'", times));
        texts.push(chain(" IS a", times));
        texts.push(chain(" NOT GLOB a", times));
        texts.push(chain(" REGEXP a", times));
        texts.push(chain(" << 1", times));
        texts.push(chain(", 1", times));
        texts.push(chain("::int", times));
        texts.push(format!("SELECT 1 IN (1{})", ", 1".repeat(times)));
        texts.push(format!("SELECT * FROM a{}", " JOIN b".repeat(times)));
        texts.push(format!("SELECT a{} FROM t", ".b".repeat(times)));
        texts.push(format!("SELECT {}", "'a' ".repeat(times)));
        texts.push("(".repeat(times));
        texts.push("SELECT ".repeat(times));
        texts.push("/*".repeat(times));
        texts.push("\"".repeat(times));
    }
    let small_stack = std::thread::Builder::new().name("small stack".into()).stack_size(1 << 20);
    let judged = small_stack.spawn(move || texts.iter().map(|text| judge(text).word()).collect::<Vec<_>>());
    let words = judged.unwrap().join().unwrap();
    assert!(words.contains(&"read") && words.contains(&"unknown"));
}

#[test]
fn the_lists_hold_what_the_linked_library_has_and_nothing_that_writes() {
    for name in ["abs", "jsonb_each", "percentile_cont", "unistr", "json_array_insert", "pragma_table_list"] {
        assert!(RULES.functions.contains(name) || RULES.table_functions.contains(name), "{name}");
    }
    for name in [
        "load_extension",
        "readfile",
        "writefile",
        "edit",
        "fts3_tokenizer",
        "optimize",
        "eval",
        "pragma_optimize",
    ] {
        assert!(!RULES.functions.contains(name) && !RULES.table_functions.contains(name), "{name}");
    }
    assert!(RULES.functions.len() > 140);
}
