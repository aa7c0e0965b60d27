//! Order, widths and visibility of columns, with prefix sums so that finding the visible ones is a binary search.
//!
//! Invariant: `starts` has one entry more than `shown` and grows; positions are f64, so that 100,000 wide
//! columns still line up.

use std::ops::Range;

use super::model::GridColumn;

/// Narrowest column, points.
pub const NARROWEST: f32 = 40.0;
/// Widest width that is read from the first rows, points.
pub const WIDEST_FIRST: f32 = 320.0;
/// Widest automatic width, points.
pub const WIDEST_AUTO: f32 = 480.0;

/// How the columns of one grid are laid out. A *position* counts shown columns, a *column* is the model's index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnLayout {
    order: Vec<usize>,
    hidden: Vec<bool>,
    widths: Vec<f32>,
    shown: Vec<usize>,
    starts: Vec<f64>,
    /// Columns whose width was not read from rows yet.
    unread: Vec<usize>,
}

impl ColumnLayout {
    /// Follow the model: new columns are appended, gone ones leave.
    pub fn sync(&mut self, columns: &[GridColumn]) {
        if self.widths.len() == columns.len() {
            return;
        }
        let known = self.widths.len().min(columns.len());
        self.widths.truncate(known);
        self.hidden.truncate(known);
        self.order.retain(|&column| column < known);
        for (column, about) in columns.iter().enumerate().skip(known) {
            self.widths.push(first_width(about));
            self.hidden.push(false);
            self.order.push(column);
        }
        self.unread.retain(|&column| column < known);
        self.unread.extend(known..columns.len());
        self.rebuild();
    }

    /// Shown columns in order.
    pub fn shown(&self) -> &[usize] {
        &self.shown
    }

    /// The model's column at a position.
    pub fn column(&self, position: usize) -> Option<usize> {
        self.shown.get(position).copied()
    }

    /// Where a model column is shown.
    pub fn position(&self, column: usize) -> Option<usize> {
        self.shown.iter().position(|&c| c == column)
    }

    /// Left edge of a position, points from the first column.
    pub fn start(&self, position: usize) -> f64 {
        self.starts.get(position).copied().unwrap_or_else(|| self.total())
    }

    /// Width of a position.
    pub fn width(&self, position: usize) -> f32 {
        self.column(position).and_then(|column| self.widths.get(column)).copied().unwrap_or(0.0)
    }

    /// Width of all shown columns.
    pub fn total(&self) -> f64 {
        self.starts.last().copied().unwrap_or(0.0)
    }

    /// Positions that touch `width` points from `scroll` on.
    pub fn visible(&self, scroll: f64, width: f32) -> Range<usize> {
        let end = scroll + f64::from(width);
        let first = self.starts.partition_point(|&start| start <= scroll).saturating_sub(1);
        let after = self.starts.partition_point(|&start| start < end).min(self.shown.len());
        first..after.max(first)
    }

    /// The position at `x` points from the first column; beyond either end the nearest.
    pub fn position_at(&self, x: f64) -> usize {
        let after = self.starts.partition_point(|&start| start <= x);
        after.saturating_sub(1).min(self.shown.len().saturating_sub(1))
    }

    /// Columns whose width was not read from rows yet.
    pub fn unread(&self) -> &[usize] {
        &self.unread
    }

    /// Widen columns to what their first rows take; nobody set these widths, so they have a limit. Once only.
    pub fn widen(&mut self, widths: impl IntoIterator<Item = (usize, f32)>) {
        for (column, width) in widths {
            if let Some(slot) = self.widths.get_mut(column) {
                *slot = slot.max(width.min(WIDEST_FIRST)).round();
            }
        }
        self.unread.clear();
        self.rebuild();
    }

    /// Set a width; the limits hold.
    pub fn set_width(&mut self, position: usize, width: f32) {
        if let Some(column) = self.column(position) {
            self.unread.retain(|&unread| unread != column);
        }
        if let Some(slot) = self.column(position).and_then(|column| self.widths.get_mut(column)) {
            *slot = width.max(NARROWEST).round();
            self.rebuild();
        }
    }

    /// Hide a column; the last shown one stays.
    pub fn hide(&mut self, position: usize) {
        if self.shown.len() < 2 {
            return;
        }
        if let Some(flag) = self.column(position).and_then(|column| self.hidden.get_mut(column)) {
            *flag = true;
            self.rebuild();
        }
    }

    /// How many columns are hidden.
    pub fn hidden_count(&self) -> usize {
        self.hidden.iter().filter(|&&hidden| hidden).count()
    }

    /// Show every column again.
    pub fn show_all(&mut self) {
        self.hidden.fill(false);
        self.rebuild();
    }

    /// Move the column at `from` so that it is shown at `to`.
    pub fn reorder(&mut self, from: usize, to: usize) {
        let (Some(column), Some(target)) = (self.column(from), self.column(to)) else {
            return;
        };
        let place = |order: &[usize], column| order.iter().position(|&c| c == column);
        let (Some(from), Some(to)) = (place(&self.order, column), place(&self.order, target)) else {
            return;
        };
        let moved = self.order.remove(from);
        self.order.insert(to.min(self.order.len()), moved);
        self.rebuild();
    }

    fn rebuild(&mut self) {
        let hidden = |column: usize| self.hidden.get(column).copied().unwrap_or(false);
        self.shown = self.order.iter().copied().filter(|&column| !hidden(column)).collect();
        self.starts.clear();
        let mut x = 0.0;
        self.starts.push(x);
        for &column in &self.shown {
            x += f64::from(self.widths.get(column).copied().unwrap_or(0.0));
            self.starts.push(x);
        }
    }
}

fn first_width(column: &GridColumn) -> f32 {
    let chars = column.name.chars().take(40).count().max(column.type_name.chars().take(40).count());
    (chars as f32 * 7.5 + 36.0).clamp(110.0, 260.0).round()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(count: usize) -> ColumnLayout {
        let columns: Vec<_> =
            (0..count).map(|i| GridColumn { name: format!("c{i}"), ..GridColumn::default() }).collect();
        let mut layout = ColumnLayout::default();
        layout.sync(&columns);
        layout
    }

    #[test]
    fn only_columns_that_touch_the_view_are_visible() {
        let layout = layout(1000);
        for (scroll, width, expected) in
            [(0.0, 220.0, 0..2), (109.0, 2.0, 0..2), (110.0, 110.0, 1..2), (1e9, 50.0, 1000..1000)]
        {
            assert_eq!(layout.visible(scroll, width), expected, "{scroll} {width}");
        }
    }

    #[test]
    fn a_hundred_thousand_columns_start_where_they_should() {
        let layout = layout(100_000);
        assert_eq!(layout.start(99_999), 99_999.0 * 110.0);
        assert_eq!(layout.position_at(99_999.0 * 110.0 + 1.0), 99_999);
        assert_eq!(layout.total(), 11_000_000.0);
    }

    #[test]
    fn columns_move_hide_and_come_back() {
        let mut layout = layout(4);
        layout.reorder(0, 2);
        assert_eq!(layout.shown(), [1, 2, 0, 3]);
        layout.hide(1);
        assert_eq!(layout.shown(), [1, 0, 3]);
        layout.reorder(2, 0);
        assert_eq!(layout.shown(), [3, 1, 0]);
        assert_eq!(layout.hidden_count(), 1);
        layout.show_all();
        assert_eq!(layout.shown().len(), 4);
        assert_eq!(layout.position(2), Some(2));
    }

    #[test]
    fn the_last_column_cannot_be_hidden_and_widths_have_a_floor() {
        let mut layout = layout(1);
        layout.hide(0);
        assert_eq!(layout.shown(), [0]);
        layout.set_width(0, 1.0);
        assert_eq!(layout.width(0), NARROWEST);
    }

    #[test]
    fn widths_read_from_rows_widen_once_and_spare_what_a_hand_set() {
        let mut layout = layout(3);
        assert_eq!(layout.unread(), [0, 1, 2]);
        layout.set_width(1, 60.0);
        assert_eq!(layout.unread(), [0, 2]);
        layout.widen([(0, 181.4), (2, 4_000.0)]);
        assert_eq!([0, 1, 2].map(|column| layout.width(column)), [181.0, 60.0, WIDEST_FIRST]);
        assert_eq!(layout.start(2), 241.0);
        assert!(layout.unread().is_empty());
    }

    #[test]
    fn new_columns_are_appended_and_gone_ones_leave() {
        let mut layout = layout(3);
        layout.reorder(2, 0);
        let five: Vec<_> = (0..5).map(|_| GridColumn::default()).collect();
        layout.sync(&five);
        assert_eq!(layout.shown(), [2, 0, 1, 3, 4]);
        layout.sync(&five[..2]);
        assert_eq!(layout.shown(), [0, 1]);
    }
}
