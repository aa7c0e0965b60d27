//! Results for a person at a terminal. Every upstream text passes `safety::display`; a column is as wide as
//! its widest shown cell, capped.

use crate::model::batch::Batch;
use crate::model::cell::Cell;
use crate::model::load::{Dim, LoadActual, LoadEstimate, Verdict};
use crate::model::lost::Findings;
use crate::model::node::{Description, KeyKind, Known, Node};
use crate::model::read::ReadPlan;
use crate::model::schema::{LogicalType, Schema};
use crate::model::stats::{Basis, ColumnProfile, TableProfile};
use crate::model::units::{bytes_text, count_text};
use crate::safety::display::{Place, name, visible};

/// Most characters of a cell shown in a terminal table.
const CELL_CHARS: usize = 40;

/// Aligned columns; `right` says which are numbers.
pub fn table(header: &[String], rows: &[Vec<String>], right: &[bool]) -> String {
    let mut widths = header.iter().map(|cell| cell.chars().count()).collect::<Vec<_>>();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in std::iter::once(header).chain(rows.iter().map(Vec::as_slice)) {
        let mut line = String::new();
        for (index, cell) in row.iter().enumerate() {
            let pad =
                " ".repeat(widths.get(index).copied().unwrap_or(0).saturating_sub(cell.chars().count()));
            if index > 0 {
                line.push_str("  ");
            }
            if right.get(index).copied().unwrap_or(false) {
                line.push_str(&pad);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&pad);
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A cell in one line.
pub fn cell(cell: &Cell, logical: &LogicalType) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Missing => "·".to_owned(),
        Cell::Text(text) if text.is_empty() => "\"\"".to_owned(),
        other => visible(&other.text(logical), Place::Line, CELL_CHARS).text.into_owned(),
    }
}

/// Rows as a table.
pub fn rows(schema: &Schema, batches: &[Batch]) -> String {
    let header = schema.fields.iter().map(|field| name(&field.name).into_owned()).collect::<Vec<_>>();
    let right = schema.fields.iter().map(|field| field.logical.is_numeric()).collect::<Vec<_>>();
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.row_count() {
            let line = batch
                .schema
                .fields
                .iter()
                .enumerate()
                .map(|(column, field)| cell(&batch.cell(row, column), &field.logical));
            lines.push(line.collect());
        }
    }
    table(&header, &lines, &right)
}

fn known_count(known: Option<&Known<u64>>) -> String {
    known.map_or_else(String::new, |known| {
        format!("{} ({})", count_text(known.value), known.provenance.word())
    })
}

/// Nodes as a table.
pub fn nodes(nodes: &[Node]) -> String {
    let header = ["path", "kind", "rows", "size", ""].map(str::to_owned);
    let lines = nodes.iter().map(|node| {
        let size = node.bytes.as_ref().map_or_else(String::new, |known| {
            format!("{} ({})", bytes_text(known.value as f64), known.provenance.word())
        });
        vec![
            name(&node.path.to_string()).into_owned(),
            node.kind.word().to_owned(),
            known_count(node.rows.as_ref()),
            size,
            node.note.as_deref().map(|note| name(note).into_owned()).unwrap_or_default(),
        ]
    });
    table(&header, &lines.collect::<Vec<_>>(), &[])
}

/// Everything known of a node.
pub fn description(found: &Description) -> String {
    // The source itself has no path: its name tells it.
    let path = found.node.path.to_string();
    let shown = if path.is_empty() { found.node.name.clone() } else { path };
    let mut out = format!("{} · {}", name(&shown), found.node.kind.word());
    if let Some(rows) = &found.node.rows {
        out.push_str(&format!(" · {} rows ({})", count_text(rows.value), rows.provenance.phrase()));
    }
    if let Some(bytes) = &found.node.bytes {
        out.push_str(&format!(" · {} ({})", bytes_text(bytes.value as f64), bytes.provenance.phrase()));
    }
    out.push('\n');
    let header = ["column", "type", "read as", "null", "key", ""].map(str::to_owned);
    let lines = found.schema.fields.iter().map(|field| {
        let keys =
            found.keys.iter().filter(|key| key.columns.contains(&field.name)).map(|key| match key.kind {
                KeyKind::Primary => "primary",
                KeyKind::Unique => "unique",
                KeyKind::Foreign => "foreign",
            });
        let nullability = match field.nullability {
            crate::model::schema::Nullability::Nullable => "yes",
            crate::model::schema::Nullability::Required => "no",
            crate::model::schema::Nullability::Unknown => "?",
        };
        vec![
            name(&field.name).into_owned(),
            name(&field.native).into_owned(),
            field.logical.to_string(),
            nullability.to_owned(),
            keys.collect::<Vec<_>>().join(" "),
            field.note.as_deref().map(|note| name(note).into_owned()).unwrap_or_default(),
        ]
    });
    if !found.schema.fields.is_empty() {
        out.push_str(&table(&header, &lines.collect::<Vec<_>>(), &[]));
    }
    for index in &found.indexes {
        out.push_str(&format!(
            "index {} on ({}){}{}\n",
            name(&index.name),
            index.columns.iter().map(|column| name(column).into_owned()).collect::<Vec<_>>().join(", "),
            if index.unique { ", unique" } else { "" },
            index.statistics.as_deref().map(|text| format!(", {}", name(text))).unwrap_or_default(),
        ));
    }
    for key in found.keys.iter().filter(|key| key.kind == KeyKind::Foreign) {
        if let Some(target) = &key.references {
            let columns = |columns: &[String]| {
                columns.iter().map(|column| name(column).into_owned()).collect::<Vec<_>>().join(", ")
            };
            out.push_str(&format!(
                "({}) points at {} ({})\n",
                columns(&key.columns),
                name(&target.node.to_string()),
                columns(&target.columns)
            ));
        }
    }
    for detail in &found.details {
        out.push_str(&format!(
            "{}: {} ({})\n",
            detail.label,
            name(&detail.value),
            detail.provenance.phrase()
        ));
    }
    for note in &found.notes {
        out.push_str(&format!("note: {}\n", name(note)));
    }
    out
}

/// A plan.
pub fn plan(plan: &ReadPlan) -> String {
    let mut out = format!("{}\n", plan.method);
    for step in &plan.steps {
        out.push_str(&format!("  {}: {}\n", step.entry, visible(&step.text, Place::Block, 4_000).text));
        if !step.binds.is_empty() {
            let binds =
                step.binds.iter().map(|bind| cell(bind, &LogicalType::Text)).collect::<Vec<_>>().join(", ");
            out.push_str(&format!("    with {binds}\n"));
        }
    }
    for (what, support, asked) in [
        ("filter", plan.pushdown.filter, plan.spec.filter.is_some()),
        ("order", plan.pushdown.order, !plan.spec.order.is_empty()),
    ] {
        if asked {
            out.push_str(&format!("  {what}: {}\n", support.label()));
        }
    }
    if let Some(gate) = &plan.gate {
        out.push_str(&format!("  gate: {}, {}\n", gate.word(), gate.why()));
    }
    for remark in &plan.remarks {
        out.push_str(&format!("  note: {remark}\n"));
    }
    out
}

/// The verdict as a phrase; two levels apart are both said.
pub fn verdict(estimate: &LoadEstimate) -> String {
    let (expected, worst) = (estimate.verdict_expected, estimate.verdict);
    if worst != Verdict::Unknown && (worst as u8).saturating_sub(expected as u8) >= 2 {
        format!("{} (expected), {} (if the estimate is wrong)", expected.word(), worst.word())
    } else {
        worst.word().to_owned()
    }
}

/// The load sheet.
pub fn estimate(estimate: &LoadEstimate) -> String {
    let mut out = format!("load: {}\n", verdict(estimate));
    for reason in &estimate.reasons {
        out.push_str(&format!("  because {}\n", name(reason)));
    }
    let header = ["", "at least", "about", "at most", "evidence"].map(str::to_owned);
    let lines = estimate.quantities.iter().map(|quantity| {
        vec![
            quantity.dim.label().to_owned(),
            quantity.dim.value_text(quantity.lo),
            quantity.dim.value_text(quantity.mid),
            quantity.dim.value_text(quantity.hi),
            format!("{}: {}", quantity.provenance.phrase(), name(&quantity.source)),
        ]
    });
    out.push_str(&table(&header, &lines.collect::<Vec<_>>(), &[false, true, true, true]));
    for dim in &estimate.not_estimable {
        out.push_str(&format!("not estimable: {}\n", dim.label()));
    }
    for effect in &estimate.effects {
        out.push_str(&format!(
            "effect {:?}: {} (noticed by {}; {})\n",
            effect.intrusiveness, effect.what, effect.who_notices, effect.reversible
        ));
    }
    for assumption in &estimate.assumptions {
        out.push_str(&format!("assumed: {assumption}\n"));
    }
    out.push_str(&format!("capacity: {}\n", name(&estimate.capacity.provenance.phrase())));
    out
}

/// Estimate beside actual in one line.
pub fn cost(estimate: &LoadEstimate, actual: &LoadActual) -> String {
    let mut parts = Vec::new();
    for dim in [Dim::RowsReturned, Dim::BytesServer, Dim::BytesWire, Dim::RoundTrips, Dim::Duration] {
        let Some(value) = actual.value(dim) else { continue };
        let expected = estimate.quantity(dim).map_or_else(String::new, |quantity| {
            if (quantity.hi - quantity.lo).abs() < f64::EPSILON {
                format!(" (estimated {})", dim.value_text(quantity.hi))
            } else {
                format!(" (estimated {} to {})", dim.value_text(quantity.lo), dim.value_text(quantity.hi))
            }
        });
        parts.push(format!("{}: {}{expected}", dim.label(), dim.value_text(value)));
    }
    format!("cost: {} · {}", verdict(estimate), parts.join(" · "))
}

/// What was lost and what disagrees, a line each.
pub fn findings(findings: &Findings) -> String {
    let mut out = String::new();
    for lost in &findings.lost {
        out.push_str(&format!(
            "lost: {} × {} at {}\n",
            count_text(lost.count),
            name(&lost.why),
            name(&lost.place)
        ));
    }
    for disagreement in &findings.disagreements {
        out.push_str(&format!(
            "disagrees: {}: declared {}, observed {}\n",
            name(&disagreement.about),
            name(&disagreement.declared),
            name(&disagreement.observed)
        ));
    }
    out
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

fn sparkline(column: &ColumnProfile) -> String {
    let most = column.histogram.iter().map(|bin| bin.share).fold(0.0, f64::max);
    let bar = |share: f64| BARS[((share / most * 7.0).round() as usize).min(7)];
    column.histogram.iter().map(|bin| if bin.share > 0.0 { bar(bin.share) } else { ' ' }).collect()
}

/// A profile as a table.
pub fn profile(profile: &TableProfile) -> String {
    let rows = profile.rows.map_or_else(
        || "unknown".to_owned(),
        |rows| {
            let about = if profile.rows_basis == Basis::Exact { "" } else { "about " };
            format!("{about}{}", count_text(rows))
        },
    );
    let mut out =
        format!("rows: {rows} · looked at {} · {}\n", count_text(profile.rows_seen), profile.method);
    let header = ["column", "type", "nulls", "distinct", "min", "max", "mean", "most frequent", "shape"]
        .map(str::to_owned);
    let lines = profile.columns.iter().map(|column| {
        let shown = |value: &Option<Cell>| {
            value.as_ref().map_or_else(String::new, |value| short(&cell(value, &column.logical), 18))
        };
        let nulls = column.nulls.map_or_else(
            || "?".to_owned(),
            |nulls| {
                let odd =
                    if column.odd > 0 { format!(" +{} odd", count_text(column.odd)) } else { String::new() };
                format!("{}{odd}", percent(nulls + column.missing, column.rows))
            },
        );
        let distinct = column.distinct.map_or_else(
            || "?".to_owned(),
            |distinct| {
                let about = if column.distinct_basis == Basis::Exact { "" } else { "~" };
                format!("{about}{}", count_text(distinct.round() as u64))
            },
        );
        let top = column.top.first().map_or_else(String::new, |top| {
            format!("{} ({})", short(&cell(&top.value, &column.logical), 16), percent(top.count, column.rows))
        });
        vec![
            short(&name(&column.name), 24),
            column.logical.to_string(),
            nulls,
            distinct,
            shown(&column.min),
            shown(&column.max),
            column.mean.map_or_else(String::new, |mean| format!("{mean:.4}")),
            top,
            sparkline(column),
        ]
    });
    out.push_str(&table(&header, &lines.collect::<Vec<_>>(), &[false, false, true, true, true, true, true]));
    out.push_str(&findings(&profile.findings));
    out
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
    }
}

fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        "0 %".to_owned()
    } else {
        format!("{:.1} %", part as f64 / whole as f64 * 100.0)
    }
}
