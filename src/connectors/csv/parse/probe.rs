//! How many rows a plain file has, from windows spread over it.

use super::super::layout::KnownRows;
use super::super::open::{Access, Packing};
use super::super::sync::{self, Stretch};
use super::look::row_bytes;
use super::{Probe, Probed, Run, broken};
use crate::model::Result;

const WINDOW_BYTES: u64 = 64 << 10;
const MOST_WINDOWS: u64 = 48;

pub(super) fn probe(run: &mut Run<'_>, params: &Probe) -> Result<Probed> {
    let layout = &params.layout;
    let known = Probed { rows: layout.rows, row_bytes: layout.row_bytes };
    if layout.packing != Packing::Plain || matches!(layout.rows, KnownRows::Exact(_)) {
        return Ok(known);
    }
    run.input.advise(Access::Scattered);
    let bytes = layout.data_bytes();
    // The first bytes of the file were looked at already.
    let windows = (params.most_bytes.saturating_sub(run.input.taken()) / WINDOW_BYTES)
        .min(MOST_WINDOWS)
        .min(bytes.div_ceil(WINDOW_BYTES));
    let mut stretches = Vec::new();
    for window in 0..windows {
        // Even places, so that windows of UTF-16 hold whole units.
        let step = bytes.saturating_sub(WINDOW_BYTES) * window / (windows - 1).max(1);
        let place = (layout.written.data_start + step) & !1;
        let bytes = run.input.window(place, WINDOW_BYTES as usize).map_err(|error| broken(&error))?;
        let text = layout.written.encoding.text_of(&bytes);
        let from = if step == 0 {
            Some(0)
        } else {
            sync::first_row(&text, layout.written.dialect, layout.written.width)
        };
        if let Some(from) = from {
            let (stretch, _) = sync::count(&text, layout.written.dialect, layout.written.width, from);
            let text = text.get(from..from + stretch.bytes as usize).unwrap_or_default();
            stretches.push(Stretch { bytes: layout.written.encoding.file_len(text), ..stretch });
        }
        run.tick()?;
    }
    match sync::estimate(&stretches, bytes) {
        Some(rows) => Ok(Probed { rows: KnownRows::Estimated(rows), row_bytes: row_bytes(&stretches) }),
        None => Ok(known),
    }
}
