//! PostgreSQL. What decodes its values.
#![expect(dead_code, reason = "the connector that uses it comes next")]

pub mod copy;
pub mod decode;
pub mod types;
