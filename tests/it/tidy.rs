//! The invariants of the code, as tests over the source tree.
