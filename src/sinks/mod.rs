//! TODO(sinks)
/// Formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// .
    Parquet,
    /// .
    Csv,
    /// .
    Jsonl,
    /// .
    Xlsx,
    /// .
    Ipc,
}
