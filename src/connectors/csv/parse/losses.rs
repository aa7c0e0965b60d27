//! What was lost, in the words of the whole program.

use super::super::dialect::{Losses, Lost as Counted, Why};
use super::super::layout::Layout;
use crate::model::lost::{Findings, Lost};

/// Which ends of the table a read has seen: lines beyond them were left out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) beginning: bool,
    pub(super) end: bool,
}

/// The findings of a read.
pub(super) fn findings(
    losses: &Losses,
    layout: &Layout,
    seen: Seen,
    failure: Option<&std::io::Error>,
) -> Findings {
    let mut findings = Findings::default();
    let around = [
        (seen.beginning, layout.written.preamble_lines, "before the table", Why::Preamble),
        (seen.end, layout.written.footer_lines, "after the table", Why::Footer),
    ];
    for (_, lines, place, why) in around.into_iter().filter(|(seen, lines, ..)| *seen && *lines > 0) {
        findings.lost(Lost { place: place.to_owned(), why: why.text().to_owned(), count: lines as u64 });
    }
    for (why, lost) in losses.iter() {
        let text = match (why, failure) {
            (Why::EndedEarly, Some(error)) => format!("{}: {error}", why.text()),
            _ => why.text().to_owned(),
        };
        findings.lost(Lost { place: place(why, lost), why: text, count: lost.count });
    }
    findings
}

fn place(why: Why, lost: &Counted) -> String {
    let rows: Vec<String> = lost.rows.iter().map(|row| (row + 1).to_string()).collect();
    let more = if lost.count > lost.rows.len() as u64 { " and others" } else { "" };
    let word = match why {
        Why::BlankLine | Why::CommentLine | Why::OversizeRow => "before row",
        Why::EndedEarly | Why::Budget | Why::CutInQuote => "at row",
        _ => "row",
    };
    format!("{word} {}{more}", rows.join(", "))
}
