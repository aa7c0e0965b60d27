//! Rows to a file with their provenance beside it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Opened;
use super::read::{Done, Prepared};
use crate::connector::guard::Override;
use crate::job::{BatchSink, CallCtx, Flow};
use crate::model::batch::Batch;
use crate::model::lost::Findings;
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};
use crate::sinks::{ExportFormat, ExportOptions, Exporter, Leftover, Provenance, SentStatement};

pub use crate::sinks::{FormulaText, IfThere};

/// Where an export goes.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The file.
    pub file: PathBuf,
    /// Its format.
    pub format: ExportFormat,
    /// Formula text.
    pub formulas: FormulaText,
    /// What to do if it is there.
    pub if_there: IfThere,
}

impl Destination {
    /// A destination; the format follows the extension where none is given.
    pub fn new(
        file: PathBuf,
        format: Option<ExportFormat>,
        formulas: FormulaText,
        if_there: IfThere,
    ) -> Result<Self> {
        let format = format.or_else(|| ExportFormat::of_path(&file)).ok_or_else(|| {
            let known = ExportFormat::ALL.map(ExportFormat::word).join(", ");
            Error::new(ErrorKind::Invalid, "usage", "the file's name does not tell its format")
                .hint(format!("give `--format`, one of {known}"))
        })?;
        Ok(Self { file, format, formulas, if_there })
    }

    fn options(&self) -> ExportOptions {
        ExportOptions { formulas: self.formulas, if_there: self.if_there }
    }
}

/// A finished export.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// The manifest beside it.
    pub manifest: PathBuf,
    /// Rows written.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// What was lost on the way in or out.
    pub findings: Findings,
    /// How the read went.
    pub done: Done,
}

impl Opened {
    /// Reads rows into a file. The place is tried before anything is read.
    ///
    /// # Errors
    /// As [`Opened::read`] and [`Exporter`]; and the read's own error if it did not end well. The rows that
    /// came before it are then in `FILE.partial`, which the error names.
    pub async fn export(
        &self,
        ctx: &CallCtx,
        prepared: Prepared,
        given: Option<&Override>,
        to: Destination,
    ) -> Result<Exported> {
        Exporter::check(&to.file, to.options()).await?;
        let planned = prepared.plan.schema.clone().map(Arc::new);
        let (mount, _) = self.locate(&prepared.node)?;
        let connector = mount.connection().connector.clone();
        let node = prepared.node.to_string();
        let started_at = Timestamp::now();
        let mut sink = ExportSink { to: &to, exporter: None, findings: Findings::default() };
        let done = self.read(ctx, prepared, given, &mut sink).await?;
        if let Err(error) = &done.report.end {
            return Err(sink.give_up(error.clone()).await);
        }
        let exporter = sink.whole(planned).await?;
        let provenance = Provenance {
            source: self.name.clone(),
            connector,
            node,
            statements: statements(&done),
            method: done.plan.method.clone(),
            seed: done.plan.spec.seed,
            started_at,
            ended_at: Timestamp::now(),
            bounds: done.plan.bounds,
            truncated: done.report.is_truncated(),
            estimate: done.estimate.clone(),
            actual: done.report.actual.clone(),
        };
        let made = exporter.finish(provenance).await?;
        Ok(Exported {
            file: made.file,
            manifest: made.manifest,
            rows: made.rows,
            bytes: made.bytes,
            findings: made.findings,
            done,
        })
    }
}

fn statements(done: &Done) -> Vec<SentStatement> {
    let sent = done.plan.steps.iter();
    sent.map(|step| SentStatement { entry: step.entry.0.to_string(), text: step.text.clone() }).collect()
}

/// Starts the file with the first rows: only they tell the columns for sure.
struct ExportSink<'a> {
    to: &'a Destination,
    exporter: Option<Exporter>,
    findings: Findings,
}

impl ExportSink<'_> {
    async fn start(&self, schema: Arc<Schema>) -> Result<Exporter> {
        Exporter::create(&self.to.file, self.to.format, schema, self.to.options()).await
    }

    /// The export of a read that ended well; one without rows has the planned columns.
    async fn whole(mut self, planned: Option<Arc<Schema>>) -> Result<Exporter> {
        let mut exporter = match (self.exporter.take(), planned) {
            (Some(exporter), _) => exporter,
            (None, Some(schema)) => self.start(schema).await?,
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    "export",
                    "no row came, and without rows the columns are not known",
                ));
            }
        };
        exporter.findings(self.findings);
        Ok(exporter)
    }

    /// The read's error with the place of the rows that came before it.
    async fn give_up(self, error: Error) -> Error {
        let Some(exporter) = self.exporter else { return error };
        match exporter.abandon(Leftover::Keep).await {
            Ok(Some(partial)) => error.with("partial", partial.display().to_string()),
            // The writer's own failure is what ended the read; it has left nothing.
            Ok(None) | Err(_) => error,
        }
    }
}

#[async_trait]
impl BatchSink for ExportSink<'_> {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        let mut exporter = match self.exporter.take() {
            Some(exporter) => exporter,
            None => self.start(Arc::clone(&batch.schema)).await?,
        };
        let flow = exporter.batch(batch).await;
        self.exporter = Some(exporter);
        flow
    }

    fn findings(&mut self, findings: Findings) {
        self.findings.merge(findings);
    }
}
