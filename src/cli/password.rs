//! Passwords and passphrases on their way in: from a pipe, or from the terminal without being shown. Never from the
//! command line, which everybody on the machine can read.

use std::io::{IsTerminal as _, Read as _};

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::model::connection::Connection;
use crate::model::{Error, ErrorKind, Result};
use crate::ops::workspace::Wanted;
use crate::ops::{Target, Workspace};
use crate::safety::display::name as visible;

/// Longest text taken from a pipe, in bytes.
const MOST_BYTES: u64 = 64 << 10;

/// What a pipe holds, a line each, in this order.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// The passphrase of the vault.
    pub passphrase: bool,
    /// A password.
    pub password: bool,
}

/// What was given at the start.
#[derive(Default)]
pub struct Given {
    /// The passphrase of the vault.
    pub passphrase: Option<SecretString>,
    /// A password for every connection that has none.
    pub password: Option<SecretString>,
}

/// What a pipe gives at the start.
///
/// # Errors
/// If standard input can't be read, or lacks a line.
pub fn from_pipe(lines: Lines) -> Result<Given> {
    if !lines.passphrase && !lines.password {
        return Ok(Given::default());
    }
    // Roomy from the start: text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES as usize));
    std::io::stdin()
        .take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Error::io("usage", "reading from standard input", &error))?;
    let mut held = text.lines();
    let mut next = |what: &str, option: &str| match held.next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(SecretString::from(line)),
        None => Err(Error::new(ErrorKind::Invalid, "usage", format!("standard input holds no {what}"))
            .hint(format!("pipe it in: headwater … {option} < file"))),
    };
    let passphrase = lines.passphrase.then(|| next("passphrase", "--passphrase-stdin")).transpose()?;
    let password = lines.password.then(|| next("password", "--password-stdin")).transpose()?;
    Ok(Given { passphrase, password })
}

/// Whether somebody sits at a terminal who can be asked.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for the passphrase of a locked vault, if a source of the target has a secret in it.
///
/// # Errors
/// Those of the terminal and of the vault.
pub async fn unlock(workspace: &Workspace, target: &Target) -> Result<()> {
    let vault = workspace.secrets().vault();
    let needs = target.parts.iter().any(|part| !part.connection.secrets.is_empty());
    if !needs || !vault.exists() || !vault.is_locked() {
        return Ok(());
    }
    vault.unlock(typed("Passphrase of the vault: ".to_owned()).await?).await
}

/// Asks for the secret that a source of the target lacks and gives whether there was one to ask for.
///
/// # Errors
/// Those of the terminal and of the file of connections.
pub async fn ask(workspace: &Workspace, target: &Target) -> Result<bool> {
    for part in &target.parts {
        let Some(Wanted { key, label, elsewhere }) = workspace.wanted_secret(&part.connection).await else {
            continue;
        };
        if let Some(was) = elsewhere {
            super::print::note(&visible(&format!(
                "the kept one was given for {was} and is not sent to another place"
            )));
        }
        let user = part.connection.filled(Connection::USER).map(|user| format!(" of {user}"));
        let who = user.unwrap_or_default();
        let secret = typed(format!("{label}{who} for {}: ", target.name)).await?;
        let kept = workspace.give_secret(&part.connection, key, secret).await?;
        super::print::note(kept.home.phrase());
        return Ok(true);
    }
    Ok(false)
}

/// Asks twice for a passphrase to be.
///
/// # Errors
/// `invalid` if the two differ; those of the terminal.
pub async fn new_passphrase() -> Result<SecretString> {
    use secrecy::ExposeSecret as _;
    if !can_ask() {
        return Err(Error::new(
            ErrorKind::Invalid,
            "usage",
            "there is no terminal to ask for a passphrase at",
        )
        .hint("pipe it in with --passphrase-stdin"));
    }
    let first = typed("Passphrase of the new vault: ".to_owned()).await?;
    let second = typed("The same once more: ".to_owned()).await?;
    if first.expose_secret() != second.expose_secret() {
        return Err(Error::new(ErrorKind::Invalid, "usage", "the two passphrases differ"));
    }
    Ok(first)
}

async fn typed(prompt: String) -> Result<SecretString> {
    let prompt = visible(&prompt).into_owned();
    let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await;
    typed
        .map_err(|error| Error::unexpected("connect", format!("asking for a secret: {error}")))?
        .map(|typed| SecretString::from(Zeroizing::new(typed).as_str()))
        .map_err(|error| Error::io("connect", "asking for a secret", &error))
}
