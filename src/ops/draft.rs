//! A connection on its way into the file of connections: the values of a connector's form, checked against
//! the form before anything is saved. Both faces save what they made this way.
//!
//! Invariants: a secret never reaches the saved connection, only its random name does · a secret that was kept for
//! one place is not sent to another before the user says so.

use std::collections::BTreeMap;
use std::path::Path;

use secrecy::SecretString;

use super::{Target, Workspace};
use crate::model::card::{Card, FieldKind, FormField, Need};
use crate::model::connection::{Connection, SecretRef, SizeClass, Tier};
use crate::model::{Error, ErrorKind, Result};
use crate::store::secrets::Kept;

pub mod limits;

use limits::Limited;

/// The connection that a path or URL stands for, under an id of its own.
///
/// # Errors
/// Those of [`Target::resolve`]; `invalid` for what is built in.
pub async fn connection_of(workspace: &Workspace, text: &str) -> Result<Connection> {
    let resolved = Target::resolve(workspace, text).await?;
    match resolved.parts.as_slice() {
        [part] if part.mount.is_none() => Ok(Connection {
            id: uuid::Uuid::new_v4(),
            // Two connections never share a secret; that of a URL belongs to nobody yet.
            secrets: if text.contains("://") { part.connection.secrets.clone() } else { BTreeMap::new() },
            ..part.connection.clone()
        }),
        _ => Err(Error::new(ErrorKind::Invalid, "usage", format!("{text:?} is built in: open it as it is"))),
    }
}

/// What a form was filled with. Deliberately not `Debug`: it may hold secrets.
#[derive(Clone)]
pub struct Draft {
    /// The connector's card.
    pub card: &'static Card,
    /// The user's name of the connection.
    pub name: String,
    /// Environment.
    pub tier: Tier,
    /// The group it stands in.
    pub group: String,
    /// Who owns the upstream.
    pub owner: String,
    /// How to reach the owner.
    pub contact: String,
    /// Anything to remember.
    pub note: String,
    /// Declared size; none = by environment.
    pub size_class: Option<SizeClass>,
    /// Budget of a session, as typed.
    pub budget: limits::Typed,
    /// Values by key of the form.
    pub values: BTreeMap<&'static str, String>,
    /// Secrets by key of the form, as typed.
    pub secrets: BTreeMap<&'static str, String>,
    /// Secrets that a pasted URL brought, by key of the form: kept already, shown to nobody.
    pub kept: BTreeMap<String, SecretRef>,
    /// The saved connection that is changed; none = a new one.
    pub edits: Option<uuid::Uuid>,
    /// What to do with kept secrets if it leads elsewhere now.
    pub moved: Moved,
}

/// What to do with the kept secrets of a connection that leads elsewhere than when they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Ask first.
    Ask,
    /// The user said that they go to the new place.
    Send,
}

/// What a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The name of the connection.
    Name,
    /// A field of the form, by its key.
    Field(&'static str),
    /// A limit of the budget.
    Budget(Limited),
    /// A kept secret that would go to another place now.
    Place,
}

/// Why a draft can't be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub about: About,
    /// What is wrong, for people.
    pub text: String,
}

/// What saving came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// It is saved; its secrets are kept where the second says, if it has any.
    Done(Box<Connection>, Option<Kept>),
    /// Nothing was saved: these must be mended first.
    Wrong(Vec<Problem>),
}

impl Draft {
    /// An empty form of a connector.
    pub fn new(card: &'static Card) -> Self {
        Self {
            card,
            name: String::new(),
            tier: Tier::Local,
            group: String::new(),
            owner: String::new(),
            contact: String::new(),
            note: String::new(),
            size_class: None,
            budget: limits::Typed::new(),
            values: BTreeMap::new(),
            secrets: BTreeMap::new(),
            kept: BTreeMap::new(),
            edits: None,
            moved: Moved::Ask,
        }
    }

    /// The form of a saved connection, to change it. Its secrets are not shown again.
    pub fn of(card: &'static Card, connection: &Connection) -> Self {
        let mut draft = Self::new(card);
        draft.name.clone_from(&connection.name);
        draft.tier = connection.tier;
        draft.group.clone_from(&connection.group);
        draft.owner.clone_from(&connection.owner);
        draft.contact.clone_from(&connection.contact);
        draft.note.clone_from(&connection.note);
        draft.size_class = connection.size_class;
        draft.budget = limits::typed(connection.budget);
        draft.fill(card, connection);
        draft.edits = Some(connection.id);
        draft
    }

    /// Takes over what a path or URL stands for; a name that was typed stays.
    pub fn fill(&mut self, card: &'static Card, connection: &Connection) {
        self.choose(card);
        self.kept.clone_from(&connection.secrets);
        if self.name.trim().is_empty() {
            self.name.clone_from(&connection.name);
        }
        for field in card.form.all() {
            if let Some(value) = connection.values.get(field.key) {
                self.values.insert(field.key, value.clone());
            }
        }
    }

    /// Another connector; values of fields that both forms have stay.
    pub fn choose(&mut self, card: &'static Card) {
        self.card = card;
        let has = |key: &str| card.form.field(key).is_some();
        self.values.retain(|key, _| has(key));
        self.secrets.retain(|key, _| has(key));
        self.kept.retain(|key, _| has(key));
    }

    /// What can be seen to be wrong without asking anybody.
    pub fn check(&self) -> Vec<Problem> {
        let name = self.name.trim().is_empty().then(|| Problem {
            about: About::Name,
            text: "a connection needs a name; it is what you open it by".to_owned(),
        });
        let fields = self.card.form.all().filter_map(|field| {
            let typed = match field.kind {
                FieldKind::Secret => self.secrets.get(field.key),
                _ => self.values.get(field.key),
            };
            let typed = typed.map(String::as_str).unwrap_or_default();
            let secret_kept = field.kind == FieldKind::Secret
                && (self.edits.is_some() || self.kept.contains_key(field.key));
            let text = if secret_kept && typed.is_empty() { None } else { wrong(field, typed) };
            text.map(|text| Problem { about: About::Field(field.key), text })
        });
        let limits = limits::read(&self.budget).1.into_iter();
        let limits = limits.map(|(limited, text)| Problem { about: About::Budget(limited), text });
        name.into_iter().chain(fields).chain(limits).collect()
    }

    /// Saves it: a new connection, or the changed one. Values of a saved connection that the form does not
    /// know stay as they are.
    ///
    /// # Errors
    /// Those of [`crate::store::connections::Connections`]; what the user can mend in the form is
    /// [`Saved::Wrong`] instead.
    pub async fn save(self, workspace: &Workspace) -> Result<Saved> {
        let mut wrong = self.check();
        wrong.extend(self.files_missing().await);
        wrong.extend(self.moved_secrets(workspace).await?);
        if !wrong.is_empty() {
            return Ok(Saved::Wrong(wrong));
        }
        let edits = self.edits;
        let secrets = self.keep_secrets(workspace);
        let write = move |connection: &mut Connection| {
            self.write(connection);
            connection.secrets.extend(secrets);
        };
        let saved: Result<Connection> = match edits {
            Some(id) => workspace.connections().edit(&id.to_string(), write).await,
            None => {
                let mut connection = Connection::new("", "");
                write(&mut connection);
                workspace.connections().add(connection.clone()).await.map(|()| connection)
            }
        };
        match saved {
            Ok(connection) => {
                let kept = workspace.settle_secrets(&connection).await;
                Ok(Saved::Done(Box::new(connection), kept))
            }
            // Of what this form writes, only the name can be refused.
            Err(error) if error.kind == ErrorKind::Invalid => {
                let hint = error.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                let text = format!("{}{hint}", error.attempted);
                Ok(Saved::Wrong(vec![Problem { about: About::Name, text }]))
            }
            Err(error) => Err(error),
        }
    }

    /// Kept secrets that were given for another place than the one they would go to now.
    async fn moved_secrets(&self, workspace: &Workspace) -> Result<Option<Problem>> {
        let (Some(id), Moved::Ask) = (self.edits, self.moved) else { return Ok(None) };
        let old = workspace.connections().get(&id.to_string()).await?;
        let mut new = old.clone();
        self.write(&mut new);
        let typed = |key: &String| self.secrets.get(key.as_str()).is_some_and(|secret| !secret.is_empty());
        let stays = old.secrets.keys().any(|key| !typed(key) && !self.kept_anew(key, &old));
        let (was, is) = (old.binding(), new.binding());
        Ok((stays && was != is).then(|| Problem {
            about: About::Place,
            text: format!("the kept secret was given for {was}; it would go to {is}"),
        }))
    }

    /// Whether a pasted URL brought a secret of its own.
    fn kept_anew(&self, key: &String, old: &Connection) -> bool {
        self.kept.get(key).is_some_and(|name| old.secrets.get(key) != Some(name))
    }

    fn write(&self, connection: &mut Connection) {
        connection.name = self.name.trim().to_owned();
        connection.connector = self.card.id.to_owned();
        connection.tier = self.tier;
        connection.group = self.group.trim().to_owned();
        connection.owner = self.owner.trim().to_owned();
        connection.contact = self.contact.trim().to_owned();
        connection.note = self.note.trim().to_owned();
        connection.size_class = self.size_class;
        connection.budget = limits::read(&self.budget).0;
        for field in self.card.form.all().filter(|field| field.kind != FieldKind::Secret) {
            let value = self.values.get(field.key).map(|value| value.trim()).unwrap_or_default();
            if value.is_empty() || field.default == Some(value) {
                connection.values.remove(field.key);
            } else {
                connection.values.insert(field.key.to_owned(), stored(field, value));
            }
        }
    }

    fn keep_secrets(&self, workspace: &Workspace) -> BTreeMap<String, SecretRef> {
        let typed = self.secrets.iter().filter(|(_, secret)| !secret.is_empty());
        let keep = |(key, secret): (&&'static str, &String)| {
            ((*key).to_owned(), workspace.keep_secret(SecretString::from(secret.as_str())))
        };
        // What was typed after the paste is what counts.
        self.kept.clone().into_iter().chain(typed.map(keep)).collect()
    }

    /// Files of the form that are not there.
    async fn files_missing(&self) -> Vec<Problem> {
        let mut missing = Vec::new();
        for field in self.card.form.all() {
            let path = self.values.get(field.key).map(|path| path.trim()).unwrap_or_default();
            if !matches!(field.kind, FieldKind::File { .. }) || path.is_empty() {
                continue;
            }
            let text = match tokio::fs::metadata(path).await {
                Ok(found) if found.is_dir() => "this is a folder, not a file".to_owned(),
                Ok(_) => continue,
                Err(error) => format!("the file can't be opened: {error}"),
            };
            missing.push(Problem { about: About::Field(field.key), text });
        }
        missing
    }
}

/// A path is kept whole, so that it means the same from every folder.
fn stored(field: &FormField, value: &str) -> String {
    match field.kind {
        FieldKind::File { .. } => std::path::absolute(Path::new(value))
            .map_or_else(|_| value.to_owned(), |path| path.display().to_string()),
        _ => value.to_owned(),
    }
}

/// Why a field does not take what was typed.
fn wrong(field: &FormField, typed: &str) -> Option<String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return (field.need == Need::Required && field.default.is_none())
            .then(|| format!("{} must be filled", field.label.to_lowercase()));
    }
    match &field.kind {
        FieldKind::Number { min, max } if field.default != Some(typed) => {
            let fits = typed.parse::<u64>().is_ok_and(|number| (*min..=*max).contains(&number));
            (!fits).then(|| format!("give a whole number from {min} to {max}"))
        }
        FieldKind::Choice { options } => {
            let known = options.iter().any(|(value, _)| *value == typed);
            (!known).then(|| "choose one of the list".to_owned())
        }
        FieldKind::Text | FieldKind::File { .. } | FieldKind::Secret | FieldKind::Number { .. } => None,
    }
}

#[cfg(test)]
mod tests;
