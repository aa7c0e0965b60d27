//! The only place that writes to the terminal. A closed pipe ends the output quietly, as every tool does.

use std::io::Write as _;

use crate::model::Error;

/// Writes text to stdout; a reader that went away is no error.
pub fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// Writes one line to stdout.
pub fn line(text: &str) {
    out(&format!("{text}\n"));
}

/// Writes one line to stderr: progress, remarks, errors.
pub fn note(text: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(writeln!(stderr, "{text}"));
}

/// Writes an error to stderr, as JSON if results are JSON. Redacted, and upstream text made visible.
pub fn error(error: &Error, output: super::args::Output) {
    let clean = super::clean_error(error);
    if output.json {
        note(&super::json::error(&clean).to_string());
        return;
    }
    let mut text = format!("error ({}) at {}: {}", clean.kind.word(), clean.stage, clean.attempted);
    if let Some(hint) = &clean.hint {
        text.push_str(&format!("\n  try: {hint}"));
    }
    for (key, value) in &clean.context {
        text.push_str(&format!("\n  {key}: {value}"));
    }
    note(&text);
}
