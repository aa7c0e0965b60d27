//! The headless face: verbs over `ops`, results on stdout, everything else on stderr, and the exit codes of
//! the contract. Ctrl+C cancels at the source too and says what was confirmed.

use std::process::ExitCode;

use clap::Parser as _;

use crate::job::{CallCtx, CancelReport, Runtime};
use crate::model::{Error, ErrorKind, Result};
use crate::ops::Workspace;

pub mod args;
mod browse;
mod connections;
pub mod json;
mod ledger;
mod password;
mod print;
mod progress;
mod read;
mod spec;
mod text;
mod tour;
pub mod voice;

use args::{Cli, Output, Verb, WindowArgs};

/// What the command line asks for, once verbs that need no window are done.
pub enum Asked {
    /// The process ends with this code.
    Exit(ExitCode),
    /// A window.
    Window(WindowAsked),
}

/// A window that was asked for.
pub struct WindowAsked {
    /// What to open in it.
    pub target: Option<String>,
    /// Its options.
    pub window: WindowArgs,
    /// Where data lies.
    pub data_dir: Option<std::path::PathBuf>,
    /// What to do where no window can open.
    pub otherwise: Otherwise,
}

/// What to do where no window can open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Run the tour in the terminal and exit 0.
    Tour,
    /// Exit 4 with the reason.
    Fail,
}

/// Parses the command line and runs a verb. A window is left to the caller: this face draws none.
pub fn run() -> Asked {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap's own codes are 0 and 2. What was typed may hold a password.
            let text = error.render().to_string();
            let text = crate::safety::redact::redact(&text);
            if error.use_stderr() {
                print::note(text.trim_end());
            } else {
                print::out(&text);
            }
            return Asked::Exit(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)));
        }
    };
    let data_dir = cli.data_dir.clone();
    let asked_of_pipe = password::Lines { passphrase: cli.passphrase_stdin, password: cli.password_stdin };
    let given = match password::from_pipe(asked_of_pipe) {
        Ok(given) => given,
        Err(error) => {
            print::error(&error, Output::default());
            return Asked::Exit(ExitCode::from(json::exit_code(&error)));
        }
    };
    let asked = |target, window, data_dir, otherwise| {
        Asked::Window(WindowAsked { target, window, data_dir, otherwise })
    };
    match cli.verb {
        None => asked(cli.target, cli.window, data_dir, Otherwise::Tour),
        Some(Verb::Gui { target, window }) => asked(target, window, data_dir, Otherwise::Fail),
        Some(Verb::Worker) => Asked::Exit(crate::kit::worker::guest::run(&crate::connectors::parsers())),
        Some(verb) => Asked::Exit(run_verb(verb, data_dir, given)),
    }
}

/// Where no window can open: the tour, or exit 4, each with the reason. A window that broke down is a bug.
pub fn without_window(asked: WindowAsked, why: &Error) -> ExitCode {
    if why.kind == ErrorKind::Unexpected {
        print::error(why, Output::default());
        return ExitCode::from(json::exit_code(why));
    }
    match asked.otherwise {
        Otherwise::Tour => {
            print::note(&format!("no window can open here: {}", clean_error(why).attempted));
            if let Some(hint) = &why.hint {
                print::note(&format!("  try: {hint}"));
            }
            run_verb(Verb::Tour, asked.data_dir, password::Given::default())
        }
        Otherwise::Fail => {
            print::error(why, Output::default());
            ExitCode::from(4)
        }
    }
}

/// How long the ledger may take to close.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(5);

fn run_verb(verb: Verb, data_dir: Option<std::path::PathBuf>, given: password::Given) -> ExitCode {
    let output = output_of(&verb);
    let result = Runtime::start().and_then(|runtime| {
        runtime.run(async {
            let workspace = Workspace::open(data_dir).await?;
            if let Some(password) = given.password {
                workspace.give_password(password);
            }
            let mut for_verb = given.passphrase;
            if !connections::makes_vault(&verb)
                && let Some(passphrase) = for_verb.take()
            {
                workspace.secrets().vault().unlock(passphrase).await?;
            }
            if writes_ledger(&verb) {
                ledger::announce(&workspace);
            }
            let ledger = workspace.ledger().clone();
            let result = with_interrupt(|ctx| dispatch(ctx, workspace, verb, for_verb)).await;
            // The last one out writes its log back into the ledger's file: else the log grows from run to run.
            let _late = tokio::time::timeout(CLOSING, ledger.close()).await;
            result
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::error(&error, output);
            ExitCode::from(json::exit_code(&error))
        }
    }
}

/// Runs `work`; Ctrl+C cancels it at the source and says what was reached.
async fn with_interrupt<F: Future<Output = Result<()>>>(work: impl FnOnce(CallCtx) -> F) -> Result<()> {
    let ctx = CallCtx::detached();
    let work = work(ctx.clone());
    tokio::pin!(work);
    tokio::select! {
        result = &mut work => result,
        signal = tokio::signal::ctrl_c() => {
            if let Err(error) = signal {
                return Err(Error::io("cancel", "listening for Ctrl+C", &error));
            }
            let cancel = ctx.cancel();
            tokio::pin!(cancel);
            let mut report = CancelReport::OnlyWeStopped;
            let result = tokio::select! {
                result = &mut work => { report = report.max(cancel.await); result }
                reached = &mut cancel => { report = report.max(reached); work.await }
            };
            print::note(&format!("cancelled: {}", report.phrase()));
            match result {
                Err(error) if error.kind != ErrorKind::Cancelled => Err(error),
                _ => Err(Error::cancelled("read")),
            }
        }
    }
}

/// Whether a verb asks a source, so that the ledger has something to keep; and the ledger itself.
fn writes_ledger(verb: &Verb) -> bool {
    match verb {
        Verb::Connectors(_)
        | Verb::Commands { .. }
        | Verb::Connections { .. }
        | Verb::Gate { .. }
        | Verb::Gui { .. }
        | Verb::Worker => false,
        Verb::Check(_)
        | Verb::Ls { .. }
        | Verb::Search { .. }
        | Verb::Describe { .. }
        | Verb::Plan(_)
        | Verb::Estimate(_)
        | Verb::Preview(_)
        | Verb::Profile { .. }
        | Verb::Export { .. }
        | Verb::Ledger { .. }
        | Verb::Tour => true,
    }
}

fn output_of(verb: &Verb) -> Output {
    match verb {
        Verb::Connectors(output) => *output,
        Verb::Check(only) => only.output,
        Verb::Commands { output, .. }
        | Verb::Ls { output, .. }
        | Verb::Search { output, .. }
        | Verb::Describe { output, .. }
        | Verb::Gate { output, .. }
        | Verb::Ledger { output, .. } => *output,
        Verb::Plan(read) | Verb::Estimate(read) | Verb::Preview(read) => read.output,
        Verb::Profile { read, .. } | Verb::Export { read, .. } => read.output,
        Verb::Connections { action } => connections::output_of(action),
        Verb::Gui { .. } | Verb::Tour | Verb::Worker => Output::default(),
    }
}

async fn dispatch(
    ctx: CallCtx,
    workspace: Workspace,
    verb: Verb,
    passphrase: Option<secrecy::SecretString>,
) -> Result<()> {
    match verb {
        Verb::Connectors(output) => browse::connectors(&workspace, output),
        Verb::Commands { connector, output } => browse::commands(&workspace, &connector, output),
        Verb::Connections { action } => connections::run(&workspace, action, passphrase).await,
        Verb::Check(only) => browse::check(&ctx, &workspace, &only).await,
        Verb::Ls { at, page_size, page, output } => {
            browse::ls(&ctx, &workspace, &at, page_size, page, output).await
        }
        Verb::Search { target, text, output } => {
            browse::search(&ctx, &workspace, &target, &text, output).await
        }
        Verb::Describe { at, output } => browse::describe(&ctx, &workspace, &at, output).await,
        Verb::Plan(read) => read::plan(&ctx, &workspace, &read).await,
        Verb::Estimate(read) => read::estimate(&ctx, &workspace, &read).await,
        Verb::Preview(read) => read::preview(&ctx, &workspace, &read).await,
        Verb::Profile { level, read } => read::profile(&ctx, &workspace, level.into(), &read).await,
        Verb::Export { to, format, no_formula_guard, overwrite, read } => {
            let asked = read::ExportArgs::new(to, format, no_formula_guard, overwrite);
            read::export(&ctx, &workspace, asked, &read).await
        }
        Verb::Gate { language, output } => browse::gate(&workspace, &language, output).await,
        Verb::Ledger { target, limit, output } => {
            ledger::list(&workspace, target.as_deref(), limit, output).await
        }
        Verb::Tour => tour::run(&ctx, &workspace).await,
        Verb::Gui { .. } | Verb::Worker => Err(Error::unexpected("usage", "this verb is handled before")),
    }
}

/// An error ready to be shown: secrets out, upstream text visible.
fn clean_error(error: &Error) -> Error {
    use crate::safety::display::{Place, visible};
    let clean = |text: &str| {
        let redacted = crate::safety::redact::redact(text).into_owned();
        visible(&redacted, Place::Block, 4_000).text.into_owned()
    };
    Error {
        attempted: clean(&error.attempted),
        hint: error.hint.as_deref().map(clean),
        context: error.context.iter().map(|(key, value)| (key.clone(), clean(value))).collect(),
        ..error.clone()
    }
}
