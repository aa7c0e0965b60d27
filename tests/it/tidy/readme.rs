//! The commands that the README tells people to type.

use std::process::{Command, Stdio};

use super::source::root;

/// Lines of shell blocks, and `tests/…` in running text.
pub fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            let language = line.trim_start().trim_start_matches('`');
            in_block = !in_block && matches!(language, "" | "sh" | "bash" | "console" | "shell");
            continue;
        }
        let line = line.trim().trim_start_matches("$ ");
        if in_block && is_ours(line) {
            found.push(line.split(" #").next().unwrap().trim().to_owned());
        }
    }
    for (at, _) in text.match_indices("`tests/") {
        let rest = &text[at + 1..];
        found.push(rest[..rest.find('`').unwrap_or(rest.len())].to_owned());
    }
    found.dedup();
    found
}

fn is_ours(line: &str) -> bool {
    ["headwater", "cargo run", "tests/", "./tests/", "target/release/headwater"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// What is wrong with a command; `None` if it exists.
pub fn problem(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let first = words.first()?.trim_start_matches("./");
    if first.starts_with("tests/") {
        let missing = !root().join(first).exists();
        return missing.then(|| format!("{command}: {first} is not there"));
    }
    let arguments: Vec<&str> = if first == "cargo" {
        words.iter().skip_while(|word| **word != "--").skip(1).copied().collect()
    } else {
        words[1..].to_vec()
    };
    let verb = *arguments.first()?;
    // A target (a path, a URL, a placeholder) or an option instead of a verb.
    if verb.starts_with('-') || verb.contains(['.', '/', ':', '<']) || verb.chars().any(char::is_uppercase) {
        return None;
    }
    (!verbs().iter().any(|known| known == verb)).then(|| format!("{command}: there is no verb {verb:?}"))
}

/// The verbs that the program itself lists.
fn verbs() -> Vec<String> {
    let help =
        Command::new(env!("CARGO_BIN_EXE_headwater")).arg("--help").stdin(Stdio::null()).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.lines().skip_while(|line| line.trim() != "Commands:").skip(1);
    let listed = commands.take_while(|line| line.starts_with(' ') || line.is_empty());
    listed.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}
