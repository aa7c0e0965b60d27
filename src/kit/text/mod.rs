//! Text of foreign files: which encoding it is in, and its characters with nothing replaced.

pub mod decode;
pub mod encoding;
