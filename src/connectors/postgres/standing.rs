//! Who answers and what this login may do there: one message, so that a check of a far server stays short.

use super::commands as sent;
use super::link::Link;
use crate::job::CallCtx;
use crate::model::standing::{Harm, Position, Proof, Right, Standing};
use crate::model::{Error, ErrorKind, Result};

/// Roles of the server's own that may more than read, with what they may.
const STRONG_ROLES: [(&str, Harm, &str); 8] = [
    ("pg_execute_server_program", Harm::Everything, "run programs on the server"),
    ("pg_write_server_files", Harm::Everything, "write files on the server"),
    ("pg_read_server_files", Harm::Everything, "read every file of the server"),
    ("pg_write_all_data", Harm::Changes, "change every row"),
    ("pg_create_subscription", Harm::Changes, "create subscriptions"),
    ("pg_maintain", Harm::Disturbs, "vacuum and reindex any table"),
    ("pg_checkpoint", Harm::Disturbs, "force checkpoints"),
    ("pg_signal_backend", Harm::Disturbs, "stop sessions of others"),
];

/// Asks.
pub(super) async fn of(ctx: &CallCtx, link: &Link) -> Result<Standing> {
    let answers = match link.ask(ctx, "check", &sent::STANDING, sent::STANDING_TEXT).await {
        // Some hosts hide the control file: then there is no identity to compare.
        Err(error) if error.kind == ErrorKind::Denied => {
            link.ask(ctx, "check", &sent::STANDING_BARE, &sent::standing_bare()).await?
        }
        answers => answers?,
    };
    let row = answers.first().and_then(|answer| answer.rows.first()).ok_or_else(|| {
        Error::new(ErrorKind::Decode, "check", "the server did not say how this login stands")
    })?;
    let text = |column: usize| row.get(column).and_then(Option::as_deref);
    let is = |column: usize| text(column) == Some("t");
    let number = |column: usize| text(column).and_then(|number| number.parse::<f64>().ok());
    let about = link.about();
    let roles = text(8).map(|roles| roles.split(", ").map(str::to_owned).collect()).unwrap_or_default();
    let mut standing = Standing {
        product: Some(about.version.clone()),
        identity: text(2).map(|identifier| format!("cluster {identifier}")),
        login: Some(about.user.clone()),
        rights: Vec::new(),
        roles,
        read_only: vec![Proof::Ours {
            what: "every message is a READ ONLY transaction of the command table".to_owned(),
        }],
        position: Some(if is(11) {
            Position::Replica { lag_seconds: number(12) }
        } else {
            Position::Primary
        }),
        clock: number(0),
    };
    if text(1) == Some("on") {
        let what = "transaction_read_only = on, asked inside a transaction of ours".to_owned();
        standing.read_only.insert(0, Proof::Server { what });
    }
    let mut may = |holds: bool, harm: Harm, what: &str| {
        if holds {
            standing.rights.push(Right::new(harm, what));
        }
    };
    may(is(3), Harm::Everything, "do anything: it is a superuser");
    may(is(4), Harm::Everything, "create and grant roles");
    may(is(6), Harm::Disturbs, "open replication streams, which hold back the server's log");
    may(is(7), Harm::Reads, "read past row security");
    may(is(5), Harm::Changes, "create databases");
    may(is(9), Harm::Changes, &format!("create schemas in {}", about.database));
    may(is(10), Harm::Changes, "create temporary tables");
    for (role, harm, what) in STRONG_ROLES {
        may(standing.roles.iter().any(|own| own == role), harm, what);
    }
    let (looked_at, changeable, readable) = (number(13), number(14), number(15));
    let of_all = |count: f64| format!("{count} of the {} tables looked at", looked_at.unwrap_or(0.0));
    if let Some(count) = changeable.filter(|count| *count > 0.0) {
        standing.rights.push(Right::new(Harm::Changes, format!("change rows of {}", of_all(count))));
    }
    if let Some(count) = readable {
        standing.rights.push(Right::new(Harm::Reads, format!("read {}", of_all(count))));
    }
    standing.rights.sort();
    Ok(standing)
}
