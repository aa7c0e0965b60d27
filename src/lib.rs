//! Headwater.

pub mod safety;
