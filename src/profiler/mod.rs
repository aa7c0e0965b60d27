//! TODO(sinks)
use crate::model::{
    batch::Batch,
    column_state::TableState,
    schema::Schema,
    stats::{Basis, TableProfile},
};
/// .
pub struct TableProfiler(TableState);
impl TableProfiler {
    /// .
    pub fn new(schema: std::sync::Arc<Schema>) -> Self {
        Self(TableState { schema: (*schema).clone(), ..TableState::default() })
    }
    /// .
    pub fn push(&mut self, batch: &Batch) {
        self.0.rows += batch.row_count() as u64;
    }
    /// .
    pub fn state(self) -> TableState {
        self.0
    }
}
/// .
pub fn merge(a: &TableState, _b: &TableState) -> Result<TableState, String> {
    Ok(a.clone())
}
/// .
pub fn finish(state: &TableState, basis: Basis, method: &str) -> TableProfile {
    TableProfile {
        rows: None,
        rows_basis: basis,
        rows_seen: state.rows,
        method: method.to_owned(),
        columns: vec![],
        findings: crate::model::lost::Findings::default(),
    }
}
