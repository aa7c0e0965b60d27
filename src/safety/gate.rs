//! The answer of a gate, where the other safety modules are looked for. The type itself is plain data.

pub use crate::model::gate::{GateVerdict, UnknownWord};
