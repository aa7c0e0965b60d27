//! Guards that every other part uses, one module each, so that each can be tested and attacked alone.
//!
//! Nothing here does input or output, knows a connector, or keeps state between calls. Other code does
//! not do these things itself: a second, slightly different redaction is how secrets get out.
//!
//! - [`redact`]: no secret reaches a log, an error or the ledger.
//! - [`display`]: text from an upstream is shown as what it is, never as what it pretends to be.
//! - [`origin`]: credentials stay with the host they were given for.
//! - [`budget`]: nothing grows beyond what was agreed.
//! - [`formula`]: a cell exported to a spreadsheet stays text.
//! - [`gate`]: the answer to "is this statement a read?".

pub mod budget;
pub mod display;
pub mod formula;
pub mod gate;
pub mod origin;
pub mod redact;

/// Keeps the system from writing this process's memory to disk when it crashes: passwords are in there. Where the
/// system has no such limit, or refuses, it decides as it does for every program.
pub fn no_core_dump() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _refused = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Strings known to break programs: a few of our own, and the big list where the corpus is at hand.
#[cfg(test)]
pub(crate) fn naughty_strings() -> Vec<String> {
    let own = [
        "",
        "'",
        "''",
        "\"",
        "`",
        "]",
        "\\",
        "\\'",
        "a'; DROP TABLE t;--",
        "\" OR \"\"=\"",
        "\0",
        "a\0b",
        "\n",
        "\r\n",
        "%s%n",
        "${HOME}",
        "$(id)",
        "<script>",
        "../../etc/passwd",
        "ﷺ",
        "\u{202E}x",
        "👩‍👩‍👧",
        "﻿",
        "NULL",
        "--",
        "/*",
    ];
    let mut all: Vec<String> = own.iter().map(ToString::to_string).collect();
    if let Some(folder) = std::env::var_os("HEADWATER_CORPUS") {
        let path = std::path::Path::new(&folder).join("dev-strings/blns.json");
        let text = std::fs::read_to_string(&path).expect("the corpus holds the big list of naughty strings");
        all.extend(serde_json::from_str::<Vec<String>>(&text).expect("a list of strings"));
    }
    all
}
