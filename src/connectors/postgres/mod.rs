//! PostgreSQL. What decodes its values.

pub mod copy;
pub mod decode;
pub mod types;
