//! Secrets of connections. A saved connection names a secret by its [`SecretRef`]; the secret itself lies in one of
//! three homes, and the faces say which: the keychain of the operating system, a vault behind a passphrase that the
//! user asked for, or the memory of this run.
//!
//! Invariants: a secret is in no other file, whatever fails · it is bound to the place it was given for, and handed
//! out for no other until the user says so · a failed look-up never deletes · nothing waits for a keychain longer
//! than its deadline, and nothing asks it before a secret is needed · our copies are zeroed when dropped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::model::connection::SecretRef;
use crate::model::{Error, ErrorKind, Result};

pub mod keychain;
#[cfg(feature = "vault")]
pub mod vault;
#[cfg(not(feature = "vault"))]
#[path = "no_vault.rs"]
pub mod vault;

use keychain::Keychain;
use vault::Vault;

/// Stage of every error here.
const STAGE: &str = "secrets";

/// Where a secret is kept; the faces say it beside every secret field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptIn {
    /// In the keychain of the operating system.
    Keychain,
    /// In the vault behind a passphrase.
    Vault,
    /// In memory, until headwater ends.
    ThisRun,
}

impl KeptIn {
    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::Vault => "vault",
            Self::ThisRun => "this_run",
        }
    }

    /// What the user is told.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Keychain => "kept in the keychain of this system",
            Self::Vault => "kept in the vault behind your passphrase",
            Self::ThisRun => "kept for this run only, asked for again after a restart",
        }
    }
}

/// What keeping a secret came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it is now.
    pub home: KeptIn,
    /// Why it is not kept longer, where it is in memory only.
    pub why: Option<Error>,
}

/// What a look-up found.
pub enum Found {
    /// The secret.
    Secret(SecretString),
    /// There is one, but it was given for another place.
    Elsewhere {
        /// The place it was given for.
        was: String,
    },
    /// None is to be had.
    Absent {
        /// What stood in the way; none = it was never given, or only for another run.
        why: Option<Error>,
    },
}

/// A secret with the place it was given for; none = not settled yet.
#[derive(Clone)]
struct Known {
    secret: SecretString,
    place: Option<String>,
}

impl Known {
    /// As a home keeps it: the place, a line end, the secret.
    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        let place = self.place.as_deref().unwrap_or_default().replace('\n', " ");
        let secret = self.secret.expose_secret();
        let mut sealed = Zeroizing::new(Vec::with_capacity(place.len() + 1 + secret.len()));
        sealed.extend_from_slice(place.as_bytes());
        sealed.push(b'\n');
        sealed.extend_from_slice(secret.as_bytes());
        sealed
    }

    fn unsealed(sealed: &[u8]) -> Result<Self> {
        let broken = |why: &str| {
            Error::new(ErrorKind::Decode, STAGE, format!("the kept secret can't be understood: {why}"))
                .hint("give it again")
        };
        let text = std::str::from_utf8(sealed).map_err(|error| broken(&error.to_string()))?;
        let (place, secret) = text.split_once('\n').ok_or_else(|| broken("it names no place"))?;
        Ok(Self { secret: SecretString::from(secret), place: Some(place.to_owned()) })
    }
}

struct Inner {
    known: Mutex<BTreeMap<uuid::Uuid, Known>>,
    password: Mutex<Option<SecretString>>,
    keychain: Keychain,
    vault: Vault,
}

/// The secrets of this run and the homes they come from. Clones share them. Deliberately neither `Debug` nor
/// `Serialize`.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

impl Secrets {
    /// Secrets over a keychain and the file of the vault, which need not be there. Touches neither.
    pub fn new(keychain: Keychain, vault: PathBuf) -> Self {
        Self(Arc::new(Inner {
            known: Mutex::default(),
            password: Mutex::default(),
            keychain,
            vault: Vault::at(vault),
        }))
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Where a secret that is given now will be kept. Asks the keychain whether it is there.
    pub async fn outlook(&self) -> Kept {
        if self.0.vault.exists() {
            let why = self.0.vault.is_locked().then(vault::locked);
            return Kept { home: if why.is_some() { KeptIn::ThisRun } else { KeptIn::Vault }, why };
        }
        match self.0.keychain.present().await {
            Ok(()) => Kept { home: KeptIn::Keychain, why: None },
            Err(why) => Kept { home: KeptIn::ThisRun, why: Some(why) },
        }
    }

    /// Takes a secret in for this run and gives its new name. [`Secrets::settle`] keeps it longer.
    pub fn keep(&self, secret: SecretString) -> SecretRef {
        let name = SecretRef(uuid::Uuid::new_v4());
        self.keep_as(&name, secret);
        name
    }

    /// Takes a secret in for this run under a name that a connection already has.
    pub fn keep_as(&self, name: &SecretRef, secret: SecretString) {
        self.known().insert(name.0, Known { secret, place: None });
    }

    /// Binds a secret of this run to the place it is for and puts it into the longest-lived home there is.
    pub async fn settle(&self, name: &SecretRef, place: &str) -> Kept {
        let known = self.known().get(&name.0).cloned();
        let known = match known {
            Some(known) => Ok(Some(known)),
            None => self.kept_of(name.0).await,
        };
        let bound = match known {
            Ok(Some(known)) => Known { place: Some(place.to_owned()), ..known },
            Ok(None) => {
                let why = Error::new(ErrorKind::NotFound, STAGE, "the secret is not known any more")
                    .hint("give it again");
                return Kept { home: KeptIn::ThisRun, why: Some(why) };
            }
            Err(why) => return Kept { home: KeptIn::ThisRun, why: Some(why) },
        };
        self.known().insert(name.0, bound.clone());
        let (home, kept) = if self.0.vault.exists() {
            (KeptIn::Vault, self.0.vault.put(name.0, bound.sealed()).await)
        } else {
            (KeptIn::Keychain, self.0.keychain.put(name.0, bound.sealed()).await)
        };
        match kept {
            Ok(()) => Kept { home, why: None },
            Err(why) => Kept { home: KeptIn::ThisRun, why: Some(why) },
        }
    }

    /// The secret of this name for a place.
    pub async fn fetch(&self, name: &SecretRef, place: &str) -> Found {
        let known = self.known().get(&name.0).cloned();
        let known = match known {
            Some(known) => known,
            None => match self.kept_of(name.0).await {
                Ok(Some(known)) => {
                    self.known().insert(name.0, known.clone());
                    known
                }
                Ok(None) => return Found::Absent { why: None },
                Err(why) => return Found::Absent { why: Some(why) },
            },
        };
        match known.place {
            Some(was) if was != place => Found::Elsewhere { was },
            _ => Found::Secret(known.secret),
        }
    }

    async fn kept_of(&self, name: uuid::Uuid) -> Result<Option<Known>> {
        let in_vault = self.0.vault.get(name).await;
        if let Ok(Some(sealed)) = &in_vault {
            return Known::unsealed(sealed).map(Some);
        }
        let in_keychain = self.0.keychain.get(name).await;
        match (in_vault, in_keychain) {
            (_, Ok(Some(sealed))) => Known::unsealed(&sealed).map(Some),
            (Err(why), _) | (_, Err(why)) => Err(why),
            (Ok(_), Ok(None)) => Ok(None),
        }
    }

    /// Forgets a secret in every home. What can't be reached now is left there and said.
    ///
    /// # Errors
    /// Those of the homes.
    pub async fn forget(&self, name: &SecretRef) -> Result<()> {
        let was_known = self.known().remove(&name.0).is_some();
        self.0.vault.remove(name.0).await?;
        match self.0.keychain.remove(name.0).await {
            // Without a keychain there was nothing to forget but the memory.
            Err(error) if error.kind == ErrorKind::Unsupported || was_known && self.0.vault.exists() => {
                Ok(())
            }
            ended => ended,
        }
    }

    /// The password of this run: for every connection that has none of its own.
    pub fn give_password(&self, password: SecretString) {
        *self.0.password.lock().unwrap_or_else(PoisonError::into_inner) = Some(password);
    }

    /// The password of this run, if one was given.
    pub fn given_password(&self) -> Option<SecretString> {
        self.0.password.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<uuid::Uuid, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
