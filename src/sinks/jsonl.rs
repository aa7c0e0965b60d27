//! One JSON object a row, by the JSON contract of cells.

use std::io::Write as _;

use super::exporter::RowWriter;
use super::file::{PartialFile, failed};
use super::tally::Tally;
use super::types::unique_names;
use crate::model::Result;
use crate::model::batch::Batch;
use crate::model::cell::push_json_string;
use crate::model::schema::Schema;

pub(super) struct JsonLines {
    file: PartialFile,
    /// The names as JSON with their colons.
    keys: Vec<String>,
    line: String,
}

impl JsonLines {
    pub(super) fn new(file: PartialFile, schema: &Schema) -> Self {
        let keys = unique_names(schema)
            .iter()
            .map(|name| {
                let mut key = String::new();
                push_json_string(&mut key, name);
                key + ":"
            })
            .collect();
        Self { file, keys, line: String::new() }
    }
}

impl RowWriter for JsonLines {
    fn write(&mut self, batch: &Batch, _tally: &mut Tally) -> Result<()> {
        for row in 0..batch.row_count() {
            self.line.clear();
            for (index, (key, field)) in self.keys.iter().zip(&batch.schema.fields).enumerate() {
                self.line.push(if index == 0 { '{' } else { ',' });
                self.line.push_str(key);
                batch.cell(row, index).push_json(&field.logical, &mut self.line);
            }
            self.line.push_str("}\n");
            self.file
                .write_all(self.line.as_bytes())
                .map_err(|error| failed("writing the file", std::path::Path::new(""), &error))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _tally: &mut Tally) -> Result<()> {
        Ok(())
    }
}
