//! What can be typed: verbs and options as the contract names them. Low-level only; turning options into a
//! read is in `spec`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The explorer for the systems upstream of a data engineer.
#[derive(Debug, Parser)]
#[command(name = "headwater", version, about, max_term_width = 100)]
#[command(
    after_help = "Without a verb, opens the window (on TARGET if given). A TARGET is a saved connection, a URL,\n\
    a path of a file, or demo:. Exit codes: 0 done, 2 usage, 3 refused, 4 source or input error, 5 cancelled, 1 a bug."
)]
pub struct Cli {
    /// Folder for connections, settings and the ledger.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Read the password from standard input, one line. Without it, the terminal asks where one is needed.
    #[arg(long, global = true)]
    pub password_stdin: bool,
    /// Read the passphrase of the vault from standard input, one line, before any password.
    #[arg(long, global = true)]
    pub passphrase_stdin: bool,
    /// What to do; none = the window.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// What to open in the window.
    pub target: Option<String>,
    #[command(flatten)]
    pub window: WindowArgs,
}

/// Options of the window.
#[derive(Clone, Debug, Default, Args)]
pub struct WindowArgs {
    /// How the window is drawn.
    #[arg(long, value_enum)]
    pub renderer: Option<Renderer>,
    /// Which display server to use (Linux).
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
    /// Close after the first frame: to measure the start.
    #[arg(long)]
    pub first_frame_exit: bool,
}

/// How the window is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Renderer {
    /// OpenGL: runs nearly everywhere.
    Glow,
    /// Vulkan, Metal or DX12; not in this build.
    Wgpu,
}

/// Which display server to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// X11, also under Wayland.
    X11,
    /// Wayland.
    Wayland,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Open the window, or exit 4 with the reason.
    Gui {
        /// What to open.
        target: Option<String>,
        #[command(flatten)]
        window: WindowArgs,
    },
    /// The demo in the terminal: browse, estimate, a refused read, profile, export, ledger.
    Tour,
    /// Every connector in this build.
    Connectors(Output),
    /// Every statement a connector can send, and what it costs.
    Commands {
        /// Id of the connector.
        connector: String,
        #[command(flatten)]
        output: Output,
    },
    /// Saved connections.
    Connections {
        #[command(subcommand)]
        action: ConnectionsAction,
    },
    /// Connect hop by hop and tell what holds.
    Check(TargetOnly),
    /// What is there, page by page.
    Ls {
        #[command(flatten)]
        at: At,
        /// Nodes a page.
        #[arg(long, default_value_t = crate::model::node::PageRequest::DEFAULT_SIZE)]
        page_size: usize,
        /// Token of the page, as the last one printed it.
        #[arg(long)]
        page: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Names in the source's catalogue.
    Search {
        /// What to open.
        target: String,
        /// Part of a name.
        text: String,
        #[command(flatten)]
        output: Output,
    },
    /// Schema, keys, indexes, sizes with how they are known.
    Describe {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        output: Output,
    },
    /// The exact statements of a read; nothing but planning is sent.
    Plan(ReadArgs),
    /// What a read would cost.
    Estimate(ReadArgs),
    /// Rows.
    Preview(ReadArgs),
    /// Columns: nulls, distinct, ranges, quantiles, frequent values.
    Profile {
        /// How deep.
        #[arg(long, value_enum, default_value = "head")]
        level: Level,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Rows to a file, with a manifest beside it.
    Export {
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Its format; by default from the file's extension.
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Write text that a spreadsheet would run as a formula as it is.
        #[arg(long)]
        no_formula_guard: bool,
        /// Replace the file if it is there.
        #[arg(long)]
        overwrite: bool,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Is a statement a read? Statements come on stdin, separated by NUL.
    Gate {
        /// Id of a connector with a query language.
        language: String,
        #[command(flatten)]
        output: Output,
    },
    /// What was asked of whom, estimate beside actual.
    Ledger {
        /// Only this connection.
        #[arg(long)]
        target: Option<String>,
        /// Most entries.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        output: Output,
    },
    /// Internal: parses untrusted bytes under limits.
    #[command(hide = true)]
    Worker,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Output {
    /// One JSON document on stdout.
    #[arg(long)]
    pub json: bool,
}

/// A target alone.
#[derive(Clone, Debug, Args)]
pub struct TargetOnly {
    /// What to open.
    pub target: String,
    #[command(flatten)]
    pub output: Output,
}

/// A node of a target.
#[derive(Clone, Debug, Args)]
pub struct At {
    /// What to open.
    pub target: String,
    /// Path inside it, as `ls` prints it.
    pub node: Option<String>,
}

/// A read.
#[derive(Clone, Debug, Args)]
pub struct ReadArgs {
    #[command(flatten)]
    pub at: At,
    /// Rows at most, or `all`.
    #[arg(long, value_name = "N|all")]
    pub limit: Option<String>,
    /// A sample of N rows, or N% of them.
    #[arg(long, value_name = "N[%]")]
    pub sample: Option<String>,
    /// How the sample is taken.
    #[arg(long, value_enum, default_value = "auto")]
    pub method: Method,
    /// Columns, separated by commas.
    #[arg(long, value_name = "A,B")]
    pub columns: Option<String>,
    /// Only rows for which this holds, such as "carrier = 'UA' AND dep_delay > 60".
    #[arg(long = "where", value_name = "EXPR")]
    pub condition: Option<String>,
    /// Order, such as dep_delay:desc; more than one separated by commas.
    #[arg(long, value_name = "COL[:desc]")]
    pub order: Option<String>,
    /// A statement in the source's own language.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["columns", "condition", "order", "sample"])]
    pub query: Option<String>,
    /// Budget of this read: rows=…,bytes=…,seconds=…,requests=….
    #[arg(long, value_name = "K=V,…")]
    pub budget: Option<String>,
    /// Run although heavy or unknown, for this reason.
    #[arg(long, value_name = "REASON")]
    pub approve: Option<String>,
    /// With --approve, for a dangerous read: the object's name.
    #[arg(long, value_name = "NAME", requires = "approve")]
    pub approve_node: Option<String>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub output: Output,
}

/// How a sample is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum Method {
    Auto,
    Head,
    Block,
    Row,
    Random,
    Keyset,
}

/// How deep a profile goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// What the catalogue already knows.
    Catalog,
    /// The first rows.
    Head,
    /// A sample.
    Sample,
    /// One pass over everything.
    Scan,
}

/// Formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "names of formats")]
pub enum Format {
    Parquet,
    Csv,
    Jsonl,
    Xlsx,
    Ipc,
}

/// What to do with saved connections.
#[derive(Debug, Subcommand)]
pub enum ConnectionsAction {
    /// Save a target under a name. A password in the URL, or from --password-stdin, is split off and kept apart.
    Add {
        /// The name.
        name: String,
        /// A path or URL.
        target: String,
        #[command(flatten)]
        told: Told,
    },
    /// List them.
    List {
        /// Only those that speak of this text: in name, group, place, owner, note or tier.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Only those of this group.
        #[arg(long)]
        group: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Show one.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Change one; what is not given stays.
    Edit {
        /// Its name.
        name: String,
        /// Its new name.
        #[arg(long)]
        rename: Option<String>,
        /// A path or URL that it leads to now.
        #[arg(long, value_name = "TARGET")]
        target: Option<String>,
        /// Send the secrets that are kept for it to where it leads now.
        #[arg(long)]
        send_secrets: bool,
        #[command(flatten)]
        told: Told,
    },
    /// Add a copy under a new name; secrets are not copied.
    Duplicate {
        /// Its name.
        name: String,
        /// The name of the copy.
        new_name: String,
    },
    /// Remove one, with its secrets.
    Remove {
        /// Its name.
        name: String,
    },
    /// Take over connections of a file: shared from headwater, or of psql, mysql, DBeaver or DataGrip. Never a
    /// password.
    Import {
        /// The file.
        file: PathBuf,
        /// Its format: headwater, pgpass, pg-service, my-cnf, urls, dbeaver or datagrip; looked for if not given.
        #[arg(long)]
        format: Option<String>,
        /// What to do where a name is taken.
        #[arg(long, value_enum, default_value = "skip")]
        taken: OnTaken,
        /// Say what would be taken over and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Write connections to a file, or to stdout, without a secret.
    Export {
        /// Their names; all if none is given.
        names: Vec<String>,
        /// The file; it must not be there.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Secrets behind a passphrase, where the system has no keychain.
    Vault {
        #[command(subcommand)]
        action: VaultAction,
    },
}

/// What is told of a connection.
#[derive(Debug, Default, Args)]
pub struct Told {
    /// Environment: local, dev, stg or prod.
    #[arg(long)]
    pub tier: Option<String>,
    /// Size of the upstream until it is measured: small, medium or large; by tier if not given.
    #[arg(long)]
    pub class: Option<String>,
    /// Budget of a session: rows=…,bytes=…,seconds=…,requests=….
    #[arg(long)]
    pub budget: Option<String>,
    /// The group it stands in.
    #[arg(long)]
    pub group: Option<String>,
    /// Who owns the upstream.
    #[arg(long)]
    pub owner: Option<String>,
    /// How to reach the owner.
    #[arg(long)]
    pub contact: Option<String>,
    /// Anything to remember.
    #[arg(long)]
    pub note: Option<String>,
    /// The way in: ssh://HOST as your SSH configuration names it, socks5://HOST:PORT or http://HOST:PORT; empty =
    /// directly.
    #[arg(long, value_name = "WAY")]
    pub via: Option<String>,
    /// SHA-256 fingerprint of the one server certificate to trust; empty = by authority.
    #[arg(long, value_name = "SHA256")]
    pub pin: Option<String>,
}

/// What to do where a name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnTaken {
    /// Leave ours as it is.
    Skip,
    /// Take it over under another name.
    Rename,
    /// Change ours; its secrets stay, for the place they were given for.
    Replace,
}

/// What to do with the vault.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum VaultAction {
    /// Make one; its passphrase is asked for, or read with --passphrase-stdin.
    Make,
    /// Remove it, with the secrets in it.
    Remove,
    /// Where secrets are kept now.
    Status(Output),
}
