//! What only a real PostgreSQL can show.

mod types;
