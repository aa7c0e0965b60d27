//! What holds for any dialect; each connector tests its own lists and its own ways of writing.

use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect};

use super::*;

fn rules(dialect: &'static (dyn sqlparser::dialect::Dialect + Send + Sync), folding: Folding) -> Rules {
    Rules {
        dialect,
        rewrite: |_| (),
        folding,
        functions: Names::parse("lower count # a comment\nnow"),
        allocating: Names::default(),
        table_functions: Names::parse("generate_series"),
        refused_relations: Names::default(),
        function_prefix: None,
        pragmas: &[],
        variables: Variables::Session,
        refused_functions: &[],
        builtin_schema: None,
        operators: None,
        lexis: Lexis::Plain,
        fields: Fields::Columns,
        explaining: Explaining::Anything,
        statements: &[],
    }
}

#[test]
fn other_dialects_are_judged_by_the_same_passes() {
    let postgres = rules(&PostgreSqlDialect {}, Folding::Unquoted);
    let mysql = rules(&MySqlDialect {}, Folding::All);
    let rows = [
        (&postgres, "SELECT lower(a) FROM t WHERE b = $$it's$$", "read"),
        (&postgres, "SELECT LOWER(a), a::text, now() FROM t", "read"),
        (&postgres, "SELECT \"lower\"(a) FROM t", "read"),
        (&postgres, "SELECT \"LOWER\"(a) FROM t", "unknown"),
        (&postgres, "SELECT * FROM generate_series(1, 3)", "read"),
        (&postgres, "SELECT * FROM dblink('x', 'y') AS t(a int)", "unknown"),
        (&postgres, "SELECT * FROM t FOR UPDATE", "refused"),
        (&postgres, "SELECT * FROM (SELECT * FROM t FOR SHARE) x", "refused"),
        (&postgres, "SELECT * INTO u FROM t", "refused"),
        (&postgres, "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "refused"),
        (&postgres, "SELECT pg_terminate_backend(1)", "unknown"),
        (&postgres, "SELECT pg_catalog.lower('A')", "unknown"),
        (&postgres, "SELECT a OPERATOR(public.+) b FROM t", "unknown"),
        (&postgres, "SELECT nextval('s')", "unknown"),
        (&postgres, "COPY t TO PROGRAM 'x'", "refused"),
        (&postgres, "DO $$ BEGIN END $$", "refused"),
        (&postgres, "SELECT 1; SELECT 2", "refused"),
        (&postgres, "SELECT E'\\'; DELETE FROM t; --'", "read"),
        (&postgres, "SELECT '\\'; DELETE FROM t; --'", "refused"),
        (&postgres, "EXPLAIN ANALYZE SELECT 1", "read"),
        (&postgres, "EXPLAIN (ANALYZE) DELETE FROM t", "refused"),
        (&postgres, "/* a /* nested */ DELETE FROM t */ SELECT 1", "read"),
        (&mysql, "SELECT `lower`(a), COUNT(*) FROM t", "read"),
        (&mysql, "SELECT @a", "read"),
        (&mysql, "SELECT @a := 1", "refused"),
        (&mysql, "SELECT /*!50000 sleep(5), */ 1", "unknown"),
        (&mysql, "SELECT /*+ SET_VAR(a=1) */ 1", "unknown"),
        (&mysql, "SELECT '\\'; DELETE FROM t; -- '", "read"),
        (&mysql, "SELECT 1 # ; DELETE FROM t", "read"),
        (&mysql, "SELECT 1 --; DELETE FROM t", "refused"),
        (&mysql, "SELECT * FROM t FOR UPDATE", "refused"),
        (&mysql, "SELECT sleep(5)", "unknown"),
        (&mysql, "SELECT 1 INTO OUTFILE '/tmp/x'", "unknown"),
        (&mysql, "HANDLER t OPEN", "refused"),
        (&mysql, "PRAGMA user_version", "unknown"),
    ];
    let mut wrong = Vec::new();
    for (rules, sql, expected) in rows {
        let verdict = judge(sql, rules);
        if verdict.word() != expected {
            wrong.push(format!("{sql:?}: {} ({}), not {expected}", verdict.word(), verdict.why()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_text_beyond_the_limit_is_not_looked_at() {
    let rules = rules(&PostgreSqlDialect {}, Folding::Unquoted);
    let long = format!("SELECT '{}'", "a".repeat(MOST_BYTES));
    assert_eq!(judge(&long, &rules).word(), "unknown");
}
