//! SQLite: database files read in place.

pub mod gate;
