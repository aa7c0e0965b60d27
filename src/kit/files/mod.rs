//! Files as sources: everything that is the same for every format, so that a format's connector is a card, facts,
//! docs, a command table and a [`FileReader`] that runs in the worker — and nothing else.
//!
//! # The way of a file
//! ```text
//! host                                        worker (foreign bytes only here)
//! FileConnector::connect ── job `look` ─────▶ FileReader::look(input, settings) ─▶ Outline: tables with schema,
//!                                             row count, cost; header facts; findings
//! FileSource: children = the outline's tables · describe = their facts · plan and estimate = from the outline
//!             read       ── job `rows` ─────▶ FileReader::rows(input, ask, out)
//!                                             RowsOut: filter, columns, bounds, samples, profiles, continuation
//! ```
//!
//! # Writing a format
//! 1. `connectors/NAME/parse.rs`: a unit struct implementing [`FileReader`]. `look` reads headers, footers and
//!    windows only and fills an [`Outline`]; a file that is one table leaves [`Table::path`] empty (the node then has
//!    the file's name). `rows` decodes the columns of [`Ask::columns`], in that order, from [`Ask::stretch`] on and
//!    gives each row to [`RowsOut::row`] (or whole Arrow batches to [`RowsOut::batch`]) until that says
//!    [`Flow::Enough`](crate::job::Flow::Enough). Nothing else is to be done: the bound, the filter, the sample,
//!    the profile and the page's end are `RowsOut`'s. What can't be kept goes to [`RowsOut::lost`], what contradicts
//!    itself to [`RowsOut::disagrees`]. [`Table::state`] carries whatever `rows` needs of what `look` found.
//! 2. `connectors/NAME/mod.rs`: the [`Card`](crate::model::card::Card), a static [`FileFormat`], the static
//!    [`FileConnector`] over both and the static [`FileParser`] over the reader; `commands.rs`: the table by
//!    [`commands()`].
//! 3. `connectors/mod.rs`: the connector and the parser; `tests/it/fixtures`: an upstream of known content.
//!
//! Invariants: no format code runs in the host · a look costs headers and windows, whatever the size of the file · an
//! error in the middle keeps the rows before it and is told as a loss · every byte taken is counted by [`Input`].

pub mod arrays;
mod commands;
mod connector;
mod describe;
pub mod disk;
pub mod estimate;
mod folder;
pub mod open;
mod outline;
mod partition;
mod plan;
mod reader;
mod rows;
pub mod sample;
mod source;
pub mod stretch;
pub mod work;

pub use commands::{commands, commands_with_folders, entry, id};
pub use connector::{FileConnector, FileFormat, no_settings};
pub use open::{ByteStore, Bytes, FileInput, Input, Packing};
pub use outline::{Cost, Group, Outline, RowCount, Table, Windows};
pub use reader::{Ask, FileParser, FileReader, Place, RowsEnd, Stretch, broken};
pub use rows::RowsOut;
