//! What is selected: ranges, never lists, so that selecting a billion rows costs nothing.

use std::ops::RangeInclusive;

/// A cell by row and shown position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Spot {
    /// Row, from 0.
    pub row: u64,
    /// Position among the shown columns.
    pub position: usize,
}

/// What a range spans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Span {
    /// A rectangle of cells.
    #[default]
    Cells,
    /// Whole rows.
    Rows,
    /// Whole columns.
    Columns,
    /// Everything.
    All,
}

/// One range with the corner it started at and the corner that moves, which is also the cursor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    /// What it spans.
    pub span: Span,
    /// Where it started.
    pub start: Spot,
    /// The cursor.
    pub cursor: Spot,
}

/// A step of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One cell left.
    Left,
    /// One cell right.
    Right,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// First cell of the row.
    RowStart,
    /// Last cell of the row.
    RowEnd,
    /// First row, same column.
    FirstRow,
    /// Last row, same column.
    LastRow,
    /// First cell of all.
    FirstCell,
    /// Last cell of all.
    LastCell,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
}

/// Whether a motion moves the cursor or stretches the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The range becomes the new cell.
    Move,
    /// The range grows to the new cell.
    Extend,
}

/// Size of what can be selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Rows.
    pub rows: u64,
    /// Shown columns.
    pub columns: usize,
    /// Rows a page key moves.
    pub page: u64,
}

impl Selection {
    /// Just one cell.
    pub fn cell(spot: Spot) -> Self {
        Self { span: Span::Cells, start: spot, cursor: spot }
    }

    /// Move or stretch to a cell, keeping the span when stretching.
    pub fn reach(&mut self, spot: Spot, reach: Reach) {
        match reach {
            Reach::Move => *self = Self::cell(spot),
            Reach::Extend => self.cursor = spot,
        }
    }

    /// Step the cursor.
    pub fn step(&mut self, motion: Motion, reach: Reach, extent: Extent) {
        let Spot { row, position } = self.cursor;
        let (last_row, last) = (extent.rows.saturating_sub(1), extent.columns.saturating_sub(1));
        let spot = match motion {
            Motion::Left => Spot { row, position: position.saturating_sub(1) },
            Motion::Right => Spot { row, position: position + 1 },
            Motion::Up => Spot { row: row.saturating_sub(1), position },
            Motion::Down => Spot { row: row.saturating_add(1), position },
            Motion::RowStart => Spot { row, position: 0 },
            Motion::RowEnd => Spot { row, position: last },
            Motion::FirstRow => Spot { row: 0, position },
            Motion::LastRow => Spot { row: last_row, position },
            Motion::FirstCell => Spot::default(),
            Motion::LastCell => Spot { row: last_row, position: last },
            Motion::PageUp => Spot { row: row.saturating_sub(extent.page), position },
            Motion::PageDown => Spot { row: row.saturating_add(extent.page), position },
        };
        self.reach(clamp(spot, extent), reach);
    }

    /// Keep both corners inside.
    pub fn clamp(&mut self, extent: Extent) {
        self.start = clamp(self.start, extent);
        self.cursor = clamp(self.cursor, extent);
    }

    /// Rows spanned; none when there are no rows.
    pub fn rows(&self, extent: Extent) -> Option<RangeInclusive<u64>> {
        let last = extent.rows.checked_sub(1)?;
        Some(match self.span {
            Span::Cells | Span::Rows => {
                self.start.row.min(self.cursor.row)..=self.start.row.max(self.cursor.row).min(last)
            }
            Span::Columns | Span::All => 0..=last,
        })
    }

    /// Shown positions spanned; none when no column is shown.
    pub fn positions(&self, extent: Extent) -> Option<RangeInclusive<usize>> {
        let last = extent.columns.checked_sub(1)?;
        let (a, b) = (self.start.position, self.cursor.position);
        Some(match self.span {
            Span::Cells | Span::Columns => a.min(b)..=a.max(b).min(last),
            Span::Rows | Span::All => 0..=last,
        })
    }
}

fn clamp(spot: Spot, extent: Extent) -> Spot {
    Spot {
        row: spot.row.min(extent.rows.saturating_sub(1)),
        position: spot.position.min(extent.columns.saturating_sub(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { rows: 1_000_000_000, columns: 12, page: 20 };

    fn spot(row: u64, position: usize) -> Spot {
        Spot { row, position }
    }

    #[test]
    fn every_motion_lands_where_it_says() {
        for (motion, from, to) in [
            (Motion::Left, spot(5, 0), spot(5, 0)),
            (Motion::Right, spot(5, 11), spot(5, 11)),
            (Motion::Up, spot(0, 3), spot(0, 3)),
            (Motion::Down, spot(999_999_999, 3), spot(999_999_999, 3)),
            (Motion::RowStart, spot(5, 7), spot(5, 0)),
            (Motion::RowEnd, spot(5, 7), spot(5, 11)),
            (Motion::FirstRow, spot(5, 7), spot(0, 7)),
            (Motion::LastRow, spot(5, 7), spot(999_999_999, 7)),
            (Motion::FirstCell, spot(5, 7), spot(0, 0)),
            (Motion::LastCell, spot(5, 7), spot(999_999_999, 11)),
            (Motion::PageUp, spot(15, 7), spot(0, 7)),
            (Motion::PageDown, spot(15, 7), spot(35, 7)),
        ] {
            let mut selection = Selection::cell(from);
            selection.step(motion, Reach::Move, EXTENT);
            assert_eq!(selection, Selection::cell(to), "{motion:?}");
        }
    }

    #[test]
    fn shift_stretches_and_a_plain_step_collapses() {
        let mut selection = Selection::cell(spot(5, 5));
        selection.step(Motion::Down, Reach::Extend, EXTENT);
        selection.step(Motion::Left, Reach::Extend, EXTENT);
        assert_eq!(selection.rows(EXTENT), Some(5..=6));
        assert_eq!(selection.positions(EXTENT), Some(4..=5));
        selection.step(Motion::Down, Reach::Move, EXTENT);
        assert_eq!(selection, Selection::cell(spot(7, 4)));
    }

    #[test]
    fn spans_cover_whole_rows_columns_or_everything() {
        let mut selection = Selection::cell(spot(5, 5));
        for (span, rows, positions) in [
            (Span::Cells, 5..=5, 5..=5),
            (Span::Rows, 5..=5, 0..=11),
            (Span::Columns, 0..=999_999_999, 5..=5),
            (Span::All, 0..=999_999_999, 0..=11),
        ] {
            selection.span = span;
            assert_eq!(selection.rows(EXTENT), Some(rows));
            assert_eq!(selection.positions(EXTENT), Some(positions));
        }
        let empty = Extent { rows: 0, columns: 0, page: 1 };
        assert_eq!((selection.rows(empty), selection.positions(empty)), (None, None));
    }
}
