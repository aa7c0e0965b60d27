//! The lab: real servers, each started when a test first asks for it and shared by all tests of the run.
//!
//! - At most one of each kind; a test that kills or restarts its server makes one of its own
//!   ([`Postgres::private`]).
//! - A test works in a database, key space or collection of its own; the shared server keeps its settings.
//! - Starting blocks the calling thread once; that is fine in a test.
//! - A server that is not installed fails the test, with the package's name.

mod certificates;
mod keyring;
mod mongo;
mod pgbouncer;
mod pocketbase;
mod postgres;
mod process;
mod redis;
mod tls_front;
mod ways;

use std::sync::OnceLock;

pub use certificates::Certificates;
pub use keyring::{Bus, Door, Keyring};
pub use mongo::Mongo;
pub use pgbouncer::PgBouncer;
pub use pocketbase::PocketBase;
pub use postgres::{Postgres, Version, psql};
pub use process::pause;
pub use redis::Redis;
pub use tls_front::TlsFront;
pub use ways::{Middle, Ssh};

/// One of its kind for the whole run; a failure to start is remembered, so that no other test waits for it.
type Shared<T> = OnceLock<Result<T, String>>;

fn shared<T>(place: &'static Shared<T>, start: impl FnOnce() -> Result<T, String>) -> &'static T {
    match place.get_or_init(start) {
        Ok(server) => server,
        Err(why) => panic!("{why}"),
    }
}

/// PostgreSQL of a release.
pub fn postgres(version: Version) -> &'static Postgres {
    static SERVERS: [Shared<Postgres>; 2] = [const { OnceLock::new() }; 2];
    let place = match version {
        Version::V15 => &SERVERS[0],
        Version::V18 => &SERVERS[1],
    };
    shared(place, || Postgres::private(version, &[]))
}

/// A PostgreSQL 15 of its own with a database in which an application has left 50,000 tables, in the schema
/// `crowd`; only `t77` holds rows, 300 of them. Its name as well.
pub fn crowd() -> (&'static Postgres, &'static str) {
    const TABLES: &str = "
        CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
        CREATE SCHEMA crowd;
        DO $$ BEGIN FOR i IN 1..50000 LOOP
            EXECUTE format('CREATE TABLE crowd.t%s (id int)', i);
            IF i % 500 = 0 THEN COMMIT; END IF;
        END LOOP; END $$;
        INSERT INTO crowd.t77 SELECT generate_series(1, 300);
        ANALYZE crowd.t77;
        GRANT USAGE ON SCHEMA crowd TO PUBLIC";
    static SERVER: Shared<(Postgres, String)> = OnceLock::new();
    // A server of its own: so many statements would push others out of its list.
    let (server, database) = shared(&SERVER, || {
        let server = Postgres::private(Version::V15, &[])?;
        let database = server.database("crowd", TABLES)?;
        Ok((server, database))
    });
    (server, database)
}

/// pgbouncer in transaction mode before PostgreSQL 15.
pub fn pgbouncer() -> &'static PgBouncer {
    static SERVER: Shared<PgBouncer> = OnceLock::new();
    shared(&SERVER, || PgBouncer::before(postgres(Version::V15)))
}

/// A streaming standby of PostgreSQL 15; [`Postgres::catch_up`] waits until it knows what a test has written.
pub fn standby() -> &'static Postgres {
    static SERVER: Shared<Postgres> = OnceLock::new();
    shared(&SERVER, || Postgres::standby_of(postgres(Version::V15)))
}

/// Redis 7.
pub fn redis() -> &'static Redis {
    static SERVER: Shared<Redis> = OnceLock::new();
    shared(&SERVER, Redis::start)
}

/// SecantusDB, wire-compatible with MongoDB.
pub fn mongo() -> &'static Mongo {
    static SERVER: Shared<Mongo> = OnceLock::new();
    shared(&SERVER, Mongo::start)
}

/// PocketBase, a REST API.
pub fn pocketbase() -> &'static PocketBase {
    static SERVER: Shared<PocketBase> = OnceLock::new();
    shared(&SERVER, PocketBase::start)
}

/// Certificates of the run: the servers' and a client's.
pub fn certificates() -> &'static Certificates {
    static CERTIFICATES: Shared<Certificates> = OnceLock::new();
    shared(&CERTIFICATES, Certificates::make)
}
