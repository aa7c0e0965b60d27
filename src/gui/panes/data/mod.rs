//! The tab of a node or of a free query.

use egui::Ui;

use crate::gui::command::UiCommand;
use crate::gui::inspect::InspectorState;
use crate::gui::view_ctx::{OpenSource, ViewCtx};
use crate::model::node::NodePath;

/// What a tab shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Shows {
    /// A node.
    Node(NodePath),
    /// A free query.
    Query,
}

/// Whether a tab did something with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It did.
    Yes,
    /// The window should.
    No,
}

/// State of the tab.
pub struct DataTab {
    source: OpenSource,
    shows: Shows,
}

impl DataTab {
    /// Opens a tab; what is light is read at once, everything above asks first.
    pub fn open(_ctx: &ViewCtx<'_>, source: OpenSource, shows: Shows) -> Self {
        Self { source, shows }
    }

    /// Title of the tab.
    pub fn title(&self) -> String {
        match &self.shows {
            Shows::Node(node) => crate::safety::display::name(node.name()).into_owned(),
            Shows::Query => "Query".to_owned(),
        }
    }

    /// The source it reads.
    pub fn source(&self) -> &OpenSource {
        &self.source
    }

    /// What it shows.
    pub fn shows(&self) -> &Shows {
        &self.shows
    }

    /// Takes news in.
    pub fn logic(&mut self, _ctx: &ViewCtx<'_>) {}

    /// Does a command of the table, if it is meant for a data tab.
    pub fn command(&mut self, _ctx: &ViewCtx<'_>, _command: UiCommand) -> Handled {
        Handled::No
    }

    /// Moves to a row, from 0.
    pub fn go_to_row(&mut self, _row: u64) {}
}

/// Draws the tab.
pub fn data_tab_ui(_ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &mut DataTab) {
    ui.label(tab.title());
}

/// Draws the inspector of the tab: the cell, row or description in front.
pub fn data_inspector_ui(_ctx: &ViewCtx<'_>, _ui: &mut Ui, _tab: &DataTab, _state: &mut InspectorState) {}
