//! The text of an array: `{a,"b c",NULL}`. Of nested arrays nothing is taken: their elements are no values
//! of a condition.

/// The elements; a cut text gives those before the cut.
pub(super) fn elements(text: &str) -> Vec<String> {
    let Some(inner) = text.trim().strip_prefix('{') else { return Vec::new() };
    let mut found = Vec::new();
    let mut element = String::new();
    let mut in_quotes = false;
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, in_quotes) {
            ('\\', _) => element.extend(chars.next()),
            ('"', _) => in_quotes = !in_quotes,
            ('{', false) => return Vec::new(),
            (',', false) => found.push(std::mem::take(&mut element)),
            ('}', false) => {
                if !(found.is_empty() && element.is_empty()) {
                    found.push(element);
                }
                return found;
            }
            _ => element.push(c),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_taken_out_of_their_quotes() {
        for (text, expected) in [
            ("{}", vec![]),
            ("{1,2,3}", vec!["1", "2", "3"]),
            (r#"{a,"b c","d\"e","f\\g","h,i",""}"#, vec!["a", "b c", "d\"e", "f\\g", "h,i", ""]),
            ("{{1,2},{3,4}}", vec![]),
            (r#"{a,"cut of"#, vec!["a"]),
            ("no array", vec![]),
        ] {
            assert_eq!(elements(text), expected, "{text}");
        }
    }
}
