//! The selection as text: TSV, CSV, JSON or Markdown. Pure functions over a [`GridModel`].
//!
//! Invariant: values are whole and exact, never the cut line of the screen; what has not been fetched is counted.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::model::{GridCell, GridModel};

/// Most cells put on the clipboard at once.
pub const MOST_CELLS: u64 = 1_000_000;
/// Most bytes put on the clipboard at once; beyond, a file is offered.
pub const MOST_BYTES: usize = 5_000_000;

/// Text formats of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    /// Tab-separated without a header, as spreadsheets paste it.
    Tsv,
    /// Comma-separated with a header; null is nothing, empty text is `""`.
    Csv,
    /// A list of objects; missing members are left out.
    Json,
    /// A table.
    Markdown,
}

impl CopyFormat {
    /// In menu order.
    pub const ALL: [Self; 4] = [Self::Tsv, Self::Csv, Self::Json, Self::Markdown];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tsv => "TSV",
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Markdown => "Markdown",
        }
    }
}

/// A rendered selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The text.
    pub text: String,
    /// Cells in it.
    pub cells: u64,
    /// Of these, cells that were not fetched yet and came out as nothing.
    pub pending: u64,
}

/// The selection is larger than a clipboard should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// Cells asked for.
    pub cells: u64,
}

/// Render `columns` (model indices, in shown order) of `rows`.
///
/// # Errors
/// [`TooLarge`] above [`MOST_CELLS`] or [`MOST_BYTES`].
pub fn render(
    model: &dyn GridModel,
    columns: &[usize],
    rows: RangeInclusive<u64>,
    format: CopyFormat,
) -> Result<Copied, TooLarge> {
    let count = (rows.end() - rows.start()).saturating_add(1);
    let cells = count.saturating_mul(columns.len() as u64);
    if cells > MOST_CELLS {
        return Err(TooLarge { cells });
    }
    let names: Vec<&str> = columns
        .iter()
        .filter_map(|&column| model.columns().get(column))
        .map(|column| column.name.as_str())
        .collect();
    let mut out = Copied { text: String::new(), cells, pending: 0 };
    out.text.push_str(&head(&names, format));
    let (first, last) = (*rows.start(), *rows.end());
    for row in rows {
        if format == CopyFormat::Json && row > first {
            out.text.push_str(",\n");
        }
        push_row(&mut out, model, columns, &names, row, format);
        if out.text.len() > MOST_BYTES {
            return Err(TooLarge { cells });
        }
        let single_line = format == CopyFormat::Tsv && row == last;
        if format != CopyFormat::Json && !single_line {
            out.text.push('\n');
        }
    }
    if format == CopyFormat::Json {
        out.text.push_str("\n]\n");
    }
    Ok(out)
}

fn head(names: &[&str], format: CopyFormat) -> String {
    match format {
        CopyFormat::Tsv => String::new(),
        CopyFormat::Csv => names.iter().map(|name| quoted(name, ',')).collect::<Vec<_>>().join(",") + "\n",
        CopyFormat::Json => "[\n".to_owned(),
        CopyFormat::Markdown => {
            let cells: Vec<_> = names.iter().map(|name| markdown(name)).collect();
            format!("| {} |\n|{}\n", cells.join(" | "), "---|".repeat(names.len()))
        }
    }
}

fn push_row(
    out: &mut Copied,
    model: &dyn GridModel,
    columns: &[usize],
    names: &[&str],
    row: u64,
    format: CopyFormat,
) {
    let mut cells = Vec::with_capacity(columns.len());
    for (&column, name) in columns.iter().zip(names) {
        let cell = model.cell(row, column);
        out.pending += u64::from(cell == GridCell::Pending);
        match format {
            CopyFormat::Tsv => cells.push(separated(&cell, '\t')),
            CopyFormat::Csv => cells.push(separated(&cell, ',')),
            CopyFormat::Markdown => cells.push(markdown(&plain(&cell))),
            CopyFormat::Json if cell == GridCell::Missing => {}
            CopyFormat::Json => cells.push(format!("{}:{}", json_text(name), json(&cell))),
        }
    }
    match format {
        CopyFormat::Tsv => out.text.push_str(&cells.join("\t")),
        CopyFormat::Csv => out.text.push_str(&cells.join(",")),
        CopyFormat::Markdown => {
            out.text.push_str("| ");
            out.text.push_str(&cells.join(" | "));
            out.text.push_str(" |");
        }
        CopyFormat::Json => {
            out.text.push('{');
            out.text.push_str(&cells.join(","));
            out.text.push('}');
        }
    }
}

/// A cell's whole text; nothing for what is not a value.
pub fn plain(cell: &GridCell<'_>) -> String {
    match cell {
        GridCell::Pending | GridCell::Null | GridCell::Missing => String::new(),
        GridCell::Number(text) | GridCell::Text(text) | GridCell::Code(text) | GridCell::Word(text) => {
            text.clone().into_owned()
        }
        GridCell::Bytes(bytes) | GridCell::Invalid(bytes) => {
            let mut out = String::from("0x");
            for byte in bytes.iter() {
                if write!(out, "{byte:02x}").is_err() {
                    break;
                }
            }
            out
        }
    }
}

fn separated(cell: &GridCell<'_>, separator: char) -> String {
    match cell {
        GridCell::Text(text) if text.is_empty() => "\"\"".to_owned(),
        cell => quoted(&plain(cell), separator),
    }
}

fn quoted(text: &str, separator: char) -> String {
    if text.contains([separator, '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn markdown(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace("\r\n", "<br>").replace(['\n', '\r'], "<br>")
}

fn json(cell: &GridCell<'_>) -> String {
    match cell {
        GridCell::Pending | GridCell::Null => "null".to_owned(),
        GridCell::Missing => "{\"$missing\":true}".to_owned(),
        GridCell::Number(text) if is_json_number(text) => text.clone().into_owned(),
        GridCell::Word(text) if matches!(text.as_ref(), "true" | "false") => text.clone().into_owned(),
        GridCell::Number(text) | GridCell::Text(text) | GridCell::Code(text) | GridCell::Word(text) => {
            json_text(text)
        }
        GridCell::Bytes(bytes) => format!("{{\"$bytes\":\"{}\"}}", BASE64.encode(bytes)),
        GridCell::Invalid(bytes) => format!("{{\"$invalid\":\"{}\"}}", BASE64.encode(bytes)),
    }
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether the digits may stand in JSON as they are.
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::super::model::{GridColumn, RowCount};
    use super::*;

    struct Fixed {
        columns: Vec<GridColumn>,
        rows: Vec<Vec<GridCell<'static>>>,
    }

    impl GridModel for Fixed {
        fn name(&self) -> &str {
            "fixed"
        }
        fn columns(&self) -> &[GridColumn] {
            &self.columns
        }
        fn row_count(&self) -> RowCount {
            RowCount::Exact(self.rows.len() as u64)
        }
        fn cell(&self, row: u64, column: usize) -> GridCell<'_> {
            self.rows[usize::try_from(row).unwrap()][column].clone()
        }
        fn want(&mut self, _rows: std::ops::Range<u64>) {}
    }

    fn fixed() -> Fixed {
        let column = |name: &str| GridColumn { name: name.into(), ..GridColumn::default() };
        Fixed {
            columns: vec![column("id"), column("a|b"), column("x,y")],
            rows: vec![
                vec![
                    GridCell::Number("12345678901234567890".into()),
                    GridCell::Text("say \"hi\", a\tb".into()),
                    GridCell::Null,
                ],
                vec![GridCell::Number("007".into()), GridCell::Text("".into()), GridCell::Missing],
                vec![GridCell::Word("true".into()), GridCell::Bytes(vec![0, 255].into()), GridCell::Pending],
            ],
        }
    }

    fn copy(format: CopyFormat) -> Copied {
        render(&fixed(), &[0, 1, 2], 0..=2, format).unwrap()
    }

    #[test]
    fn tsv_quotes_what_would_split_a_cell() {
        let expected = "12345678901234567890\t\"say \"\"hi\"\", a\tb\"\t\n007\t\"\"\t\ntrue\t0x00ff\t";
        assert_eq!(copy(CopyFormat::Tsv).text, expected);
    }

    #[test]
    fn csv_has_a_header_and_tells_null_from_empty() {
        let expected =
            "id,a|b,\"x,y\"\n12345678901234567890,\"say \"\"hi\"\", a\tb\",\n007,\"\",\ntrue,0x00ff,\n";
        assert_eq!(copy(CopyFormat::Csv).text, expected);
    }

    #[test]
    fn json_keeps_digits_exact_and_stays_json() {
        let copied = copy(CopyFormat::Json);
        let expected = concat!(
            "[\n{\"id\":12345678901234567890,\"a|b\":\"say \\\"hi\\\", a\\tb\",\"x,y\":null},\n",
            "{\"id\":\"007\",\"a|b\":\"\"},\n",
            "{\"id\":true,\"a|b\":{\"$bytes\":\"AP8=\"},\"x,y\":null}\n]\n",
        );
        assert_eq!(copied.text, expected);
        serde_json::from_str::<serde_json::Value>(&copied.text).unwrap();
    }

    #[test]
    fn markdown_escapes_its_bars() {
        let text = copy(CopyFormat::Markdown).text;
        assert!(text.starts_with("| id | a\\|b | x,y |\n|---|---|---|\n"), "{text}");
        assert!(text.lines().all(|line| line.starts_with('|') && line.ends_with('|')));
    }

    #[test]
    fn cells_that_are_not_here_yet_are_counted() {
        assert_eq!((copy(CopyFormat::Tsv).cells, copy(CopyFormat::Tsv).pending), (9, 1));
    }

    #[test]
    fn a_selection_too_large_for_a_clipboard_is_refused_at_once() {
        let all = render(&fixed(), &[0, 1, 2], 0..=u64::MAX, CopyFormat::Tsv);
        assert_eq!(all, Err(TooLarge { cells: u64::MAX }));
    }

    #[test]
    fn only_json_numbers_stand_bare() {
        for (text, bare) in [
            ("0", true),
            ("-1.5e+10", true),
            ("1E5", true),
            ("01", false),
            ("1.", false),
            (".5", false),
            ("NaN", false),
            ("", false),
            ("-", false),
            ("+1", false),
        ] {
            assert_eq!(is_json_number(text), bare, "{text:?}");
        }
    }
}
