//! The regions of the window and the keyboard's way through them. What had the keyboard in a region gets it back
//! when the region is entered again.
//!
//! Invariant: a region is only entered if it is shown and holds something that takes the keyboard.

use egui::output::OutputEvent;
use egui::{Context, Id, LayerId, Rect, WidgetInfo};

/// A part of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Sources and their catalogues.
    Rail,
    /// The tabs.
    Centre,
    /// The cell or row whole.
    Inspector,
    /// Jobs and ledger.
    Drawer,
    /// The status bar.
    Status,
}

impl Region {
    /// All, in the order in which the keyboard goes through them.
    pub const ALL: [Self; 5] = [Self::Rail, Self::Centre, Self::Inspector, Self::Drawer, Self::Status];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rail => "rail",
            Self::Centre => "tabs",
            Self::Inspector => "inspector",
            Self::Drawer => "drawer",
            Self::Status => "status bar",
        }
    }
}

/// Which way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the next.
    Onwards,
    /// To the one before.
    Back,
}

/// A region as drawn last.
#[derive(Clone, Copy, Debug)]
struct Place {
    region: Region,
    rect: Rect,
}

/// Where the regions are and what had the keyboard in each.
#[derive(Debug, Default)]
pub struct Regions {
    places: Vec<Place>,
    last: Vec<(Region, Id)>,
    now: Option<Region>,
    focused: Option<WidgetInfo>,
}

impl Regions {
    /// Forgets where the regions were; each that is drawn says so with [`Self::drawn`].
    pub fn begin(&mut self) {
        self.places.clear();
    }

    /// A region is drawn here.
    pub fn drawn(&mut self, region: Region, rect: Rect) {
        self.places.push(Place { region, rect });
    }

    /// Notes what has the keyboard, after all regions are drawn.
    pub fn note_focus(&mut self, ctx: &Context) {
        let Some(focused) = ctx.memory(egui::Memory::focused) else {
            self.focused = None;
            return;
        };
        let gained = ctx.output(|output| {
            output.events.iter().rev().find_map(|event| match event {
                OutputEvent::FocusGained(info) => Some(info.clone()),
                _ => None,
            })
        });
        self.focused = gained.or(self.focused.take());
        let place = ctx.viewport(|viewport| {
            let widget = viewport.this_pass.widgets.get(focused)?;
            (widget.layer_id == LayerId::background()).then(|| widget.rect.center())
        });
        if let Some(at) = place
            && let Some(Place { region, .. }) = self.places.iter().find(|place| place.rect.contains(at))
        {
            self.now = Some(*region);
            self.last.retain(|(other, _)| other != region);
            self.last.push((*region, focused));
        }
    }

    /// What has the keyboard, as it is told to screen readers; none where nothing has it.
    pub fn focused(&self) -> Option<&WidgetInfo> {
        self.focused.as_ref()
    }

    /// The region that has the keyboard, or had it last.
    pub fn now(&self) -> Region {
        self.now.unwrap_or(Region::Centre)
    }

    /// Moves the keyboard to the next region, or the one before. `preferred` takes it where nothing had it yet.
    pub fn go(&mut self, ctx: &Context, way: Way, preferred: impl Fn(Region) -> Option<Id>) {
        let count = Region::ALL.len();
        let from = Region::ALL.iter().position(|region| Some(*region) == self.now);
        for step in 1..=count {
            let at = match (from, way) {
                (Some(from), Way::Onwards) => (from + step) % count,
                (Some(from), Way::Back) => (from + count - step) % count,
                (None, Way::Onwards) => step - 1,
                (None, Way::Back) => count - step,
            };
            let region = Region::ALL[at];
            if let Some(id) = self.entry(ctx, region, preferred(region)) {
                ctx.memory_mut(|memory| memory.request_focus(id));
                self.now = Some(region);
                return;
            }
        }
    }

    /// What gets the keyboard in a region: what had it last, what is preferred, else the first that takes it.
    fn entry(&self, ctx: &Context, region: Region, preferred: Option<Id>) -> Option<Id> {
        let place = self.places.iter().find(|place| place.region == region)?;
        let takers = ctx.viewport(|viewport| {
            let widgets = viewport.prev_pass.widgets.get_layer(LayerId::background());
            // What is only dragged (edges, scrollbars) or only read is no place to begin.
            let takes = |widget: &&egui::WidgetRect| {
                widget.sense.senses_click() && widget.enabled && place.rect.contains(widget.rect.center())
            };
            widgets.filter(takes).map(|widget| widget.id).collect::<Vec<_>>()
        });
        let had = self.last.iter().find(|(other, _)| *other == region).map(|(_, id)| *id);
        let known = |id: &Id| takers.contains(id);
        had.filter(known).or(preferred.filter(known)).or(takers.first().copied())
    }
}
