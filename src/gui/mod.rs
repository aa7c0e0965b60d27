//! The window: one of two faces over `ops`, drawn with egui.
//!
//! Why it looks like this: drawing functions take what they show by reference and return an action;
//! nothing here waits, reads disk or names a driver, so a frame never stalls.
//!
//! Invariants: colours only in [`theme`]; all data goes through the one [`grid`]; everything painted
//! by hand is one focusable node with a name; every mouse action has a key.

pub mod app;
mod apply;
pub mod command;
pub mod grid;
pub mod inspect;
pub mod palette;
pub mod panes;
pub mod region;
pub mod sources;
mod start;
pub mod tabs;
pub mod theme;
pub mod view_ctx;
pub mod widgets;

pub use start::{Backend, Life, Options, Renderer, run};
