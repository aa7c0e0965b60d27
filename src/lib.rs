//! Headwater: the explorer for the systems upstream of a data engineer. One core, two faces.
//!
//! # The way of one read (everything else serves this line)
//! ```text
//! user points at a node ─▶ Source::plan(ReadSpec) ─▶ ReadPlan (the exact statements, shown verbatim)
//!   ─▶ Source::estimate(&plan) ─▶ LoadEstimate (intervals with provenance, effects)
//!   ─▶ Policy::approve(plan, estimate) ─▶ Permit   (or the load sheet asks; or it is refused)
//!   ─▶ guard::run(permit) → Source::read ─▶ Batches ─▶ ResultBuffer ─▶ grid / profile / export
//!   ─▶ LoadMeter: what it did cost ─▶ Ledger: estimate beside actual
//! ```
//! Preview, profile, export and probe are the same line with another `ReadSpec` and another sink.
//!
//! # The waist: what holds for every source (settled on files, tables, documents, keys and APIs)
//! - **A node is what its flags say.** `readable`: it has rows; `expandable`: it has children; it may be both (a
//!   key space is a table of its keys and a folder of them). No kind of node implies either.
//! - **A plan shows what will be sent.** A step is sent word by word; a step of kind `Pages` is sent once a page,
//!   with only its `{braces}` filled anew from the page before. Nothing else is sent by a read.
//! - **Columns may be unknown before reading** (`ReadPlan::schema` is then none): rows tell them, and every batch
//!   carries its schema. *Missing* is not null.
//! - **Counts may be unknown.** Absent is absent: never 0, never a count made by reading everything.
//! - **A page goes on from a [`model::read::Continuation`]**, opaque to all but its connector: key values, a row, a
//!   byte, a token. What can't be continued says so by giving none.
//! - **Cost is in the source's own currency** (blocks, bytes, requests, milliseconds of a single thread): a
//!   dimension each, judged by one rule against a capacity whose provenance is shown.
//! - **What a source does not do itself is done in the fetched rows** by [`connector::guard::run`], as the plan's
//!   pushdown says; a filter that only narrows is finished there.
//! - **Cancelling tells how far it reached**; rows that came stay, and a statement that stops or cleans up is written
//!   down like any other.
//! - **Nothing above the connectors asks which one it is.** Faces, ops, guard and tests go by card, form, abilities
//!   and facets; a new connector is a folder, two lines in `connectors/mod.rs` and a feature.
//!
//! # Layers (imports point down only; `tests/it/tidy.rs` holds it)
//! | layer | holds |
//! |---|---|
//! | 0 [`model`] | plain data: nodes, schemas, reads, batches, cells, loads, profiles, cards, errors |
//! | 1 [`job`] | jobs, call context, result buffer, remote values, the runtime |
//! | 1 [`store`] | what stays on disk: connections, settings, ledger; atomic saves |
//! | 1 [`safety`] | redaction, visible text, budgets, origins, gate verdicts, formula guard |
//! | 2 [`profiler`] | mergeable column states → profiles |
//! | 2 [`sinks`] | export writers and the manifest |
//! | 2 [`connector`] | the waist: `Connector`, `Source`, facets, the guard, the registry, conformance |
//! | 3 [`kit`] | machinery that several connectors share: SQL gate, quoting and paging, HTTP, the worker |
//! | 4 [`connectors`] | one folder each |
//! | 5 [`ops`] | what a user can do, written once for all sources |
//! | 6 [`cli`], `gui` | two faces over `ops` |
//!
//! # Invariants
//! A row is read only with a `Permit` · every statement is in its connector's command table and in the
//! ledger before it is sent · foreign bytes are parsed in the worker only (SQLite's own library is the one
//! exception) · upstream text is shown only through `safety::display` · no value passes through `f64`
//! unless that is its type · nothing blocks the window's thread · nothing panics on input.

pub mod cli;
pub mod connector;
pub mod connectors;
#[cfg(feature = "gui")]
pub mod gui;
pub mod job;
pub mod kit;
pub mod model;
pub mod ops;
pub mod profiler;
pub mod safety;
pub mod sinks;
pub mod store;
