//! One live server: databases hold collections and views, a collection holds documents. Columns are looked up
//! once for each collection, in its first documents, and stay for as long as the source is open, so that pages
//! of one reading have the same ones.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, doc};

use super::commands as sent;
use super::decode::Columns;
use super::link::{Link, Space, number, take_batch, text_of};
use super::{abilities, estimate, read};
use crate::connector::{Permit, Source};
use crate::job::{BatchSink, CallCtx};
use crate::model::ability::Abilities;
use crate::model::load::{Capacity, LoadEstimate, Provenance};
use crate::model::node::{
    Description, Detail, Enforcement, Index, Key, KeyKind, Known, Node, NodeKind, NodePage, NodePath,
    PageRequest,
};
use crate::model::read::{Bound, ReadOutcome, ReadPlan, ReadSpec, Step, StepKind};
use crate::model::schema::Schema;
use crate::model::standing::{Harm, Position, Proof, Right, Standing};
use crate::model::units::bytes_text;
use crate::model::{Error, ErrorKind, Result};

/// Documents looked at for the columns of a collection.
const LOOK: i64 = 100;
/// Bytes of documents looked at, about.
const LOOK_BYTES: f64 = (1 << 20) as f64;
/// Milliseconds that a look may take at the server, as any probe.
pub(super) const LOOK_MS: i64 = 50;

/// One live server.
pub(super) struct MongoSource {
    pub(super) link: Link,
    pub(super) capacity: Capacity,
    abilities: Abilities,
    looks: Mutex<BTreeMap<(String, String), Columns>>,
}

/// What the catalogue says of a collection's size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    /// Documents.
    pub(super) count: Option<f64>,
    /// Bytes of a document on average.
    pub(super) average: Option<f64>,
    /// Bytes on disk, packed.
    pub(super) storage: Option<f64>,
}

impl MongoSource {
    pub(super) fn new(link: Link, capacity: Capacity) -> Self {
        Self { link, capacity, abilities: abilities(), looks: Mutex::default() }
    }

    /// The first question to a server: that it is one, and that the login is let in.
    pub(super) async fn greet(&self, ctx: &CallCtx) -> Result<()> {
        self.link.ask(ctx, "connect", &sent::HELLO, "admin", doc! { "hello": 1 }).await?;
        // Hello needs no login; this does.
        match self.databases(ctx, "connect", doc! {}).await {
            Err(error) if error.kind == ErrorKind::Denied => Err(error),
            _ => Ok(()),
        }
    }

    /// The collection a path names, unasked.
    pub(super) fn named(stage: &str, path: &NodePath) -> Result<Space> {
        match path.segments() {
            [db, collection] => Ok(Space { db: db.clone(), collection: collection.clone() }),
            [] | [_] => Err(Error::new(ErrorKind::Invalid, stage, "a server or database itself has no rows")
                .hint("name one of its collections")),
            _ => Err(Error::not_found(stage, path)),
        }
    }

    async fn databases(&self, ctx: &CallCtx, stage: &str, filter: Document) -> Result<Vec<Document>> {
        let command = doc! { "listDatabases": 1, "filter": filter, "authorizedDatabases": true };
        let reply = self.link.ask(ctx, stage, &sent::DATABASES, "admin", command).await?;
        let all = reply.get_array("databases").map(Vec::as_slice).unwrap_or_default();
        Ok(all.iter().filter_map(Bson::as_document).cloned().collect())
    }

    async fn collections(
        &self,
        ctx: &CallCtx,
        stage: &str,
        db: &str,
        filter: Document,
    ) -> Result<Vec<Document>> {
        let is_list = filter.is_empty();
        let mut command = doc! { "listCollections": 1, "filter": filter, "cursor": { "batchSize": 10_000 } };
        command.insert("nameOnly", is_list);
        command.insert("authorizedCollections", true);
        self.link.listed(ctx, stage, &sent::COLLECTIONS, db, command).await
    }

    async fn database(&self, ctx: &CallCtx, stage: &str, name: &str) -> Result<Document> {
        let found = self.databases(ctx, stage, doc! { "name": name }).await?;
        let found = found.into_iter().find(|one| one.get_str("name") == Ok(name));
        found.ok_or_else(|| Error::not_found(stage, format!("{name:?}")))
    }

    /// The catalogue's entry of a collection.
    async fn collection(&self, ctx: &CallCtx, stage: &str, space: &Space) -> Result<Document> {
        let found = self.collections(ctx, stage, &space.db, doc! { "name": &space.collection }).await?;
        let found = found.into_iter().find(|one| one.get_str("name") == Ok(space.collection.as_str()));
        found.ok_or_else(|| Error::not_found(stage, format!("{:?}", space.collection)))
    }

    /// The collection a path names, which is there.
    pub(super) async fn space(&self, ctx: &CallCtx, stage: &str, path: &NodePath) -> Result<Space> {
        let space = Self::named(stage, path)?;
        if self.known_columns(&space).is_none() {
            self.collection(ctx, stage, &space).await?;
        }
        Ok(space)
    }

    /// Documents and bytes by the catalogue; nothing of a view.
    pub(super) async fn sizes(&self, ctx: &CallCtx, stage: &str, space: &Space) -> Result<Sizes> {
        let stats = doc! { "$collStats": { "storageStats": {}, "count": {} } };
        let command = doc! { "aggregate": &space.collection, "pipeline": [stats], "cursor": {} };
        let reply = match self.link.ask(ctx, stage, &sent::SIZES, &space.db, command).await {
            Ok(reply) => reply,
            // A view has no sizes, and a login may not be told them.
            Err(error)
                if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Denied | ErrorKind::Unsupported) =>
            {
                return Ok(Sizes::default());
            }
            Err(error) => return Err(error),
        };
        let mut documents = Vec::new();
        take_batch(stage, reply, &mut documents)?;
        let Some(told) = documents.first() else { return Ok(Sizes::default()) };
        let storage = told.get_document("storageStats").ok();
        let positive = |key| storage.and_then(|storage| number(storage, key)).filter(|value| *value > 0.0);
        Ok(Sizes {
            count: number(told, "count"),
            average: positive("avgObjSize"),
            storage: positive("storageSize"),
        })
    }

    /// The columns found when a collection was first looked at.
    pub(super) fn known_columns(&self, space: &Space) -> Option<Columns> {
        let looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(&(space.db.clone(), space.collection.clone())).cloned()
    }

    /// Keeps the columns of a collection, and gives them back.
    pub(super) fn learn(&self, space: &Space, columns: Columns) -> Columns {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.entry((space.db.clone(), space.collection.clone())).or_insert(columns).clone()
    }

    /// The columns of a collection: known, or those of its first documents; none where these did not come in
    /// the time of a probe, so that the first batch of a read decides.
    pub(super) async fn look(&self, ctx: &CallCtx, stage: &str, space: &Space) -> Result<Option<Columns>> {
        if let Some(known) = self.known_columns(space) {
            return Ok(Some(known));
        }
        let sizes = self.sizes(ctx, stage, space).await?;
        let fitting = sizes.average.map_or(LOOK, |average| (LOOK_BYTES / average) as i64).clamp(1, LOOK);
        let command = doc! {
            "find": &space.collection, "filter": {}, "sort": { "_id": 1 },
            "limit": fitting, "batchSize": fitting, "singleBatch": true, "maxTimeMS": LOOK_MS,
        };
        // Documents are rows: also these few are read under a permit, that of a probe.
        let permit = Permit::for_probe(look_plan(space, text_of(&space.db, command), fitting.unsigned_abs()));
        let Some(step) = permit.plan().steps.first() else { return Ok(None) };
        let reply = match self.link.run(ctx, stage, &step.entry, &step.text, None).await {
            Ok(reply) => reply,
            Err(error) if error.kind == ErrorKind::Timeout => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut documents = Vec::new();
        take_batch(stage, reply, &mut documents)?;
        let is_whole = (documents.len() as i64) < fitting;
        Ok(Some(self.learn(space, Columns::of(&documents, is_whole))))
    }

    async fn describe_collection(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        let stage = "describe";
        let space = Self::named(stage, at)?;
        let entry = self.collection(ctx, stage, &space).await?;
        let mut node = collection_node(&at.parent(), &entry);
        let sizes = self.sizes(ctx, stage, &space).await?;
        let catalogued = || Provenance::Catalogued { age_secs: None };
        node.rows = sizes.count.map(|count| Known::by(count as u64, catalogued()));
        node.bytes = sizes.storage.map(|bytes| Known::by(bytes as u64, catalogued()));
        let columns = self.look(ctx, stage, &space).await?;
        let mut notes = match &columns {
            Some(columns) if columns.is_whole => Vec::new(),
            Some(_) => vec![format!("columns are the fields of the first {LOOK} documents at most")],
            None => vec![format!(
                "the first documents did not come within {LOOK_MS} ms: columns are not known yet"
            )],
        };
        let (keys, indexes) = if node.kind == NodeKind::Collection {
            let command = doc! { "listIndexes": &space.collection };
            match self.link.listed(ctx, stage, &sent::INDEXES, &space.db, command).await {
                Ok(indexes) => keys_and_indexes(&indexes),
                Err(error) if error.kind == ErrorKind::Denied => {
                    notes.push("the login may not list indexes".to_owned());
                    (Vec::new(), Vec::new())
                }
                Err(error) => return Err(error),
            }
        } else {
            (Vec::new(), Vec::new())
        };
        let options = entry.get_document("options").ok().filter(|options| !options.is_empty());
        let ddl = options.map(|options| Bson::Document(options.clone()).into_relaxed_extjson().to_string());
        let average =
            sizes.average.map(|bytes| Detail::new("a document on average", bytes_text(bytes), catalogued()));
        let schema = columns.map(|columns| (*columns.schema).clone()).unwrap_or_default();
        Ok(Description { node, schema, keys, indexes, details: average.into_iter().collect(), ddl, notes })
    }
}

/// The plan of a look at the first documents.
fn look_plan(space: &Space, text: String, rows: u64) -> ReadPlan {
    let node = NodePath::of([space.db.clone(), space.collection.clone()]);
    let spec = ReadSpec { bound: Bound::rows(rows), ..ReadSpec::preview(node) };
    let step = Step { entry: sent::LOOK, text, binds: Vec::new(), kind: StepKind::Request };
    ReadPlan {
        bounds: spec.bound,
        steps: vec![step],
        pushdown: read::PUSHDOWN,
        schema: None,
        gate: None,
        method: format!("first {rows} documents in _id order"),
        remarks: Vec::new(),
        spec,
    }
}

fn keys_and_indexes(told: &[Document]) -> (Vec<Key>, Vec<Index>) {
    let (mut keys, mut indexes) = (Vec::new(), Vec::new());
    for index in told {
        let name = index.get_str("name").unwrap_or_default().to_owned();
        let of = index.get_document("key").cloned().unwrap_or_default();
        let is_primary = of.len() == 1 && of.contains_key("_id");
        let unique = is_primary || index.get_bool("unique").unwrap_or(false);
        let condition = index.get_document("partialFilterExpression").ok();
        let column = |(field, way): (&String, &Bson)| match way {
            Bson::Int32(1) | Bson::Int64(1) => field.clone(),
            way => format!("{field} {}", way.clone().into_relaxed_extjson()),
        };
        if unique && condition.is_none() {
            keys.push(Key {
                kind: if is_primary { KeyKind::Primary } else { KeyKind::Unique },
                name: Some(name.clone()),
                columns: of.keys().cloned().collect(),
                references: None,
                enforcement: Enforcement::Enforced,
            });
        }
        indexes.push(Index {
            name,
            columns: of.iter().map(column).collect(),
            unique,
            condition: condition
                .map(|condition| Bson::Document(condition.clone()).into_relaxed_extjson().to_string()),
            statistics: None,
        });
    }
    (keys, indexes)
}

fn database_node(told: &Document) -> Node {
    let name = told.get_str("name").unwrap_or_default().to_owned();
    let bytes = number(told, "sizeOnDisk").map(|bytes| bytes as u64);
    Node {
        path: NodePath::of([name.clone()]),
        name,
        kind: NodeKind::Database,
        readable: false,
        expandable: true,
        rows: None,
        bytes: bytes.map(|bytes| Known::by(bytes, Provenance::Catalogued { age_secs: None })),
        note: None,
    }
}

fn collection_node(parent: &NodePath, told: &Document) -> Node {
    let name = told.get_str("name").unwrap_or_default().to_owned();
    let kind = told.get_str("type").unwrap_or("collection");
    Node {
        path: parent.child(name.clone()),
        name,
        kind: if kind == "view" { NodeKind::View } else { NodeKind::Collection },
        readable: true,
        expandable: false,
        rows: None,
        bytes: None,
        note: (kind != "collection" && kind != "view").then(|| kind.to_owned()),
    }
}

/// A page of a list that came whole; a token is the number of nodes before it.
fn paged(mut nodes: Vec<Node>, page: &PageRequest) -> NodePage {
    nodes.sort_by(|a, b| a.path.cmp(&b.path));
    let from = page.token.as_deref().and_then(|token| token.parse().ok()).unwrap_or(0_usize);
    let total = nodes.len();
    let nodes = nodes.into_iter().skip(from).take(page.size).collect::<Vec<_>>();
    let next = (from + nodes.len() < total).then(|| (from + nodes.len()).to_string());
    NodePage { nodes, next }
}

fn described(node: Node, details: Vec<Detail>) -> Description {
    let (keys, indexes, notes) = (Vec::new(), Vec::new(), Vec::new());
    Description { node, schema: Schema::default(), keys, indexes, details, ddl: None, notes }
}

#[async_trait]
impl Source for MongoSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn standing(&self, ctx: &CallCtx) -> Result<Standing> {
        let hello = self.link.ask(ctx, "check", &sent::HELLO, "admin", doc! { "hello": 1 }).await?;
        let build = self.link.ask(ctx, "check", &sent::BUILD, "admin", doc! { "buildInfo": 1 }).await.ok();
        let status = doc! { "connectionStatus": 1 };
        let status = self.link.ask(ctx, "check", &sent::STATUS, "admin", status).await.ok();
        let text = |from: &Document, key: &str| from.get_str(key).ok().map(str::to_owned);
        let list = |key: &str, part: &str| {
            let login = status.as_ref().and_then(|status| status.get_document("authInfo").ok());
            let all =
                login.and_then(|login| login.get_array(key).ok()).map(Vec::as_slice).unwrap_or_default();
            all.iter().filter_map(|one| text(one.as_document()?, part)).collect::<Vec<_>>()
        };
        let roles = list("authenticatedUserRoles", "role");
        let harmful = |role: &String| match role.as_str() {
            "root" | "__system" | "userAdminAnyDatabase" | "dbOwner" => Some(Harm::Everything),
            role if role.starts_with("readWrite") || role.starts_with("dbAdmin") || role == "restore" => {
                Some(Harm::Changes)
            }
            role if role.starts_with("cluster") || role == "hostManager" => Some(Harm::Disturbs),
            role if role.starts_with("read") => Some(Harm::Reads),
            _ => None,
        };
        let mut rights = roles
            .iter()
            .filter_map(|role| Some(Right::new(harmful(role)?, format!("what the role {role} lets it"))))
            .collect::<Vec<_>>();
        rights.sort();
        let writable = hello.get_bool("isWritablePrimary").or_else(|_old| hello.get_bool("ismaster")).ok();
        Ok(Standing {
            product: build
                .as_ref()
                .and_then(|build| text(build, "version"))
                .map(|version| format!("MongoDB protocol, server {version}")),
            identity: text(&hello, "setName").map(|set| format!("replica set {set}")),
            login: list("authenticatedUsers", "user").into_iter().next(),
            roles,
            rights,
            read_only: vec![Proof::Ours {
                what: "no command that writes is in the command table".to_owned(),
            }],
            position: writable.map(|writable| {
                if writable { Position::Primary } else { Position::Replica { lag_seconds: None } }
            }),
            clock: hello.get_datetime("localTime").ok().map(|time| time.timestamp_millis() as f64 / 1e3),
        })
    }

    async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        match at.segments() {
            [] => {
                let all = self.databases(ctx, "browse", doc! {}).await?;
                Ok(paged(all.iter().map(database_node).collect(), page))
            }
            [db] => {
                self.database(ctx, "browse", db).await?;
                let all = self.collections(ctx, "browse", db, doc! {}).await?;
                let own = all.iter().map(|told| collection_node(at, told));
                Ok(paged(own.filter(|node| !node.name.starts_with("system.")).collect(), page))
            }
            _ => {
                let space = Self::named("browse", at)?;
                self.collection(ctx, "browse", &space).await.map(|_| NodePage::default())
            }
        }
    }

    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        let stage = "describe";
        match at.segments() {
            [] => {
                let hello = self.link.ask(ctx, stage, &sent::HELLO, "admin", doc! { "hello": 1 }).await?;
                let build = self.link.ask(ctx, stage, &sent::BUILD, "admin", doc! { "buildInfo": 1 }).await?;
                let text = |document: &Document, key| document.get_str(key).ok().map(str::to_owned);
                let is_primary = hello.get_bool("isWritablePrimary").unwrap_or(false);
                let role = if is_primary { "primary, or alone" } else { "secondary" };
                let details = [
                    ("version", text(&build, "version")),
                    ("replica set", text(&hello, "setName")),
                    ("role", Some(role.to_owned())),
                ];
                let detail = |(label, value): (&str, Option<String>)| {
                    Some(Detail::new(label, value?, Provenance::Exact))
                };
                let node = Node {
                    path: NodePath::root(),
                    name: text(&hello, "me").unwrap_or_else(|| "server".to_owned()),
                    ..database_node(&doc! { "name": "server" })
                };
                Ok(described(node, details.into_iter().filter_map(detail).collect()))
            }
            [db] => {
                let told = self.database(ctx, stage, db).await?;
                Ok(described(database_node(&told), Vec::new()))
            }
            _ => self.describe_collection(ctx, at).await,
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
