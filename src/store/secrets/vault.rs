//! A vault behind a passphrase, for systems without a keychain: one file, sealed as a whole with XChaCha20-Poly1305
//! under a key that Argon2id makes of the passphrase. It is there only if the user made it.
//!
//! Invariants: the file holds a header of cost and salt, a fresh nonce a save, and sealed bytes, nothing else · the
//! header is sealed along, so that a changed one opens nothing · saves are atomic and under the file's lock, and
//! leave no older versions behind, since those would hold what was forgotten · the passphrase is kept nowhere.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, Generate as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::STAGE;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};
use crate::store::atomic::{self, Change, Keep};

/// Bytes of the key.
const KEY_BYTES: usize = 32;
/// The form of the file.
const FORM: u32 = 1;
/// Least length of a passphrase, in characters.
pub const SHORTEST: usize = 8;

/// What making the key costs: RFC 9106, second recommended option, on one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    const USUAL: Self = Self { memory_kib: 64 * 1024, passes: 3 };
    /// A file may ask for no more than this: it could come from anybody.
    const MOST: Self = Self { memory_kib: 1024 * 1024, passes: 16 };
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Content {
    headwater_vault: u32,
    cost: Cost,
    salt: String,
    nonce: String,
    sealed: String,
}

impl Content {
    /// What is sealed along.
    fn header(&self) -> Vec<u8> {
        format!("{}/{}/{}/{}", self.headwater_vault, self.cost.memory_kib, self.cost.passes, self.salt)
            .into_bytes()
    }
}

/// What it holds, by the names of secrets.
type Held = BTreeMap<uuid::Uuid, Zeroizing<Vec<u8>>>;

/// A key with the salt it belongs to.
#[derive(Clone)]
struct Key {
    salt: String,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

/// The vault of a run, locked until its passphrase is given. Clones share the key.
#[derive(Clone)]
pub struct Vault {
    path: PathBuf,
    key: Arc<Mutex<Option<Key>>>,
    cost: Cost,
}

/// Why a locked vault gives nothing.
pub fn locked() -> Error {
    Error::new(ErrorKind::Denied, STAGE, "the vault of secrets is locked")
        .hint("give its passphrase")
        .retry(Retry::AfterChange)
}

impl Vault {
    /// The vault of a file, which need not be there.
    pub fn at(path: PathBuf) -> Self {
        Self { path, key: Arc::default(), cost: Cost::USUAL }
    }

    /// Whether there is one.
    pub fn exists(&self) -> bool {
        self.path.is_file()
    }

    /// Whether its passphrase was not given yet.
    pub fn is_locked(&self) -> bool {
        self.key().is_none()
    }

    /// Makes an empty vault and opens it.
    ///
    /// # Errors
    /// `invalid` if there is one already, or the passphrase is shorter than [`SHORTEST`]; those of saving.
    pub async fn make(&self, passphrase: SecretString) -> Result<()> {
        if passphrase.expose_secret().chars().count() < SHORTEST {
            return Err(Error::new(ErrorKind::Invalid, STAGE, "the passphrase is too short")
                .hint(format!("give at least {SHORTEST} characters; several words are best")));
        }
        let cost = self.cost;
        let salt = STANDARD.encode(uuid::Uuid::new_v4().as_bytes());
        let key = derive(passphrase, cost, salt).await?;
        let made = key.clone();
        atomic::edit(&self.path, Keep::Newest, move |old| {
            if old.is_some() {
                return Err(Error::new(ErrorKind::Invalid, STAGE, "there is a vault already")
                    .hint("give its passphrase; or remove it, with what it holds"));
            }
            Ok((Change::To(seal(&made, cost, &Held::new())?), ()))
        })
        .await?;
        *self.key() = Some(key);
        Ok(())
    }

    /// Opens it.
    ///
    /// # Errors
    /// `not_found` if there is none, `denied` for another passphrase, `decode` for a damaged file.
    pub async fn unlock(&self, passphrase: SecretString) -> Result<()> {
        let content = self.content().await?.ok_or_else(|| Error::not_found(STAGE, "a vault"))?;
        let key = derive(passphrase, content.cost, content.salt.clone()).await?;
        open(&key, &content)?;
        *self.key() = Some(key);
        Ok(())
    }

    /// Removes it with all it holds.
    ///
    /// # Errors
    /// `not_found` if there is none; io errors.
    pub async fn destroy(&self) -> Result<()> {
        *self.key() = None;
        let lock = atomic::lock(&self.path.with_extension("lock")).await?;
        let removed =
            std::fs::remove_file(&self.path).map_err(|error| Error::io(STAGE, "removing the vault", &error));
        drop(lock);
        removed
    }

    pub(super) async fn put(&self, name: uuid::Uuid, sealed: Zeroizing<Vec<u8>>) -> Result<()> {
        self.change(move |held| drop(held.insert(name, sealed))).await
    }

    pub(super) async fn get(&self, name: uuid::Uuid) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(content) = self.content().await? else { return Ok(None) };
        let Some(key) = self.key().clone() else { return Err(locked()) };
        Ok(open(&key, &content)?.remove(&name))
    }

    /// Removes a secret. From a locked vault nothing can be removed; it stays, unreadable.
    pub(super) async fn remove(&self, name: uuid::Uuid) -> Result<()> {
        if !self.exists() || self.is_locked() {
            return Ok(());
        }
        self.change(move |held| drop(held.remove(&name))).await
    }

    async fn change(&self, change: impl FnOnce(&mut Held) + Send + 'static) -> Result<()> {
        let Some(key) = self.key().clone() else { return Err(locked()) };
        atomic::edit(&self.path, Keep::Newest, move |old| {
            let old = old.ok_or_else(|| Error::not_found(STAGE, "the vault"))?;
            let content = parse(&old)?;
            let mut held = open(&key, &content)?;
            change(&mut held);
            Ok((Change::To(seal(&key, content.cost, &held)?), ()))
        })
        .await
    }

    async fn content(&self) -> Result<Option<Content>> {
        atomic::read(&self.path).await?.map(|bytes| parse(&bytes)).transpose()
    }

    fn key(&self) -> MutexGuard<'_, Option<Key>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn damaged(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Decode, STAGE, format!("the vault of secrets can't be understood: {why}"))
        .hint("put a copy of the file in its place, or remove it and give the secrets again")
}

fn parse(bytes: &[u8]) -> Result<Content> {
    let content = serde_json::from_slice::<Content>(bytes).map_err(damaged)?;
    let Cost { memory_kib, passes } = content.cost;
    if content.headwater_vault != FORM {
        return Err(damaged(format!("its form is {}, this version knows {FORM}", content.headwater_vault)));
    }
    if memory_kib > Cost::MOST.memory_kib || passes > Cost::MOST.passes {
        return Err(damaged("it asks for more memory or time than any vault of ours"));
    }
    Ok(content)
}

/// The key of a passphrase, made on a thread that may take its time.
async fn derive(passphrase: SecretString, cost: Cost, salt: String) -> Result<Key> {
    atomic::blocking(move || {
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(KEY_BYTES)).map_err(damaged)?;
        let raw = STANDARD.decode(&salt).map_err(damaged)?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose_secret().as_bytes(), &raw, bytes.as_mut_slice())
            .map_err(damaged)?;
        Ok(Key { salt, bytes })
    })
    .await
}

fn seal(key: &Key, cost: Cost, held: &Held) -> Result<Vec<u8>> {
    let plain = Zeroizing::new(pack(held));
    let nonce = XNonce::generate();
    let mut content = Content {
        headwater_vault: FORM,
        cost,
        salt: key.salt.clone(),
        nonce: STANDARD.encode(nonce),
        sealed: String::new(),
    };
    let header = content.header();
    let sealed = XChaCha20Poly1305::new((&*key.bytes).into())
        .encrypt(&nonce, Payload { msg: &plain, aad: &header })
        .map_err(|error| Error::unexpected(STAGE, format!("sealing the vault: {error}")))?;
    content.sealed = STANDARD.encode(sealed);
    serde_json::to_vec(&content).map_err(|error| Error::unexpected(STAGE, error))
}

fn open(key: &Key, content: &Content) -> Result<Held> {
    if key.salt != content.salt {
        // Another instance made a new one.
        return Err(locked());
    }
    let nonce = STANDARD.decode(&content.nonce).map_err(damaged)?;
    let nonce = <[u8; 24]>::try_from(nonce.as_slice()).map_err(damaged)?;
    let sealed = STANDARD.decode(&content.sealed).map_err(damaged)?;
    let header = content.header();
    let plain = XChaCha20Poly1305::new((&*key.bytes).into())
        .decrypt(&XNonce::from(nonce), Payload { msg: &sealed, aad: &header })
        .map(Zeroizing::new)
        .map_err(|error| {
            Error::new(ErrorKind::Denied, STAGE, format!("the passphrase does not open the vault: {error}"))
                .hint("give the passphrase it was made with; a changed file opens with none")
                .retry(Retry::AfterChange)
        })?;
    unpack(&plain)
}

/// Name, length, bytes; again and again.
fn pack(held: &Held) -> Vec<u8> {
    let total = held.values().map(|sealed| 24 + sealed.len()).sum();
    let mut plain = Vec::with_capacity(total);
    for (name, sealed) in held {
        plain.extend_from_slice(name.as_bytes());
        plain.extend_from_slice(&(sealed.len() as u64).to_le_bytes());
        plain.extend_from_slice(sealed);
    }
    plain
}

fn unpack(mut plain: &[u8]) -> Result<Held> {
    let mut held = Held::new();
    while !plain.is_empty() {
        let (name, rest) = plain.split_first_chunk::<16>().ok_or_else(|| damaged("it ends early"))?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(|| damaged("it ends early"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(damaged)?;
        let (sealed, rest) = rest.split_at_checked(length).ok_or_else(|| damaged("it ends early"))?;
        held.insert(uuid::Uuid::from_bytes(*name), Zeroizing::new(sealed.to_vec()));
        plain = rest;
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap(folder: &std::path::Path) -> Vault {
        Vault { cost: Cost { memory_kib: 64, passes: 1 }, ..Vault::at(folder.join("secrets.vault")) }
    }

    fn phrase(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn what_was_put_in_is_there_for_the_passphrase_and_for_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap(folder.path());
        assert!(!vault.exists());
        assert_eq!(vault.make(phrase("short")).await.unwrap_err().kind, ErrorKind::Invalid);
        vault.make(phrase("four words of mine")).await.unwrap();
        let (first, second) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        vault.put(first, Zeroizing::new(b"db:5432\nhunter2".to_vec())).await.unwrap();
        vault.put(second, Zeroizing::new(Vec::new())).await.unwrap();
        assert_eq!(vault.make(phrase("four words of mine")).await.unwrap_err().kind, ErrorKind::Invalid);

        let again = cheap(folder.path());
        assert!(again.exists() && again.is_locked());
        assert_eq!(again.get(first).await.unwrap_err().kind, ErrorKind::Denied);
        assert_eq!(again.unlock(phrase("five words of yours")).await.unwrap_err().kind, ErrorKind::Denied);
        assert!(again.is_locked());
        again.unlock(phrase("four words of mine")).await.unwrap();
        assert_eq!(again.get(first).await.unwrap().unwrap().as_slice(), b"db:5432\nhunter2");
        assert_eq!(again.get(second).await.unwrap().unwrap().as_slice(), b"");
        again.remove(first).await.unwrap();
        // The other instance sees it gone as well.
        assert!(vault.get(first).await.unwrap().is_none());

        let file = std::fs::read(&vault.path).unwrap();
        for bytes in ["hunter2", "db:5432", "four words"] {
            assert!(!file.windows(bytes.len()).any(|part| part == bytes.as_bytes()), "{bytes}");
        }
        let beside = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name());
        assert!(beside.into_iter().all(|name| !name.to_string_lossy().ends_with(".1")), "no older version");
        vault.destroy().await.unwrap();
        assert!(!vault.exists());
    }

    #[tokio::test]
    async fn a_changed_file_opens_with_no_passphrase_and_asks_for_no_endless_work() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap(folder.path());
        vault.make(phrase("four words of mine")).await.unwrap();
        let whole = std::fs::read_to_string(&vault.path).unwrap();
        let cost = |memory: &str| whole.replace("\"memory_kib\":64", &format!("\"memory_kib\":{memory}"));
        let sealed = |file: &str| file.replacen("\"sealed\":\"", "\"sealed\":\"AA", 1);
        for (changed, kind) in [
            (cost("128"), ErrorKind::Denied),
            (cost("4000000000"), ErrorKind::Decode),
            (cost("1"), ErrorKind::Decode),
            (sealed(&whole), ErrorKind::Decode),
            (whole.get(..whole.len() / 2).unwrap().to_owned(), ErrorKind::Decode),
            (whole.replace("\"headwater_vault\":1", "\"headwater_vault\":2"), ErrorKind::Decode),
        ] {
            std::fs::write(&vault.path, &changed).unwrap();
            let error = cheap(folder.path()).unlock(phrase("four words of mine")).await.unwrap_err();
            assert!(error.kind == kind || error.kind == ErrorKind::Denied, "{error} of {changed}");
        }
        std::fs::write(&vault.path, &whole).unwrap();
        cheap(folder.path()).unlock(phrase("four words of mine")).await.unwrap();
    }
}
