//! From the bytes of a cell to the program's own value, with nothing rounded and nothing dropped.

use super::block::{Block, RawCell};
use super::decode::{CellText, TextEncoding};
use super::layout::{Layout, unit};
use super::number::DecimalMark;
use super::temporal::{Moment, ZoneShape};
use super::typing::{ColumnReader, TypeKind, Value};
use crate::model::cell::Cell;
use std::borrow::Cow;

/// Reads cells of blocks by the layout of their file.
pub(super) struct CellMaker<'l> {
    pub(super) readers: Vec<ColumnReader<'l>>,
    encoding: TextEncoding,
    columns: usize,
}

/// What stands where a column meets a row.
pub(super) enum Place<'b> {
    /// A cell.
    Cell(RawCell<'b>),
    /// The last cell together with all that follows it in a row that is too long.
    Overflow(&'b [u8]),
    /// Nothing: the row is too short.
    Missing,
}

impl<'l> CellMaker<'l> {
    pub(super) fn new(layout: &'l Layout) -> Self {
        Self {
            readers: layout.types.readers(),
            encoding: layout.written.encoding,
            columns: layout.written.names.len(),
        }
    }

    /// Whether a row has more than its columns hold.
    pub(super) fn overflows(&self, block: &Block, row: usize) -> bool {
        let width = block.width(row);
        width > self.columns
            && (self.columns..width)
                .any(|column| block.cell(row, column).is_some_and(|cell| !cell.bytes.is_empty()))
    }

    /// What stands in a column of a row.
    pub(super) fn place<'b>(&self, block: &'b Block, row: usize, column: usize) -> Place<'b> {
        if column + 1 == self.columns
            && self.overflows(block, row)
            && let Some(rest) = block.rest_of_row(row, column)
        {
            return Place::Overflow(rest);
        }
        block.cell(row, column).map_or(Place::Missing, Place::Cell)
    }

    /// The value in a column of a row.
    pub(super) fn cell(&self, block: &Block, row: usize, column: usize) -> Cell {
        self.cell_at(self.place(block, row, column), column)
    }

    /// The value of what stands in a column.
    pub(super) fn cell_at(&self, place: Place<'_>, column: usize) -> Cell {
        match place {
            Place::Cell(raw) => self.value(raw, column),
            Place::Overflow(rest) => self.text(Cow::Borrowed(rest), Cell::Text),
            Place::Missing => Cell::Missing,
        }
    }

    fn value(&self, raw: RawCell<'_>, column: usize) -> Cell {
        let Some(reader) = self.readers.get(column) else { return Cell::Missing };
        let is_text = matches!(reader.kind, TypeKind::Text | TypeKind::Null);
        if raw.quoted && is_text {
            // Quotes say that it is text: an empty one is not nothing, and a null word is a word.
            return self.text(raw.value(), Cell::Text);
        }
        let value = raw.value();
        match reader.read(&value) {
            Value::Null(_) => Cell::Null,
            Value::Bool(value) => Cell::Bool(value),
            Value::Int(value) => Cell::Int(value),
            Value::Float(value) => Cell::Float(value),
            Value::Date(days) => Cell::Date(days),
            Value::Decimal(units) => match reader.kind {
                TypeKind::Decimal { scale, .. } => Cell::Decimal(decimal_text(units, scale)),
                _ => Cell::Missing,
            },
            Value::BigDecimal(text) => match reader.kind {
                TypeKind::Decimal { scale, mark, .. } => Cell::Decimal(big_decimal_text(text, scale, mark)),
                _ => Cell::Missing,
            },
            Value::Time(nanos) => match time(nanos, reader.kind) {
                Some(time) => Cell::Time(time),
                None => self.text(value, Cell::Text),
            },
            Value::Moment(moment) => match timestamp(moment, reader.kind) {
                Some(value) => Cell::Timestamp(value),
                None => self.text(Cow::Borrowed(value.trim_ascii()), Cell::Exact),
            },
            Value::Uuid(_) => self.text(Cow::Borrowed(value.trim_ascii()), Cell::Exact),
            Value::Text(text) if reader.kind == TypeKind::Json => self.text(Cow::Borrowed(text), Cell::Json),
            Value::Text(_) | Value::Exception(_) => self.text(value, Cell::Text),
        }
    }

    fn text(&self, bytes: Cow<'_, [u8]>, make: impl Fn(String) -> Cell) -> Cell {
        match self.encoding.cell(bytes) {
            CellText::Valid(text) => make(text.into_owned()),
            CellText::Invalid(bytes) => Cell::Invalid(bytes.into_owned()),
        }
    }

    /// The characters of a cell, for values that are text anyway.
    pub(super) fn characters<'b>(&self, bytes: Cow<'b, [u8]>) -> CellText<'b> {
        self.encoding.cell(bytes)
    }
}

/// A time of day in the column's unit; `None` if the unit is too coarse for it.
pub(super) fn time(nanos: i64, kind: TypeKind) -> Option<i64> {
    let TypeKind::Time(fraction) = kind else { return None };
    let step = 1_000_000_000 / unit(fraction).per_second();
    (nanos % step == 0).then_some(nanos / step)
}

/// A moment in the column's unit; `None` if it is kept as text or the unit cannot hold it.
pub(super) fn timestamp(moment: Moment, kind: TypeKind) -> Option<i64> {
    let TypeKind::Timestamp { fraction, zone, .. } = kind else { return None };
    if zone == ZoneShape::Offset {
        return None;
    }
    let per_second = unit(fraction).per_second();
    let step = 1_000_000_000 / per_second;
    if i64::from(moment.nanos) % step != 0 {
        return None;
    }
    moment.seconds.checked_mul(per_second)?.checked_add(i64::from(moment.nanos) / step)
}

/// The digits of so many units of 10^-`scale`.
pub(super) fn decimal_text(units: i128, scale: u16) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = units.unsigned_abs().to_string();
    let scale = usize::from(scale);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// A long decimal as written, with a point for its mark and zeros up to the column's scale.
pub(super) fn big_decimal_text(text: &[u8], scale: u16, mark: DecimalMark) -> String {
    let mark = if mark == DecimalMark::Comma { ',' } else { '.' };
    let text: String = text.iter().map(|byte| char::from(*byte)).collect();
    let text = text.trim_start_matches('+');
    let (whole, fraction) = text.split_once(mark).unwrap_or((text, ""));
    let zero = if whole.is_empty() || whole == "-" { "0" } else { "" };
    if scale == 0 {
        return format!("{whole}{zero}");
    }
    format!("{whole}{zero}.{fraction:0<width$}", width = usize::from(scale))
}

#[cfg(test)]
mod tests {
    use super::super::temporal::DateOrder;
    use super::*;

    #[test]
    fn decimals_are_written_with_all_their_digits() {
        let rows =
            [(150, 2, "1.50"), (-5, 2, "-0.05"), (0, 2, "0.00"), (7, 0, "7"), (-123_456, 3, "-123.456")];
        for (units, scale, text) in rows {
            assert_eq!(decimal_text(units, scale), text);
        }
        let long = b"-123456789012345678901234567890123456789012,5";
        let text = "-123456789012345678901234567890123456789012.500";
        assert_eq!(big_decimal_text(long, 3, DecimalMark::Comma), text);
        assert_eq!(big_decimal_text(b".5", 1, DecimalMark::Point), "0.5");
        assert_eq!(big_decimal_text(b"+12", 0, DecimalMark::Point), "12");
    }

    #[test]
    fn times_fit_their_unit_or_stay_text() {
        assert_eq!(time(1_500_000_000, TypeKind::Time(3)), Some(1500));
        assert_eq!(time(1_500_000_000, TypeKind::Time(0)), None);
        let kind = |fraction, zone| TypeKind::Timestamp { order: DateOrder::YearFirst, fraction, zone };
        let moment = Moment { seconds: -1, nanos: 250_000_000, offset_minutes: None };
        assert_eq!(timestamp(moment, kind(3, ZoneShape::Absent)), Some(-750));
        assert_eq!(timestamp(moment, kind(0, ZoneShape::Absent)), None);
        assert_eq!(timestamp(moment, kind(3, ZoneShape::Offset)), None);
        let far = Moment { seconds: 253_402_300_799, nanos: 0, offset_minutes: None };
        assert_eq!(timestamp(far, kind(9, ZoneShape::Absent)), None);
        assert_eq!(timestamp(far, kind(6, ZoneShape::Absent)), Some(253_402_300_799_000_000));
    }
}
