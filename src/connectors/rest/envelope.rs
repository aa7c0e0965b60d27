//! What an answer says beside its rows: how many there are in all, where the next page is, which page this is.
//! Names are compared without case and punctuation, for everyone spells them otherwise.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::kit::json::Pairs;

/// Levels of the body that are looked into.
const MOST_LEVELS: usize = 2;
/// Keys of the body that are looked at.
const MOST_KEYS: usize = 1_000;
/// Longest link taken for one.
const MOST_LINK_CHARS: usize = 8_192;

const TOTAL: &[&str] = &[
    "totalitems",
    "totalcount",
    "totalresults",
    "totalrecords",
    "totalelements",
    "totalrows",
    "total",
    "odatacount",
    "numfound",
    "recordcount",
];
const NEXT: &[&str] = &["next", "nextlink", "nexturl", "nextpageurl", "odatanextlink", "nexthref"];
const PAGE: &[&str] = &["page", "pagenumber", "currentpage", "pageno", "pageindex"];
const SIZE: &[&str] = &["perpage", "pagesize", "itemsperpage", "limit", "size"];
const OFFSET: &[&str] = &["offset", "skip", "startindex", "start"];

/// A number and the key it stands under, as the answer spells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named {
    /// The key.
    pub name: String,
    /// The number.
    pub value: u64,
}

/// What an answer says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Envelope {
    /// Rows of all pages.
    pub total: Option<Named>,
    /// A link to the next page.
    pub next: Option<String>,
    /// The number of this page.
    pub page: Option<Named>,
    /// Rows a page has.
    pub size: Option<Named>,
    /// Rows before this page.
    pub offset: Option<Named>,
}

impl Envelope {
    /// Reads it from the body's own keys, `rows` being how many rows the body has.
    pub(super) fn of(body: &RawValue, rows: u64) -> Self {
        let mut found = Self::default();
        found.look(body, MOST_LEVELS);
        // Many count the rows of the page, not of all.
        if found.total.as_ref().is_some_and(|total| total.value < rows) {
            found.total = None;
        }
        found
    }

    fn look(&mut self, at: &RawValue, levels: usize) {
        let Some(pairs) = Pairs::of(at) else { return };
        for (key, value) in pairs.0.iter().take(MOST_KEYS) {
            let name: String =
                key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
            let is = |names: &[&str]| names.contains(&name.as_str());
            let raw = value.get();
            if let Ok(number) = raw.parse::<u64>() {
                let named = || Named { name: key.clone(), value: number };
                for (names, place) in [
                    (TOTAL, &mut self.total),
                    (PAGE, &mut self.page),
                    (SIZE, &mut self.size),
                    (OFFSET, &mut self.offset),
                ] {
                    if is(names) {
                        place.get_or_insert_with(named);
                    }
                }
                if name == "count" && self.total.is_none() {
                    self.total = Some(named());
                }
            } else if is(NEXT) && self.next.is_none() {
                self.next = link(value);
            }
            if levels > 1 && raw.starts_with('{') {
                self.look(value, levels - 1);
            }
        }
    }
}

/// A text that leads somewhere, or an object that holds one under `href`.
fn link(value: &RawValue) -> Option<String> {
    if value.get().starts_with('{') {
        let pairs = Pairs::of(value)?;
        let (_, href) = pairs.0.iter().find(|(key, _)| key == "href")?;
        return link_text(href);
    }
    link_text(value)
}

fn link_text(value: &RawValue) -> Option<String> {
    let text = serde_json::from_str::<String>(value.get()).ok()?;
    let leads = text.starts_with("http://") || text.starts_with("https://") || text.starts_with(['/', '?']);
    (leads && text.len() <= MOST_LINK_CHARS).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_pages_and_links_are_found_in_every_spelling() {
        let named = |name: &str, value| Some(Named { name: name.to_owned(), value });
        for (body, rows, expected) in [
            (
                r#"{"page":1,"perPage":30,"totalItems":61,"totalPages":3,"items":[]}"#,
                30,
                Envelope {
                    total: named("totalItems", 61),
                    page: named("page", 1),
                    size: named("perPage", 30),
                    ..Envelope::default()
                },
            ),
            (
                r#"{"count":87,"next":"https://api.example/p?page=2","previous":null,"results":[]}"#,
                10,
                Envelope {
                    total: named("count", 87),
                    next: Some("https://api.example/p?page=2".to_owned()),
                    ..Envelope::default()
                },
            ),
            (
                r#"{"@odata.count":9,"@odata.nextLink":"?skip=5","value":[]}"#,
                5,
                Envelope {
                    total: named("@odata.count", 9),
                    next: Some("?skip=5".to_owned()),
                    ..Envelope::default()
                },
            ),
            (
                r#"{"_links":{"next":{"href":"/x?page=2"}},"meta":{"total_count":7}}"#,
                3,
                Envelope {
                    total: named("total_count", 7),
                    next: Some("/x?page=2".to_owned()),
                    ..Envelope::default()
                },
            ),
            (
                r#"{"offset":20,"limit":10,"total":-1,"next":"token","data":[]}"#,
                10,
                Envelope { offset: named("offset", 20), size: named("limit", 10), ..Envelope::default() },
            ),
            (r#"{"count":10,"items":[]}"#, 25, Envelope::default()),
            ("[1]", 1, Envelope::default()),
        ] {
            let raw = serde_json::from_str::<&RawValue>(body).unwrap();
            assert_eq!(Envelope::of(raw, rows), expected, "{body}");
        }
    }
}
