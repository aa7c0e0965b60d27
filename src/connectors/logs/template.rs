//! Lines of one shape: a small fixed-depth tree after Drain (He et al. 2017). A line's words go down the tree by their
//! number and the first of them; in the leaf it joins the most alike template or founds one. Words that differ
//! become `<*>`.
//!
//! Memory is bounded: at most so many templates, and lines beyond them are counted as "other".

use std::collections::HashMap;

/// Templates kept at most.
const MOST_TEMPLATES: usize = 2_000;
/// Templates of one leaf, at most: a leaf is gone through for every line.
const MOST_IN_LEAF: usize = 64;
/// Words of a line that are compared.
const MOST_WORDS: usize = 64;
/// Bytes of an example.
const EXAMPLE_BYTES: usize = 400;
/// Share of words that must be the same, in hundredths.
const ALIKE: usize = 50;
/// What stands for words that differ.
pub(super) const WILD: &str = "<*>";

/// A shape of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    words: Vec<String>,
    /// Lines of this shape.
    pub(super) lines: u64,
    /// The first line of it, from 0, and the last.
    pub(super) first: u64,
    pub(super) last: u64,
    /// Times of the first and the last that have one.
    pub(super) since: Option<i64>,
    pub(super) until: Option<i64>,
    /// The first line of it, in full.
    pub(super) example: String,
}

impl Template {
    /// Its words.
    pub(super) fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// Finds the shapes of lines.
#[derive(Debug, Default)]
pub(super) struct Miner {
    templates: Vec<Template>,
    leaves: HashMap<(usize, String), Vec<usize>>,
    /// Lines that no template could be kept for.
    pub(super) others: u64,
}

impl Miner {
    /// Takes a line: the message of it, without its time.
    pub(super) fn add(&mut self, message: &str, line: u64, micros: Option<i64>) {
        let words: Vec<&str> = message.split_whitespace().map(masked).take(MOST_WORDS).collect();
        let key = (words.len(), words.first().copied().unwrap_or_default().to_owned());
        let leaf = self.leaves.entry(key).or_default();
        let alike =
            |at: &usize| self.templates.get(*at).map_or(0, |template| likeness(&template.words, &words));
        let best = leaf
            .iter()
            .copied()
            .map(|at| (alike(&at), at))
            .max_by_key(|(score, at)| (*score, usize::MAX - at));
        if let Some((score, at)) = best
            && (score >= ALIKE || leaf.len() >= MOST_IN_LEAF)
        {
            if score < ALIKE {
                self.others += 1;
            } else if let Some(template) = self.templates.get_mut(at) {
                join(template, &words, line, micros);
            }
            return;
        }
        if self.templates.len() >= MOST_TEMPLATES {
            self.others += 1;
            return;
        }
        leaf.push(self.templates.len());
        self.templates.push(Template {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            lines: 1,
            first: line,
            last: line,
            since: micros,
            until: micros,
            example: cut(message),
        });
    }

    /// The templates, the most frequent first.
    pub(super) fn sorted(mut self) -> Vec<Template> {
        self.templates.sort_by(|one, other| other.lines.cmp(&one.lines).then(one.first.cmp(&other.first)));
        self.templates
    }
}

/// A word with a digit in it is a value, not a part of the shape; so is a long word of hex letters.
fn masked(word: &str) -> &str {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    if has_digit { WILD } else { word }
}

fn likeness(template: &[String], words: &[&str]) -> usize {
    if words.is_empty() {
        return 100;
    }
    let same = template.iter().zip(words).filter(|(one, other)| one.as_str() == **other).count();
    same * 100 / words.len()
}

fn join(template: &mut Template, words: &[&str], line: u64, micros: Option<i64>) {
    for (known, word) in template.words.iter_mut().zip(words) {
        if known != word && known != WILD {
            WILD.clone_into(known);
        }
    }
    template.lines += 1;
    template.last = line;
    template.since = template.since.or(micros);
    template.until = micros.or(template.until);
}

fn cut(text: &str) -> String {
    let end = text
        .char_indices()
        .map(|(at, char)| at + char.len_utf8())
        .take_while(|end| *end <= EXAMPLE_BYTES)
        .last();
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_shape_make_one_template() {
        let mut miner = Miner::default();
        let lines = [
            "user anna logged in from 10.0.0.1",
            "user bert logged in from 10.0.0.2",
            "cache miss for key 17",
            "user carla logged in from 10.9.0.1",
            "cache hit for key 18",
            "",
        ];
        for (line, text) in (0..).zip(lines) {
            miner.add(text, line, Some(line as i64 * 10));
        }
        let found: Vec<(String, u64, u64, u64)> = miner
            .sorted()
            .into_iter()
            .map(|template| (template.text(), template.lines, template.first, template.last))
            .collect();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            found,
            [
                (text("user <*> logged in from <*>"), 3, 0, 3),
                (text("cache <*> for key <*>"), 2, 2, 4),
                (text(""), 1, 5, 5),
            ]
        );
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut miner = Miner::default();
        for line in 0..10_000_u64 {
            let name: String =
                format!("{line:x}").chars().map(|digit| char::from(b'g' + (digit as u8 % 16))).collect();
            miner.add(&format!("{name}{} {name} b", "q".repeat((line % 50) as usize)), line, None);
        }
        let others = miner.others;
        let found = miner.sorted();
        assert!(found.len() <= MOST_TEMPLATES);
        assert_eq!(found.iter().map(|template| template.lines).sum::<u64>() + others, 10_000);
    }
}
