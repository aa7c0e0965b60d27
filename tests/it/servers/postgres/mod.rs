//! What only a real PostgreSQL can show.

mod estimates;
mod gate;
mod types;
