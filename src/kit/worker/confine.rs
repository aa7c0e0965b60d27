//! How the guest locks itself in before it reads a byte: small limits, dying with its parent, and on Linux
//! no paths, no network and no signals to others. Limits hold or the guest ends; Landlock is as much as
//! the kernel knows, and the guest tells how much that was.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::message::Confined;
use super::{Limits, MAX_FILES};
use crate::model::{Error, Result};

/// Descriptors beside those of the job: three standard ones, the socket, its clones, Landlock's.
const OWN_DESCRIPTORS: u64 = 16;

/// Sets everything that holds whatever the job is. Call it before any other thread is started.
pub(super) fn enter() -> Result<Confined> {
    die_with_parent()?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, MAX_FILES as u64 + OWN_DESCRIPTORS)?;
    Ok(lock())
}

/// Sets the limits of a job.
pub(super) fn apply(limits: &Limits) -> Result<()> {
    limit(Resource::Data, limits.memory_bytes)?;
    // The soft limit sends SIGXCPU, which ends the process; the hard one is for a guest that ignores it.
    set(Resource::Cpu, u64::from(limits.cpu_seconds), u64::from(limits.cpu_seconds).saturating_add(2))
}

fn limit(resource: Resource, value: u64) -> Result<()> {
    set(resource, value, value)
}

fn set(resource: Resource, soft: u64, hard: u64) -> Result<()> {
    let known = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let new = Rlimit { current: Some(soft.min(known)), maximum: Some(hard.min(known)) };
    setrlimit(resource, new)
        .map_err(|error| Error::io("start", format!("limiting the worker's {resource:?}"), &error.into()))
}

#[cfg(target_os = "linux")]
fn die_with_parent() -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|error| Error::io("start", "tying the worker to its parent", &error.into()))
}

// Elsewhere the closed socket tells the guest that its parent is gone.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Linux")]
fn die_with_parent() -> Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn lock() -> Confined {
    use landlock::{ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus, Scope};
    // Everything that is handled and not allowed by a rule is denied; there is no rule.
    let locked = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V10))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V10)))
        .and_then(|rules| rules.scope(Scope::from_all(ABI::V10)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    match locked.map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => Confined::Fully,
        Ok(RulesetStatus::PartiallyEnforced) => Confined::Partly,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Confined::LimitsOnly,
    }
}

#[cfg(not(target_os = "linux"))]
fn lock() -> Confined {
    Confined::LimitsOnly
}
