//! The command table: everything a connector can send on its own, as data. It answers "what does this
//! tool do to my server?" in one printable list, and a recorder proves it.

use serde::{Deserialize, Serialize};

use super::ability::CostClass;
use super::load::Intrusiveness;

/// Id of an entry, unique inside its connector, such as `preview_keyset`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryId(pub std::borrow::Cow<'static, str>);

impl EntryId {
    /// Id from a literal.
    pub const fn of(id: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One statement or request that a connector can send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandEntry {
    /// Its id.
    pub id: EntryId,
    /// Text with `{placeholders}`; what is sent matches it with the placeholders filled.
    pub template: &'static str,
    /// Why it is sent.
    pub why: &'static str,
    /// How its cost grows.
    pub cost: CostClass,
    /// What it does to the source beyond reading.
    pub intrusiveness: Intrusiveness,
    /// How its cost is estimated.
    pub estimated_by: &'static str,
    /// The counter that witnesses what it did cost.
    pub witness: &'static str,
    /// Versions of the source it is sent to.
    pub versions: &'static str,
    /// Least privilege it needs.
    pub privilege: &'static str,
}

impl CommandEntry {
    /// Whether a sent text is this entry with its placeholders filled. White space counts as one blank.
    pub fn matches(&self, sent: &str) -> bool {
        fills(self.template, sent)
    }
}

/// Whether a sent text is a template with its `{placeholders}` filled. White space counts as one blank.
pub fn fills(template: &str, sent: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (template, sent) = (squeeze(template), squeeze(sent));
    let mut literals = Vec::new();
    let mut rest = template.as_str();
    while let Some((literal, tail)) = rest.split_once('{') {
        literals.push(literal);
        rest = tail.split_once('}').map_or("", |(_, tail)| tail);
    }
    literals.push(rest);
    matches_literals(&sent, &literals)
}

/// Whether `sent` is the literals in order with anything between them, the first and last anchored.
fn matches_literals(sent: &str, literals: &[&str]) -> bool {
    let [first, middle @ .., last] = literals else {
        return literals.first().is_some_and(|only| sent == *only);
    };
    let Some(mut rest) = sent.strip_prefix(first) else { return false };
    for literal in middle {
        match rest.split_once(literal) {
            Some((_, tail)) => rest = tail,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sent_text_matches_its_template_and_no_other() {
        let entry = |template| CommandEntry {
            id: EntryId::of("x"),
            template,
            why: "",
            cost: CostClass::Constant,
            intrusiveness: Intrusiveness::I0,
            estimated_by: "",
            witness: "",
            versions: "",
            privilege: "",
        };
        for (template, sent, matches) in [
            ("PRAGMA query_only = 1", "PRAGMA  query_only = 1", true),
            ("PRAGMA query_only = 1", "PRAGMA query_only = 0", false),
            ("SELECT {columns} FROM {table} LIMIT {rows}", "SELECT \"a\", b FROM \"t\" LIMIT 200", true),
            ("SELECT {columns} FROM {table} LIMIT {rows}", "DELETE FROM t", false),
            ("{query}", "anything at all", true),
        ] {
            assert_eq!(entry(template).matches(sent), matches, "{template} / {sent}");
        }
    }
}
