//! What stays on disk. Knows no connector and sends nothing.
//!
//! - [`atomic`]: a file is the old content or the new one, never half of either.
//! - [`paths`]: where things lie.
//! - [`connections`]: saved connections, secret-free by type, in one file a person can read.
//! - [`settings`]: how the window looks and what was open.
//! - [`ledger`]: what was asked of whom, the estimate beside the actual.
//! - [`secrets`]: secrets in the keychain, behind a passphrase, or of this run only.
//!
//! Invariants: a kill at any point loses neither the old nor the new content · two running instances do
//! not lose each other's edits · a file that can't be understood is never overwritten · where something
//! could not be kept on disk, that is a state the faces show, never a silence.

pub mod atomic;
pub mod connections;
pub mod ledger;
pub mod paths;
pub mod secrets;
pub mod settings;
