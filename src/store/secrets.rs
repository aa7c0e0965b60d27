//! Secrets of this run, in memory only and zeroed when dropped. A saved connection names a secret by its
//! [`SecretRef`]; after a restart it is asked for again. Not yet: the keychain of the operating system.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;

use crate::model::connection::SecretRef;

/// Where a secret is kept; the faces say it beside every secret field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptIn {
    /// In memory, until headwater ends.
    ThisRun,
}

impl KeptIn {
    /// What the user is told.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::ThisRun => "kept for this run only, asked for again after a restart",
        }
    }
}

/// The secrets of this run. Clones share them. Deliberately neither `Debug` nor `Serialize`.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<BTreeMap<uuid::Uuid, SecretString>>>, Arc<Mutex<Option<SecretString>>>);

impl Secrets {
    /// Keeps a secret and gives its new name.
    pub fn keep(&self, secret: SecretString) -> (SecretRef, KeptIn) {
        let name = uuid::Uuid::new_v4();
        self.lock().insert(name, secret);
        (SecretRef(name), KeptIn::ThisRun)
    }

    /// Keeps a secret under a name that a saved connection already has.
    pub fn keep_as(&self, name: &SecretRef, secret: SecretString) -> KeptIn {
        self.lock().insert(name.0, secret);
        KeptIn::ThisRun
    }

    /// The secret of this name; none if it was never given in this run.
    pub fn get(&self, name: &SecretRef) -> Option<SecretString> {
        self.lock().get(&name.0).cloned()
    }

    /// The password of this run: for every connection that has none of its own.
    pub fn give_password(&self, password: SecretString) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(password);
    }

    /// The password of this run, if one was given.
    pub fn given_password(&self) -> Option<SecretString> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets a secret.
    pub fn forget(&self, name: &SecretRef) {
        self.lock().remove(&name.0);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<uuid::Uuid, SecretString>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name_until_it_is_forgotten() {
        let secrets = Secrets::default();
        let (name, kept) = secrets.keep("hunter2".into());
        assert_eq!(kept, KeptIn::ThisRun);
        let value = |name: &SecretRef| secrets.get(name).map(|secret| secret.expose_secret().to_owned());
        assert_eq!(value(&name).as_deref(), Some("hunter2"));
        secrets.keep_as(&name, "new".into());
        assert_eq!(value(&name).as_deref(), Some("new"));
        secrets.forget(&name);
        assert_eq!(value(&name), None);
    }
}
