//! Where rows are: exact at any row count.
//!
//! Invariant: a position is a whole row (u64) plus less than one row of pixels (f32), so neighbouring rows are
//! always exactly one row height apart; nothing multiplies a row number by a height in f32.

/// The row at the top of the view and how far it is scrolled out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Anchor {
    /// Top row.
    pub row: u64,
    /// Points of it above the view, `0.0 <= sub < row_height`.
    pub sub: f32,
}

/// Rows of equal height seen through a view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rows {
    /// How many.
    pub count: u64,
    /// Height of each, points.
    pub row_height: f32,
    /// Height of the view, points.
    pub view_height: f32,
}

impl Rows {
    /// Whole rows that fit, at least one.
    pub fn page(&self) -> u64 {
        ((self.view_height / self.row_height).floor() as u64).max(1)
    }

    /// The lowest position: the last row ends at the lower edge.
    pub fn last(&self) -> Anchor {
        let full = (self.view_height / self.row_height).floor();
        let rest = self.view_height - full * self.row_height;
        let full = full as u64;
        if self.count <= full {
            return Anchor::default();
        }
        if rest > 0.0 {
            Anchor { row: self.count - full - 1, sub: self.row_height - rest }
        } else {
            Anchor { row: self.count - full, sub: 0.0 }
        }
    }

    /// The nearest allowed position.
    pub fn clamp(&self, at: Anchor) -> Anchor {
        let last = self.last();
        let beyond = at.row > last.row || (at.row == last.row && at.sub > last.sub);
        if beyond { last } else { at }
    }

    /// Move by `delta` points, positive towards the end.
    pub fn scroll_by(&self, at: Anchor, delta: f64) -> Anchor {
        let height = f64::from(self.row_height);
        let offset = f64::from(at.sub) + delta;
        let rows = (offset / height).floor();
        let sub = (offset - rows * height) as f32;
        let moved = if rows >= 0.0 {
            Anchor { row: at.row.saturating_add(rows as u64), sub }
        } else {
            match at.row.checked_sub((-rows) as u64) {
                Some(row) => Anchor { row, sub },
                None => Anchor::default(),
            }
        };
        // f32 rounding may give exactly one row height.
        let moved = if moved.sub >= self.row_height {
            Anchor { row: moved.row.saturating_add(1), sub: 0.0 }
        } else {
            moved
        };
        self.clamp(moved)
    }

    /// The smallest move that shows `row` whole.
    pub fn reveal(&self, at: Anchor, row: u64) -> Anchor {
        let row = row.min(self.count.saturating_sub(1));
        if row < at.row || (row == at.row && at.sub > 0.0) {
            return self.clamp(Anchor { row, sub: 0.0 });
        }
        let bottom = (row - at.row + 1) as f64 * f64::from(self.row_height) - f64::from(at.sub);
        let over = bottom - f64::from(self.view_height);
        if over <= 0.0 {
            return at;
        }
        if row - at.row > 2 * self.page() {
            // Far away: land with the row at the top, as "go to row" promises.
            return self.clamp(Anchor { row, sub: 0.0 });
        }
        self.scroll_by(at, over)
    }

    /// Rows in view with their upper edges relative to the view's top.
    pub fn visible(&self, at: Anchor) -> impl Iterator<Item = (u64, f32)> + use<> {
        let Self { count, row_height, view_height } = *self;
        (0_u16..)
            .map(move |i| (at.row.checked_add(u64::from(i)), f32::from(i) * row_height - at.sub))
            .map_while(move |(row, y)| row.filter(|&row| row < count && y < view_height).map(|row| (row, y)))
    }

    /// The row at `y` points below the view's top; beyond either end the nearest row.
    pub fn row_at(&self, at: Anchor, y: f32) -> u64 {
        let offset = ((y + at.sub) / self.row_height).floor();
        let row = if offset >= 0.0 {
            at.row.saturating_add(offset as u64)
        } else {
            at.row.saturating_sub((-offset) as u64)
        };
        row.min(self.count.saturating_sub(1))
    }

    /// Share of the way scrolled, 0 to 1.
    pub fn share(&self, at: Anchor) -> f64 {
        let last = self.position(self.last());
        if last <= 0.0 { 0.0 } else { (self.position(at) / last).clamp(0.0, 1.0) }
    }

    /// The position at a share of the way.
    pub fn at_share(&self, share: f64) -> Anchor {
        let rows = self.position(self.last()) * share.clamp(0.0, 1.0);
        let sub = (rows.fract() * f64::from(self.row_height)) as f32;
        self.clamp(Anchor { row: rows as u64, sub: sub.min(self.row_height - f32::EPSILON) })
    }

    /// Share of all rows that fit into the view, 0 to 1.
    pub fn view_share(&self) -> f64 {
        let fit = f64::from(self.view_height / self.row_height);
        if self.count == 0 { 1.0 } else { (fit / self.count as f64).min(1.0) }
    }

    fn position(&self, at: Anchor) -> f64 {
        at.row as f64 + f64::from(at.sub / self.row_height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [u64; 5] = [0, 1, 1_000_000, 1_000_000_000, u64::MAX / 2];

    fn rows(count: u64) -> Rows {
        Rows { count, row_height: 28.0, view_height: 500.0 }
    }

    #[test]
    fn rows_are_exactly_one_height_apart_at_any_row() {
        for row in ROWS {
            let rows = rows(u64::MAX);
            for sub in [0.0, 13.0, 27.5] {
                let seen: Vec<_> = rows.visible(Anchor { row, sub }).collect();
                assert!(seen.len() >= 18);
                for (i, (r, y)) in seen.iter().enumerate() {
                    assert_eq!(*r, row + i as u64);
                    assert_eq!(*y, i as f32 * 28.0 - sub);
                }
            }
        }
    }

    #[test]
    fn one_notch_moves_exactly_one_row_at_any_row() {
        for row in ROWS {
            let rows = rows(u64::MAX);
            let down = rows.scroll_by(Anchor { row, sub: 0.0 }, 28.0);
            assert_eq!(down, Anchor { row: row + 1, sub: 0.0 });
            assert_eq!(rows.scroll_by(down, -28.0), Anchor { row, sub: 0.0 });
        }
    }

    #[test]
    fn the_last_row_ends_at_the_lower_edge() {
        for count in [18, 19, 1_000_000_000] {
            let rows = rows(count);
            let (row, y) = rows.visible(rows.last()).last().unwrap();
            assert_eq!(row, count - 1);
            assert_eq!(y + 28.0, 500.0);
        }
    }

    #[test]
    fn scrolling_stops_at_both_ends() {
        let rows = rows(1000);
        assert_eq!(rows.scroll_by(Anchor { row: 3, sub: 5.0 }, -1e9), Anchor::default());
        assert_eq!(rows.scroll_by(Anchor::default(), 1e12), rows.last());
        assert_eq!(self::rows(3).scroll_by(Anchor::default(), 100.0), Anchor::default());
        assert_eq!(self::rows(0).visible(Anchor::default()).count(), 0);
    }

    #[test]
    fn a_share_and_its_position_agree() {
        let rows = rows(1_000_000_000);
        for share in [0.0, 0.25, 0.5, 0.999, 1.0] {
            assert!((rows.share(rows.at_share(share)) - share).abs() < 1e-9, "{share}");
        }
        assert_eq!(rows.at_share(1.0).row, rows.last().row);
    }

    #[test]
    fn revealing_moves_as_little_as_possible_or_jumps_to_the_top() {
        let rows = rows(1_000_000);
        let at = Anchor { row: 100, sub: 0.0 };
        assert_eq!(rows.reveal(at, 105), at);
        assert_eq!(rows.reveal(at, 99), Anchor { row: 99, sub: 0.0 });
        let below = rows.reveal(at, 118);
        assert_eq!(rows.visible(below).last().map(|(row, y)| (row, y + 28.0)), Some((118, 500.0)));
        assert_eq!(rows.reveal(at, 900_000), Anchor { row: 900_000, sub: 0.0 });
    }

    #[test]
    fn a_point_finds_its_row() {
        let rows = rows(50);
        let at = Anchor { row: 10, sub: 14.0 };
        for (y, row) in [(0.0, 10), (13.9, 10), (14.0, 11), (-100.0, 6), (1e6, 49)] {
            assert_eq!(rows.row_at(at, y), row, "{y}");
        }
    }
}
