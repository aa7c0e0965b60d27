//! Passwords on their way in: from a pipe, or from the terminal without being shown. Never from the command line,
//! which everybody on the machine can read.

use std::io::{IsTerminal as _, Read as _};

use secrecy::SecretString;

use crate::model::connection::Connection;
use crate::model::{Error, ErrorKind, Result};
use crate::ops::{Target, Workspace};

/// Where a password comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Pipe,
    /// From nowhere before somebody needs one.
    Nowhere,
}

/// Longest password taken, in bytes.
const MOST_BYTES: u64 = 64 << 10;

/// The password that was given at the start.
///
/// # Errors
/// If standard input can't be read, or holds nothing.
pub fn from(source: Source) -> Result<Option<SecretString>> {
    if source == Source::Nowhere {
        return Ok(None);
    }
    let mut text = String::new();
    std::io::stdin()
        .take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Error::io("usage", "reading the password from standard input", &error))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "usage", "standard input holds no password")
            .hint("pipe it in: headwater … --password-stdin < file"));
    }
    let secret = SecretString::from(line);
    zeroize::Zeroize::zeroize(&mut text);
    Ok(Some(secret))
}

/// Whether somebody sits at a terminal who can be asked for what is lacking.
pub fn can_ask(workspace: &Workspace, target: &Target) -> bool {
    std::io::stdin().is_terminal()
        && std::io::stderr().is_terminal()
        && target.parts.iter().any(|part| workspace.lacks_password(&part.connection))
}

/// Asks at the terminal.
pub async fn ask(workspace: &Workspace, target: &Target) -> Result<()> {
    let user = target.parts.iter().find_map(|part| part.connection.values.get(Connection::USER));
    let who = user.map(|user| format!(" of {user}")).unwrap_or_default();
    let prompt = format!("Password{who} for {}: ", target.name);
    let prompt = crate::safety::display::name(&prompt).into_owned();
    let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await;
    let typed = typed
        .map_err(|error| Error::unexpected("connect", format!("asking for the password: {error}")))?
        .map_err(|error| Error::io("connect", "asking for the password", &error))?;
    workspace.give_password(SecretString::from(typed));
    Ok(())
}
