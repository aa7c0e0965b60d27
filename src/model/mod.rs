//! Plain data shared by every layer: what a source holds, what a read asks, what it will cost and
//! did cost, what was found. No async, no io, no egui; everything here can cross a process border.

pub mod ability;
pub mod batch;
pub mod card;
pub mod cell;
pub mod column_state;
pub mod command;
pub mod connection;
pub mod dice;
pub mod error;
pub mod filter;
pub mod gate;
pub mod load;
pub mod lost;
pub mod node;
pub mod order;
pub mod read;
pub mod schema;
pub mod standing;
pub mod stats;
pub mod tls;
pub mod units;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
