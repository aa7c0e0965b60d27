//! What a footer tells, and whether it agrees with itself.

use std::collections::BTreeSet;

use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::footer::Footer;
use super::statistics;
use super::types::Columns;
use crate::kit::files::{Cost, FileInput, Group, Outline, RowCount, Table, Windows};
use crate::model::load::Provenance;
use crate::model::lost::Disagreement;
use crate::model::node::{Detail, NodeKind};
use crate::model::stats::{ColumnProfile, TableProfile};
use crate::model::units::{bytes_text, count_text};

/// Groups times columns whose bytes are told one by one; beyond, neighbouring groups are told as one.
const MOST_PARTS: usize = 100_000;
/// Columns and row groups that are described one by one.
const MOST_DESCRIBED: usize = 200;
const MOST_VALUE_CHARS: usize = 300;
/// No file has as many rows: the count is damaged.
const MOST_ROWS: u64 = 1 << 50;

/// The outline of a file.
pub(super) fn outline(file: &FileInput, footer: &Footer, columns: &Columns) -> Outline {
    let mut outline = Outline::new(file.len(), file.packing());
    let rows = rows(footer, &mut outline);
    facts(footer, &mut outline);
    let mut table = Table::new(Vec::new(), NodeKind::File, columns.schema.clone());
    let known = rows.as_ref().and_then(RowCount::known);
    table.rows = rows;
    table.windows = Windows::ByRow;
    table.cost = Cost::Groups { groups: groups(footer, columns), lead_bytes: footer.bytes + 16 };
    let profile = statistics::profile(footer, columns, known);
    table.facts = column_facts(footer, columns, &profile);
    table.profile = Some(profile);
    if elsewhere(footer) {
        table.notes.push("its columns lie in other files: this one only describes them".to_owned());
    }
    outline.tables.push(table);
    outline
}

/// Whether the columns lie in other files, as those of a folder's summary do.
pub(super) fn elsewhere(footer: &Footer) -> bool {
    footer
        .metadata
        .row_groups()
        .iter()
        .flat_map(RowGroupMetaData::columns)
        .any(|column| column.file_path().is_some())
}

/// The number of rows, as footer and groups state it.
fn rows(footer: &Footer, outline: &mut Outline) -> Option<RowCount> {
    let stated = footer.metadata.file_metadata().num_rows();
    let groups = footer.metadata.row_groups();
    let mut sum = 0_u64;
    for (number, group) in groups.iter().enumerate() {
        let Ok(rows) = u64::try_from(group.num_rows()) else {
            disagree(
                outline,
                format!("row group {}", number + 1),
                format!("{} rows", group.num_rows()),
                "a number below zero",
            );
            return None;
        };
        sum = sum.saturating_add(rows);
    }
    if sum > MOST_ROWS {
        disagree(outline, "number of rows", format!("{sum} in the row groups"), "more than any file has");
        return None;
    }
    if i64::try_from(sum).is_ok_and(|sum| sum == stated) {
        return Some(RowCount::exact(sum, "the footer, and the sum of its row groups"));
    }
    disagree(
        outline,
        "number of rows",
        format!("the footer states {stated}"),
        &format!("its row groups state {sum}"),
    );
    let provenance = Provenance::Declared { who: "the row groups, against the footer".to_owned() };
    let (stated, sum) = (stated.max(0) as f64, sum as f64);
    Some(RowCount {
        lo: 0.0,
        mid: sum,
        hi: sum.max(stated),
        provenance,
        source: "row groups of the footer".to_owned(),
    })
}

fn disagree(outline: &mut Outline, about: impl Into<String>, declared: impl Into<String>, observed: &str) {
    outline.findings.disagreements.push(Disagreement {
        about: about.into(),
        declared: declared.into(),
        observed: observed.to_owned(),
    });
}

fn facts(footer: &Footer, outline: &mut Outline) {
    let metadata = footer.metadata.file_metadata();
    let groups = footer.metadata.row_groups();
    outline.fact("format version", metadata.version().to_string());
    outline.fact("written by", metadata.created_by().unwrap_or("does not say"));
    outline.fact("footer", bytes_text(footer.bytes as f64));
    outline.fact("columns", count_text(metadata.schema_descr().root_schema().get_fields().len() as u64));
    outline.fact("row groups", count_text(groups.len() as u64));
    let sizes: Vec<i64> = groups.iter().map(RowGroupMetaData::num_rows).collect();
    if let (Some(least), Some(most)) = (sizes.iter().min(), sizes.iter().max()) {
        outline.fact("rows of a group", format!("{least} to {most}"));
    }
    let (packed, plain) = groups.iter().fold((0_i64, 0_i64), |(packed, plain), group| {
        (packed.saturating_add(group.compressed_size()), plain.saturating_add(group.total_byte_size()))
    });
    outline.fact("data", format!("{}, {} unpacked", size(packed), size(plain)));
    let all = || groups.iter().flat_map(RowGroupMetaData::columns);
    let words = |words: BTreeSet<String>| words.into_iter().collect::<Vec<_>>().join(", ");
    outline.fact("compression", words(all().map(codec).collect()));
    outline.fact(
        "encodings",
        words(all().flat_map(ColumnChunkMetaData::encodings).map(|known| format!("{known:?}")).collect()),
    );
    let has = |some: bool, every: bool| match (some, every) {
        (false, _) => "none",
        (true, true) => "every column",
        (true, false) => "some columns",
    };
    let indexed = |column: &ColumnChunkMetaData| column.offset_index_offset().is_some();
    let filtered = |column: &ColumnChunkMetaData| column.bloom_filter_offset().is_some();
    outline.fact("page index", has(all().any(indexed), all().all(indexed)));
    outline.fact("bloom filters", has(all().any(filtered), all().all(filtered)));
    if let Some(sorting) = groups.first().and_then(|group| group.sorting_columns()) {
        let by = |index: i32, descending: bool| {
            let columns = metadata.schema_descr().columns();
            let name = usize::try_from(index).ok().and_then(|index| columns.get(index));
            let name = name.map_or_else(|| format!("column {index}"), |column| column.path().string());
            if descending { format!("{name} descending") } else { name }
        };
        let keys: Vec<String> = sorting.iter().map(|key| by(key.column_idx, key.descending)).collect();
        outline.fact("sorted by", keys.join(", "));
    }
    for pair in metadata.key_value_metadata().into_iter().flatten().take(MOST_DESCRIBED) {
        let value = pair.value.as_deref().unwrap_or("");
        let mut shown: String = value.chars().take(MOST_VALUE_CHARS).collect();
        if shown.len() < value.len() {
            shown = format!("{shown}… ({} in all)", bytes_text(value.len() as f64));
        }
        let who = Provenance::Declared { who: "the writer".to_owned() };
        outline.facts.push(Detail::new(format!("metadata {}", pair.key), shown, who));
    }
    for (number, group) in groups.iter().enumerate().take(MOST_DESCRIBED) {
        let words = format!(
            "{} rows, {} of {}",
            group.num_rows(),
            size(group.compressed_size()),
            size(group.total_byte_size())
        );
        outline.fact(format!("row group {}", number + 1), words);
    }
}

fn size(bytes: i64) -> String {
    bytes_text(bytes.max(0) as f64)
}

fn codec(column: &ColumnChunkMetaData) -> String {
    let name = format!("{:?}", column.compression_codec());
    name.split('(').next().unwrap_or_default().to_lowercase()
}

/// What the footer says of each column, in one line.
fn column_facts(footer: &Footer, columns: &Columns, profile: &TableProfile) -> Vec<Detail> {
    let descriptor = footer.metadata.file_metadata().schema_descr();
    let line = |(root, column): (usize, &ColumnProfile)| {
        let chunks: Vec<&ColumnChunkMetaData> = footer
            .metadata
            .row_groups()
            .iter()
            .flat_map(|group| group.columns().iter().enumerate())
            .filter(|(leaf, _)| {
                *leaf < descriptor.num_columns() && descriptor.get_column_root_idx(*leaf) == root
            })
            .map(|(_, chunk)| chunk)
            .collect();
        let bytes = chunks.iter().fold(0_i64, |sum, chunk| sum.saturating_add(chunk.compressed_size()));
        let encodings: BTreeSet<String> =
            chunks.iter().flat_map(|chunk| chunk.encodings()).map(|known| format!("{known:?}")).collect();
        let mut words = vec![
            size(bytes),
            chunks
                .iter()
                .map(|chunk| codec(chunk))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join("+"),
            encodings.into_iter().collect::<Vec<_>>().join("+"),
        ];
        if let Some(nulls) = column.nulls {
            words.push(format!("{nulls} nulls"));
        }
        if let (Some(least), Some(most)) = (&column.min, &column.max) {
            let text = |cell: &crate::model::cell::Cell| {
                cell.text(&column.logical).chars().take(40).collect::<String>()
            };
            words.push(format!("{} to {}", text(least), text(most)));
        }
        if chunks.iter().any(|chunk| chunk.bloom_filter_offset().is_some()) {
            words.push("bloom filter".to_owned());
        }
        if chunks.iter().any(|chunk| chunk.offset_index_offset().is_some()) {
            words.push("page index".to_owned());
        }
        words.retain(|word| !word.is_empty());
        Detail::new(format!("column {}", column.name), words.join(", "), Provenance::Exact)
    };
    let few = columns.schema.fields.len() * footer.metadata.num_row_groups() <= MOST_PARTS;
    let described = if few { MOST_DESCRIBED } else { 0 };
    profile.columns.iter().enumerate().take(described).map(line).collect()
}

/// Rows and bytes of each column, group by group.
fn groups(footer: &Footer, columns: &Columns) -> Vec<Group> {
    let descriptor = footer.metadata.file_metadata().schema_descr();
    let width = columns.schema.fields.len();
    let all = footer.metadata.row_groups();
    let together = all.len().saturating_mul(width).div_ceil(MOST_PARTS).max(1);
    let one = |some: &[RowGroupMetaData]| {
        let mut made = Group { rows: 0, column_bytes: vec![0; width] };
        for group in some {
            made.rows = made.rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0).min(MOST_ROWS));
            for (leaf, chunk) in group.columns().iter().enumerate().take(descriptor.num_columns()) {
                if let Some(bytes) = made.column_bytes.get_mut(descriptor.get_column_root_idx(leaf)) {
                    *bytes = bytes.saturating_add(u64::try_from(chunk.compressed_size()).unwrap_or(0));
                }
            }
        }
        made
    };
    all.chunks(together).map(one).collect()
}
