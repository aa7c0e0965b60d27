//! Verbs that plan or read: plan, estimate, preview, profile, export.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::args::{Format, ReadArgs};
use super::browse::open;
use super::{json as document, print, progress, spec, text};
use crate::job::CallCtx;
use crate::model::load::Verdict;
use crate::model::read::{ProfileLevel, ReadSpec, Want};
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};
use crate::ops::export::{Destination, FormulaText, IfThere};
use crate::ops::read::{Done, Prepared};
use crate::ops::{Opened, Workspace};
use crate::sinks::ExportFormat;

fn wants_rows(args: &ReadArgs) -> Result<ReadSpec> {
    spec::read_spec(args, Want::Rows, Some(ReadSpec::PREVIEW_ROWS))
}

pub async fn plan(ctx: &CallCtx, workspace: &Workspace, args: &ReadArgs) -> Result<()> {
    let asked = wants_rows(args)?;
    let opened = open(ctx, workspace, &args.at.target).await?;
    let (_, plan) = opened.plan(ctx, asked).await?;
    if args.output.json {
        print::line(&document::plan(&plan).to_string());
    } else {
        print::out(&text::plan(&plan));
    }
    match &plan.gate {
        Some(gate) if !gate.is_read() => Err(Error::new(
            ErrorKind::Refused,
            "plan",
            format!("the gate says {}: {}", gate.word(), gate.why()),
        )
        .hint("only single statements that read are sent; rewrite it as one SELECT")),
        _ => Ok(()),
    }
}

pub async fn estimate(ctx: &CallCtx, workspace: &Workspace, args: &ReadArgs) -> Result<()> {
    let asked = wants_rows(args)?;
    let opened = open(ctx, workspace, &args.at.target).await?;
    let prepared = opened.prepare(ctx, asked).await?;
    if args.output.json {
        print::line(&document::estimate(&prepared.estimate).to_string());
    } else {
        print::out(&text::plan(&prepared.plan));
        print::out(&text::estimate(&prepared.estimate));
    }
    if prepared.plan.gate.as_ref().is_some_and(|gate| !gate.is_read()) {
        return refused(ctx, &opened, prepared, args).await.map(drop);
    }
    Ok(())
}

/// Says what a noticeable read will cost before it runs; a read that needs more is refused with cheaper ways.
async fn announce(ctx: &CallCtx, opened: &Opened, prepared: &Prepared, args: &ReadArgs) -> Result<()> {
    if prepared.need.is_some() && args.approve.is_none() && !args.output.json {
        print::note(text::estimate(&prepared.estimate).trim_end());
        for way in opened.cheaper(ctx, prepared).await? {
            print::note(&format!("cheaper: {} ({})", way.title, way.prepared.estimate.verdict.word()));
        }
    } else if matches!(prepared.estimate.verdict, Verdict::Noticeable | Verdict::Unknown) {
        print::note(&format!("load: {}; it runs with caps", text::verdict(&prepared.estimate)));
    }
    Ok(())
}

async fn refused(ctx: &CallCtx, opened: &Opened, prepared: Prepared, args: &ReadArgs) -> Result<Done> {
    let given = spec::override_of(args);
    opened.read(ctx, prepared, given.as_ref(), &mut crate::job::sink::Collected::default()).await
}

/// What every document of a finished read says of it.
fn outcome(workspace: &Workspace, done: &Done) -> Vec<(&'static str, Value)> {
    vec![
        ("rows_returned", json!(done.report.rows)),
        ("truncated", json!(done.report.is_truncated())),
        ("method", json!(done.plan.method)),
        ("remarks", json!(done.plan.remarks)),
        ("estimate", document::estimate(&done.estimate)),
        ("actual", document::actual(&done.report.actual)),
        ("ledger", document::ledger(workspace)),
    ]
}

/// The error that ended a read, after its rows were shown.
fn ended(done: &Done) -> Result<()> {
    done.error().map_or(Ok(()), |error| Err(error.clone()))
}

pub async fn preview(ctx: &CallCtx, workspace: &Workspace, args: &ReadArgs) -> Result<()> {
    let asked = wants_rows(args)?;
    let opened = open(ctx, workspace, &args.at.target).await?;
    let prepared = opened.prepare(ctx, asked).await?;
    announce(ctx, &opened, &prepared, args).await?;
    let shown = progress::show(ctx);
    let read = opened.rows(ctx, prepared, spec::override_of(args).as_ref()).await?;
    drop(shown);
    let (collected, done) = (&read.collected, &read.done);
    let empty = Schema::default();
    let schema =
        collected.batches.first().map(|batch| &*batch.schema).or(done.plan.schema.as_ref()).unwrap_or(&empty);
    if args.output.json {
        let (lost, disagreements) = document::findings(&collected.findings);
        let mut rest = outcome(workspace, done);
        rest.extend([("lost", lost), ("disagreements", disagreements)]);
        print::line(&document::rows(schema, &collected.batches, &rest));
    } else {
        print::out(&text::rows(schema, &collected.batches));
        let more = if done.report.is_truncated() { ", there may be more" } else { "" };
        print::note(&format!("{} rows{more} · {}", done.report.rows, done.plan.method));
        print::note(&text::cost(&done.estimate, &done.report.actual));
        for remark in &done.plan.remarks {
            print::note(&format!("note: {remark}"));
        }
        print::note(text::findings(&collected.findings).trim_end());
    }
    ended(done)
}

pub async fn profile(
    ctx: &CallCtx,
    workspace: &Workspace,
    level: ProfileLevel,
    args: &ReadArgs,
) -> Result<()> {
    let asked = spec::read_spec(args, Want::Profile(level), None)?;
    let opened = open(ctx, workspace, &args.at.target).await?;
    let prepared = opened.prepare(ctx, opened.bounded_for(asked, level)).await?;
    announce(ctx, &opened, &prepared, args).await?;
    let shown = progress::show(ctx);
    let profiled = opened.profile(ctx, prepared, spec::override_of(args).as_ref()).await?;
    drop(shown);
    let done = &profiled.done;
    if args.output.json {
        let (estimate, actual) = (document::estimate(&done.estimate), document::actual(&done.report.actual));
        let mut whole = document::profile(&profiled.profile, estimate, actual);
        whole["ledger"] = document::ledger(workspace);
        print::line(&whole.to_string());
    } else {
        print::out(&text::profile(&profiled.profile));
        print::note(&text::cost(&done.estimate, &done.report.actual));
    }
    ended(done)
}

/// Options of an export beside its read.
pub struct ExportArgs {
    to: PathBuf,
    format: Option<Format>,
    formulas: FormulaText,
    if_there: IfThere,
}

impl ExportArgs {
    /// From the flags as typed.
    #[expect(clippy::fn_params_excessive_bools, reason = "two flags of the command line become types here")]
    pub fn new(to: PathBuf, format: Option<Format>, no_formula_guard: bool, overwrite: bool) -> Self {
        Self {
            to,
            format,
            formulas: if no_formula_guard { FormulaText::AsItIs } else { FormulaText::Guarded },
            if_there: if overwrite { IfThere::Replace } else { IfThere::Refuse },
        }
    }
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Parquet => Self::Parquet,
            Format::Csv => Self::Csv,
            Format::Jsonl => Self::Jsonl,
            Format::Xlsx => Self::Xlsx,
            Format::Ipc => Self::Ipc,
        }
    }
}

pub async fn export(ctx: &CallCtx, workspace: &Workspace, export: ExportArgs, args: &ReadArgs) -> Result<()> {
    let asked = wants_rows(args)?;
    let destination =
        Destination::new(export.to, export.format.map(Into::into), export.formulas, export.if_there)?;
    let opened = open(ctx, workspace, &args.at.target).await?;
    let prepared = opened.prepare(ctx, asked).await?;
    announce(ctx, &opened, &prepared, args).await?;
    let shown = progress::show(ctx);
    let exported = opened.export(ctx, prepared, spec::override_of(args).as_ref(), destination).await?;
    drop(shown);
    if args.output.json {
        let mut rest = outcome(workspace, &exported.done)
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<serde_json::Map<_, _>>();
        rest.insert("file".to_owned(), json!(exported.file.display().to_string()));
        rest.insert("manifest".to_owned(), json!(exported.manifest.display().to_string()));
        rest.insert("rows".to_owned(), json!(exported.rows));
        rest.insert("bytes".to_owned(), json!(exported.bytes));
        rest.insert("lost".to_owned(), json!(exported.findings.lost));
        rest.insert("disagreements".to_owned(), json!(exported.findings.disagreements));
        print::line(&Value::Object(rest).to_string());
    } else {
        print::line(&format!("{} rows to {}", exported.rows, exported.file.display()));
        print::line(&format!("manifest: {}", exported.manifest.display()));
        print::note(&text::cost(&exported.done.estimate, &exported.done.report.actual));
        print::note(text::findings(&exported.findings).trim_end());
    }
    ended(&exported.done)
}
