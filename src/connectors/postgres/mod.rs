//! PostgreSQL. What decodes its values, judges its queries and estimates its reads.

pub mod copy;
pub mod decode;
pub mod estimate;
pub mod gate;
pub mod types;
