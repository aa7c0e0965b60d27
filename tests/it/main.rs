//! The one integration-test binary: each further binary would cost another link of the whole program.
//!
//! Add a module here; keep every module under `#[cfg(test)]`, so that the lints know it for test code.

#[cfg(test)]
#[cfg(feature = "testkit")]
mod conformance;
#[cfg(test)]
#[cfg(feature = "csv")]
mod csv;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod export;
#[cfg(test)]
#[cfg(feature = "full")]
mod files;
#[cfg(test)]
#[cfg(feature = "testkit")]
mod fixtures;
#[cfg(test)]
#[cfg(all(feature = "gui", feature = "sqlite"))]
mod gui_data;
#[cfg(test)]
#[cfg(all(feature = "gui", feature = "csv"))]
mod gui_form;
#[cfg(test)]
#[cfg(feature = "gui")]
mod gui_grid;
#[cfg(test)]
#[cfg(all(feature = "gui", feature = "csv"))]
mod gui_keys;
#[cfg(test)]
#[cfg(all(feature = "gui", feature = "sqlite"))]
mod gui_memory;
#[cfg(test)]
#[cfg(all(feature = "gui", feature = "testkit"))]
mod gui_registry;
#[cfg(test)]
#[cfg(all(feature = "gui", feature = "sqlite"))]
mod gui_states;
#[cfg(test)]
#[cfg(feature = "gui")]
mod gui_widgets;
#[cfg(test)]
#[cfg(feature = "gui")]
mod gui_window;
#[cfg(test)]
#[cfg(all(feature = "sqlite", feature = "csv"))]
mod harsh;
#[cfg(test)]
#[cfg(all(unix, feature = "full"))]
mod odd_files;
#[cfg(test)]
#[cfg(all(unix, feature = "rest", feature = "testkit"))]
mod rest;
#[cfg(test)]
#[cfg(all(unix, feature = "full", feature = "testkit"))]
mod servers;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(test)]
#[expect(clippy::string_slice, reason = "a test may die on a source file it cannot read")]
mod tidy;

#[cfg(test)]
#[cfg(unix)]
mod worker;
