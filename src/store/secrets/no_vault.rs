//! What stands for the vault in a build without one.

use std::path::PathBuf;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::STAGE;
use crate::model::{Error, ErrorKind, Result};

/// No vault.
pub struct Vault;

fn none() -> Error {
    Error::new(ErrorKind::Unsupported, STAGE, "this build has no vault")
}

/// Why a locked vault gives nothing.
pub fn locked() -> Error {
    none()
}

impl Vault {
    /// None, wherever.
    pub fn at(_: PathBuf) -> Self {
        Self
    }

    /// Never.
    pub fn exists(&self) -> bool {
        false
    }

    /// Always.
    pub fn is_locked(&self) -> bool {
        true
    }

    /// # Errors
    /// `unsupported`.
    pub async fn make(&self, _: SecretString) -> Result<()> {
        Err(none())
    }

    /// # Errors
    /// `unsupported`.
    pub async fn unlock(&self, _: SecretString) -> Result<()> {
        Err(none())
    }

    /// # Errors
    /// `unsupported`.
    pub async fn destroy(&self) -> Result<()> {
        Err(none())
    }

    pub(super) async fn put(&self, _: uuid::Uuid, _: Zeroizing<Vec<u8>>) -> Result<()> {
        Err(none())
    }

    pub(super) async fn get(&self, _: uuid::Uuid) -> Result<Option<Zeroizing<Vec<u8>>>> {
        Ok(None)
    }

    pub(super) async fn remove(&self, _: uuid::Uuid) -> Result<()> {
        Ok(())
    }
}
