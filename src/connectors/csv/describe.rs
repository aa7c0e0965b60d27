//! What is told of a file without reading its rows: what the first look found out, each with how it is known.

use super::dialect::{Delimiter, Escape, Header, LineEnd};
use super::layout::{KnownRows, Layout};
use super::open::Packing;
use super::source::{CsvSource, Known};
use crate::model::load::Provenance;
use crate::model::node::{Description, Detail, Known as KnownValue, Node, NodeKind, NodePath};
use crate::model::schema::Schema;
use crate::model::units::count_text;

/// The file as a node.
pub(super) fn node(source: &CsvSource, known: &Known) -> Node {
    let rows = match known.layout.rows {
        KnownRows::Exact(rows) => Some(KnownValue::exact(rows)),
        KnownRows::Estimated(rows) => {
            let design = "windows spread over the file".to_owned();
            Some(KnownValue::by(rows.mid.round() as u64, Provenance::Sampled { n: rows.windows, design }))
        }
        KnownRows::Unknown => None,
    };
    Node {
        path: source.node(),
        name: source.name.clone(),
        kind: NodeKind::File,
        readable: true,
        expandable: false,
        rows,
        bytes: Some(KnownValue::exact(known.layout.file_bytes)),
        note: None,
    }
}

/// The source itself.
pub(super) fn root(source: &CsvSource, known: &Known) -> Description {
    let file = node(source, known);
    Description {
        node: Node {
            path: NodePath::root(),
            kind: NodeKind::Folder,
            readable: false,
            expandable: true,
            rows: None,
            ..file
        },
        schema: Schema::default(),
        keys: Vec::new(),
        indexes: Vec::new(),
        details: vec![Detail::new("path", source.path.display().to_string(), Provenance::Exact)],
        ddl: None,
        notes: Vec::new(),
    }
}

/// The table in the file.
pub(super) fn table(source: &CsvSource, known: &Known) -> Description {
    let layout = &known.layout;
    Description {
        node: node(source, known),
        schema: layout.schema(),
        keys: Vec::new(),
        indexes: Vec::new(),
        details: details(layout),
        ddl: None,
        notes: notes(layout),
    }
}

fn details(layout: &Layout) -> Vec<Detail> {
    let found = || Provenance::Sampled { n: 3, design: "first, middle and last window".to_owned() };
    let dialect = &layout.written.dialect;
    let mut details = vec![
        Detail::new("delimiter", dialect.delimiter.to_string(), found()),
        Detail::new("encoding", layout.written.encoding.name(), found()),
        Detail::new("header", header(layout.written.header), found()),
        Detail::new("line ends", line_end(dialect.line_end), found()),
        Detail::new("certainty", format!("{:.0} of 100", layout.written.confidence * 100.0), found()),
    ];
    if dialect.delimiter != Delimiter::Absent {
        details.insert(1, Detail::new("quote", quote(dialect.quote, dialect.escape), found()));
    }
    if let Some(comment) = dialect.comment {
        let mark = String::from_utf8_lossy(comment.prefix()).into_owned();
        details.push(Detail::new("comments", format!("lines that open with {mark}"), found()));
    }
    if layout.packing != Packing::Plain {
        details.push(Detail::new("packed with", layout.packing.word(), Provenance::Exact));
    }
    if let Some(bytes) = layout.unpacked_hint {
        let rule = Provenance::Declared { who: "the file itself".to_owned() };
        details.push(Detail::new("unpacked size", format!("{} bytes", count_text(bytes)), rule));
    }
    details.extend(layout.written.evidence.iter().map(|line| {
        let (about, why) = line.split_once(": ").unwrap_or(("why", line));
        Detail::new(format!("evidence, {about}"), why, found())
    }));
    details
}

fn quote(quote: Option<u8>, escape: Escape) -> String {
    match (quote.map(char::from), escape) {
        (None, _) => "none".to_owned(),
        (Some(quote), Escape::Doubled) => format!("{quote}, twice within quotes"),
        (Some(quote), Escape::Backslash) => format!("{quote}, after a backslash within quotes"),
    }
}

fn header(header: Header) -> String {
    match header {
        Header::Absent => "none".to_owned(),
        Header::InComment => "the last comment line".to_owned(),
        Header::Lines(1) => "one line".to_owned(),
        Header::Lines(lines) => format!("{lines} lines"),
    }
}

fn line_end(end: LineEnd) -> &'static str {
    match end {
        LineEnd::Lf => "LF",
        LineEnd::CrLf => "CR LF",
        LineEnd::Cr => "CR",
        LineEnd::Mixed => "LF, CR LF and CR",
    }
}

fn notes(layout: &Layout) -> Vec<String> {
    let mut notes = Vec::new();
    if layout.file_bytes == 0 {
        notes.push("the file is empty".to_owned());
    }
    if layout.packing != Packing::Plain {
        notes.push(
            "packed: it can only be read from its beginning, so pages far in cost as much as all before them"
                .to_owned(),
        );
    }
    if layout.written.preamble_lines > 0 {
        notes.push(format!("{} line(s) before the table are left out", layout.written.preamble_lines));
    }
    if layout.written.footer_lines > 0 {
        notes.push(format!("{} line(s) after the table are left out", layout.written.footer_lines));
    }
    if layout.zero_bytes > 0 {
        notes.push(format!(
            "{} zero bytes in what was looked at: the file may be damaged, sparse or not text",
            count_text(layout.zero_bytes)
        ));
    }
    if layout.written.confidence < 0.6 && layout.written.names.len() > 1 {
        notes.push("how the file is written is not beyond doubt: it can be set in the connection".to_owned());
    }
    for note in &layout.notes {
        if let Some(name) = layout.written.names.get(note.column)
            && notes.len() < 20
        {
            notes.push(format!("column {name}: {}", note.text));
        }
    }
    notes
}
