//! The load sheet: what a read would cost, how that is known, what it holds meanwhile, and cheaper ways,
//! before anything is sent. It stands in the tab, never in front of the window.

use egui::{Align, Frame, Layout, Margin, Panel, RichText, ScrollArea, Ui};

use crate::connector::guard::{Need, Override};
use crate::gui::theme::{self, fonts, space};
use crate::gui::view_ctx::{OpenSource, ViewCtx};
use crate::gui::widgets::{Explained as _, Fact, fact_ui, verdict_badge};
use crate::job::Remote;
use crate::model::load::{Cap, EnforcedBy, LoadEstimate, Quantity, UpperEnd};
use crate::model::units::{age_text, bytes_text, count_text};
use crate::ops::cheaper::Cheaper;
use crate::ops::read::Prepared;
use crate::safety::display::name as visible;

/// A sheet and what the user typed into it.
pub struct Sheet {
    prepared: Prepared,
    cheaper: Remote<Vec<Cheaper>>,
    chosen: usize,
    reason: String,
    typed_name: String,
}

/// Room around what can be decided.
const DECISION: Margin = Margin { left: 0, right: 0, top: 8, bottom: 8 };

/// What the user decided.
pub enum SheetAnswer {
    /// Read this.
    Run(Box<Prepared>, Option<Override>),
    /// Don't read.
    Cancel,
}

impl Sheet {
    /// Opens a sheet; cheaper ways are looked for in the background where the read is above light.
    pub fn open(ctx: &ViewCtx<'_>, source: &OpenSource, prepared: Prepared) -> Self {
        let mut cheaper = Remote::NotAsked;
        let is_read = prepared.plan.gate.as_ref().is_none_or(crate::model::gate::GateVerdict::is_read);
        if prepared.wants_sheet() && is_read {
            let (opened, asked) = (source.opened.clone(), prepared.clone());
            cheaper.ask(ctx.spawn("look for cheaper ways", |call| async move {
                Box::pin(opened.cheaper(&call, &asked)).await
            }));
        }
        Self { prepared, cheaper, chosen: 0, reason: String::new(), typed_name: String::new() }
    }

    /// Takes news in.
    pub fn logic(&mut self) {
        self.cheaper.poll();
    }

    /// What Enter means here: the cheaper way if there is one, else the read itself where nothing is needed.
    pub fn default_answer(&self) -> Option<SheetAnswer> {
        self.cheaper_answer().or_else(|| self.prepared.need.is_none().then(|| self.as_is()))
    }

    fn cheaper_answer(&self) -> Option<SheetAnswer> {
        let way = self.cheaper.value()?.get(self.chosen)?;
        Some(SheetAnswer::Run(Box::new(way.prepared.clone()), None))
    }

    fn as_is(&self) -> SheetAnswer {
        let given = self.prepared.need.as_ref().map(|need| Override {
            reason: self.reason.trim().to_owned(),
            node_name: matches!(need, Need::NodeName { .. }).then(|| self.typed_name.clone()),
        });
        SheetAnswer::Run(Box::new(self.prepared.clone()), given)
    }

    fn is_met(&self) -> bool {
        let reasoned = !self.reason.trim().is_empty();
        match &self.prepared.need {
            None => true,
            Some(Need::Reason) => reasoned,
            Some(Need::NodeName { name }) => reasoned && self.typed_name == *name,
            Some(Need::Nothing) => false,
        }
    }
}

/// Draws the sheet.
pub fn sheet_ui(ui: &mut Ui, source: &OpenSource, sheet: &mut Sheet) -> Option<SheetAnswer> {
    // What can be decided never scrolls out of view.
    let decision = Panel::bottom(ui.scope_id().with("decision")).frame(Frame::new().inner_margin(DECISION));
    let answer = decision.show(ui, |ui| {
        ui.set_width(ui.available_width());
        needs_ui(ui, sheet);
        buttons_ui(ui, sheet)
    });
    ScrollArea::vertical().id_salt("load sheet").auto_shrink([false, false]).show(ui, |ui| {
        head_ui(ui, source, &sheet.prepared);
        list_ui(ui, "Why", &sheet.prepared.estimate.reasons);
        cheaper_ui(ui, sheet);
        let estimate = &sheet.prepared.estimate;
        quantities_ui(ui, estimate);
        let effects = estimate.effects.iter().map(|effect| {
            format!(
                "{} (noticed by {}; {}; {})",
                effect.what, effect.who_notices, effect.reversible, effect.cleanup
            )
        });
        list_ui(ui, "What it holds", &effects.collect::<Vec<_>>());
        list_ui(ui, "Caps", &estimate.caps.iter().map(cap_text).collect::<Vec<_>>());
        list_ui(ui, "Assumptions", &estimate.assumptions);
        list_ui(ui, "To know", &sheet.prepared.plan.remarks);
        let steps = sheet.prepared.plan.steps.iter().map(|step| step.text.clone()).collect::<Vec<_>>();
        list_ui(ui, "What would be sent", &steps);
    });
    answer.inner
}

fn head_ui(ui: &mut Ui, source: &OpenSource, prepared: &Prepared) {
    let what = if prepared.plan.spec.query.is_some() {
        "Run the query".to_owned()
    } else {
        format!("Read {}", visible(prepared.node.name()))
    };
    let title =
        format!("Load sheet: {what} on {} ({})", visible(&source.opened.name), source.opened.tier.word());
    ui.label(RichText::new(title).text_style(fonts::section_style()));
    ui.horizontal_wrapped(|ui| {
        let verdict = prepared.estimate.verdict;
        let sentence = format!("Load estimate: {}. {}", verdict.word(), size_text(&prepared.estimate));
        verdict_badge(ui, verdict, &sentence);
        ui.label(size_text(&prepared.estimate));
        if prepared.estimate.verdict_expected != verdict {
            let expected = prepared.estimate.verdict_expected.word();
            ui.label(format!("{expected} (expected), {} (if the estimate is wrong)", verdict.word()));
        }
    });
}

/// "up to 1 204 331 rows, up to 4.1 GiB".
fn size_text(estimate: &LoadEstimate) -> String {
    use crate::model::load::Dim;
    let rows = estimate
        .quantity(Dim::RowsExamined)
        .or_else(|| estimate.quantity(Dim::RowsReturned))
        .map(|quantity| format!("up to {} rows", count_text(quantity.hi.max(0.0) as u64)));
    let bytes = estimate
        .quantity(Dim::BytesServer)
        .or_else(|| estimate.quantity(Dim::BytesWire))
        .map(|quantity| format!("up to {}", bytes_text(quantity.hi)));
    rows.into_iter().chain(bytes).collect::<Vec<_>>().join(", ")
}

fn list_ui(ui: &mut Ui, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    ui.add_space(space::S);
    ui.label(fonts::strong(title));
    for line in lines {
        let shown = crate::safety::display::visible(line, crate::safety::display::Place::Line, 2_000)
            .text
            .into_owned();
        ui.label(format!("• {shown}"));
    }
}

fn quantities_ui(ui: &mut Ui, estimate: &LoadEstimate) {
    ui.add_space(space::S);
    ui.label(fonts::strong("What it costs"));
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        for quantity in &estimate.quantities {
            let (value, basis) = (interval_text(quantity), basis_text(quantity));
            fact_ui(ui, Fact { key: quantity.dim.label(), value: &value, basis: &basis });
        }
        for dim in &estimate.not_estimable {
            fact_ui(ui, Fact { key: dim.label(), value: "not estimable", basis: "" });
        }
    });
}

fn interval_text(quantity: &Quantity) -> String {
    let value = |value| quantity.dim.value_text(value);
    if quantity.lo == quantity.hi {
        return value(quantity.mid);
    }
    let end = match quantity.upper {
        UpperEnd::Hard => ", at most",
        UpperEnd::Soft => "",
    };
    format!("{} – {}{end}, likely {}", value(quantity.lo), value(quantity.hi), value(quantity.mid))
}

/// How it is known, and how long.
fn basis_text(quantity: &Quantity) -> String {
    let age = quantity.as_of.map(|as_of| {
        let seconds = jiff::Timestamp::now().duration_since(as_of).as_secs();
        match age_text(std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0))).as_str() {
            "now" => ", known now".to_owned(),
            age => format!(", known {age} ago"),
        }
    });
    format!("{}{} · {}", quantity.provenance.phrase(), age.unwrap_or_default(), quantity.source)
}

fn cap_text(cap: &Cap) -> String {
    let by = match cap.enforced_by {
        EnforcedBy::Server => "the source stops there",
        EnforcedBy::Client => "headwater stops there; the source may work on",
        EnforcedBy::Both => "the source and headwater stop there",
        EnforcedBy::None => "nobody stops there",
    };
    format!("{}: {} ({by})", cap.dim.label(), cap.dim.value_text(cap.limit))
}

fn cheaper_ui(ui: &mut Ui, sheet: &mut Sheet) {
    if matches!(sheet.cheaper, Remote::NotAsked) {
        return;
    }
    ui.add_space(space::S);
    ui.label(fonts::strong("Cheaper instead"));
    if sheet.cheaper.job().is_some() {
        ui.label("looking for cheaper ways…");
    }
    if let Some(error) = sheet.cheaper.error() {
        ui.label(format!("cheaper ways could not be found: {}", visible(&error.attempted)));
    }
    let Some(ways) = sheet.cheaper.value() else { return };
    if ways.is_empty() {
        ui.label("There is no cheaper way that runs without a reason.");
    }
    for (index, way) in ways.iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            let verdict = way.prepared.estimate.verdict;
            let size = size_text(&way.prepared.estimate);
            if ui.radio(sheet.chosen == index, &way.title).clicked() {
                sheet.chosen = index;
            }
            verdict_badge(ui, verdict, &format!("{}: {}. {size}", way.title, verdict.word()));
            ui.label(size);
            ui.label(visible(&way.prepared.plan.method).into_owned());
        });
    }
}

fn needs_ui(ui: &mut Ui, sheet: &mut Sheet) {
    let Some(need) = &sheet.prepared.need else { return };
    match need {
        Need::Nothing => {
            let tokens = theme::of(ui.ctx()).tokens;
            let why = sheet
                .prepared
                .plan
                .gate
                .as_ref()
                .map(|gate| format!("The gate says {}: {}", gate.word(), gate.why()));
            ui.label(RichText::new(visible(&why.unwrap_or_default()).into_owned()).color(tokens.error()));
            ui.label("No reason makes it run: only single statements that read are sent.");
        }
        Need::Reason => field_ui(ui, "Reason", &mut sheet.reason),
        Need::NodeName { name } => {
            ui.label(format!("To run it as it is, say why and type {}", visible(name)));
            field_ui(ui, "Reason", &mut sheet.reason);
            field_ui(ui, "Type the object's name", &mut sheet.typed_name);
        }
    }
}

fn field_ui(ui: &mut Ui, name: &str, text: &mut String) {
    // Both fields begin at the same place.
    const LABEL: egui::Vec2 = egui::vec2(152.0, theme::MIN_TARGET);
    ui.horizontal(|ui| {
        ui.allocate_ui_with_layout(LABEL, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(LABEL.x);
            ui.label(name);
        });
        // An id of its own: cheaper ways that arrive above must not take the keyboard away.
        let field = egui::TextEdit::singleline(text).id_salt(name).desired_width(320.0);
        ui.add(field).called(name);
    });
}

fn buttons_ui(ui: &mut Ui, sheet: &Sheet) -> Option<SheetAnswer> {
    let mut answer = None;
    ui.horizontal_wrapped(|ui| {
        let cheaper = sheet.cheaper_answer();
        if !matches!(sheet.cheaper, Remote::NotAsked)
            && ui.add_enabled(cheaper.is_some(), egui::Button::new("Run the cheaper one")).clicked()
        {
            answer = cheaper;
        }
        if !matches!(sheet.prepared.need, Some(Need::Nothing))
            && ui.add_enabled(sheet.is_met(), egui::Button::new("Run as is")).clicked()
        {
            answer = Some(sheet.as_is());
        }
        if ui.button("Cancel").clicked() {
            answer = Some(SheetAnswer::Cancel);
        }
    });
    answer
}
