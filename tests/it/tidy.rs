//! The invariants of the code, as tests over the source tree. Each rule has a test that it catches what it is
//! for, since a rule that sees nothing looks just like clean code.
//!
//! The numbers are those of the design: 1 layers, 2 permits, 3 connector ids, 4 waiting, 5 panics, 6 colours,
//! 7 secrets, 10 sizes. The conformance suite of `connector/testkit` covers 8 (every command sent is in its
//! table), and the dossier's tests 9 (every question is answered or marked).

mod advisories;
mod readme;
mod rules;
mod source;

use std::fs;

use rules::Finding;
use source::{Source, files, root, sources};

/// Fails with every finding, one a line.
fn assert_clean(findings: &[Finding]) {
    let list: Vec<String> = findings
        .iter()
        .map(|finding| format!("{}:{}: {}", finding.path, finding.line, finding.what))
        .collect();
    assert!(list.is_empty(), "{} findings:\n{}", list.len(), list.join("\n"));
}

fn check_all(rule: impl Fn(&Source) -> Vec<Finding>) {
    let sources = sources();
    assert!(!sources.is_empty());
    assert_clean(&sources.iter().flat_map(rule).collect::<Vec<_>>());
}

/// Rows of (path, code, findings expected).
fn check_rows(rule: impl Fn(&Source) -> Vec<Finding>, rows: &[(&str, &str, usize)]) {
    for (path, code, expected) in rows {
        let found = rule(&Source::parse(path, code));
        assert_eq!(found.len(), *expected, "{path}: {code}\n{found:?}");
    }
}

fn connector_ids() -> Vec<String> {
    let folder = root().join("src/connectors");
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn imports_point_down() {
    check_all(rules::layers);
}

#[test]
fn imports_that_point_up_or_aside_are_caught() {
    check_rows(
        rules::layers,
        &[
            ("src/model/a.rs", "use crate::job::Jobs;", 1),
            ("src/job/a.rs", "use crate::model::Node;", 0),
            ("src/job/a.rs", "use crate::store::Ledger;", 1),
            ("src/gui/a.rs", "use crate::{model::x, cli::y, ops::z};", 1),
            ("src/gui/a.rs", "fn f() { crate::cli::run(); }", 1),
            ("src/cli/a.rs", "use crate::gui;", 1),
            ("src/cli/a/b.rs", "use super::super::super::gui::App;", 1),
            ("src/cli/a/b.rs", "use super::super::print;", 0),
            ("src/connector/mod.rs", "use super::kit::x;", 1),
            ("src/connector/a.rs", "use crate::profiler::State;", 0),
            ("src/profiler/a.rs", "use crate::connector::Source;", 1),
            ("src/kit/a.rs", "use crate::connectors::all;", 1),
            ("src/kit/a.rs", "// use crate::gui::App;\nconst X: &str = \"crate::gui::App\";", 0),
            ("src/gui/a.rs", "use sqlx::Row;", 1),
            ("src/gui/a.rs", "use crate::gui::sqlx_like::Row;", 0),
            ("src/ops/a.rs", "fn f(ui: &mut egui::Ui) {}", 1),
            ("src/model/a.rs", "use std::fs;", 1),
            ("src/main.rs", "headwater::gui::run(); eframe::x();", 0),
        ],
    );
}

#[test]
fn a_row_is_read_only_with_a_permit() {
    check_all(rules::permits);
}

#[test]
fn ways_around_the_permit_are_caught() {
    check_rows(
        rules::permits,
        &[
            ("src/connector/guard.rs", "#[derive(Debug)]\npub struct Permit { plan: ReadPlan }", 0),
            ("src/connector/guard.rs", "#[derive(Clone)]\npub struct Permit { pub plan: ReadPlan }", 2),
            ("src/ops/a.rs", "let p = Permit { plan };", 1),
            ("src/ops/a.rs", "fn f(p: Permit) -> Permit { p }", 0),
            ("src/ops/a.rs", "pub struct Permit { plan: u8 }", 1),
            ("src/connectors/x/source.rs", "impl Source for X { async fn read(&self, sink: &S) {} }", 1),
            (
                "src/connectors/x/source.rs",
                "impl Source for X { async fn read(&self, permit: Permit) {} }",
                0,
            ),
        ],
    );
}

#[test]
fn connector_ids_stay_in_their_folders() {
    let ids = connector_ids();
    check_all(|source| rules::ids(source, &ids));
}

#[test]
fn a_connector_id_elsewhere_is_caught() {
    let ids = ["sqlite".to_owned(), "csv".to_owned()];
    check_rows(
        |source| rules::ids(source, &ids),
        &[
            ("src/ops/a.rs", "if id == \"sqlite\" {}", 1),
            ("src/ops/a.rs", "match id { \"SQLite\" => {} }", 1),
            ("src/ops/a.rs", "let s = \"a sqlite file\"; // \"sqlite\"", 0),
            ("src/ops/a.rs", "use crate::connectors::sqlite::X;", 1),
            ("src/ops/a.rs", "#[cfg(feature = \"sqlite\")]\nfn f() {}", 2),
            ("src/ops/a.rs", "#[cfg(test)]\nmod tests { const ID: &str = \"sqlite\"; }", 0),
            ("src/connectors/sqlite/mod.rs", "const ID: &str = \"sqlite\";", 0),
            ("src/connectors/csv/mod.rs", "const ID: &str = \"sqlite\";", 1),
            ("src/connectors/mod.rs", "#[cfg(feature = \"sqlite\")]\nmod sqlite;", 0),
            ("src/sinks/csv.rs", "const EXTENSION: &str = \"csv\";", 0),
            ("src/store/a.rs", "const EXTENSION: &str = \"csv\";", 1),
        ],
    );
}

/// A reader who knows one connector finds the way in all others.
#[test]
fn every_connector_has_the_same_files() {
    let mut missing = Vec::new();
    for id in connector_ids() {
        let folder = root().join("src/connectors").join(&id);
        let is_one = fs::read_to_string(folder.join("mod.rs")).unwrap().contains("impl Connector for");
        let has = |name: &str| folder.join(name).exists();
        let wanted =
            ["source.rs", "estimate.rs", "commands.rs", "docs.md"].into_iter().filter(|name| !has(name));
        missing.extend(wanted.filter(|_| is_one).map(|name| format!("{id}/{name}")));
        if is_one && !has("decode.rs") && !has("parse.rs") {
            missing.push(format!("{id}/decode.rs or parse.rs"));
        }
    }
    assert!(missing.is_empty(), "missing: {}", missing.join(", "));
}

#[test]
fn nothing_waits_outside_job() {
    check_all(rules::waiting);
}

#[test]
fn waiting_and_unbounded_channels_are_caught() {
    check_rows(
        rules::waiting,
        &[
            ("src/gui/a.rs", "rt.block_on(f);", 1),
            ("src/job/runtime.rs", "rt.block_on(f);", 0),
            ("src/gui/a.rs", "std::thread::sleep(d);", 1),
            ("src/gui/a.rs", "#[cfg(test)]\nmod tests { fn t() { thread::sleep(d) } }", 1),
            ("src/job/a.rs", "thread::spawn(f);", 1),
            ("src/job/a.rs", "thread::Builder::new();", 0),
            ("src/ops/a.rs", "thread::Builder::new();", 1),
            ("src/job/a.rs", "let (a, b) = unbounded_channel();", 1),
            ("src/job/a.rs", "let (a, b) = mpsc::channel();", 1),
            ("src/job/a.rs", "let (a, b) = mpsc::channel(16);", 0),
            ("src/gui/a.rs", "let s = \"block_on\"; // block_on", 0),
        ],
    );
}

#[test]
fn nothing_dies_on_input() {
    check_all(rules::panics);
}

#[test]
fn panics_are_caught() {
    check_rows(
        rules::panics,
        &[
            ("src/a.rs", "let a = b.unwrap();", 1),
            ("src/a.rs", "let a = b.unwrap_or_default();", 0),
            ("src/a.rs", "let a = b.expect(\"x\");", 1),
            ("src/a.rs", "parser.expect(Token::Comma)?;", 0),
            ("src/a.rs", "panic!(\"x\"); todo!(); dbg!(x);", 3),
            ("src/a.rs", "std::panic::catch_unwind(f);", 0),
            ("src/a.rs", "#[test]\nfn t() { x.unwrap(); }\nfn u() { x.unwrap(); }", 1),
            ("src/a.rs", "#[cfg(test)]\nmod tests {\n  fn f() { x.unwrap(); }\n}", 0),
            ("src/a/tests.rs", "fn f() { x.unwrap(); }", 0),
            ("src/a.rs", "// x.unwrap()\n/* panic!() */ let s = r#\"x.unwrap()\"#; let c = '\"';", 0),
        ],
    );
}

#[test]
fn colours_live_in_the_theme() {
    check_all(rules::colours);
}

#[test]
fn colour_literals_are_caught() {
    check_rows(
        rules::colours,
        &[
            ("src/gui/grid.rs", "let c = Color32::from_rgb(1, 2, 3);", 1),
            ("src/gui/grid.rs", "let c = egui::Color32::RED;", 1),
            ("src/gui/grid.rs", "let c = Color32::TRANSPARENT;", 0),
            ("src/gui/grid.rs", "fn f(c: Color32) -> Color32 { c }", 0),
            ("src/gui/grid.rs", "let c = hex_color!(\"#fff\");", 1),
            ("src/gui/theme/tokens.rs", "let c = Color32::from_rgb(1, 2, 3);", 0),
        ],
    );
}

#[test]
fn secrets_cannot_be_printed() {
    check_all(rules::secrets);
}

#[test]
fn printable_secrets_are_caught() {
    check_rows(
        rules::secrets,
        &[
            ("src/store/a.rs", "#[derive(Debug)]\npub struct Secret(String);", 1),
            ("src/store/a.rs", "pub struct Secret(String);\nimpl fmt::Debug for Secret {}", 1),
            ("src/store/a.rs", "#[derive(Clone)]\npub struct Secret(String);", 0),
            ("src/store/a.rs", "#[derive(Debug, Serialize)]\npub struct SecretRef(String);", 0),
            ("src/store/a.rs", "#[derive(Clone, Serialize)]\npub struct DbCredentials { p: String }", 1),
            ("src/store/a.rs", "#[derive(Debug)]\nstruct A;\npub struct Password(String);", 0),
        ],
    );
}

#[test]
fn files_and_functions_stay_small() {
    check_all(rules::sizes);
}

#[test]
fn large_files_and_functions_are_caught() {
    let long_function = format!("fn f() {{\n{}}}\n", "    a();\n".repeat(120));
    let long_test = format!("#[test]\n{long_function}");
    let long_file = "// x\n".repeat(801);
    let many_small = "fn f() {\n    a();\n}\n".repeat(200);
    check_rows(
        rules::sizes,
        &[
            ("src/a.rs", &long_function, 1),
            ("src/a.rs", &long_test, 0),
            ("src/a.rs", &long_file, 1),
            ("src/a.rs", &many_small, 0),
        ],
    );
}

#[test]
fn modules_keep_their_manners() {
    check_all(rules::manners);
}

#[test]
fn bad_manners_are_caught() {
    check_rows(
        rules::manners,
        &[
            ("src/a.rs", "//! Why.\n", 0),
            ("src/a.rs", "fn f() {}\n", 1),
            ("src/a.rs", "//! Why.\n#[allow(dead_code)]\nfn f() {}\n", 1),
            ("src/a.rs", "//! Why.\nfn f() { println!(); }\n", 1),
            ("src/a.rs", "//! Why.\nfn f() { eprintln!(); }\n", 1),
            ("src/cli/print.rs", "//! Why.\nfn f() { println!(); }\n", 0),
            ("src/a.rs", "//! Why. \n", 1),
        ],
    );
}

/// Paths of the machine that the code was written on tell nothing to a reader.
#[test]
fn no_file_names_a_path_of_this_machine() {
    let own = root().to_str().unwrap().to_owned();
    let home = ["/ro", "ot/"].concat();
    let mut found = Vec::new();
    for (relative, path) in files() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for needle in [own.as_str(), home.as_str()] {
            if text.contains(needle) {
                found.push(format!("{relative} contains {needle}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_locked_dependency_has_a_known_vulnerability() {
    let Some(folder) = std::env::var_os("HEADWATER_ADVISORIES") else { return };
    let list = fs::read_to_string(std::path::Path::new(&folder).join("advisories.jsonl")).unwrap();
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let found = advisories::vulnerable(&lock, &advisories::parse(&list));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_vulnerable_dependency_is_caught() {
    let advisory = |requirements: &str, informational: &str| {
        format!(
            r#"{{"id":"X-1","package":"a","informational":{informational},"withdrawn":null,"patched":[{requirements}],"unaffected":[]}}"#
        )
    };
    let lock = "[[package]]\nname = \"a\"\nversion = \"1.4.2\"\n";
    let rows = [
        (advisory("\">= 1.4.2\"", "null"), 0),
        (advisory("\">= 1.4.3\"", "null"), 1),
        (advisory("", "null"), 1),
        (advisory("", "\"unmaintained\""), 0),
        (advisory("\">= 2\", \"^1.4.1\"", "null"), 0),
        (advisory("\">= 1.3.1, < 1.4.0\"", "null"), 1),
    ];
    for (line, expected) in rows {
        assert_eq!(advisories::vulnerable(lock, &advisories::parse(&line)).len(), expected, "{line}");
    }
}

#[test]
fn version_requirements_are_read_as_cargo_reads_them() {
    let rows = [
        ("1.2.3", ">= 1.2.3", true),
        ("1.2.3-rc.1", ">= 1.2.3", false),
        ("1.2.3", "> 1.2.3-rc.1", true),
        ("1.2.3-rc.2", "< 1.2.3-rc.10", true),
        ("0.5.9", "^0.5.1", true),
        ("0.6.0", "^0.5.1", false),
        ("0.0.3", "^0.0.3", true),
        ("2.0.0", "1.2", false),
        ("1.9.0", "1.2", true),
        ("1.10.0", ">=1.9", true),
        ("1.0.0+build", "=1.0.0", true),
        ("0.22.5", ">= 0.22.4, < 0.23.0", true),
    ];
    for (version, requirement, expected) in rows {
        assert_eq!(advisories::fits(version, requirement), expected, "{version} {requirement}");
    }
}

#[test]
fn every_command_of_the_readme_exists() {
    let path = root().join("README.md");
    let text = fs::read_to_string(path).unwrap();
    let commands = readme::commands(&text);
    assert!(!commands.is_empty(), "the README shows no command");
    let wrong: Vec<String> = commands.iter().filter_map(|command| readme::problem(command)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_are_found_in_a_readme_and_wrong_ones_are_caught() {
    let text = "Run `tests/run`:\n```sh\n$ headwater nonsense x\ncargo run --release -- alsononsense\n# comment\ntests/no-such-file --quick\n```\n";
    let commands = readme::commands(text);
    assert_eq!(
        commands,
        [
            "headwater nonsense x",
            "cargo run --release -- alsononsense",
            "tests/no-such-file --quick",
            "tests/run"
        ]
    );
    let wrong = commands.iter().filter(|command| readme::problem(command).is_some()).count();
    assert_eq!(wrong, 3);
}

#[test]
fn comments_strings_and_tests_are_told_from_code() {
    let text = "let a = \"x // y\"; // z \"q\"\nlet b = 'c'; let l: &'static str = r#\"raw \" str\"#;\n/* a /* b */ c */ let d = '\\'';\n#[cfg(test)]\nmod tests {\n    const S: &str = \"t\";\n}\nfn f<'a>() {}\n";
    let source = Source::parse("src/a.rs", text);
    let strings: Vec<&str> = source.strings.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(strings, ["x // y", "raw \" str", "t"]);
    assert_eq!(source.code.len(), text.len());
    assert!(!source.code.contains('z') && !source.code.contains("raw"));
    assert!(source.code.contains("'static") && source.code.contains("fn f<'a>"));
    assert_eq!([3, 5, 6, 8].map(|line| source.is_test(line)), [false, true, true, false]);
}
