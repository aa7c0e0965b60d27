//! What SQL connectors share: the gate that lets only reads through, pages that follow a key, and quoting.
//!
//! Nothing here names a product: a connector brings its dialect, its lists of functions and its style of
//! quoting as data.

pub mod gate;
pub mod keyset;
pub mod quote;
pub mod span;
