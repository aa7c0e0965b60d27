//! How many rows a file has, from windows spread over it.

use serde::{Deserialize, Serialize};

/// What one window shows: whole rows and the bytes they take, both of the cut text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Whole rows.
    pub rows: u64,
    /// Their bytes, blank lines and comments between them included.
    pub bytes: u64,
}

/// A number of rows with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RowsEstimate {
    /// Lower end, at nine in ten.
    pub lo: f64,
    /// Best guess.
    pub mid: f64,
    /// Upper end.
    pub hi: f64,
    /// Windows that said something.
    pub windows: u64,
}

/// Rows of `bytes` from rows per byte of spread windows: a ratio estimate with its spread between windows.
pub fn estimate(stretches: &[Stretch], bytes: u64) -> Option<RowsEstimate> {
    // About the 95th percentile of the t distribution at the few windows of a preview, 1.7 at many.
    const SPREADS: f64 = 2.0;
    let useful: Vec<&Stretch> =
        stretches.iter().filter(|stretch| stretch.rows > 0 && stretch.bytes > 0).collect();
    let rows: u64 = useful.iter().map(|stretch| stretch.rows).sum();
    let seen: u64 = useful.iter().map(|stretch| stretch.bytes).sum();
    if rows == 0 || seen == 0 {
        return None;
    }
    let ratio = rows as f64 / seen as f64;
    let mid = ratio * bytes as f64;
    let n = useful.len() as f64;
    let relative = if useful.len() < 2 {
        // One window says nothing of the others.
        0.5
    } else {
        let residuals: f64 = useful.iter().map(|s| (s.rows as f64 - ratio * s.bytes as f64).powi(2)).sum();
        let mean = rows as f64 / n;
        (residuals / (n * (n - 1.0))).sqrt() / mean
    };
    let half = SPREADS * relative + 0.002;
    Some(RowsEstimate {
        lo: (mid * (1.0 - half)).max(rows.min(mid as u64) as f64),
        mid,
        hi: mid * (1.0 + half),
        windows: useful.len() as u64,
    })
}
