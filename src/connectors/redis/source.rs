//! One live server: databases hold keys, and a key is both a node and a value whose elements are rows.
//! Everything large is asked for in pages; a length or a page of one element never sweeps the rest.

use async_trait::async_trait;
use redis::Value;

use super::commands::{self as sent, entry_of};
use super::decode::{self, Place, Shape, cell_of, info, items_of, key_of, name_of, text_of};
use super::link::{Ask, Link, checked};
use super::{abilities, estimate, read};
use crate::connector::{Permit, Source};
use crate::job::{BatchSink, CallCtx};
use crate::model::ability::Abilities;
use crate::model::cell::Cell;
use crate::model::load::{Capacity, LoadEstimate, Provenance};
use crate::model::node::{Description, Detail, Known, Node, NodeKind, NodePage, NodePath, PageRequest};
use crate::model::read::{ReadOutcome, ReadPlan, ReadSpec};
use crate::model::schema::Schema;
use crate::model::standing::{Harm, Position, Proof, Right, Standing};
use crate::model::units::bytes_text;
use crate::model::{Error, ErrorKind, Result};

/// Most elements of a page: about a millisecond of the one thread.
pub(super) const PAGE: u64 = 1_000;
/// Bytes of a string in one row.
pub(super) const PIECE: u64 = 64 << 10;

/// One live server.
pub(super) struct RedisSource {
    pub(super) link: Link,
    pub(super) capacity: Capacity,
    pub(super) home: i64,
    abilities: Abilities,
}

/// What a path names.
#[derive(Clone, Debug)]
pub(super) enum At {
    Server,
    Database(i64),
    Key(i64, Vec<u8>),
}

/// What is read: a database, or a key of a known type.
pub(super) struct Target {
    pub(super) db: i64,
    pub(super) key: Vec<u8>,
    pub(super) shape: Shape,
}

impl RedisSource {
    pub(super) fn new(link: Link, home: i64, capacity: Capacity) -> Self {
        // Commands run on one thread, however many cores there are.
        Self { link, home, capacity: Capacity { cores: 1.0, ..capacity }, abilities: abilities() }
    }

    /// The first questions to a server: that it is one, and that the login is let in.
    pub(super) async fn greet(&self, ctx: &CallCtx) -> Result<()> {
        self.info(ctx, "connect", "server").await.map(drop)
    }

    fn at(stage: &str, path: &NodePath) -> Result<At> {
        let db = |name: &String| {
            let number = name.strip_prefix("db").and_then(|digits| digits.parse::<i64>().ok());
            number.filter(|number| format!("db{number}") == *name)
        };
        match path.segments() {
            [] => Some(At::Server),
            [first] => db(first).map(At::Database),
            [first, key] => db(first).map(|db| At::Key(db, key_of(key))),
            _ => None,
        }
        .ok_or_else(|| Error::not_found(stage, path))
    }

    /// A section of `INFO`; none where the login may not ask.
    pub(super) async fn info(&self, ctx: &CallCtx, stage: &str, section: &str) -> Result<Option<String>> {
        let words = format!("INFO {section}");
        let asked = vec![Ask::one(sent::INFO, words.trim(), &[])];
        let reply = self.link.ask(ctx, stage, self.home, asked).await?.into_iter().flatten().next();
        match reply.unwrap_or_default() {
            Value::ServerError(error) if error.code() == "NOPERM" => Ok(None),
            value => checked(stage, value).map(|value| Some(text_of(&value))),
        }
    }

    /// Databases with keys, and the connection's own, with their key counts.
    async fn databases(&self, ctx: &CallCtx, stage: &str) -> Result<Vec<(i64, Option<u64>)>> {
        let told = self.info(ctx, stage, "keyspace").await?;
        let mut found = told.iter().flat_map(|text| text.lines()).filter_map(|line| {
            let (number, about) = line.strip_prefix("db")?.split_once(':')?;
            let keys = decode::number_in(about.trim(), "keys").map(|keys| keys as u64);
            Some((number.parse().ok()?, keys))
        });
        let mut found = found.by_ref().collect::<Vec<(i64, Option<u64>)>>();
        if !found.iter().any(|(number, _)| *number == self.home) {
            found.push((self.home, told.is_some().then_some(0)));
        }
        found.sort_unstable();
        Ok(found)
    }

    async fn database(&self, ctx: &CallCtx, stage: &str, db: i64) -> Result<()> {
        let known =
            db == self.home || self.databases(ctx, stage).await?.iter().any(|(number, _)| *number == db);
        if known { Ok(()) } else { Err(Error::not_found(stage, format!("db{db}"))) }
    }

    /// The type of a key, as Redis names it.
    async fn type_of(&self, ctx: &CallCtx, stage: &str, db: i64, key: &[u8]) -> Result<String> {
        self.database(ctx, stage, db).await?;
        let word = text_of(&self.link.one(ctx, stage, db, Ask::one(sent::TYPE, "TYPE", &[key])).await?);
        if word == "none" { Err(Error::not_found(stage, name_of(key))) } else { Ok(word) }
    }

    /// What a read of a node reads.
    pub(super) async fn target(&self, ctx: &CallCtx, stage: &str, node: &NodePath) -> Result<Target> {
        match Self::at(stage, node)? {
            At::Server => Err(Error::new(ErrorKind::Invalid, stage, "the server itself has no rows")
                .hint("name one of its databases or keys")),
            At::Database(db) => {
                self.database(ctx, stage, db).await?;
                Ok(Target { db, key: Vec::new(), shape: Shape::Keys })
            }
            At::Key(db, key) => {
                let word = self.type_of(ctx, stage, db, &key).await?;
                let shape = Shape::of_type(&word).ok_or_else(|| {
                    Error::new(ErrorKind::Unsupported, stage, format!("{word} is a type of a module")).hint(
                        "only the types of Redis itself are read: hash, set, zset, list, stream, string",
                    )
                })?;
                Ok(Target { db, key, shape })
            }
        }
    }

    /// What a plan reads, by its first step.
    pub(super) fn planned(&self, plan: &ReadPlan) -> Result<Target> {
        let entry = plan.steps.first().map(|step| &step.entry);
        let shape = Shape::ALL.into_iter().find(|shape| Some(&entry_of(shape.commands().0)) == entry);
        match (shape, Self::at("read", &plan.spec.node)?) {
            (Some(shape), At::Database(db)) => Ok(Target { db, key: Vec::new(), shape }),
            (Some(shape), At::Key(db, key)) => Ok(Target { db, key, shape }),
            _ => Err(Error::unexpected("read", "a plan without a page command")),
        }
    }

    /// What the server says of itself, as far as the login may ask.
    async fn server_facts(&self, ctx: &CallCtx, stage: &str) -> Result<Vec<Detail>> {
        let told = self.info(ctx, stage, "").await?.unwrap_or_default();
        let lines = [
            ("version", "redis_version"),
            ("mode", "redis_mode"),
            ("role", "role"),
            ("memory used", "used_memory_human"),
            ("memory limit", "maxmemory_human"),
            ("when memory is full", "maxmemory_policy"),
            ("clients", "connected_clients"),
            ("commands a second", "instantaneous_ops_per_sec"),
            ("append-only file", "aof_enabled"),
            ("changes since the last save", "rdb_changes_since_last_save"),
        ];
        let detail = |(label, name)| Some(exact(label, info(&told, name)?.to_owned()));
        let mut details = lines.into_iter().filter_map(detail).collect::<Vec<_>>();
        for (label, ask) in [
            ("login", Ask::one(sent::WHOAMI, "ACL WHOAMI", &[])),
            ("role", Ask::one(sent::ROLE, "ROLE", &[])),
        ] {
            match self.link.one(ctx, stage, self.home, ask).await {
                Ok(value) => {
                    let first = items_of(&value).first().unwrap_or(&value);
                    details.retain(|detail| detail.label != label);
                    details.push(exact(label, text_of(first)));
                }
                // What the login may not ask, or an older server does not know, is left out.
                Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Invalid) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(details)
    }

    async fn keys(&self, ctx: &CallCtx, db: i64, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        let stage = "browse";
        let token = page.token.as_deref().unwrap_or("0.0");
        let place = Place::of_token(token)
            .ok_or_else(|| Error::new(ErrorKind::Invalid, stage, "this page token is not of this list"))?;
        let target = Target { db, key: Vec::new(), shape: Shape::Keys };
        let (mut next, mut keys) = (Some(place), Vec::new());
        while let Some(from) = next.take() {
            let room = (page.size - keys.len()) as u64;
            let (found, go_on) = self.scan(ctx, stage, &target, &from, room).await?;
            keys.extend(found);
            next = go_on;
            if keys.len() >= page.size {
                break;
            }
        }
        let ask = Ask::each(sent::TYPE, "TYPE", keys.iter().map(decode::bytes_of));
        let types = if keys.is_empty() {
            Vec::new()
        } else {
            self.link.ask(ctx, stage, db, vec![ask]).await?.pop().unwrap_or_default()
        };
        // A key that a list shows may still be none of the login's.
        let word_of = |word: &Value| match word {
            Value::ServerError(_) => "not permitted".to_owned(),
            word => text_of(word),
        };
        let node = |(key, word): (&Value, &Value)| node_of(at, decode::bytes_of(key), &word_of(word));
        Ok(NodePage {
            nodes: keys.iter().zip(&types).map(node).collect(),
            next: next.map(|place| place.token()),
        })
    }

    /// One page of a SCAN command: at most `room` elements (pairs count as one), and where to go on.
    async fn scan(
        &self,
        ctx: &CallCtx,
        stage: &str,
        target: &Target,
        from: &Place,
        room: u64,
    ) -> Result<(Vec<Value>, Option<Place>)> {
        let Place::Cursor(cursor, skip) = *from else {
            return Err(Error::unexpected(stage, "a scan without a cursor"));
        };
        let command = target.shape.commands().0;
        let (cursor_text, count) = (cursor.to_string(), room.clamp(1, PAGE).to_string());
        let tail = [cursor_text.as_bytes(), b"COUNT", count.as_bytes()];
        let key = (target.shape != Shape::Keys).then_some(target.key.as_slice());
        let arguments = key.into_iter().chain(tail).collect::<Vec<_>>();
        let reply =
            self.link.one(ctx, stage, target.db, Ask::one(entry_of(command), command, &arguments)).await?;
        let [next, items] = items_of(&reply) else {
            return Err(Error::new(ErrorKind::Decode, stage, format!("{command} gave no cursor and page")));
        };
        let next: u64 = text_of(next).parse().unwrap_or(0);
        let width = if matches!(target.shape, Shape::Hash | Shape::Sorted) { 2 } else { 1 };
        let items = items_of(items);
        let (all, room) = (items.len() as u64 / width, room.max(1));
        let taken = all.saturating_sub(skip).min(room);
        let place = |value: u64| usize::try_from(value * width).unwrap_or(usize::MAX);
        let page = items.get(place(skip.min(all))..place(skip.min(all) + taken)).unwrap_or_default().to_vec();
        let go_on = if skip + taken < all {
            Some(Place::Cursor(cursor, skip + taken))
        } else {
            // A smaller page than the one the skip was counted in: the rest is skipped in the next.
            (next != 0).then(|| Place::Cursor(next, skip.saturating_sub(all)))
        };
        Ok((page, go_on))
    }

    /// One page of rows, and where to go on.
    pub(super) async fn page(
        &self,
        ctx: &CallCtx,
        target: &Target,
        columns: &Schema,
        from: &Place,
        room: u64,
    ) -> Result<(Vec<Vec<Cell>>, Option<Place>)> {
        let (stage, shape, key) = ("read", target.shape, target.key.as_slice());
        let command = shape.commands().0;
        let ask = |first: String, last: String, more: &[&[u8]]| {
            let arguments = [&[key, first.as_bytes(), last.as_bytes()], more].concat();
            self.link.one(ctx, stage, target.db, Ask::one(entry_of(command), command, &arguments))
        };
        match (shape, from) {
            (Shape::Keys, _) => {
                let (keys, next) = self.scan(ctx, stage, target, from, room).await?;
                Ok((self.facts_of(ctx, target.db, &keys, columns).await?, next))
            }
            (Shape::List, Place::At(at)) => {
                let reply = ask(at.to_string(), (at + room - 1).to_string(), &[]).await?;
                let items = items_of(&reply);
                let row = |(n, item): (u64, &Value)| {
                    vec![Cell::Int((at + n).cast_signed()), cell_of(decode::bytes_of(item))]
                };
                let next = (items.len() as u64 == room).then_some(Place::At(at + room));
                Ok(((0..).zip(items).map(row).collect(), next))
            }
            (Shape::Text, Place::At(at)) => {
                let reply = ask(at.to_string(), (at + PIECE - 1).to_string(), &[]).await?;
                let bytes = decode::bytes_of(&reply);
                let is_last = (bytes.len() as u64) < PIECE;
                let kept = if is_last { bytes.len() } else { decode::whole_characters(bytes) };
                let row = vec![Cell::Int(at.cast_signed()), cell_of(bytes.get(..kept).unwrap_or_default())];
                let rows = if kept == 0 && *at > 0 { Vec::new() } else { vec![row] };
                Ok((rows, (!is_last).then_some(Place::At(at + kept as u64))))
            }
            (Shape::Stream, Place::Behind(id)) => {
                let first = if id.is_empty() { "-".to_owned() } else { format!("({id}") };
                let reply = ask(first, "+".to_owned(), &[b"COUNT", room.to_string().as_bytes()]).await?;
                let (ids, rows): (Vec<_>, Vec<_>) =
                    items_of(&reply).iter().filter_map(decode::entry_of).unzip();
                let next =
                    (rows.len() as u64 == room).then(|| ids.into_iter().next_back().map(Place::Behind));
                Ok((rows, next.flatten()))
            }
            _ => {
                let (items, next) = self.scan(ctx, stage, target, from, room).await?;
                Ok((decode::scanned(shape, &items), next))
            }
        }
    }

    /// Rows of a database: only what the wanted columns need is asked, in one round trip for all keys.
    async fn facts_of(
        &self,
        ctx: &CallCtx,
        db: i64,
        keys: &[Value],
        columns: &Schema,
    ) -> Result<Vec<Vec<Cell>>> {
        let asks = |name: &str| {
            let (entry, words) = fact(name)?;
            Some(Ask::each(entry, words, keys.iter().map(decode::bytes_of)))
        };
        let asked = columns.fields.iter().filter_map(|field| asks(&field.name)).collect::<Vec<_>>();
        let replies = if asked.is_empty() || keys.is_empty() {
            vec![Vec::new(); asked.len()]
        } else {
            self.link.ask(ctx, "read", db, asked).await?
        };
        let mut replies = replies.into_iter();
        let by_column = columns.fields.iter().map(|field| match fact(&field.name) {
            Some(_) => {
                replies.next().unwrap_or_default().iter().map(|value| fact_cell(&field.name, value)).collect()
            }
            None => keys.iter().map(|key| cell_of(decode::bytes_of(key))).collect(),
        });
        let by_column = by_column.collect::<Vec<Vec<Cell>>>();
        let row = |row: usize| {
            by_column.iter().map(|cells| cells.get(row).cloned().unwrap_or(Cell::Null)).collect()
        };
        // A key whose time ran out since it was listed is no row.
        let is_there = |cells: &Vec<Cell>| !cells.contains(&Cell::Exact("none".to_owned()));
        Ok((0..keys.len()).map(row).filter(is_there).collect())
    }
}

/// The command behind a column of a database.
pub(super) fn fact(column: &str) -> Option<(crate::model::command::EntryId, &'static str)> {
    match column {
        "type" => Some((sent::TYPE, "TYPE")),
        "ttl_ms" => Some((sent::TTL, "PTTL")),
        "encoding" => Some((sent::ENCODING, "OBJECT ENCODING")),
        "memory_bytes" => Some((sent::MEMORY, "MEMORY USAGE")),
        _ => None,
    }
}

/// A fact as a cell; a fact that was refused is marked, not left out.
fn fact_cell(column: &str, value: &Value) -> Cell {
    match (column, value) {
        (_, Value::ServerError(error)) => Cell::Invalid(error.to_string().into_bytes()),
        (_, Value::Nil) => Cell::Null,
        ("ttl_ms", Value::Int(..=-1)) => Cell::Null,
        (_, Value::Int(number)) => Cell::Int(*number),
        (_, word) => Cell::Exact(text_of(word)),
    }
}

fn node_of(parent: &NodePath, key: &[u8], word: &str) -> Node {
    Node {
        path: parent.child(name_of(key)),
        name: name_of(key),
        kind: NodeKind::Key,
        readable: Shape::of_type(word).is_some(),
        expandable: false,
        rows: None,
        bytes: None,
        note: Some(word.to_owned()),
    }
}

fn database_node(number: i64, keys: Option<u64>) -> Node {
    let path = NodePath::of([format!("db{number}")]);
    Node {
        name: path.name().to_owned(),
        path,
        kind: NodeKind::Database,
        readable: true,
        expandable: true,
        rows: keys.map(Known::exact),
        bytes: None,
        note: None,
    }
}

fn exact(label: &str, value: String) -> Detail {
    Detail::new(label, value, Provenance::Exact)
}

fn described(node: Node, schema: Schema, details: Vec<Detail>, notes: Vec<String>) -> Description {
    Description { node, schema, keys: Vec::new(), indexes: Vec::new(), details, ddl: None, notes }
}

#[async_trait]
impl Source for RedisSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn standing(&self, ctx: &CallCtx) -> Result<Standing> {
        let asked = vec![Ask::one(sent::INFO, "INFO", &[]), Ask::one(sent::WHOAMI, "ACL WHOAMI", &[])];
        let mut replies = self.link.ask(ctx, "check", self.home, asked).await?.into_iter().flatten();
        let info = replies.next().and_then(|info| checked("check", info).ok()).map(|info| text_of(&info));
        let login =
            replies.next().and_then(|login| checked("check", login).ok()).map(|login| text_of(&login));
        let info = info.unwrap_or_default();
        let told = |key: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            line.map(str::trim).filter(|value| !value.is_empty())
        };
        let lag = told("master_last_io_seconds_ago").and_then(|seconds| seconds.parse::<f64>().ok());
        let position = told("role").map(|role| match role {
            "slave" => Position::Replica { lag_seconds: lag.filter(|seconds| *seconds >= 0.0) },
            _ => Position::Primary,
        });
        let everybody = login.as_deref() == Some("default");
        let right = Right::new(
            Harm::Changes,
            "whatever its access list lets it; the user default may do all unless narrowed",
        );
        Ok(Standing {
            product: told("redis_version").map(|version| format!("Redis {version}")),
            identity: told("run_id").map(|id| format!("run {id}")),
            login,
            rights: everybody.then_some(right).into_iter().collect(),
            read_only: vec![Proof::Ours {
                what: "no command with the write flag is in the command table".to_owned(),
            }],
            position,
            clock: told("server_time_usec")
                .and_then(|micros| micros.parse::<f64>().ok())
                .map(|micros| micros / 1e6),
            ..Standing::default()
        })
    }

    async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        match Self::at("browse", at)? {
            At::Server => {
                let all = self.databases(ctx, "browse").await?;
                let from = page.token.as_deref().and_then(|token| token.parse().ok()).unwrap_or(0);
                let nodes =
                    all.iter().skip(from).take(page.size).map(|(number, keys)| database_node(*number, *keys));
                let nodes = nodes.collect::<Vec<_>>();
                let next = (from + nodes.len() < all.len()).then(|| (from + nodes.len()).to_string());
                Ok(NodePage { nodes, next })
            }
            At::Database(db) => {
                self.database(ctx, "browse", db).await?;
                self.keys(ctx, db, at, page).await
            }
            At::Key(db, key) => self.type_of(ctx, "browse", db, &key).await.map(|_| NodePage::default()),
        }
    }

    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        let stage = "describe";
        match Self::at(stage, at)? {
            At::Server => {
                let details = self.server_facts(ctx, stage).await?;
                let node = Node {
                    path: NodePath::root(),
                    name: "server".to_owned(),
                    readable: false,
                    rows: None,
                    ..database_node(self.home, None)
                };
                Ok(described(node, Schema::default(), details, Vec::new()))
            }
            At::Database(db) => {
                self.database(ctx, stage, db).await?;
                let size = self.link.one(ctx, stage, db, Ask::one(entry_of("DBSIZE"), "DBSIZE", &[])).await?;
                let node = database_node(db, text_of(&size).parse().ok());
                let notes = vec!["keys whose time is over are counted until they are looked at".to_owned()];
                // A server of one database is mostly asked about as that database.
                let details = self.server_facts(ctx, stage).await?;
                Ok(described(node, Shape::Keys.schema(), details, notes))
            }
            At::Key(db, key) => {
                let word = self.type_of(ctx, stage, db, &key).await?;
                let mut node = node_of(&at.parent(), &key, &word);
                node.path = at.clone();
                let shape = Shape::of_type(&word);
                let length = shape.map_or("TYPE", |shape| shape.commands().1);
                let asks = [(entry_of(length), length)]
                    .into_iter()
                    .chain(["ttl_ms", "encoding", "memory_bytes"].into_iter().filter_map(fact));
                let asks = asks.map(|(entry, words)| Ask::one(entry, words, &[&key])).collect();
                let replies = self.link.ask(ctx, stage, db, asks).await?;
                let mut replies = replies.into_iter().map(|mut one| one.pop().unwrap_or_default());
                let length = checked(stage, replies.next().unwrap_or_default())?;
                let mut details = vec![exact("type", word)];
                if let (Some(shape), Ok(length)) = (shape, text_of(&length).parse::<u64>()) {
                    let rows = if shape == Shape::Text { length.div_ceil(PIECE).max(1) } else { length };
                    node.rows = Some(Known::exact(rows));
                    if shape == Shape::Text {
                        details.push(exact("length", bytes_text(length as f64)));
                    }
                }
                for (label, value) in ["time to live", "encoding", "memory"].into_iter().zip(replies) {
                    match value {
                        Value::ServerError(_) | Value::Nil => {}
                        Value::Int(number) if label == "memory" => {
                            node.bytes = Some(Known::by(number.unsigned_abs(), estimate::sampled()));
                        }
                        Value::Int(..=-1) => details.push(exact(label, "none: it stays".to_owned())),
                        Value::Int(number) => details.push(exact(label, format!("{number} ms"))),
                        word => details.push(exact(label, text_of(&word))),
                    }
                }
                Ok(described(node, shape.map(Shape::schema).unwrap_or_default(), details, Vec::new()))
            }
        }
    }

    async fn plan(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
        read::plan(self, ctx, spec).await
    }

    async fn estimate(&self, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
        estimate::estimate(self, ctx, plan).await
    }

    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome> {
        read::run(self, ctx, &permit, sink).await
    }
}
