//! CPU a frame while a table of 10 000 000 rows and 200 columns is scrolled. By hand, see the README beside it.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::borrow::Cow;
use std::ops::Range;

use egui::{Event, MouseWheelUnit, Pos2, RawInput, Rect, vec2};
use headwater::gui::grid::{GridCell, GridColumn, GridModel, GridState, RowCount, grid_ui};
use headwater::gui::theme::{self, Look};

const ROWS: u64 = 10_000_000;
const COLUMNS: usize = 200;
const FRAMES: usize = 2_000;
/// Frames measured together: the kernel counts a running thread's time in ticks of some milliseconds.
const BLOCK: usize = 20;

struct Computed(Vec<GridColumn>);

impl GridModel for Computed {
    fn name(&self) -> &str {
        "rows"
    }
    fn columns(&self) -> &[GridColumn] {
        &self.0
    }
    fn row_count(&self) -> RowCount {
        RowCount::Exact(ROWS)
    }
    fn cell(&self, row: u64, column: usize) -> GridCell<'_> {
        match column % 3 {
            0 => GridCell::Number(Cow::Owned(row.to_string())),
            1 => GridCell::Text(Cow::Owned(format!("name {row} of {column}"))),
            _ => GridCell::Code(Cow::Owned(format!("{row:08x}{column:02x}"))),
        }
    }
    fn want(&mut self, _rows: Range<u64>) {}
}

fn input(frame: usize) -> RawInput {
    let middle = Pos2::new(640.0, 400.0);
    let wheel = Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        // Down, and now and then sideways: new cells in every frame.
        delta: if frame.is_multiple_of(5) { vec2(-3.0, 0.0) } else { vec2(0.0, -9.0) },
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: egui::Modifiers::NONE,
    };
    RawInput {
        screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1280.0, 800.0))),
        time: Some(frame as f64 / 60.0),
        events: vec![Event::PointerMoved(middle), wheel],
        ..RawInput::default()
    }
}

/// CPU that this thread has used, in milliseconds.
fn cpu_millis() -> std::io::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split(' ').next().and_then(|field| field.parse::<f64>().ok());
    nanos
        .map(|nanos| nanos / 1e6)
        .ok_or_else(|| std::io::Error::other("the kernel counts no time of threads"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ctx = egui::Context::default();
    theme::apply(&ctx, Look::default())?;
    let column = |at: usize| GridColumn {
        name: format!("column_{at}"),
        type_name: "text".to_owned(),
        ..GridColumn::default()
    };
    let mut model = Computed((0..COLUMNS).map(column).collect());
    let mut state = GridState::default();
    let mut spent = Vec::with_capacity(FRAMES / BLOCK);
    let mut before = cpu_millis()?;
    for frame in 0..FRAMES {
        let mut output = ctx.run_ui(input(frame), |ui| {
            grid_ui(ui, &mut model, &mut state);
        });
        drop(ctx.tessellate(output.shapes, output.pixels_per_point));
        output.textures_delta.clear();
        if (frame + 1).is_multiple_of(BLOCK) {
            let now = cpu_millis()?;
            spent.push((now - before) / BLOCK as f64);
            before = now;
        }
    }
    // The first frames fill the caches of glyphs.
    let mut spent = spent.split_off(spent.len() / 10);
    spent.sort_by(f64::total_cmp);
    let at = |share: f64| spent.get((spent.len() as f64 * share) as usize).copied().unwrap_or_default();
    let mean = spent.iter().sum::<f64>() / spent.len() as f64;
    println!(
        "{{\"rows\":{ROWS},\"columns\":{COLUMNS},\"frames\":{},\"mean_ms\":{mean:.3},\"p50_ms\":{:.3},\"p99_ms\":{:.3}}}",
        spent.len() * BLOCK,
        at(0.5),
        at(0.99)
    );
    Ok(())
}
