//! Texts that people and attackers type, with their verdicts, are in `texts.jsonl`; the servers' tests send
//! them to real ones.

use super::*;

fn texts() -> Vec<(String, String)> {
    include_str!("texts.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_text_gets_its_verdict() {
    let texts = texts();
    assert!(texts.len() >= 300, "{}", texts.len());
    let mut wrong = Vec::new();
    for (expected, text) in &texts {
        let verdict = judge(text);
        if verdict.word() != expected {
            wrong.push(format!("{text:?}: {} ({}), not {expected}", verdict.word(), verdict.why()));
        }
        let again = judge(&format!("  {text} ;\n"));
        if verdict.is_read() && !text.contains("--") && !again.is_read() {
            wrong.push(format!("{text:?} with blanks and a semicolon: {}", again.why()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), texts.len(), wrong.join("\n"));
}

#[test]
fn a_refusal_says_what_the_function_does() {
    for (text, says) in [
        ("SELECT pg_terminate_backend(1)", "ends another session"),
        ("SELECT x.dblink_exec('a', 'b')", "reaches another server"),
        ("SELECT set_config('a', 'b', false)", "changes a setting"),
        ("SELECT * FROM t FOR NO KEY UPDATE", "lock rows"),
        ("EXPLAIN (ANALYZE) SELECT 1", "runs the statement"),
        ("COPY t TO PROGRAM 'x'", "COPY"),
    ] {
        let why = judge(text).why();
        assert!(why.contains(says), "{text}: {why}");
    }
}

fn row(schema: &str, name: &str, volatility: char, arguments: i32) -> LookedUp {
    LookedUp {
        kind: 'f',
        schema: schema.into(),
        name: name.into(),
        volatility,
        language: "plpgsql".into(),
        least_arguments: arguments,
        most_arguments: arguments,
        is_visible: true,
        takes_row: false,
    }
}

#[test]
fn connected_the_catalogue_decides_on_functions_of_the_database() {
    let known = KnownFunctions::of(vec![
        row("public", "stable_one", 's', 1),
        row("public", "immutable_one", 'i', 1),
        row("public", "volatile_one", 'v', 1),
        row("public", "both", 'i', 1),
        row("public", "both", 'v', 2),
        row("public", "upper", 'v', 1),
        row("pg_catalog", "upper", 'i', 1),
        row("public", "left", 'v', 3),
        LookedUp { is_visible: false, ..row("hidden", "lower", 'v', 1) },
        LookedUp { takes_row: true, ..row("public", "computed", 'v', 1) },
        LookedUp { takes_row: true, ..row("public", "harmless", 's', 1) },
        LookedUp { language: "internal".into(), ..row("public", "alias", 'i', 1) },
        row("public", "dblink", 's', 2),
        row("pg_catalog", "new_built_in", 's', 1),
        row("pg_catalog", "new_volatile", 'v', 1),
        LookedUp { kind: 'o', ..row("public", "<<->>", 'i', 2) },
        LookedUp { kind: 'o', ..row("public", "<%>", 'v', 2) },
        LookedUp { kind: 'o', ..row("public", "+", 'v', 2) },
    ]);
    for (text, expected) in [
        ("SELECT stable_one(a) FROM t", "read"),
        ("SELECT public.immutable_one(a) FROM t", "read"),
        ("SELECT volatile_one(a) FROM t", "refused"),
        ("SELECT * FROM volatile_one(1)", "refused"),
        ("SELECT both(1)", "read"),
        ("SELECT both(1, 2)", "refused"),
        ("SELECT not_there(1)", "unknown"),
        ("SELECT elsewhere.stable_one(1)", "unknown"),
        ("SELECT lower(b) FROM t", "read"),
        ("SELECT hidden.lower(b) FROM t", "refused"),
        ("SELECT upper(b) FROM t", "refused"),
        ("SELECT pg_catalog.upper(b) FROM t", "read"),
        ("SELECT left(b, 1) FROM t", "read"),
        ("SELECT t.a FROM t", "read"),
        ("SELECT t.computed FROM t", "refused"),
        ("SELECT (t).computed FROM t", "refused"),
        ("SELECT t.harmless FROM t", "read"),
        ("SELECT alias(1)", "refused"),
        ("SELECT dblink('a', 'b')", "refused"),
        ("SELECT new_built_in(1)", "read"),
        ("SELECT new_volatile(1)", "refused"),
        ("SELECT pg_jit_available()", "refused"),
        ("SELECT a <<->> b FROM t", "read"),
        ("SELECT a <%> b FROM t", "refused"),
        ("SELECT a + 1 FROM t", "refused"),
        ("SELECT a OPERATOR(pg_catalog.+) 1 FROM t", "refused"),
        ("SELECT a <#%> 1 FROM t", "unknown"),
    ] {
        let verdict = judge_knowing(text, &known);
        assert_eq!(verdict.word(), expected, "{text}: {}", verdict.why());
    }
}

#[test]
fn all_that_a_text_calls_is_found_in_one_go() {
    let wanted = functions_of(
        "SELECT lower(t.x), app.f(1, 2), a <<->> b FROM g(1) AS h WHERE EXISTS (SELECT k(z) FROM u) ORDER BY 1",
    )
    .unwrap();
    assert_eq!(wanted.function_names(), ["f", "g", "k", "lower", "x"]);
    assert_eq!(wanted.operator_names(), ["<<->>"]);
    assert!(wanted.functions().any(|called| called == (Some("app"), "f", 2)));
    assert!(functions_of("DELETE FROM t").is_err());
    assert!(functions_of("SELECT pg_sleep(1)").is_err());
}

#[test]
fn no_naughty_text_ends_the_program() {
    let pieces = [
        "'", "\"", "$$", "$a$", "/*", "*/", "--", "\n", "E'", "U&'", "\\", "(", ")", ";", "::", "@", "é",
        "\u{202e}",
    ];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let verdict = judge(&format!("SELECT {a}{b} x {c}"));
                assert!(!verdict.word().is_empty());
            }
        }
    }
    assert_eq!(judge(&format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000))).word(), "unknown");
    assert_eq!(judge(&format!("SELECT {}1", "- ".repeat(5_000))).word(), "unknown");
}
