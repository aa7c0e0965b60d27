//! Rows of an Avro file, in the worker: block by block, with the writer's own schema.

use std::sync::Arc;

use apache_avro::reader::datum::GenericDatumReader;

use super::container::{self, Block, Header};
use super::values;
use crate::job::Flow;
use crate::kit::files::{
    Ask, Cost, FileInput, FileReader, Outline, Place, RowCount, RowsOut, Stretch, Table, Windows,
};
use crate::model::cell::Cell;
use crate::model::load::Provenance;
use crate::model::lost::Lost;
use crate::model::node::{Detail, NodeKind};
use crate::model::schema::Schema;
use crate::model::units::{bytes_text, count_text};
use crate::model::{Error, ErrorKind, Result};

/// Blocks whose heads are read by a look.
const MOST_BLOCKS: u64 = 20_000;
const MOST_VALUE_CHARS: usize = 2_000;

/// The reader of this format.
pub struct Avro;

impl FileReader for Avro {
    fn id(&self) -> &'static str {
        super::ID
    }

    fn look(&self, file: &Arc<FileInput>, _settings: &serde_json::Value) -> Result<Outline> {
        let header = container::header(file)?;
        let mut outline = Outline::new(file.len(), file.packing());
        let blocks = blocks(file, &header, &mut outline)?;
        outline.fact("schema name", name_of(&header.schema));
        outline.fact("codec", header.codec_name.clone());
        outline.fact(
            "blocks",
            if blocks.all {
                count_text(blocks.count)
            } else {
                format!("more than {}", count_text(blocks.count))
            },
        );
        if blocks.count > 0 {
            outline.fact("rows of a block", format!("{} to {}", blocks.least, blocks.most));
            outline.fact("largest block", bytes_text(blocks.largest as f64));
        }
        let who = || Provenance::Declared { who: "the writer".to_owned() };
        let shown: String = header.schema_text.chars().take(MOST_VALUE_CHARS).collect();
        outline.facts.push(Detail::new("writer's schema", shown, who()));
        for (key, value) in header.metadata.iter().take(100) {
            let shown: String = String::from_utf8_lossy(value).chars().take(300).collect();
            outline.facts.push(Detail::new(format!("metadata {key}"), shown, who()));
        }
        let mut table = Table::new(Vec::new(), NodeKind::File, Schema::new(values::columns(&header.schema)));
        let seen = blocks.end.saturating_sub(header.end).max(1);
        let row_bytes = seen as f64 / blocks.rows.max(1) as f64;
        table.rows = Some(match blocks.all {
            true => RowCount::exact(blocks.rows, "the heads of all blocks"),
            false => {
                let mid = file.len().saturating_sub(header.end) as f64 / row_bytes;
                RowCount::sampled(mid * 0.9, mid, mid * 1.1, blocks.count)
            }
        });
        table.windows = if blocks.all { Windows::ByRow } else { Windows::None };
        table.cost = Cost::Sequence {
            start: header.end,
            end: file.len(),
            row_bytes,
            block_bytes: blocks.largest.max(4096),
        };
        outline.tables.push(table);
        Ok(outline)
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let header = container::header(file)?;
        match &ask.stretch {
            Stretch::From { row, .. } => from(file, &header, ask, (*row, None), out).map(drop),
            Stretch::RowWindows(windows) => {
                for (first, rows) in windows {
                    if from(file, &header, ask, (*first, Some(*rows)), out)? == Flow::Enough {
                        break;
                    }
                }
                Ok(())
            }
            Stretch::ByteWindows { .. } => Err(out.no_such_stretch()),
        }
    }
}

fn name_of(schema: &apache_avro::Schema) -> String {
    schema.name().map_or_else(|| "none: rows are no records".to_owned(), |name| name.fullname(None))
}

/// What the heads of the blocks tell.
struct Blocks {
    count: u64,
    rows: u64,
    least: u64,
    most: u64,
    largest: u64,
    all: bool,
    end: u64,
}

fn blocks(file: &FileInput, header: &Header, outline: &mut Outline) -> Result<Blocks> {
    let mut found =
        Blocks { count: 0, rows: 0, least: u64::MAX, most: 0, largest: 0, all: false, end: header.end };
    while found.count < MOST_BLOCKS {
        let block = match header.block(file, found.end) {
            Ok(Some(block)) => block,
            Ok(None) => {
                found.all = true;
                break;
            }
            Err(error) => {
                let place = format!("byte {}", found.end);
                outline.findings.lost(Lost { place, why: error.attempted, count: 1 });
                break;
            }
        };
        found.count += 1;
        found.rows += block.rows;
        found.least = found.least.min(block.rows);
        found.most = found.most.max(block.rows);
        found.largest = found.largest.max(block.end - found.end);
        found.end = block.end;
    }
    Ok(found)
}

/// Gives the rows from one on; so many of them if not all.
fn from(
    file: &FileInput,
    header: &Header,
    ask: &Ask,
    (first, most): (u64, Option<u64>),
    out: &mut RowsOut<'_>,
) -> Result<Flow> {
    let reader = GenericDatumReader::builder(&header.schema)
        .build()
        .map_err(|error| failed("the writer's schema", &error))?;
    let mut place = header.end;
    let mut start = 0_u64;
    let mut left = most.unwrap_or(u64::MAX);
    loop {
        let block = match header.block(file, place) {
            Ok(None) => return Ok(Flow::More),
            Ok(Some(block)) => block,
            Err(error) => match header.next_mark(file, place)? {
                Some(next) => {
                    out.lost(
                        format!("byte {place}"),
                        format!("a block was left out: {}", error.attempted),
                        1,
                    );
                    place = next;
                    continue;
                }
                None => return Err(error),
            },
        };
        let end = start + block.rows;
        if end <= first {
            if most.is_none() {
                out.passed(block.rows);
            }
            (start, place) = (end, block.end);
            continue;
        }
        let taken = Taken { start, first, left, counted: most.is_none() };
        match one_block(file, header, &reader, (&block, ask), taken, out)? {
            (_, Flow::Enough) => return Ok(Flow::Enough),
            (given, Flow::More) => left -= given.min(left),
        }
        if left == 0 {
            return Ok(Flow::More);
        }
        (start, place) = (end, block.end);
    }
}

/// Which rows of a block are given.
#[derive(Clone, Copy)]
struct Taken {
    start: u64,
    first: u64,
    left: u64,
    counted: bool,
}

fn one_block(
    file: &FileInput,
    header: &Header,
    reader: &GenericDatumReader<'_>,
    (block, ask): (&Block, &Ask),
    taken: Taken,
    out: &mut RowsOut<'_>,
) -> Result<(u64, Flow)> {
    let place = format!("block of rows {} to {}", taken.start + 1, taken.start + block.rows);
    if !header.is_marked(file, block)? {
        out.disagrees(place.clone(), "the file's mark after each block", "another mark");
    }
    let bytes = match header.unpacked(file, block) {
        Ok(bytes) => bytes,
        Err(error) if error.kind == ErrorKind::Decode => {
            out.lost(
                place,
                format!("rows of blocks that can't be unpacked: {}", error.attempted),
                block.rows,
            );
            return Ok((0, Flow::More));
        }
        Err(error) => return Err(error),
    };
    let mut rest = bytes.as_slice();
    let mut given = 0;
    for row in taken.start..taken.start + block.rows {
        let value = match reader.read_value(&mut rest) {
            Ok(value) => value,
            Err(error) => {
                let left = taken.start + block.rows - row;
                out.lost(
                    place,
                    format!("rows that can't be decoded, with those after them in the block: {error}"),
                    left,
                );
                return Ok((given, Flow::More));
            }
        };
        if row < taken.first {
            if taken.counted {
                out.passed(1);
            }
            continue;
        }
        if given >= taken.left {
            return Ok((given, Flow::More));
        }
        let all = values::row(value, &ask.table.schema.fields);
        let cells =
            ask.columns.iter().map(|column| all.get(*column).cloned().unwrap_or(Cell::Missing)).collect();
        if out.row(Place { row, byte: None }, cells)? == Flow::Enough {
            return Ok((given, Flow::Enough));
        }
        given += 1;
    }
    if !rest.is_empty() {
        out.disagrees(
            place,
            format!("{} rows", block.rows),
            format!("{} bytes are left after them", rest.len()),
        );
    }
    Ok((given, Flow::More))
}

fn failed(what: &str, error: &apache_avro::Error) -> Error {
    Error::new(ErrorKind::Decode, "read", format!("{what}: {error}")).hint("the file may be damaged")
}
