//! The command table: everything this connector does to a file, as data. A file takes no statements; what is
//! written down is each read of its bytes, in words.

use crate::model::ability::CostClass::{self, Constant, Returned, Scan};
use crate::model::command::{CommandEntry, EntryId};
use crate::model::load::Intrusiveness;

/// The first look.
pub(super) const LOOK: EntryId = EntryId::of("look");
/// Counting rows in spread windows.
pub(super) const WINDOWS: EntryId = EntryId::of("spread_windows");
/// A page of rows.
pub(super) const ROWS: EntryId = EntryId::of("read_rows");
/// All rows, or those that a filter keeps.
pub(super) const PASS: EntryId = EntryId::of("read_pass");
/// A sample of windows.
pub(super) const SAMPLE_WINDOWS: EntryId = EntryId::of("sample_windows");
/// A sample of single rows.
pub(super) const SAMPLE_PASS: EntryId = EntryId::of("sample_pass");

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
        // The access time may change, and the system's cache takes in what is read.
        intrusiveness: Intrusiveness::I1,
        estimated_by,
        witness: "bytes counted by the worker's reader",
        versions: "any file",
        privilege: "read permission on the file",
    }
}

/// Everything this connector can do.
pub(super) static COMMANDS: &[CommandEntry] = &[
    entry(
        LOOK,
        "read the first, the middle and the last window of {file}",
        "how the file is written, what its columns hold, about how many rows it has",
        Constant,
        "constant: 224 KiB, or three lines where those are longer",
    ),
    entry(
        WINDOWS,
        "read {windows} windows spread over {file}",
        "the number of rows within two in a hundred",
        Constant,
        "constant: at most 2 MiB",
    ),
    entry(
        ROWS,
        "read {rows} rows of {file} from row {row}",
        "a page of rows",
        Returned,
        "rows × bytes of an ordinary row, from the last known place before them",
    ),
    entry(
        PASS,
        "read {file} from row {row} to its end{condition}",
        "all rows, or the rows for which a filter holds",
        Scan,
        "bytes of the file",
    ),
    entry(
        SAMPLE_WINDOWS,
        "read {rows} of {file} in windows spread over it",
        "a sample of neighbouring rows at random places",
        Returned,
        "rows × bytes of an ordinary row, and the start of each window",
    ),
    entry(
        SAMPLE_PASS,
        "read {file} to its end and keep {rows}",
        "a sample in which every row has the same chance",
        Scan,
        "bytes of the file",
    ),
];
