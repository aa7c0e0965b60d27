//! The parts of the window. Each is a drawing function over what it shows; it asks through
//! [`crate::gui::view_ctx::ViewCtx::send`].

pub mod catalog;
pub mod data;
pub mod drawer;
pub mod form;
pub mod help;
pub mod settings;
pub mod status;
pub mod welcome;
