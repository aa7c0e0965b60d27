//! From a wish to a permit: a read is prepared in the background; what is light goes on at once, everything
//! above waits on its load sheet until a person decides. Dropping it stops the preparing.

use crate::connector::guard::Override;
use crate::gui::view_ctx::{Command, OpenSource, ViewCtx};
use crate::job::remote::Change;
use crate::job::{JobId, Remote};
use crate::model::Error;
use crate::model::read::ReadSpec;
use crate::ops::export::Destination;
use crate::ops::read::Prepared;

use super::sheet::Sheet;

/// What the rows are for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// The grid.
    Rows,
    /// A profile.
    Profile,
    /// A file.
    Export(Destination),
}

/// How far to go without being asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Read if it is light.
    Read,
    /// Show the sheet whatever it costs.
    EstimateOnly,
}

/// A read that may run now.
pub struct Go {
    /// What for.
    pub purpose: Purpose,
    /// The read.
    pub prepared: Prepared,
    /// What overrules the policy.
    pub given: Option<Override>,
}

/// A read on its way to a permit.
pub struct Asking {
    /// What is asked, as paths of the target.
    pub spec: ReadSpec,
    /// What for.
    pub purpose: Purpose,
    /// The sheet, once it is shown.
    pub sheet: Option<Sheet>,
    reach: Reach,
    prepared: Remote<Prepared>,
}

impl Asking {
    /// Starts preparing.
    pub fn start(
        ctx: &ViewCtx<'_>,
        source: &OpenSource,
        spec: ReadSpec,
        purpose: Purpose,
        reach: Reach,
    ) -> Self {
        let mut asking = Self { spec, purpose, sheet: None, reach, prepared: Remote::NotAsked };
        asking.prepare(ctx, source);
        asking
    }

    /// Prepares (again).
    pub fn prepare(&mut self, ctx: &ViewCtx<'_>, source: &OpenSource) {
        let (opened, spec) = (source.opened.clone(), self.spec.clone());
        let ticket =
            ctx.spawn("estimate a read", |call| async move { Box::pin(opened.prepare(&call, spec)).await });
        self.sheet = None;
        self.prepared.ask(ticket);
    }

    /// Takes news in; gives what may run at once.
    pub fn logic(&mut self, ctx: &ViewCtx<'_>, source: &OpenSource) -> Option<Go> {
        if let Some(sheet) = &mut self.sheet {
            sheet.logic();
            return None;
        }
        if self.prepared.poll() == Change::Same {
            return None;
        }
        let Remote::Ready(prepared) = &self.prepared else { return None };
        if prepared.wants_sheet() || self.reach == Reach::EstimateOnly {
            self.sheet = Some(Sheet::open(ctx, source, prepared.clone()));
            ctx.send(Command::Tick("sheet"));
            return None;
        }
        Some(Go { purpose: self.purpose.clone(), prepared: prepared.clone(), given: None })
    }

    /// The job at work, if one is.
    pub fn job(&self) -> Option<JobId> {
        self.prepared.job()
    }

    /// Why it could not be prepared.
    pub fn error(&self) -> Option<&Error> {
        self.prepared.error()
    }
}
