//! What a user fixes in the form of a connection, turned into overrides of the sniffer.

use super::decode::TextEncoding;
use super::dialect::{Comment, Delimiter, Escape, Header, Overrides, QuoteChoice};
use crate::model::card::{FieldKind, FormField, Need};
use crate::model::connection::Connection;
use crate::model::{Error, ErrorKind, Result};

/// Extensions of delimited files, packed ones first.
pub(super) const EXTENSIONS: &[&str] = &[
    "csv.zst", "tsv.zst", "tab.zst", "psv.zst", "txt.zst", "csv.bz2", "tsv.bz2", "tab.bz2", "psv.bz2",
    "txt.bz2", "csv.gz", "tsv.gz", "tab.gz", "psv.gz", "txt.gz", "csv.xz", "tsv.xz", "tab.xz", "psv.xz",
    "txt.xz", "csv", "tsv", "tab", "psv", "txt", "dat",
];

const AUTO: &str = "auto";

const fn field(key: &'static str, label: &'static str, help: &'static str, kind: FieldKind) -> FormField {
    FormField { key, label, help, kind, need: Need::Optional, default: Some(AUTO) }
}

/// The fields of the form.
pub(super) static FIELDS: &[FormField] = &[
    FormField {
        key: Connection::PATH,
        label: "File",
        help: "the file; plain, gzip, zstd, bzip2 or xz",
        kind: FieldKind::File { extensions: EXTENSIONS },
        need: Need::Required,
        default: None,
    },
    field("delimiter", "Delimiter", "one to four characters, or tab, space, spaces, none", FieldKind::Text),
    field(
        "quote",
        "Quote",
        "what stands around cells that hold delimiters or line ends",
        FieldKind::Choice {
            options: &[
                (AUTO, "found out"),
                ("double", "double quote"),
                ("single", "apostrophe"),
                ("none", "none"),
            ],
        },
    ),
    field(
        "escape",
        "Quote inside quotes",
        "how a quote is written within quotes",
        FieldKind::Choice {
            options: &[(AUTO, "found out"), ("doubled", "twice"), ("backslash", "after a backslash")],
        },
    ),
    field("encoding", "Encoding", "such as utf-8, windows-1252, utf-16le, shift_jis", FieldKind::Text),
    field(
        "header",
        "Header",
        "which lines name the columns",
        FieldKind::Choice {
            options: &[
                (AUTO, "found out"),
                ("none", "none"),
                ("1", "one line"),
                ("2", "two lines"),
                ("3", "three lines"),
            ],
        },
    ),
    field(
        "skip_lines",
        "Lines to skip",
        "lines before the table to leave out",
        FieldKind::Number { min: 0, max: 1_000_000 },
    ),
    field(
        "comment",
        "Comments",
        "what opens a line that is no row",
        FieldKind::Choice { options: &[(AUTO, "found out"), ("#", "#"), ("//", "//"), ("--", "--")] },
    ),
    field(
        "nulls",
        "Null spellings",
        "words that mean no value, parted by blanks; an empty cell always does",
        FieldKind::Text,
    ),
];

/// The overrides of a connection.
///
/// # Errors
/// `invalid`, naming the field.
pub(super) fn overrides(connection: &Connection) -> Result<Overrides> {
    let value = |key: &str| {
        let value = connection.values.get(key).map(String::as_str).unwrap_or(AUTO);
        (!value.is_empty() && value != AUTO).then_some(value)
    };
    let mut found = Overrides::default();
    if let Some(text) = value("delimiter") {
        let text = if text == "none" { "" } else { text };
        found.delimiter = Some(Delimiter::parse(text).ok_or_else(|| {
            invalid("delimiter", text, "give one to four bytes, or tab, space, spaces, none")
        })?);
    }
    found.quote = choice("quote", value("quote"), |text| match text {
        "double" | "\"" => Some(QuoteChoice::Byte(b'"')),
        "single" | "'" => Some(QuoteChoice::Byte(b'\'')),
        "none" => Some(QuoteChoice::Absent),
        _ => None,
    })?;
    found.escape = choice("escape", value("escape"), |text| match text {
        "doubled" => Some(Escape::Doubled),
        "backslash" => Some(Escape::Backslash),
        _ => None,
    })?;
    found.header = choice("header", value("header"), |text| match text {
        "none" | "0" => Some(Header::Absent),
        _ => text.parse().ok().filter(|lines| (1..=9).contains(lines)).map(Header::Lines),
    })?;
    found.comment = choice("comment", value("comment"), |text| {
        [Comment::Hash, Comment::Slashes, Comment::Dashes]
            .into_iter()
            .find(|mark| mark.prefix() == text.as_bytes())
    })?;
    found.skip_lines = choice("skip_lines", value("skip_lines"), |text| text.parse().ok())?;
    if let Some(label) = value("encoding") {
        if TextEncoding::for_label(label).is_none() {
            return Err(invalid(
                "encoding",
                label,
                "use a name such as utf-8, utf-16le, windows-1252 or shift_jis",
            ));
        }
        found.encoding = Some(label.to_owned());
    }
    found.null_spellings =
        value("nulls").map(|words| words.split_whitespace().take(32).map(str::to_owned).collect());
    Ok(found)
}

fn choice<T>(key: &str, value: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    match value {
        None => Ok(None),
        Some(text) => read(text)
            .map(Some)
            .ok_or_else(|| invalid(key, text, "see the form of the connection for what it takes")),
    }
}

fn invalid(key: &str, value: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Invalid, "connect", format!("{value:?} is no {key} of a delimited file")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Overrides> {
        let connection =
            pairs.iter().fold(Connection::new("x", super::super::ID), |connection, (key, value)| {
                connection.value(*key, *value)
            });
        overrides(&connection)
    }

    #[test]
    fn every_field_of_the_form_reaches_the_sniffer() {
        assert_eq!(read(&[]).unwrap(), Overrides::default());
        assert_eq!(
            read(&[("delimiter", "auto"), ("quote", ""), ("header", "auto")]).unwrap(),
            Overrides::default()
        );
        let all = [
            ("delimiter", "tab"),
            ("quote", "single"),
            ("escape", "backslash"),
            ("encoding", "latin1"),
            ("header", "2"),
            ("skip_lines", "3"),
            ("comment", "//"),
            ("nulls", "NA  ?"),
        ];
        let expected = Overrides {
            delimiter: Some(Delimiter::Byte(b'\t')),
            quote: Some(QuoteChoice::Byte(b'\'')),
            escape: Some(Escape::Backslash),
            encoding: Some("latin1".into()),
            header: Some(Header::Lines(2)),
            skip_lines: Some(3),
            comment: Some(Comment::Slashes),
            null_spellings: Some(vec!["NA".into(), "?".into()]),
        };
        assert_eq!(read(&all).unwrap(), expected);
        assert_eq!(read(&[("delimiter", "none")]).unwrap().delimiter, Some(Delimiter::Absent));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let rows = [
            ("delimiter", "|~|~|"),
            ("quote", "x"),
            ("escape", "slash"),
            ("encoding", "klingon"),
            ("header", "many"),
            ("skip_lines", "-1"),
            ("comment", "%"),
        ];
        for (key, value) in rows {
            let error = read(&[(key, value)]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(error.attempted.contains(key), "{error}");
        }
    }
}
