//! What only a real PostgreSQL can show.

mod about;
mod estimates;
mod gate;
mod types;
