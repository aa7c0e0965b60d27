//! What only a real PostgreSQL can show.

mod gate;
mod types;
