//! The rules, one function each: source in, findings out. What they rule by is data.

use super::source::{Source, find_word, is_word};

/// Something that breaks a rule.
#[derive(Debug)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub what: String,
}

fn finding(source: &Source, line: usize, what: impl Into<String>) -> Finding {
    Finding { path: source.path.clone(), line, what: what.into() }
}

/// What each layer may import of the others: below it, and the few neighbours named in the design.
pub const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("safety", &["model"]),
    ("job", &["model", "safety"]),
    ("store", &["model", "safety"]),
    ("profiler", &["model"]),
    ("sinks", &["model", "safety", "job", "store"]),
    ("connector", &["model", "safety", "job", "store", "profiler"]),
    ("kit", &["model", "safety", "job", "store", "profiler", "sinks", "connector"]),
    ("connectors", &["model", "safety", "job", "store", "profiler", "sinks", "connector", "kit"]),
    ("ops", &["model", "safety", "job", "store", "profiler", "sinks", "connector", "kit", "connectors"]),
    (
        "cli",
        &["model", "safety", "job", "store", "profiler", "sinks", "connector", "kit", "connectors", "ops"],
    ),
    (
        "gui",
        &["model", "safety", "job", "store", "profiler", "sinks", "connector", "kit", "connectors", "ops"],
    ),
];

/// Crates that a folder must not touch, and why.
const FOREIGN: &[(&str, &[&str], &str)] = &[
    (
        "src/model/",
        &["tokio", "egui", "eframe", "sqlx", "std::fs", "std::net", "polars"],
        "model is plain data",
    ),
    (
        "src/gui/",
        &["sqlx", "libsqlite3_sys", "reqwest", "mongodb", "redis", "polars"],
        "the window knows no driver",
    ),
    (
        "src/cli/",
        &["sqlx", "libsqlite3_sys", "reqwest", "mongodb", "redis", "polars"],
        "the terminal knows no driver",
    ),
    ("src/ops/", &["sqlx", "libsqlite3_sys", "reqwest", "mongodb", "redis"], "operations know no driver"),
];

/// Folders that may touch the window's crates.
const WINDOW_CRATES: &[&str] = &["egui", "eframe", "egui_extras", "egui_tiles", "egui_table", "rfd"];

/// Invariant 1: Imports point down.
pub fn layers(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    let layer = source.path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default();
    if let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) {
        for (line, other) in crate_paths(source) {
            let known = LAYERS.iter().any(|(name, _)| *name == other);
            if known && other != layer && !below.contains(&other.as_str()) {
                found.push(finding(source, line, format!("{layer} imports {other}")));
            }
        }
    }
    for (folder, crates, why) in FOREIGN {
        for name in crates.iter().filter(|_| source.path.starts_with(folder)) {
            for offset in source.find(name).into_iter().filter(|&offset| begins_path(source, offset, name)) {
                found.push(finding(source, source.line_at(offset), format!("{name}: {why}")));
            }
        }
    }
    if !source.path.starts_with("src/gui/") && source.path != "src/main.rs" {
        for name in WINDOW_CRATES {
            for offset in source.find(name).into_iter().filter(|&offset| begins_path(source, offset, name)) {
                found.push(finding(source, source.line_at(offset), format!("{name} outside gui/")));
            }
        }
    }
    found
}

/// Whether a word begins a path (`egui::Ui`, `use egui;`) and is not the tail of one.
fn begins_path(source: &Source, offset: usize, name: &str) -> bool {
    let before = source.code[..offset].trim_end();
    let after = source.code[offset + name.len()..].trim_start();
    let own = ["crate::", "self::", "super::"].iter().any(|own| before.ends_with(own));
    let tail = before.ends_with("::") && !before.ends_with(" ::");
    !own && !tail && (after.starts_with("::") || before.ends_with("use"))
}

/// The first segments of all paths from the crate's root, `super` resolved.
fn crate_paths(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code = &source.code;
    for offset in code.match_indices("crate::").map(|(at, _)| at + "crate::".len()) {
        found.extend(heads(&code[offset..]).into_iter().map(|head| (source.line_at(offset), head)));
    }
    let depth = module_depth(&source.path);
    for (start, _) in code.match_indices("super::") {
        if code[..start].ends_with("super::") {
            continue;
        }
        let mut end = start;
        let mut supers = 0;
        while code[end..].starts_with("super::") {
            end += "super::".len();
            supers += 1;
        }
        // Inside `mod tests { … }` one `super` is the file itself.
        let supers = if source.is_test(source.line_at(start)) { supers - 1 } else { supers };
        if supers >= depth {
            found.extend(heads(&code[end..]).into_iter().map(|head| (source.line_at(start), head)));
        }
    }
    found
}

/// `src/a/b.rs` is two deep, `src/a/mod.rs` one.
fn module_depth(path: &str) -> usize {
    let parts = path.trim_start_matches("src/").split('/').count();
    if path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// The first names of a path or of a group `{a::x, b}`.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| -> String { text.trim_start().chars().take_while(|c| is_word(*c)).collect() };
    if !path.starts_with('{') {
        return vec![name(path)];
    }
    let mut depth = 0;
    let mut heads = Vec::new();
    let mut item = 1;
    for (at, c) in path.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            heads.push(name(&path[item..at]));
            item = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// Invariant 2: A row is read only with a Permit: nobody but the guard can make one, and every `read` of a source
/// takes one.
pub fn permits(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    let guard = source.path.starts_with("src/connector/guard");
    for offset in source.find("Permit") {
        let line = source.line_at(offset);
        let before = source.code[..offset].trim_end();
        let after = source.code[offset + "Permit".len()..].trim_start();
        if before.ends_with("struct") && after.starts_with('{') {
            let body = &after[..after.find('}').unwrap_or(after.len())];
            if !find_word(body, "pub").is_empty() {
                found.push(finding(source, line, "a field of Permit is public"));
            }
            let attributes = before.rfind(['}', ';']).map_or(before, |at| &before[at..]);
            for derive in ["Clone", "Copy", "Default", "Deserialize"] {
                if !find_word(attributes, derive).is_empty() {
                    found.push(finding(source, line, format!("Permit derives {derive}")));
                }
            }
            if !guard {
                found.push(finding(source, line, "a Permit is declared outside connector/guard"));
            }
        } else if after.starts_with('{')
            && !guard
            && !["struct", "impl", "for", "->"].iter().any(|word| before.ends_with(word))
        {
            found.push(finding(source, line, "a Permit is made outside connector/guard"));
        }
    }
    for start in source.find("Source for ") {
        let body = &source.code[start..];
        let Some(open) = body.find('{') else { continue };
        for offset in find_word(&body[open..], "read").into_iter().map(|at| start + open + at) {
            if !source.code[..offset].trim_end().ends_with("fn") || !source.code[offset..].starts_with("read")
            {
                continue;
            }
            let signature = &source.code[offset..];
            let end = signature.find(['{', ';']).unwrap_or(signature.len());
            if find_word(&signature[..end], "Permit").is_empty() {
                found.push(finding(source, source.line_at(offset), "read() without a Permit"));
            }
        }
    }
    found
}

/// Ids that are also the name of a file format, and the folders that write or name that format.
const FORMAT_WORDS: &[(&str, &[&str])] = &[
    ("csv", &["src/sinks/", "src/cli/", "src/gui/", "src/ops/export", "src/kit/files/"]),
    ("excel", &["src/gui/"]),
    ("xml", &["src/connectors/postgres/"]),
    ("parquet", &["src/sinks/", "src/cli/", "src/gui/", "src/ops/export"]),
    ("avro", &["src/sinks/", "src/cli/", "src/gui/", "src/ops/export"]),
    ("ipc", &["src/sinks/", "src/cli/", "src/gui/", "src/ops/export"]),
    // A type of values as well, wherever types are named.
    (
        "json",
        &["src/model/", "src/cli/", "src/gui/", "src/sinks/", "src/connector/testkit/", "src/connectors/"],
    ),
];

/// Invariant 3: A connector's id appears only in its folder and in the registry list.
pub fn ids(source: &Source, ids: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    if source.path == "src/connectors/mod.rs" {
        return found;
    }
    for id in ids.iter().filter(|id| !source.path.starts_with(&format!("src/connectors/{id}"))) {
        let word = FORMAT_WORDS.iter().any(|(format, folders)| {
            format == id && folders.iter().any(|folder| source.path.starts_with(folder))
        });
        for (line, text) in &source.strings {
            if !word && !source.is_test(*line) && text.eq_ignore_ascii_case(id) {
                found.push(finding(source, *line, format!("the id {id:?} outside its folder")));
            }
        }
        for path in [format!("connectors::{id}"), format!("feature = \"{id}\"")] {
            let places = if path.starts_with("feature") {
                source.text.match_indices(&path).map(|(at, _)| at).collect()
            } else {
                source.find(&path)
            };
            for offset in places {
                found.push(finding(source, source.line_at(offset), format!("{path} outside the registry")));
            }
        }
    }
    found
}

/// Invariant 4: Nothing waits, sleeps or starts threads outside `job/`, and no channel is without a bound.
pub fn waiting(source: &Source) -> Vec<Finding> {
    const BANNED: &[(&str, &[&str])] = &[
        ("block_on", &["src/job/"]),
        ("thread::sleep", &["src/job/"]),
        ("thread::spawn", &[]),
        ("thread::Builder", &["src/job/", "src/kit/worker"]),
        ("unbounded_channel", &[]),
        ("mpsc::unbounded", &[]),
        ("mpsc::channel()", &[]),
        ("mpsc::channel::<", &[]),
    ];
    let mut found = Vec::new();
    for (word, folders) in BANNED {
        if folders.iter().any(|folder| source.path.starts_with(folder)) {
            continue;
        }
        for offset in source.find(word) {
            let line = source.line_at(offset);
            // tokio's bounded channel takes its bound; tests may run threads to attack something.
            let bounded = word.ends_with('<') && source.code[..offset].ends_with("tokio::sync::");
            let attack = *word == "thread::Builder" && source.is_test(line);
            if !bounded && !attack {
                found.push(finding(source, line, format!("{word} outside job/")));
            }
        }
    }
    found
}

/// Invariant 5: Nothing dies on input.
pub fn panics(source: &Source) -> Vec<Finding> {
    const BANNED: &[&str] =
        &[".unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "dbg!", ".unwrap_err()"];
    let mut found = Vec::new();
    for word in BANNED {
        for (offset, _) in source.code.match_indices(word) {
            let line = source.line_at(offset);
            let inside_word = word.starts_with(is_word)
                && source.code[..offset].chars().next_back().is_some_and(|c| is_word(c) || c == ':');
            // A parser's own `expect(token)?` is no panic.
            let own =
                *word == ".expect(" && !source.text[offset + word.len()..].trim_start().starts_with('"');
            if !source.is_test(line) && !inside_word && !own {
                found.push(finding(source, line, format!("{word} outside tests")));
            }
        }
    }
    found
}

/// Invariant 6: No colour literal outside `gui/theme/`.
pub fn colours(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    if source.path.starts_with("src/gui/theme") {
        return found;
    }
    for (offset, _) in source.code.match_indices("Color32::") {
        let name: String =
            source.code[offset + "Color32::".len()..].chars().take_while(|c| is_word(*c)).collect();
        let constant = name.starts_with(|c: char| c.is_ascii_uppercase());
        let colourless = matches!(name.as_str(), "TRANSPARENT" | "PLACEHOLDER");
        if (constant && !colourless) || name.starts_with("from_") {
            found.push(finding(
                source,
                source.line_at(offset),
                format!("Color32::{name} outside gui/theme/"),
            ));
        }
    }
    for word in ["Rgba::from_", "Hsva::new", "hex_color!"] {
        for (offset, _) in source.code.match_indices(word) {
            found.push(finding(source, source.line_at(offset), format!("{word} outside gui/theme/")));
        }
    }
    found
}

/// Invariant 7: No type that holds a secret can be printed or written down.
pub fn secrets(source: &Source) -> Vec<Finding> {
    const HOLDERS: &[&str] =
        &["Secret", "Secrets", "Password", "Passphrase", "Credential", "Credentials", "AccessToken"];
    let mut found = Vec::new();
    for keyword in ["struct", "enum"] {
        for offset in source.find(keyword) {
            let rest = source.code[offset + keyword.len()..].trim_start();
            let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
            if !HOLDERS.iter().any(|holder| name.ends_with(holder)) {
                continue;
            }
            let before = &source.code[..offset];
            let attributes = before.rfind(['}', ';']).map_or(before, |at| &before[at..]);
            let line = source.line_at(offset);
            for derive in ["Debug", "Display", "Serialize"] {
                if !find_word(attributes, derive).is_empty() {
                    found.push(finding(source, line, format!("{name} derives {derive}")));
                }
                for by_hand in [format!("{derive} for {name}"), format!("{derive} for {name}<")] {
                    for at in find_word(&source.code, &by_hand) {
                        found.push(finding(source, source.line_at(at), by_hand.clone()));
                    }
                }
            }
        }
    }
    found
}

/// Invariant 10: Files up to 800 lines, functions up to 100; tables of data and tests excepted from the latter.
pub fn sizes(source: &Source) -> Vec<Finding> {
    const MOST_FILE_LINES: usize = 800;
    const MOST_FUNCTION_LINES: usize = 100;
    let mut found = Vec::new();
    let lines = source.text.lines().count();
    if lines > MOST_FILE_LINES {
        found.push(finding(source, lines, format!("{lines} lines in one file")));
    }
    for (name, line, length) in source.functions() {
        if length > MOST_FUNCTION_LINES && !source.is_test(line) {
            found.push(finding(source, line, format!("{length} lines in {name}()")));
        }
    }
    found
}

/// Each module opens with why it exists; output goes through one place; exceptions carry their reason.
pub fn manners(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    if !source.text.starts_with("//!") && !source.path.ends_with("/tests.rs") {
        found.push(finding(source, 1, "the module does not open with //! and why it exists"));
    }
    for (line, code) in source.lines() {
        if code.contains("#[allow(") || code.contains("#![allow(") {
            found.push(finding(source, line, "#[allow]: use #[expect(…, reason = \"…\")]"));
        }
        for word in ["println!", "eprintln!", "print!", "eprint!"] {
            if !find_word(code, word).is_empty() && source.path != "src/cli/print.rs" && !source.is_test(line)
            {
                found.push(finding(source, line, format!("{word} outside cli/print.rs")));
            }
        }
    }
    for (line, text) in source.text.lines().enumerate() {
        if text.ends_with([' ', '\t']) || text.contains('\r') {
            found.push(finding(source, line + 1, "trailing blanks or a carriage return"));
        }
    }
    found
}
