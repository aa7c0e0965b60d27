//! MongoDB and what speaks its protocol: databases, collections, documents.
//!
//! Invariants: no command that writes or runs code is sent (`commands`) · every command is written down before
//! it is sent, and sent as it was written down (`link`) · every cursor is ours and ended with its read (`read`)
//! · no count and no sort stands before the first documents (`source`) · values are exact, missing is not null
//! (`decode`) · the source narrows only to at least what is wanted (`filter`).

mod commands;
mod decode;
mod estimate;
mod filter;
mod link;
mod read;
mod source;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::Client;
use mongodb::options::{ClientOptions, Credential, ServerAddress, Tls, TlsOptions};
use secrecy::ExposeSecret as _;

use self::link::{Link, error_of};
use self::source::MongoSource;
use crate::connector::{Connector, Credentials, Source};
use crate::job::CallCtx;
use crate::kit::{net, tls};
use crate::model::ability::{Abilities, CancelReach, CostClass, Support};
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;
use crate::model::tls::Wish;
use crate::model::{Error, ErrorKind, Result};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

static CARD: Card = Card {
    id: "mongodb",
    name: "MongoDB",
    family: Family::Documents,
    summary: "collections and views of documents",
    schemes: &["mongodb"],
    extensions: &[],
    magic: &[],
    form: Form {
        fields: &[
            FormField::required(
                Connection::HOST,
                "Host",
                "name or address of one server; of a replica set, best a secondary",
                FieldKind::Text,
            ),
            FormField::optional(
                Connection::PORT,
                "Port",
                "where it listens",
                FieldKind::Number { min: 1, max: 65_535 },
                Some("27017"),
            ),
            FormField::optional(
                Connection::DATABASE,
                "Login's database",
                "where the user is declared",
                FieldKind::Text,
                Some("admin"),
            ),
            FormField::optional(Connection::USER, "User", "empty = none", FieldKind::Text, None),
            FormField::optional(
                Connection::PASSWORD,
                "Password",
                "kept apart from the connection",
                FieldKind::Secret,
                None,
            ),
            FormField::optional(
                "tls",
                "TLS",
                "whether the server speaks TLS; its certificate and its name are checked",
                FieldKind::Choice { options: &[("off", "no"), ("on", "yes, verified")] },
                Some("off"),
            ),
            tls::AUTHORITY_FIELD,
        ],
    },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

/// What MongoDB can do.
fn abilities() -> Abilities {
    Abilities {
        pushdown: read::PUSHDOWN,
        exact_count: CostClass::Scan,
        // Behind the last _id.
        stable_paging: Support::Exact,
        native_profile: Support::None,
        catalog_profile: Support::None,
        cancel: CancelReach::Confirmed,
        snapshot: Support::None,
        side_effects: vec!["a cursor and a session while batches are read".to_owned()],
        page_cap_rows: None,
        rate_limit_per_sec: None,
        query_language: None,
    }
}

/// The connector.
pub struct MongoDb;

#[async_trait]
impl Connector for MongoDb {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn commands(&self) -> &'static [CommandEntry] {
        commands::COMMANDS
    }

    fn abilities(&self) -> Abilities {
        abilities()
    }

    fn tls(&self, connection: &Connection) -> Result<Option<Wish>> {
        net::tls::switched(connection, connection.filled("tls").unwrap_or("off"))
    }

    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        let value = |key: &str| connection.filled(key);
        let invalid = |why: &str, hint: &str| Error::new(ErrorKind::Invalid, "connect", why).hint(hint);
        let host = value(Connection::HOST)
            .ok_or_else(|| invalid("the connection names no host", "give the server's name or address"))?;
        let port = value(Connection::PORT).unwrap_or("27017").parse::<u16>();
        let port =
            port.map_err(|error| invalid(&format!("the port is no number: {error}"), "it is 27017 mostly"))?;
        let tls = self.tls(connection)?;
        let speaks_tls = tls.is_some();
        let way = net::way_in("connect", &CARD.form, connection, credentials, tls, "mongodb.sock").await?;
        let server = match &way {
            #[cfg(unix)]
            Some(way) => ServerAddress::Unix { path: way.socket().to_owned() },
            _ => ServerAddress::Tcp { host: host.to_owned(), port: Some(port) },
        };
        let mut options = ClientOptions::builder()
            .hosts(vec![server])
            // The server that was named and no other, so that a cursor's batches come from where it is.
            .direct_connection(true)
            .app_name("headwater".to_owned())
            .connect_timeout(CONNECT)
            .server_selection_timeout(CONNECT)
            .retry_reads(false)
            .retry_writes(false)
            .max_pool_size(4)
            .build();
        // On a way in it is spoken by us, and names the real host.
        if speaks_tls && way.is_none() {
            let mut checked = TlsOptions::default();
            if let Some(path) = value(tls::AUTHORITY) {
                // The driver reads the file by itself, and would say less of one that is of no use.
                tls::authority("connect", path).await?;
                checked.ca_file_path = Some(path.into());
            }
            options.tls = Some(Tls::Enabled(checked));
        }
        let mut login = "";
        if let Some(user) = value(Connection::USER) {
            let password =
                credentials.get(Connection::PASSWORD).map(|secret| secret.expose_secret().to_owned());
            let mut credential = Credential::default();
            credential.username = Some(user.to_owned());
            credential.password = password;
            credential.source = Some(value(Connection::DATABASE).unwrap_or("admin").to_owned());
            options.credential = Some(credential);
            login = "saslStart, saslContinue; ";
        }
        let client = Client::with_options(options).map_err(|error| error_of("connect", &error))?;
        let told = ctx
            .statement(&commands::OPEN, &format!("hello; {login}hello every 10 s while connected"))
            .await?;
        let way = way.map(Arc::new);
        let source = MongoSource::new(Link { client, way: way.clone() }, connection.capacity());
        match source.greet(ctx).await {
            Ok(()) => {
                told.done(0).await?;
                Ok(Arc::new(source))
            }
            Err(error) => {
                let error = way.as_ref().map_or(error.clone(), |way| way.explain(error));
                Err(told.failed(error.with("host", format!("{host}:{port}"))).await)
            }
        }
    }
}
