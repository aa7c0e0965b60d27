//! Where a page is, how it is asked for, and where the next one is: pages instead of offsets.

use serde::{Deserialize, Serialize};
use url::Url;

use super::envelope::Envelope;
use crate::kit::http::Headers;

/// How further pages are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Paging {
    /// One answer holds all.
    Whole,
    /// By number and size.
    Page { position: String, size: String, first: u64 },
    /// By rows before it and size.
    Offset { position: String, size: String },
    /// By the link that each answer gives.
    Next,
}

/// What the connection says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The first answer tells.
    Auto,
    /// So and not otherwise.
    Fixed(Paging),
}

/// Where a page is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum At {
    /// The resource as the connection names it.
    Start,
    /// A page by number.
    Page { number: u64, size: u64 },
    /// A page by rows before it.
    Offset { rows: u64, size: u64 },
    /// A link of the server.
    Link(String),
}

/// Where a read goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The page.
    pub at: At,
    /// Rows of it that came already.
    pub skip: u64,
    /// Rows of all pages before it.
    pub before: u64,
}

impl Paging {
    /// In words.
    pub(super) fn phrase(&self) -> String {
        match self {
            Self::Whole => "one answer holds all".to_owned(),
            Self::Page { position, size, .. } => format!("page number ({position}, {size})"),
            Self::Offset { position, size } => format!("offset ({position}, {size})"),
            Self::Next => "link to the next page".to_owned(),
        }
    }

    /// What a first answer tells of it, asked without any parameter of ours.
    pub(super) fn told(envelope: &Envelope, headers: &Headers) -> Option<Self> {
        if next_link(envelope, headers).is_some() {
            return Some(Self::Next);
        }
        let size = envelope.size.as_ref()?.name.clone();
        if let Some(page) = &envelope.page {
            return Some(Self::Page { position: page.name.clone(), size, first: page.value });
        }
        envelope.offset.as_ref().map(|offset| Self::Offset { position: offset.name.clone(), size })
    }

    /// The first page, for pages of so many rows.
    pub(super) fn start(&self, size: u64) -> Place {
        let at = match self {
            Self::Whole | Self::Next => At::Start,
            Self::Page { first, .. } => At::Page { number: *first, size },
            Self::Offset { .. } => At::Offset { rows: 0, size },
        };
        Place { at, skip: 0, before: 0 }
    }

    /// The page after one that had so many rows; none if that was the last.
    pub(super) fn after(
        &self,
        place: &Place,
        rows: u64,
        envelope: &Envelope,
        headers: &Headers,
    ) -> Option<Place> {
        let before = place.before.saturating_add(rows);
        let all_came = envelope.total.as_ref().is_some_and(|total| before >= total.value);
        let at = match (self, &place.at) {
            (Self::Whole, _) => return None,
            (Self::Next, _) => At::Link(next_link(envelope, headers)?),
            _ if rows == 0 || all_came => return None,
            (Self::Page { .. }, At::Page { number, size }) => {
                At::Page { number: number.saturating_add(1), size: *size }
            }
            // A page that was asked for without parameters has the size that the server chose.
            (Self::Page { first, .. }, _) => {
                At::Page { number: first.saturating_add(1), size: envelope.size.as_ref()?.value }
            }
            (Self::Offset { .. }, At::Offset { rows: start, size }) => {
                At::Offset { rows: start.saturating_add(rows), size: *size }
            }
            (Self::Offset { .. }, _) => At::Offset { rows, size: envelope.size.as_ref()?.value },
        };
        Some(Place { at, skip: 0, before })
    }

    /// The URL of a page; none where only an answer tells it.
    pub(super) fn url(&self, resource: &Url, at: &At) -> Url {
        match (self, at) {
            (Self::Page { position, size, .. }, At::Page { number, size: rows }) => {
                with(resource, &[(position, *number), (size, *rows)])
            }
            (Self::Offset { position, size }, At::Offset { rows: before, size: rows }) => {
                with(resource, &[(position, *before), (size, *rows)])
            }
            _ => resource.clone(),
        }
    }

    /// The query key that says where a page is.
    pub(super) fn position(&self) -> Option<&str> {
        match self {
            Self::Page { position, .. } | Self::Offset { position, .. } => Some(position),
            Self::Whole | Self::Next => None,
        }
    }
}

/// The link to the next page, in the header or in the body.
fn next_link(envelope: &Envelope, headers: &Headers) -> Option<String> {
    crate::kit::http::links(headers.all("link")).next.or_else(|| envelope.next.clone())
}

/// A URL with these query keys set; others stay as they are.
fn with(url: &Url, keys: &[(&String, u64)]) -> Url {
    let mut made = url.clone();
    let kept = url.query().unwrap_or_default().split('&').filter(|pair| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !pair.is_empty() && !keys.iter().any(|(key, _)| *key == name)
    });
    let own = keys.iter().filter(|(key, _)| !key.is_empty()).map(|(key, value)| {
        format!("{}={value}", url::form_urlencoded::byte_serialize(key.as_bytes()).collect::<String>())
    });
    let query = kept.map(str::to_owned).chain(own).collect::<Vec<_>>().join("&");
    made.set_query((!query.is_empty()).then_some(query.as_str()));
    made
}

#[cfg(test)]
mod tests {
    use super::super::envelope::Named;
    use super::*;

    fn named(name: &str, value: u64) -> Option<Named> {
        Some(Named { name: name.to_owned(), value })
    }

    #[test]
    fn a_first_answer_tells_how_it_is_paged() {
        let link = Headers::of(&[("link", r#"<https://api.example/x?p=2>; rel="next""#)]);
        let page = Envelope { page: named("page", 0), size: named("perPage", 30), ..Envelope::default() };
        let offset = Envelope { offset: named("skip", 0), size: named("limit", 30), ..Envelope::default() };
        for (envelope, headers, expected) in [
            (Envelope::default(), Headers::default(), None),
            (page.clone(), link.clone(), Some(Paging::Next)),
            (
                page,
                Headers::default(),
                Some(Paging::Page { position: "page".to_owned(), size: "perPage".to_owned(), first: 0 }),
            ),
            (
                offset,
                Headers::default(),
                Some(Paging::Offset { position: "skip".to_owned(), size: "limit".to_owned() }),
            ),
        ] {
            assert_eq!(Paging::told(&envelope, &headers), expected);
        }
    }

    #[test]
    fn pages_follow_each_other_until_one_is_empty_or_all_came() {
        let paging = Paging::Page { position: "page".to_owned(), size: "n".to_owned(), first: 1 };
        let counted = Envelope { total: named("total", 61), ..Envelope::default() };
        let none = Headers::default();
        let first = paging.start(50);
        let second = paging.after(&first, 50, &counted, &none).unwrap();
        assert_eq!(second, Place { at: At::Page { number: 2, size: 50 }, skip: 0, before: 50 });
        assert_eq!(paging.after(&second, 11, &counted, &none), None);
        // A server that caps its pages, and one that counts nothing.
        assert!(paging.after(&first, 30, &counted, &none).is_some());
        assert!(paging.after(&first, 30, &Envelope::default(), &none).is_some());
        assert_eq!(paging.after(&second, 0, &Envelope::default(), &none), None);
        let offset = Paging::Offset { position: "offset".to_owned(), size: "limit".to_owned() };
        let next = offset.after(&offset.start(50), 30, &Envelope::default(), &none).unwrap();
        assert_eq!(next.at, At::Offset { rows: 30, size: 50 });
        assert_eq!(Paging::Next.after(&Paging::Next.start(50), 30, &Envelope::default(), &none), None);
    }

    #[test]
    fn a_page_keeps_the_query_of_its_resource() {
        let url = Url::parse("https://api.example/x?sort=a%20b&page=9&flag").unwrap();
        let paging = Paging::Page { position: "page".to_owned(), size: "per page".to_owned(), first: 1 };
        let made = paging.url(&url, &At::Page { number: 2, size: 5 });
        assert_eq!(made.as_str(), "https://api.example/x?sort=a%20b&flag&page=2&per+page=5");
    }
}
