//! The JSON documents of the contract. Fields may be added, never renamed or dropped. Rows are written as
//! text, so that no number passes through a float.

use serde_json::{Value, json};

use crate::model::batch::Batch;
use crate::model::cell::{Cell, push_json_string};
use crate::model::load::{LoadActual, LoadEstimate, Provenance, Quantity, UpperEnd};
use crate::model::lost::Findings;
use crate::model::node::{Known, Node};
use crate::model::read::{Bound, ReadPlan};
use crate::model::schema::{LogicalType, Nullability, Schema};
use crate::model::stats::TableProfile;
use crate::model::{Error, ErrorKind};
use crate::ops::Workspace;

/// Whole numbers stay whole.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 { json!(value as i64) } else { json!(value) }
}

/// An error.
pub fn error(error: &Error) -> Value {
    let context = error
        .context
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect::<serde_json::Map<_, _>>();
    json!({"error": {
        "kind": error.kind.word(),
        "stage": error.stage,
        "attempted": error.attempted,
        "context": context,
        "hint": error.hint,
        "retry": error.retry,
    }})
}

/// Where the ledger of this run is kept; for what is in memory only, why.
pub fn ledger(workspace: &Workspace) -> Value {
    match workspace.ledger_in_memory() {
        None => json!({"kept": "disk"}),
        Some(why) => {
            let why = super::clean_error(why);
            json!({"kept": "memory", "why": why.attempted, "hint": why.hint})
        }
    }
}

/// The exit code of an error.
pub fn exit_code(error: &Error) -> u8 {
    match error.kind {
        ErrorKind::Refused => 3,
        ErrorKind::Cancelled => 5,
        ErrorKind::Unexpected => 1,
        ErrorKind::Invalid if error.stage == "usage" => 2,
        _ => 4,
    }
}

fn known<T: serde::Serialize>(known: Option<&Known<T>>) -> Value {
    known.map_or(Value::Null, |known| {
        json!({"value": known.value, "provenance": known.provenance.word(), "how": known.provenance.phrase(), "as_of": known.as_of})
    })
}

/// A node as `ls` lists it.
pub fn node(node: &Node) -> Value {
    json!({
        "path": node.path, "name": node.name, "kind": node.kind.word(), "readable": node.readable, "expandable": node.expandable,
        "rows": known(node.rows.as_ref()), "bytes": known(node.bytes.as_ref()), "note": node.note,
    })
}

fn provenance_age(provenance: &Provenance) -> Value {
    if let Provenance::Catalogued { age_secs } = provenance { json!(age_secs) } else { Value::Null }
}

fn quantity(quantity: &Quantity) -> Value {
    json!({
        "dim": quantity.dim, "unit": quantity.dim.unit(),
        "lo": number(quantity.lo), "mid": number(quantity.mid), "hi": number(quantity.hi), "level": quantity.level,
        "upper_is_hard": quantity.upper == UpperEnd::Hard,
        "provenance": quantity.provenance.word(), "how": quantity.provenance.phrase(), "age_secs": provenance_age(&quantity.provenance),
        "source": quantity.source, "as_of": quantity.as_of,
    })
}

/// An estimate.
pub fn estimate(estimate: &LoadEstimate) -> Value {
    json!({
        "quantities": estimate.quantities.iter().map(quantity).collect::<Vec<_>>(),
        "effects": estimate.effects,
        "caps": estimate.caps.iter().map(|cap| json!({"dim": cap.dim, "limit": number(cap.limit), "enforced_by": cap.enforced_by})).collect::<Vec<_>>(),
        "capacity": estimate.capacity,
        "not_estimable": estimate.not_estimable,
        "assumptions": estimate.assumptions,
        "verdict": estimate.verdict.word(),
        "verdict_expected": estimate.verdict_expected.word(),
        "verdict_if_wrong": estimate.verdict.word(),
        "reasons": estimate.reasons,
        "cost_of_estimating": actual(&estimate.cost_of_estimating),
    })
}

/// What a read did cost.
pub fn actual(actual: &LoadActual) -> Value {
    let dims = actual.values.iter().map(|measured| {
        let value = json!({
            "dim": measured.dim, "unit": measured.dim.unit(), "value": number(measured.value),
            "how_measured": measured.how_measured, "coverage": measured.coverage,
        });
        let dim = json!(measured.dim).as_str().unwrap_or_default().to_owned();
        (dim, value)
    });
    Value::Object(dims.collect())
}

fn bound(bound: &Bound) -> Value {
    json!({"rows": bound.rows, "bytes": bound.bytes, "seconds": bound.seconds, "requests": bound.requests})
}

/// A plan.
pub fn plan(plan: &ReadPlan) -> Value {
    let steps = plan.steps.iter().map(|step| {
        json!({"entry": step.entry, "text": step.text, "kind": step.kind,
               "binds": step.binds.iter().map(|cell| raw(cell, &LogicalType::Text)).collect::<Vec<_>>()})
    });
    let mut document = json!({
        "steps": steps.collect::<Vec<_>>(), "bounds": bound(&plan.bounds), "pushdown": plan.pushdown,
        "method": plan.method, "remarks": plan.remarks,
        "columns": plan.schema.as_ref().map(columns),
    });
    if let (Some(gate), Some(fields)) = (&plan.gate, document.as_object_mut()) {
        fields.insert("gate".to_owned(), json!(gate));
    }
    document
}

/// Columns of a schema.
pub fn columns(schema: &Schema) -> Value {
    let fields = schema.fields.iter().map(|field| {
        json!({
            "name": field.name, "type": field.native, "logical": field.logical.to_string(),
            "nullable": match field.nullability {
                Nullability::Nullable => Value::Bool(true),
                Nullability::Required => Value::Bool(false),
                Nullability::Unknown => Value::Null,
            },
            "note": field.note,
        })
    });
    Value::Array(fields.collect())
}

/// A cell as JSON; only for small documents, where a number beyond 64 bits is text anyway.
fn raw(cell: &Cell, logical: &LogicalType) -> Value {
    let mut text = String::new();
    cell.push_json(logical, &mut text);
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// The document of rows, written as text.
pub fn rows(schema: &Schema, batches: &[Batch], rest: &[(&str, Value)]) -> String {
    let mut out = String::from("{\"columns\":");
    out.push_str(&columns(schema).to_string());
    out.push_str(",\"rows\":[");
    let mut first = true;
    for batch in batches {
        for row in 0..batch.row_count() {
            out.push_str(if first { "\n[" } else { ",\n[" });
            first = false;
            for (column, field) in batch.schema.fields.iter().enumerate() {
                if column > 0 {
                    out.push(',');
                }
                batch.cell(row, column).push_json(&field.logical, &mut out);
            }
            out.push(']');
        }
    }
    out.push(']');
    for (key, value) in rest {
        out.push(',');
        push_json_string(&mut out, key);
        out.push(':');
        out.push_str(&value.to_string());
    }
    out.push('}');
    out
}

/// What was lost and what disagrees.
pub fn findings(findings: &Findings) -> (Value, Value) {
    (json!(findings.lost), json!(findings.disagreements))
}

/// A profile.
pub fn profile(profile: &TableProfile, estimate: Value, actual: Value) -> Value {
    let (lost, disagreements) = findings(&profile.findings);
    let columns = profile.columns.iter().map(|column| {
        let value = |cell: &Option<Cell>| cell.as_ref().map_or(Value::Null, |cell| raw(cell, &column.logical));
        let quantiles = column.quantiles.iter().map(|quantile| (format!("{}", quantile.rank), raw(&quantile.value, &column.logical)));
        json!({
            "name": column.name, "type": column.logical.to_string(), "rows": column.rows,
            "nulls": column.nulls, "missing": column.missing, "odd": column.odd,
            "special": column.special, "empty": column.empty,
            "distinct": column.distinct.map(|distinct| number(distinct.round())), "distinct_basis": column.distinct_basis,
            "distinct_range": column.distinct_range.map(|(least, most)| [number(least), number(most)]),
            "min": value(&column.min), "max": value(&column.max), "mean": column.mean,
            "quantiles": quantiles.collect::<serde_json::Map<_, _>>(),
            "histogram": column.histogram,
            "top": column.top.iter().map(|top| json!({"value": raw(&top.value, &column.logical), "count": top.count, "error": top.error, "cut": top.cut})).collect::<Vec<_>>(),
            "lengths": column.lengths, "error_bound": column.error_bound,
            "rank_error": column.rank_error, "notes": column.notes, "source": column.source,
        })
    });
    json!({
        "rows": profile.rows, "rows_basis": profile.rows_basis, "rows_seen": profile.rows_seen, "method": profile.method,
        "columns": columns.collect::<Vec<_>>(), "lost": lost, "disagreements": disagreements, "estimate": estimate, "actual": actual,
    })
}
