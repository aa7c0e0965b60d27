//! The one integration-test binary: each further binary would cost another link of the whole program.
//!
//! Add a module here; keep every module under `#[cfg(test)]`, so that the lints know it for test code.

#[cfg(test)]
mod tidy;
