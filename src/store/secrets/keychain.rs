//! The keychain of the operating system: Secret Service, macOS Keychain, Credential Manager. Its calls block for as
//! long as it likes (a prompt, a daemon that hangs), so each runs on a thread that may wait, one at a time, and is
//! given up at a deadline. What was given up is said; the thread ends with its call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::STAGE;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// The environment variable that keeps secrets for this run only.
pub const OFF_VARIABLE: &str = "HEADWATER_NO_KEYCHAIN";
/// The environment variable that says how long the keychain may take, in seconds.
pub const SECONDS_VARIABLE: &str = "HEADWATER_KEYCHAIN_SECONDS";
/// How long it may take else: time enough to type the password of a locked one.
const DEADLINE: Duration = Duration::from_secs(30);
/// Under which name its entries stand.
#[cfg(feature = "keychain")]
const SERVICE: &str = "headwater";

/// The keychain, or the decision not to use one.
#[derive(Clone)]
pub struct Keychain {
    on: bool,
    deadline: Duration,
    /// One call at a time: what hangs must not pile up threads.
    turn: Arc<Semaphore>,
}

impl Keychain {
    /// As the environment says.
    pub fn from_environment() -> Self {
        let off = std::env::var_os(OFF_VARIABLE).is_some_and(|value| !value.is_empty() && value != "0");
        let seconds = std::env::var(SECONDS_VARIABLE).ok().and_then(|seconds| seconds.parse().ok());
        let deadline = seconds.map_or(DEADLINE, Duration::from_secs);
        Self { on: !off && cfg!(feature = "keychain"), deadline, turn: Arc::new(Semaphore::new(1)) }
    }

    /// None: secrets live as long as the run.
    pub fn off() -> Self {
        Self { on: false, deadline: DEADLINE, turn: Arc::new(Semaphore::new(1)) }
    }

    /// Whether there is one that answers.
    ///
    /// # Errors
    /// `unsupported` if there is none or it is switched off; `timeout` if it does not answer.
    pub async fn present(&self) -> Result<()> {
        self.call(calls::present).await
    }

    /// Keeps a secret.
    ///
    /// # Errors
    /// Those of [`Keychain::present`]; `denied` if it is locked.
    pub async fn put(&self, name: uuid::Uuid, sealed: Zeroizing<Vec<u8>>) -> Result<()> {
        self.call(move || calls::put(name, &sealed)).await
    }

    /// The secret of a name; none if it has none.
    ///
    /// # Errors
    /// Those of [`Keychain::put`].
    pub async fn get(&self, name: uuid::Uuid) -> Result<Option<Zeroizing<Vec<u8>>>> {
        self.call(move || calls::get(name)).await
    }

    /// Removes a secret; one that is not there is gone already.
    ///
    /// # Errors
    /// Those of [`Keychain::put`].
    pub async fn remove(&self, name: uuid::Uuid) -> Result<()> {
        self.call(move || calls::remove(name)).await
    }

    async fn call<T: Send + 'static>(&self, call: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        if !self.on {
            return Err(switched_off());
        }
        let turn = Arc::clone(&self.turn);
        let called = tokio::time::timeout(self.deadline, async move {
            let turn = turn.acquire_owned().await.map_err(|error| Error::unexpected(STAGE, error))?;
            tokio::task::spawn_blocking(move || {
                let called = call();
                drop(turn);
                called
            })
            .await
            .map_err(|error| {
                Error::unexpected(STAGE, format!("the call of the keychain broke down: {error}"))
            })?
        });
        called.await.unwrap_or_else(|late| {
            let waited = self.deadline.as_secs_f64();
            let why = format!("the keychain of this system did not answer within {waited:.0} s: {late}");
            Err(Error::new(ErrorKind::Timeout, STAGE, why)
                .hint("unlock it or look for its prompt, then try again; until then secrets are kept for this run only")
                .retry(Retry::Later))
        })
    }
}

fn switched_off() -> Error {
    let why = if cfg!(feature = "keychain") {
        format!("the keychain is switched off by {OFF_VARIABLE}")
    } else {
        "this build has no keychain".to_owned()
    };
    Error::new(ErrorKind::Unsupported, STAGE, why).hint("secrets are kept for this run only")
}

#[cfg(feature = "keychain")]
mod calls {
    use keyring::{Entry, Error as Said};

    use super::{Error, ErrorKind, Result, Retry, SERVICE, STAGE, Zeroizing};

    pub fn present() -> Result<()> {
        match Entry::store_status() {
            Ok(()) => Ok(()),
            Err(said) => Err(absent(said)),
        }
    }

    fn entry(name: uuid::Uuid) -> Result<Entry> {
        present()?;
        Entry::new(SERVICE, &name.to_string()).map_err(|said| told(&said))
    }

    pub fn put(name: uuid::Uuid, sealed: &[u8]) -> Result<()> {
        entry(name)?.set_secret(sealed).map_err(|said| told(&said))
    }

    pub fn get(name: uuid::Uuid) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match entry(name)?.get_secret() {
            Ok(sealed) => Ok(Some(Zeroizing::new(sealed))),
            Err(Said::NoEntry) => Ok(None),
            Err(said) => Err(told(&said)),
        }
    }

    pub fn remove(name: uuid::Uuid) -> Result<()> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Said::NoEntry) => Ok(()),
            Err(said) => Err(told(&said)),
        }
    }

    fn absent(said: &Said) -> Error {
        Error::new(ErrorKind::Unsupported, STAGE, format!("this system offers no keychain: {}", plain(said)))
            .hint("secrets are kept for this run only; a vault behind a passphrase keeps them longer (`headwater connections vault make`)")
    }

    fn told(said: &Said) -> Error {
        let words = plain(said);
        match said {
            Said::NoStorageAccess(_) => {
                Error::new(ErrorKind::Denied, STAGE, format!("the keychain of this system is locked: {words}"))
                    .hint("unlock it and try again; until then secrets are kept for this run only")
                    .retry(Retry::AfterChange)
            }
            Said::TooLong(..) | Said::Invalid(..) => {
                Error::new(ErrorKind::Invalid, STAGE, format!("the keychain does not take it: {words}"))
            }
            Said::PlatformFailure(_) | Said::NoDefaultStore => {
                Error::new(ErrorKind::Unreachable, STAGE, format!("the keychain of this system failed: {words}"))
                    .hint("see whether its service runs, then start headwater again; until then secrets are kept for this run only")
                    .retry(Retry::Later)
            }
            _ => Error::new(ErrorKind::Decode, STAGE, format!("the secret in the keychain is no longer readable: {words}"))
                .hint("give it again")
                .retry(Retry::AfterChange),
        }
    }

    /// Its words; never its bytes, which are the secret.
    fn plain(said: &Said) -> String {
        match said {
            Said::BadEncoding(_) => "it is not text".to_owned(),
            Said::BadDataFormat(_, why) => why.to_string(),
            said => said.to_string(),
        }
    }
}

#[cfg(not(feature = "keychain"))]
mod calls {
    use super::{Result, Zeroizing, switched_off};

    pub fn present() -> Result<()> {
        Err(switched_off())
    }

    pub fn put(_: uuid::Uuid, _: &[u8]) -> Result<()> {
        Err(switched_off())
    }

    pub fn get(_: uuid::Uuid) -> Result<Option<Zeroizing<Vec<u8>>>> {
        Err(switched_off())
    }

    pub fn remove(_: uuid::Uuid) -> Result<()> {
        Err(switched_off())
    }
}
