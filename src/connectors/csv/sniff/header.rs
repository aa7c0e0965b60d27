//! Whether a row names the columns under it.

use super::super::infer::ColumnSample;
use super::super::typing::{Shape, TypeKind, shape};

/// Words that name columns far more often than they are values.
const NAMES: &[&str] = &[
    "id",
    "key",
    "name",
    "date",
    "time",
    "timestamp",
    "datetime",
    "year",
    "month",
    "day",
    "hour",
    "type",
    "code",
    "value",
    "amount",
    "price",
    "cost",
    "total",
    "count",
    "quantity",
    "qty",
    "status",
    "state",
    "city",
    "country",
    "region",
    "address",
    "street",
    "zip",
    "postcode",
    "email",
    "phone",
    "url",
    "title",
    "description",
    "comment",
    "comments",
    "note",
    "notes",
    "category",
    "class",
    "group",
    "level",
    "score",
    "rate",
    "unit",
    "currency",
    "lat",
    "lon",
    "lng",
    "latitude",
    "longitude",
    "age",
    "gender",
    "sex",
    "first",
    "last",
    "firstname",
    "lastname",
    "surname",
    "user",
    "username",
    "customer",
    "product",
    "order",
    "item",
    "number",
    "no",
    "nr",
    "num",
    "index",
    "rank",
    "size",
    "length",
    "width",
    "height",
    "weight",
    "start",
    "end",
    "from",
    "to",
    "source",
    "target",
    "label",
    "text",
    "message",
    "version",
    "created",
    "updated",
    "nombre",
    "fecha",
    "nom",
    "prenom",
    "datum",
    "preis",
    "ort",
    "strasse",
    "plz",
    "wert",
    "anzahl",
    "land",
    "val",
    "col",
    "field",
    "column",
    "variable",
    "company",
    "department",
];

/// What the rows under a candidate look like, column by column.
pub(super) struct Body<'a> {
    /// Sampled types.
    pub(super) samples: Vec<ColumnSample>,
    /// The cells themselves, by row.
    pub(super) rows: Vec<Vec<&'a [u8]>>,
}

impl<'a> Body<'a> {
    pub(super) fn of(rows: &[Vec<&'a [u8]>], width: usize) -> Self {
        const MOST: usize = 300;
        let rows: Vec<Vec<&[u8]>> =
            rows.iter().filter(|row| row.len() == width).take(MOST).cloned().collect();
        let mut samples = vec![ColumnSample::default(); width];
        for row in &rows {
            for (sample, cell) in samples.iter_mut().zip(row) {
                sample.add(cell);
            }
        }
        Self { samples, rows }
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.rows.iter().filter_map(move |row| row.get(column).copied())
    }

    /// The rows without those that repeat a header.
    fn without(&self, header: &[&[u8]]) -> Self {
        let rows: Vec<Vec<&[u8]>> =
            self.rows.iter().filter(|row| row.as_slice() != header).cloned().collect();
        if rows.len() == self.rows.len() {
            return Self { samples: self.samples.clone(), rows };
        }
        Self::of(&rows, self.samples.len())
    }

    fn is_typed(&self, column: usize) -> bool {
        let kind = self.samples.get(column).map_or(TypeKind::Text, ColumnSample::kind);
        !matches!(kind, TypeKind::Text | TypeKind::Null)
    }
}

/// Above zero for a row that names its columns. `typed` says which columns contradict it as a value.
pub(super) fn score(row: &[&[u8]], body: &Body<'_>) -> (f32, usize) {
    // Zero bytes are damage or another kind of file, never a name.
    if row.iter().any(|cell| cell.contains(&0)) {
        return (-1.0, 0);
    }
    let body = &body.without(row);
    let mut total = 0.0;
    let mut contradicted = 0;
    for (column, cell) in row.iter().enumerate() {
        let name = cell.trim_ascii();
        match shape(name) {
            Shape::Empty if column == 0 => {}
            Shape::Empty => total -= 0.3,
            Shape::NullWord(_) => total -= 0.5,
            Shape::Text if body.is_typed(column) => {
                total += 1.5;
                contradicted += 1;
            }
            Shape::Text => total += text_score(name, column, body),
            _ if is_year(name) && body.cells(column).all(|cell| !is_year(cell.trim_ascii())) => total += 0.2,
            _ if body.is_typed(column) => total -= 1.5,
            // A year or a number may well name a column of text, but seldom does.
            _ => total -= 0.7,
        }
    }
    let mut seen = std::collections::HashSet::with_capacity(row.len());
    let doubles = row.iter().filter(|cell| !cell.is_empty() && !seen.insert(**cell)).count();
    total -= 0.5 * doubles as f32;
    if row.iter().all(|cell| cell.trim_ascii().is_empty()) {
        total -= 1.0;
    }
    (total, contradicted)
}

/// Whether a number may be a year; columns of a wide table are named so.
fn is_year(cell: &[u8]) -> bool {
    matches!(super::super::number::read_int(cell), Some(1900..=2100))
}

fn text_score(name: &[u8], column: usize, body: &Body<'_>) -> f32 {
    const ENOUGH_ROWS: usize = 3;
    if body.cells(column).any(|cell| cell.trim_ascii() == name) {
        return -1.0;
    }
    if is_name(name) {
        return 0.6;
    }
    let cells = body.cells(column).filter(|cell| !cell.is_empty()).count();
    if cells < ENOUGH_ROWS {
        return 0.1;
    }
    let length: usize = body.cells(column).map(<[u8]>::len).sum();
    if length > 20 * cells && length * 2 > 5 * cells * name.len() {
        return 0.4;
    }
    let pattern = classes(name);
    let alike = body.cells(column).filter(|cell| !cell.is_empty() && classes(cell) == pattern).count();
    if alike * 10 <= cells { 0.3 } else { -0.15 }
}

/// Whether one of the words of a name is a usual one.
fn is_name(name: &[u8]) -> bool {
    if name.len() > 60 {
        return false;
    }
    let mut words: Vec<String> = vec![String::new()];
    let mut before_lower = false;
    for byte in name {
        let starts_word = byte.is_ascii_uppercase() && before_lower;
        before_lower = byte.is_ascii_lowercase();
        if !byte.is_ascii_alphanumeric() || starts_word {
            words.push(String::new());
        }
        if byte.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(byte.to_ascii_lowercase() as char);
        }
    }
    words.iter().any(|word| NAMES.contains(&word.as_str()))
}

/// Which kinds of characters a text has: capitals first, capitals, small letters, digits, blanks, marks, others.
fn classes(text: &[u8]) -> u8 {
    let mut classes = u8::from(text.first().is_some_and(u8::is_ascii_uppercase));
    for byte in text {
        classes |= match byte {
            b'A'..=b'Z' => 2,
            b'a'..=b'z' => 4,
            b'0'..=b'9' => 8,
            b' ' => 16,
            b'_' => 32,
            0x80.. => 128,
            _ => 64,
        };
    }
    classes
}

/// Whether a row right under a header goes on naming: text over every typed column, and at least one in two filled.
pub(super) fn goes_on(row: &[&[u8]], body: &Body<'_>) -> bool {
    let typed: Vec<usize> = (0..row.len()).filter(|column| body.is_typed(*column)).collect();
    if typed.len() < 2 && (typed.is_empty() || row.len() > 3) {
        return false;
    }
    let names = typed.iter().filter(|column| shape(row[**column]) == Shape::Text).count();
    let values =
        typed.iter().filter(|column| !matches!(shape(row[**column]), Shape::Text | Shape::Empty)).count();
    values == 0 && names * 2 >= typed.len() && body.rows.len() >= 2
}

/// Unique names for all columns: what is missing is named by position, what is double gets a number.
pub(super) fn names(rows: &[Vec<String>], columns: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns);
    let mut taken = std::collections::HashSet::with_capacity(columns);
    for column in 0..columns {
        let parts = rows.iter().filter_map(|row| row.get(column)).map(|part| part.trim());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let base = if parts.is_empty() { format!("column_{}", column + 1) } else { parts.join(" ") };
        let mut name = base.clone();
        let mut copy = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base}_{copy}");
            copy += 1;
        }
        names.push(name);
    }
    names
}
