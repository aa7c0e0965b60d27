//! What is told of a resource without reading its rows: what its headers say and what earlier pages taught.

use super::learned::Learned;
use super::options::{Resource, Settings};
use super::source::RestSource;
use crate::model::load::Provenance;
use crate::model::node::{Description, Detail, Known, Node, NodeKind, NodePath};
use crate::model::schema::Schema;
use crate::model::units::{bytes_text, count_text};

/// A resource as a node.
pub(super) fn node(resource: &Resource, learned: &Learned) -> Node {
    let rows = learned.total.as_ref().map(|total| {
        let age = jiff::Timestamp::now().as_second() - total.as_of.as_second();
        Known {
            value: total.rows,
            provenance: Provenance::Catalogued { age_secs: u64::try_from(age).ok() },
            as_of: Some(total.as_of),
        }
    });
    Node {
        path: NodePath::of([resource.name.as_str()]),
        name: resource.name.clone(),
        kind: NodeKind::Operation,
        readable: true,
        expandable: false,
        rows,
        bytes: None,
        note: None,
    }
}

/// The source itself.
pub(super) fn root(source: &RestSource) -> Description {
    let base = source.http.home();
    Description {
        node: Node {
            path: NodePath::root(),
            name: base.host_str().unwrap_or_default().to_owned(),
            kind: NodeKind::Folder,
            readable: false,
            expandable: true,
            rows: None,
            bytes: None,
            note: None,
        },
        schema: Schema::default(),
        keys: Vec::new(),
        indexes: Vec::new(),
        details: vec![Detail::new("base URL", base.as_str(), Provenance::Exact)],
        ddl: None,
        notes: Vec::new(),
    }
}

/// A resource.
pub(super) fn resource(resource: &Resource, learned: &Learned, settings: &Settings) -> Description {
    let seen = || Provenance::Learned { k: learned.pages };
    let declared = || Provenance::Declared { who: "the connection".to_owned() };
    let mut details = vec![Detail::new("URL", resource.url.as_str(), Provenance::Exact)];
    if let Some(login) = &settings.login {
        details.push(Detail::new("login", login.as_str(), declared()));
    }
    if let Some(paging) = &learned.paging {
        let how = if learned.pages > 0 { seen() } else { declared() };
        details.push(Detail::new("paging", paging.phrase(), how));
    }
    let how = if settings.record.is_some() { declared() } else { seen() };
    match &learned.record {
        Some(record) => details.push(Detail::new("rows stand at", record.join("."), how)),
        None if learned.pages > 0 => details.push(Detail::new("rows stand at", "the answer itself", how)),
        None => {}
    }
    if let Some(cap) = learned.page_cap {
        details.push(Detail::new("most rows of a page", count_text(cap), seen()));
    }
    if let Some(total) = &learned.total {
        details.push(Detail::new(
            "rows said by",
            total.said_by.as_str(),
            Provenance::Catalogued { age_secs: None },
        ));
    }
    if let Some(bytes) = learned.row_bytes() {
        details.push(Detail::new("bytes of a row", bytes_text(bytes), seen()));
    }
    let headers = learned.headers.iter();
    details.extend(headers.map(|(name, value)| Detail::new(name, value.as_str(), Provenance::Exact)));
    Description {
        node: node(resource, learned),
        schema: learned.schema(),
        keys: Vec::new(),
        indexes: Vec::new(),
        details,
        ddl: None,
        notes: notes(learned),
    }
}

fn notes(learned: &Learned) -> Vec<String> {
    let mut notes = Vec::new();
    if learned.columns.is_empty() {
        notes.push(
            "the columns are not known before the first page was read: an API declares none".to_owned(),
        );
    } else {
        notes.push(format!(
            "columns are the keys of the rows seen so far, over {} page(s); further rows may have others",
            learned.pages
        ));
    }
    if learned.total.is_none() {
        notes.push("the server has not said how many rows there are".to_owned());
    }
    if learned.is_single_by_silence {
        notes.push(
            "its answer says nothing of further pages: if there are more rows, set the paging of the connection"
                .to_owned(),
        );
    }
    for (name, value) in &learned.headers {
        if matches!(name.as_str(), "deprecation" | "sunset") {
            notes.push(format!("the server announces {name}: {value}"));
        }
    }
    notes
}
