//! The command table of every file format: what is done to a file, in words. A format states its look; the rest is
//! the same for all.

use crate::model::ability::CostClass;
use crate::model::command::{CommandEntry, EntryId};
use crate::model::load::Intrusiveness;

/// Ids of the entries.
pub mod id {
    use crate::model::command::EntryId;

    /// The first look.
    pub const LOOK: EntryId = EntryId::of("look");
    /// Counting rows in spread windows.
    pub const COUNT: EntryId = EntryId::of("count_windows");
    /// What headers know of the columns.
    pub const CATALOG: EntryId = EntryId::of("catalog_profile");
    /// A page of rows.
    pub const ROWS: EntryId = EntryId::of("read_rows");
    /// All rows, or those that a filter keeps.
    pub const PASS: EntryId = EntryId::of("read_pass");
    /// A sample of windows.
    pub const SAMPLE_WINDOWS: EntryId = EntryId::of("sample_windows");
    /// A sample of single rows.
    pub const SAMPLE_PASS: EntryId = EntryId::of("sample_pass");
    /// The files of a folder.
    pub const LIST: EntryId = EntryId::of("list_folder");
    /// Rows of one file of a folder.
    pub const PART: EntryId = EntryId::of("read_file");
}

/// An entry of a file's command table.
pub const fn entry(
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

/// The command table of a format, from the template of its look (`"read the footer of {file}"`), what the look tells
/// and what it costs.
pub const fn commands(look: &'static str, tells: &'static str, cost: &'static str) -> [CommandEntry; 7] {
    let of = (look, tells, cost);
    [
        numbered(0, of),
        numbered(1, of),
        numbered(2, of),
        numbered(3, of),
        numbered(4, of),
        numbered(5, of),
        numbered(6, of),
    ]
}

/// The same for a format of which a folder of files can be read as one table: having these entries is what lets it.
pub const fn commands_with_folders(
    look: &'static str,
    tells: &'static str,
    cost: &'static str,
) -> [CommandEntry; 9] {
    let of = (look, tells, cost);
    [
        numbered(0, of),
        numbered(1, of),
        numbered(2, of),
        numbered(3, of),
        numbered(4, of),
        numbered(5, of),
        numbered(6, of),
        numbered(7, of),
        numbered(8, of),
    ]
}

/// The entries in the order in which they are listed.
const fn numbered(
    number: u8,
    (look, tells, cost): (&'static str, &'static str, &'static str),
) -> CommandEntry {
    use CostClass::{Constant, Returned, Scan};
    match number {
        0 => entry(id::LOOK, look, tells, Constant, cost),
        1 => entry(
            id::COUNT,
            "count rows in windows spread over {table}",
            "the number of rows within two in a hundred",
            Constant,
            "constant: at most 4 MiB",
        ),
        2 => entry(
            id::CATALOG,
            "take the profile of {table} from its headers",
            "what the file itself states of its columns",
            Constant,
            "the bytes of the first look",
        ),
        3 => entry(
            id::ROWS,
            "read {rows} rows of {table} from row {row}",
            "a page of rows",
            Returned,
            "the rows' share of the bytes of their columns, in whole pages or blocks",
        ),
        4 => entry(
            id::PASS,
            "read {table} from row {row} to its end{condition}",
            "all rows, or the rows for which a filter holds",
            Scan,
            "bytes of the columns read",
        ),
        5 => entry(
            id::SAMPLE_WINDOWS,
            "read {rows} of {table} in windows spread over it",
            "a sample of neighbouring rows at random places",
            Returned,
            "the windows' share of the bytes of their columns",
        ),
        6 => entry(
            id::SAMPLE_PASS,
            "read {table} to its end and keep {rows}",
            "a sample in which every row has the same chance",
            Scan,
            "bytes of the columns read",
        ),
        7 => entry(
            id::LIST,
            "list the files in {folder} and the folders in it",
            "which files are one table, and what their folders' names say of their rows",
            Constant,
            "one look at each folder, 200 000 entries at most",
        ),
        _ => entry(
            id::PART,
            "read rows of {file}, one of {count} files of {folder}",
            "rows of a folder read as one table, file after file",
            Scan,
            "bytes of the columns read, of as many files as it takes",
        ),
    }
}
