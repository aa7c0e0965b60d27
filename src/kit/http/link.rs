//! The `Link` header (RFC 8288), as far as paging needs it.

/// Where the pages around an answer are, as the server wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The page after this one.
    pub next: Option<String>,
    /// The last page.
    pub last: Option<String>,
}

/// Reads the values of all `Link` headers of an answer. What is not understood is passed over.
pub fn links<'a>(values: impl IntoIterator<Item = &'a str>) -> Links {
    let mut found = Links::default();
    for value in values {
        let mut rest = value;
        while let Some((_, tail)) = rest.split_once('<') {
            let Some((target, tail)) = tail.split_once('>') else { break };
            // The parameters end where the next link begins.
            let end = tail.find(",<").or_else(|| tail.find(", <")).unwrap_or(tail.len());
            let (parameters, tail) = tail.split_at(end);
            rest = tail;
            let relations = parameters.split(';').filter_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches(['"', ',']))
            });
            for relation in relations.flat_map(str::split_whitespace) {
                let place = match relation.to_ascii_lowercase().as_str() {
                    "next" => &mut found.next,
                    "last" => &mut found.last,
                    _ => continue,
                };
                place.get_or_insert_with(|| target.trim().to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_and_last_are_found_however_the_header_is_written() {
        let next = "https://api.example/x?page=2";
        for (values, has_next, has_last) in [
            (vec![r#"<https://api.example/x?page=2>; rel="next""#], true, false),
            (
                vec![
                    r#"<https://api.example/x?page=2>; rel="next", <https://api.example/x?page=9>; rel="last""#,
                ],
                true,
                true,
            ),
            (
                vec![r#"<https://api.example/x?page=9>;rel=last,<https://api.example/x?page=2>;REL=Next"#],
                true,
                true,
            ),
            (
                vec![r#"<a>; title="x, y"; rel="prev"#, r#"<https://api.example/x?page=2>; rel="self next""#],
                true,
                false,
            ),
            (vec!["", "nonsense", "<never closed; rel=next", "<>;;;=;"], false, false),
        ] {
            let found = links(values.iter().copied());
            assert_eq!(found.next.as_deref() == Some(next), has_next, "{values:?}");
            assert_eq!(found.last.is_some(), has_last, "{values:?}");
        }
    }
}
