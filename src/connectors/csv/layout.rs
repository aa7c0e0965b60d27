//! Everything found out about a file, as one value that crosses to the worker and back: how it is written,
//! where its table is, what its columns hold.

use super::infer::ColumnNote;
use super::open::Packing;
use super::sniff::Sniffed;
use super::sync::RowsEstimate;
use super::typing::{FileTypes, TypeKind};
use crate::model::schema::{Field, LogicalType, Schema, TimeUnit, Zone};
use serde::{Deserialize, Serialize};

use super::temporal::ZoneShape;

/// A file as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// How the file is packed.
    pub packing: Packing,
    /// Bytes of the file, as it is packed, when it was looked at.
    pub file_bytes: u64,
    /// How the text is written, and where the table is in it.
    pub written: Sniffed,
    /// What every column holds.
    pub types: FileTypes,
    /// Bytes of zero in the text that was looked at.
    pub zero_bytes: u64,
    /// Remarks on columns.
    pub notes: Vec<ColumnNote>,
    /// Data rows, as far as the windows tell.
    pub rows: KnownRows,
    /// Unpacked bytes, as a packed file itself says: a hint.
    pub unpacked_hint: Option<u64>,
    /// Bytes of an ordinary row, in the unpacked file.
    pub row_bytes: f64,
}

/// What the windows of an opened file tell of its number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum KnownRows {
    /// All of it was seen.
    Exact(u64),
    /// From windows.
    Estimated(RowsEstimate),
    /// Packed, or no row start was found.
    Unknown,
}

impl Layout {
    /// Bytes of data rows in a plain file.
    pub fn data_bytes(&self) -> u64 {
        self.written
            .data_end
            .unwrap_or(self.file_bytes)
            .min(self.file_bytes)
            .saturating_sub(self.written.data_start)
    }

    /// The columns as the rest of the program knows them.
    pub fn schema(&self) -> Schema {
        let mut fields: Vec<Field> = self
            .written
            .names
            .iter()
            .zip(&self.types.columns)
            .map(|(name, column)| field(name, column.kind))
            .collect();
        for note in &self.notes {
            if let Some(field) = fields.get_mut(note.column) {
                field.note = Some(note.text.clone());
            }
        }
        Schema::new(fields)
    }
}

fn field(name: &str, kind: TypeKind) -> Field {
    // The file declares no types: all of it is text.
    Field::new(name, logical(kind)).native("untyped text")
}

/// The type that a column of a kind has for the rest of the program.
pub fn logical(kind: TypeKind) -> LogicalType {
    match kind {
        // Whatever comes later in a column that was empty so far shall be shown as it is.
        TypeKind::Null | TypeKind::Text => LogicalType::Text,
        TypeKind::Bool => LogicalType::Bool,
        TypeKind::Int64 => LogicalType::INT64,
        TypeKind::Decimal { precision, scale, .. } => LogicalType::Decimal {
            precision: Some(precision),
            scale: Some(i16::try_from(scale).unwrap_or(i16::MAX)),
        },
        TypeKind::Float64 => LogicalType::FLOAT64,
        TypeKind::Date(_) => LogicalType::Date,
        TypeKind::Time(fraction) => LogicalType::Time { unit: unit(fraction) },
        TypeKind::Timestamp { fraction, zone, .. } => LogicalType::Timestamp {
            unit: unit(fraction),
            zone: match zone {
                ZoneShape::Absent => Zone::None,
                ZoneShape::Utc => Zone::Utc,
                ZoneShape::Offset => Zone::OffsetKept,
            },
        },
        TypeKind::Uuid => LogicalType::Uuid,
        TypeKind::Json => LogicalType::Json,
    }
}

/// The unit that holds so many digits of a second's fraction.
pub fn unit(fraction: u8) -> TimeUnit {
    match fraction {
        0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}
