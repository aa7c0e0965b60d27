//! The command table: every request this connector sends on its own. `{…}` in a template stands for the path
//! with its query; whatever it is, it only reads.

use crate::model::ability::CostClass::{self, Constant, Returned};
use crate::model::command::{CommandEntry, EntryId};
use crate::model::load::Intrusiveness;

/// Headers of a resource.
pub(super) const LOOK: EntryId = EntryId::of("look");
/// The page that teaches how a resource is paged.
pub(super) const LEARN: EntryId = EntryId::of("learn");
/// A page of rows.
pub(super) const PAGE: EntryId = EntryId::of("page");

const fn entry(
    id: EntryId,
    template: &'static str,
    why: &'static str,
    cost: CostClass,
    estimated_by: &'static str,
) -> CommandEntry {
    CommandEntry {
        id,
        template,
        why,
        cost,
        // It stands in access logs and counts against the quota of the login.
        intrusiveness: Intrusiveness::I1,
        estimated_by,
        witness: "requests sent and bytes of bodies, counted by the client; X-RateLimit headers where sent",
        versions: "HTTP/1.1 and HTTP/2",
        privilege: "read access to the resource",
    }
}

/// Everything this connector can send.
pub(super) static COMMANDS: &[CommandEntry] = &[
    entry(
        LOOK,
        "HEAD {path}",
        "whether the server answers and lets us in; what its headers say of a resource",
        Constant,
        "constant: one request without a body",
    ),
    entry(
        LEARN,
        "GET {path}",
        "how a resource is paged, how many rows it has, how large they are",
        Returned,
        "constant: one request, stopped at 2 MiB",
    ),
    entry(
        PAGE,
        "GET {path}",
        "a page of rows",
        Returned,
        "rows ÷ rows a page × what a page was seen to cost",
    ),
];
