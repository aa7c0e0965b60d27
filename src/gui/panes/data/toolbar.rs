//! The bar over the grid: what is asked of the source, the filter, and what the shown read did cost.

use egui::{DragValue, Key, RichText, TextEdit, Ui};

use super::ask::{Ask, Limit};
use super::local::LocalView;
use super::read_state::Shown;
use crate::gui::theme;
use crate::gui::view_ctx::ViewCtx;
use crate::gui::widgets::{Explained as _, list_ui, verdict_badge};
use crate::model::filter::Filter;
use crate::model::read::SampleMethod;
use crate::model::units::count_text;
use crate::safety::display::name as visible;

/// What the user wants of the tab.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Ask the source with the settings as they are.
    Reread,
    /// Filter the fetched rows.
    FilterHere(Filter),
    /// Let the source filter.
    FilterSource(Filter),
    /// No filter any more, here and at the source.
    ClearFilter,
    /// No order any more, here and at the source.
    ClearSort,
    /// Fetch the next page.
    NextPage,
    /// Open the export.
    Export,
    /// Jump to this column.
    Column(usize),
}

/// What is unfolded under the bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unfolded {
    /// Nothing.
    #[default]
    Nothing,
    /// The sample.
    Sample,
    /// The columns.
    Columns,
    /// Jumping to a column.
    Jump,
}

/// State of the bar.
pub struct Toolbar {
    /// Text of the filter.
    pub filter: String,
    /// What is wrong with it.
    pub filter_error: Option<String>,
    /// What is unfolded.
    pub unfolded: Unfolded,
    /// The filter shall get the keyboard.
    pub focus: Focus,
    /// Columns to ask for, while they are chosen.
    pub picked: Vec<(String, Picked)>,
    jump: String,
    sample_rows: u64,
    sample_method: SampleMethod,
}

/// Which field shall get the keyboard at the next frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// None.
    #[default]
    Keep,
    /// The filter.
    Filter,
    /// The column to jump to.
    Jump,
}

/// Whether a column is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picked {
    /// Asked for.
    In,
    /// Left out.
    Out,
}

impl Default for Toolbar {
    fn default() -> Self {
        Self {
            filter: String::new(),
            filter_error: None,
            unfolded: Unfolded::Nothing,
            focus: Focus::Keep,
            picked: Vec::new(),
            jump: String::new(),
            sample_rows: 1_000,
            sample_method: SampleMethod::Auto,
        }
    }
}

/// Draws the bar. `known` are the names of all columns of the node.
pub fn toolbar_ui(ui: &mut Ui, bar: &mut Toolbar, ask: &mut Ask, known: &[String]) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        if ask.query.is_none() {
            let before = ask.limit;
            list_ui(ui, "Limit", ask.limit.word(), |ui| {
                for limit in Limit::ALL {
                    ui.selectable_value(&mut ask.limit, limit, limit.word());
                }
            });
            if ask.limit != before {
                ask.sample = None;
                wish = Some(Wish::Reread);
            }
            fold_ui(ui, bar, Unfolded::Sample, "Sample");
            fold_ui(ui, bar, Unfolded::Columns, "Columns");
            if bar.unfolded == Unfolded::Columns && bar.picked.len() != known.len() {
                bar.picked = known.iter().map(|name| (name.clone(), picked(ask, name))).collect();
            }
        }
        if ui.button("Export sample").clicked() {
            wish = Some(Wish::Export);
        }
        wish = filter_ui(ui, bar, ask).or(wish.take());
    });
    match bar.unfolded {
        Unfolded::Nothing => {}
        Unfolded::Sample => wish = sample_ui(ui, bar, ask).or(wish),
        Unfolded::Columns => wish = columns_ui(ui, bar, ask).or(wish),
        Unfolded::Jump => wish = jump_ui(ui, bar, known).or(wish),
    }
    wish
}

fn picked(ask: &Ask, name: &String) -> Picked {
    if ask.columns.as_ref().is_none_or(|columns| columns.contains(name)) { Picked::In } else { Picked::Out }
}

fn fold_ui(ui: &mut Ui, bar: &mut Toolbar, which: Unfolded, name: &str) {
    let button = egui::Button::selectable(bar.unfolded == which, name).frame_when_inactive(true);
    if ui.add(button).clicked() {
        bar.unfolded = if bar.unfolded == which { Unfolded::Nothing } else { which };
    }
}

fn filter_ui(ui: &mut Ui, bar: &mut Toolbar, ask: &Ask) -> Option<Wish> {
    let mut wish = None;
    let field = TextEdit::singleline(&mut bar.filter)
        .hint_text("Filter: column = 'x' AND other > 60")
        .desired_width(264.0);
    let response = ui.add(field).called("Filter");
    if bar.focus == Focus::Filter {
        bar.focus = Focus::Keep;
        response.request_focus();
    }
    if response.changed() {
        bar.filter_error = None;
    }
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if ui.button("In the fetched rows").clicked() || entered {
        wish = parse(bar).map(Wish::FilterHere);
        if bar.filter.trim().is_empty() {
            wish = Some(Wish::ClearFilter);
        }
    }
    if ask.query.is_none() && ui.button("Ask the source").clicked() {
        wish = parse(bar).map(Wish::FilterSource);
    }
    if let Some(error) = &bar.filter_error {
        let tokens = theme::of(ui.ctx()).tokens;
        ui.label(RichText::new(error).color(tokens.error()));
    }
    wish
}

fn parse(bar: &mut Toolbar) -> Option<Filter> {
    match Filter::parse(&bar.filter) {
        Ok(filter) => {
            bar.filter_error = None;
            Some(filter)
        }
        Err(error) => {
            bar.filter_error = Some(visible(&error.attempted).into_owned());
            None
        }
    }
}

fn sample_ui(ui: &mut Ui, bar: &mut Toolbar, ask: &mut Ask) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        let rows = DragValue::new(&mut bar.sample_rows).range(1..=1_000_000).suffix(" rows");
        ui.add(rows).called("Rows of the sample");
        list_ui(ui, "Method", bar.sample_method.word(), |ui| {
            for method in [
                SampleMethod::Auto,
                SampleMethod::Head,
                SampleMethod::Block,
                SampleMethod::Row,
                SampleMethod::Random,
                SampleMethod::Keyset,
            ] {
                ui.selectable_value(&mut bar.sample_method, method, method.word());
            }
        });
        if ui.button("Take the sample").clicked() {
            ask.sample = Some((bar.sample_rows, bar.sample_method));
            ask.order.clear();
            wish = Some(Wish::Reread);
        }
        if ask.sample.is_some() && ui.button("No sample").clicked() {
            ask.sample = None;
            wish = Some(Wish::Reread);
        }
    });
    if wish.is_some() {
        bar.unfolded = Unfolded::Nothing;
    }
    wish
}

fn columns_ui(ui: &mut Ui, bar: &mut Toolbar, ask: &mut Ask) -> Option<Wish> {
    let mut wish = None;
    egui::ScrollArea::vertical().id_salt("columns").max_height(160.0).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            for (name, picked) in &mut bar.picked {
                let mut on = *picked == Picked::In;
                if ui.checkbox(&mut on, visible(name)).changed() {
                    *picked = if on { Picked::In } else { Picked::Out };
                }
            }
        });
    });
    ui.horizontal(|ui| {
        let chosen = bar
            .picked
            .iter()
            .filter(|(_, picked)| *picked == Picked::In)
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>();
        if ui.button("All columns").clicked() {
            bar.picked.iter_mut().for_each(|(_, picked)| *picked = Picked::In);
        }
        if ui.button("No columns").clicked() {
            bar.picked.iter_mut().for_each(|(_, picked)| *picked = Picked::Out);
        }
        if ui.add_enabled(!chosen.is_empty(), egui::Button::new("Ask for these columns")).clicked() {
            ask.columns = (chosen.len() < bar.picked.len()).then_some(chosen);
            bar.unfolded = Unfolded::Nothing;
            wish = Some(Wish::Reread);
        }
    });
    wish
}

fn jump_ui(ui: &mut Ui, bar: &mut Toolbar, known: &[String]) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        let response =
            ui.add(TextEdit::singleline(&mut bar.jump).desired_width(160.0)).called("Jump to column");
        if bar.focus == Focus::Jump {
            bar.focus = Focus::Keep;
            response.request_focus();
        }
        let wanted = bar.jump.to_lowercase();
        let hits =
            known.iter().enumerate().filter(|(_, name)| name.to_lowercase().contains(&wanted)).take(12);
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        for (at, (column, name)) in hits.enumerate() {
            if ui.button(visible(name).into_owned()).clicked() || (entered && at == 0) {
                wish = Some(Wish::Column(column));
            }
        }
    });
    if wish.is_some() {
        bar.unfolded = Unfolded::Nothing;
        bar.jump.clear();
    }
    wish
}

/// Draws what the shown read is and did cost.
pub fn shown_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, shown: &Shown, local: &LocalView) -> Option<Wish> {
    let tokens = theme::of(ui.ctx()).tokens;
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        let verdict = shown.prepared.estimate.verdict;
        let size = shown.size_text();
        verdict_badge(ui, verdict, &format!("Load of the shown read: {}. {size}", verdict.word()));
        ui.label(&size);
        let method = visible(&shown.prepared.plan.method).into_owned();
        ui.label(RichText::new(method).color(tokens.text_dim));
        for remark in &shown.prepared.plan.remarks {
            ui.label(RichText::new(visible(remark).into_owned()).color(tokens.text_dim));
        }
        if let Some(stopped) = shown.stopped(ctx) {
            ui.label(RichText::new(stopped).color(tokens.warning()));
        }
        if !shown.is_whole() && shown.running().is_none() {
            ui.label("there may be more");
        }
        if shown.has_next() && ui.button("Next page").clicked() {
            wish = Some(Wish::NextPage);
        }
    });
    wish = views_ui(ui, shown, local).or(wish);
    findings_ui(ui, shown);
    wish
}

/// What filters and sorts, and where.
fn views_ui(ui: &mut Ui, shown: &Shown, local: &LocalView) -> Option<Wish> {
    let tokens = theme::of(ui.ctx()).tokens;
    let pushdown = shown.prepared.plan.pushdown;
    let (filtered, ordered) = (&shown.spec.filter, !shown.spec.order.is_empty());
    if filtered.is_none() && !ordered && !local.is_active() {
        return None;
    }
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        if let Some(filter) = filtered {
            ui.label(format!("filter {} — {}", visible(&filter.to_string()), pushdown.filter.label()));
        }
        if let Some(filter) = local.filter() {
            let hits = local.index().map_or(0, <[u64]>::len) as u64;
            ui.label(format!(
                "filtered in the fetched rows: {} — {} of {} fetched rows",
                visible(&filter.to_string()),
                count_text(hits),
                count_text(shown.snapshot.rows)
            ));
        }
        if (filtered.is_some() || local.filter().is_some()) && ui.button("Clear filter").clicked() {
            wish = Some(Wish::ClearFilter);
        }
        if local.sort().is_some() {
            ui.label("sorted in the fetched rows");
        }
        if ordered {
            ui.label(format!("sorted: {}", pushdown.order.label()));
        }
        if (ordered || local.sort().is_some()) && ui.button("Clear sort").clicked() {
            wish = Some(Wish::ClearSort);
        }
        if local.unseen() > 0 {
            let text =
                format!("{} rows were let go from memory and are not looked at", count_text(local.unseen()));
            ui.label(RichText::new(text).color(tokens.warning()));
        }
    });
    wish
}

/// What was lost or disagrees: a strip that can't be overlooked.
fn findings_ui(ui: &mut Ui, shown: &Shown) {
    let findings = &shown.snapshot.findings;
    if findings.is_clean() {
        return;
    }
    let tokens = theme::of(ui.ctx()).tokens;
    egui::Frame::new()
        .fill(tokens.bg2)
        .stroke(egui::Stroke::new(1.0, tokens.warning()))
        .corner_radius(theme::RADIUS)
        .inner_margin(egui::Margin::same(6))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            egui::ScrollArea::vertical().id_salt("findings").max_height(88.0).show(ui, |ui| {
                for lost in &findings.lost {
                    let text = format!("lost: {} × {} ({})", count_text(lost.count), lost.why, lost.place);
                    ui.label(RichText::new(visible(&text).into_owned()).color(tokens.warning()));
                }
                for seen in &findings.disagreements {
                    let text =
                        format!("{}: declared {}, observed {}", seen.about, seen.declared, seen.observed);
                    ui.label(RichText::new(visible(&text).into_owned()).color(tokens.warning()));
                }
            });
        });
}
