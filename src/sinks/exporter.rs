//! The sink of an export. A task of its own on the blocking threads writes, fed by a channel of two batches:
//! order is kept, and a slow disk slows the source.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::csv::CsvFile;
use super::file::{PartialFile, beside};
use super::jsonl::JsonLines;
use super::manifest::{Manifest, Provenance, WrittenFile};
use super::polars_files::PolarsFile;
use super::tally::Tally;
use super::types::{ExportFormat, mapping};
use super::xlsx::Sheets;
use super::{ExportOptions, IfThere};
use crate::job::{BatchSink, Flow};
use crate::model::batch::Batch;
use crate::model::lost::Findings;
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};

/// Batches that wait for the disk.
const WAITING_BATCHES: usize = 2;

/// Writes rows of one format.
pub(super) trait RowWriter: Send {
    /// Writes the rows of a batch, or keeps them for the next row group.
    fn write(&mut self, batch: &Batch, tally: &mut Tally) -> Result<()>;

    /// Writes what is still held, and the format's end.
    fn finish(self: Box<Self>, tally: &mut Tally) -> Result<()>;
}

/// What becomes of the rows written so far when an export is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Removed.
    Remove,
    /// Left as `NAME.partial`, which no reader takes for whole.
    Keep,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// The manifest beside it.
    pub manifest: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// What was lost on the way in or out.
    pub findings: Findings,
    /// Text cells that the formula guard changed.
    pub guarded_cells: u64,
}

enum Message {
    Batch(Batch),
    Finish(Box<(Provenance, Findings)>),
    Keep,
}

enum Ended {
    Exported(Box<Exported>),
    Kept(PathBuf),
}

/// A file that is being written; feed it as a sink, then [`Exporter::finish`] it. Dropped before that, it
/// leaves nothing behind.
pub struct Exporter {
    to: mpsc::Sender<Message>,
    task: Option<JoinHandle<Result<Option<Ended>>>>,
    findings: Findings,
}

impl Exporter {
    /// Starts a file of this format with these columns.
    ///
    /// # Errors
    /// `invalid` if the file is there and may not be replaced, or is a folder; `unsupported` if the format
    /// can't have these columns; io errors.
    pub async fn create(
        path: &Path,
        format: ExportFormat,
        schema: Arc<Schema>,
        options: ExportOptions,
    ) -> Result<Self> {
        let (to, from) = mpsc::channel(WAITING_BATCHES);
        let path = path.to_owned();
        let making = move || Work::new(&path, format, schema, options);
        let work = tokio::task::spawn_blocking(making).await.map_err(broke_down)??;
        let task = tokio::task::spawn_blocking(move || work.run(from));
        Ok(Self { to, task: Some(task), findings: Findings::default() })
    }

    /// Looks whether a file could be written there, and leaves nothing: before a read is paid for.
    ///
    /// # Errors
    /// As [`Exporter::create`].
    pub async fn check(path: &Path, options: ExportOptions) -> Result<()> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || place(&path, options).map(drop)).await.map_err(broke_down)?
    }

    /// Makes the file whole, gives it its name and writes the manifest beside it.
    ///
    /// # Errors
    /// As the system or the format has it; a full disk is `budget`. Nothing is left behind then.
    pub async fn finish(mut self, provenance: Provenance) -> Result<Exported> {
        let findings = std::mem::take(&mut self.findings);
        // If the task is gone its own error tells why.
        drop(self.to.send(Message::Finish(Box::new((provenance, findings)))).await);
        match self.ended().await? {
            Some(Ended::Exported(exported)) => Ok(*exported),
            _ => Err(Error::unexpected("export", "the writer ended without a file")),
        }
    }

    /// Gives the export up; the path of the partial file, if it is kept.
    pub async fn abandon(mut self, leftover: Leftover) -> Result<Option<PathBuf>> {
        match leftover {
            Leftover::Keep => drop(self.to.send(Message::Keep).await),
            Leftover::Remove => {
                let (closed, _) = mpsc::channel(1);
                self.to = closed;
            }
        }
        Ok(match self.ended().await? {
            Some(Ended::Kept(path)) => Some(path),
            _ => None,
        })
    }

    async fn ended(&mut self) -> Result<Option<Ended>> {
        match self.task.take() {
            Some(task) => task.await.map_err(broke_down)?,
            None => Err(Error::unexpected("export", "the writer has already ended")),
        }
    }
}

fn broke_down(error: tokio::task::JoinError) -> Error {
    Error::unexpected("export", format!("the writer broke down: {error}"))
}

#[async_trait]
impl BatchSink for Exporter {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        if self.to.send(Message::Batch(batch)).await.is_ok() {
            return Ok(Flow::More);
        }
        // The task stops early only for an error.
        match self.ended().await {
            Err(error) => Err(error),
            Ok(_) => Err(Error::unexpected("export", "the writer stopped taking rows")),
        }
    }

    fn findings(&mut self, findings: Findings) {
        self.findings.merge(findings);
    }
}

/// The side of the blocking thread.
struct Work {
    path: PathBuf,
    format: ExportFormat,
    schema: Arc<Schema>,
    options: ExportOptions,
    file: PartialFile,
    writer: Box<dyn RowWriter>,
    tally: Tally,
}

impl Work {
    fn new(path: &Path, format: ExportFormat, schema: Arc<Schema>, options: ExportOptions) -> Result<Self> {
        if schema.fields.is_empty() {
            return Err(Error::new(ErrorKind::Unsupported, "export", "there is no column to write"));
        }
        let file = place(path, options)?;
        let mut tally = Tally::default();
        let to = file.clone();
        let writer: Box<dyn RowWriter> = match format {
            ExportFormat::Parquet => Box::new(PolarsFile::parquet(to, &schema)?),
            ExportFormat::Ipc => Box::new(PolarsFile::ipc(to, &schema)?),
            ExportFormat::Csv => Box::new(CsvFile::new(to, &schema, options.formulas, &mut tally)?),
            ExportFormat::Jsonl => Box::new(JsonLines::new(to, &schema)),
            ExportFormat::Xlsx => Box::new(Sheets::new(to, path, &schema, options.formulas, &mut tally)?),
        };
        Ok(Self { path: path.to_owned(), format, schema, options, file, writer, tally })
    }

    /// Writes until told how to end; a channel that closes before that means: give up.
    fn run(mut self, mut from: mpsc::Receiver<Message>) -> Result<Option<Ended>> {
        loop {
            match from.blocking_recv() {
                Some(Message::Batch(batch)) => self.write(&batch)?,
                Some(Message::Finish(told)) => {
                    let (provenance, findings) = *told;
                    return self.finish(provenance, findings).map(|e| Some(Ended::Exported(Box::new(e))));
                }
                Some(Message::Keep) => {
                    // Rows held for a row group belong to what is kept.
                    drop(self.writer.finish(&mut self.tally));
                    return Ok(Some(Ended::Kept(self.file.keep())));
                }
                None => return Ok(None),
            }
        }
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        let same = batch.schema.fields.len() == self.schema.fields.len()
            && batch.schema.fields.iter().zip(&self.schema.fields).all(|(a, b)| a.logical == b.logical);
        if !same {
            return Err(Error::unexpected("export", "a batch has other columns than the file"));
        }
        if batch.row_count() == 0 {
            return Ok(());
        }
        self.tally.rows += batch.row_count() as u64;
        // The system's own words are in the file; libraries on the way lose them.
        self.writer.write(batch, &mut self.tally).map_err(|error| self.file.failure().unwrap_or(error))
    }

    fn finish(mut self, provenance: Provenance, mut findings: Findings) -> Result<Exported> {
        self.writer.finish(&mut self.tally).map_err(|error| self.file.failure().unwrap_or(error))?;
        let sealed = self.file.seal()?;
        let mut columns = mapping(self.format, &self.schema);
        let (rows, guarded_cells) = (self.tally.rows, self.tally.guard.guarded_cells());
        findings.merge(self.tally.end(&mut columns));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let written = WrittenFile {
            name,
            format: self.format,
            rows,
            bytes: sealed.bytes,
            sha256: sealed.sha256.clone(),
        };
        let manifest = Manifest::new(written, provenance, self.options, &findings, columns, guarded_cells);
        let text = serde_json::to_vec_pretty(&manifest).map_err(|error| {
            Error::unexpected("export", format!("the manifest can't be written: {error}"))
        })?;
        let manifest = manifest_path(&self.path);
        let mut beside_it = PartialFile::create(&manifest, self.options.if_there)?;
        std::io::Write::write_all(&mut beside_it, &text)
            .map_err(|error| super::file::failed("writing the manifest", &manifest, &error))?;
        beside_it.seal()?;
        self.file.commit()?;
        beside_it.commit()?;
        Ok(Exported {
            file: self.path,
            manifest,
            rows,
            bytes: sealed.bytes,
            sha256: sealed.sha256,
            findings,
            guarded_cells,
        })
    }
}

/// The partial file, where neither the file nor its manifest is in the way.
fn place(path: &Path, options: ExportOptions) -> Result<PartialFile> {
    let file = PartialFile::create(path, options.if_there)?;
    let manifest = manifest_path(path);
    if options.if_there == IfThere::Refuse && manifest.symlink_metadata().is_ok() {
        return Err(Error::new(ErrorKind::Invalid, "export", "a manifest of that name is there already")
            .hint("choose another name, or allow replacing it (`--overwrite`)")
            .with("path", manifest.display().to_string()));
    }
    Ok(file)
}

fn manifest_path(path: &Path) -> PathBuf {
    beside(path, ".manifest.json")
}
