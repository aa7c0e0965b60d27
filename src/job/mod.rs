//! Background work. One tokio runtime, owned here; jobs with cancel, progress and a meter; rows into an
//! append-only buffer that a window reads by snapshot; remote values that keep their previous state.
//! Nothing here knows egui: waking up is a std `Waker`.
//!
//! Invariants: exactly one end per job · rows that came stay when a job is cancelled · every channel is
//! bounded · a dropped [`Remote`] cancels its job.

pub mod buffer;
pub mod caught;
pub mod ctx;
pub mod jobs;
pub mod meter;
pub mod recorder;
pub mod remote;
pub mod runtime;
pub mod sink;

pub use buffer::{ResultBuffer, Snapshot};
pub use ctx::{CallCtx, CancelReport, HookGuard, Progress};
pub use jobs::{Job, JobEvent, JobId, JobState, Jobs};
pub use meter::LoadMeter;
pub use recorder::{NoRecorder, Recorder, StatementEnd};
pub use remote::Remote;
pub use runtime::Runtime;
pub use sink::{BatchSink, Flow};
