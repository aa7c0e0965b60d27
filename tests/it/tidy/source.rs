//! A source file as the rules see it: code without comments and string contents, string literals apart, and
//! which lines are test code. A small lexer of its own, so that a rule is not fooled by a comment.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust file.
pub struct Source {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// Same length and lines, comments and the inside of literals blanked.
    pub code: String,
    /// String literals: line (from 1) and contents.
    pub strings: Vec<(usize, String)>,
    /// For each line (from 0), whether it is test code.
    test_lines: Vec<bool>,
}

impl Source {
    pub fn parse(path: &str, text: &str) -> Self {
        let (code, strings) = blank(text);
        let test_lines = test_lines(path, &code);
        Self { path: path.to_owned(), text: text.to_owned(), code, strings, test_lines }
    }

    /// Whether a line (from 1) is test code.
    pub fn is_test(&self, line: usize) -> bool {
        self.test_lines.get(line - 1).copied().unwrap_or(false)
    }

    /// Lines of code with their numbers, test code included.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// The line (from 1) of a byte offset.
    pub fn line_at(&self, offset: usize) -> usize {
        line_of(&self.code, offset)
    }

    /// Where a word or path stands in the code, as byte offsets; `word` is not part of a longer word.
    pub fn find(&self, word: &str) -> Vec<usize> {
        find_word(&self.code, word)
    }

    /// Functions with a body: name, first line, lines.
    pub fn functions(&self) -> Vec<(String, usize, usize)> {
        let mut found = Vec::new();
        for start in self.find("fn") {
            let rest = &self.code[start + 2..];
            let name: String = rest.trim_start().chars().take_while(|c| is_word(*c)).collect();
            let Some(open) = body_start(rest) else { continue };
            if name.is_empty() {
                continue;
            }
            let end = matching_brace(rest, open);
            let first = self.line_at(start);
            found.push((name, first, self.line_at(start + 2 + end) - first + 1));
        }
        found
    }
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository that people write: relative path and full path, sorted.
pub fn files() -> Vec<(String, PathBuf)> {
    fn walk(folder: &Path, found: &mut Vec<(String, PathBuf)>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            if relative == "target" || relative == ".git" || relative.ends_with("__pycache__") {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push((relative, path));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    found
}

/// All Rust files under `src`.
pub fn sources() -> Vec<Source> {
    files()
        .into_iter()
        .filter(|(relative, _)| relative.starts_with("src/") && relative.ends_with(".rs"))
        .map(|(relative, path)| Source::parse(&relative, &fs::read_to_string(path).unwrap()))
        .collect()
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub fn find_word(code: &str, word: &str) -> Vec<usize> {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| {
            let before = code[..at].chars().next_back();
            let after = code[at + word.len()..].chars().next();
            let continues_before = before.is_some_and(is_word) && word.starts_with(is_word);
            let continues_after = after.is_some_and(is_word) && word.ends_with(is_word);
            !continues_before && !continues_after
        })
        .collect()
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// Offset of the `{` that opens a function's body; `None` for one without a body.
fn body_start(signature: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (at, c) in signature.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn matching_brace(code: &str, open: usize) -> usize {
    let mut depth = 0i32;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + at;
        }
    }
    code.len()
}

/// Marks the items under `#[cfg(test)]` and `#[test]`; a file of tests is test code as a whole.
fn test_lines(path: &str, code: &str) -> Vec<bool> {
    let whole = path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("testkit");
    let mut marks = vec![whole; code.lines().count()];
    for attribute in ["#[cfg(test)]", "#[test]", "#[tokio::test", "#[cfg(any(test"] {
        for (start, _) in code.match_indices(attribute) {
            let rest = &code[start..];
            let end = body_start(&rest[attribute.len()..]).map_or_else(
                || rest.find(';').unwrap_or(rest.len()),
                |open| matching_brace(rest, open + attribute.len()),
            );
            let (first, last) = (line_of(code, start), line_of(code, start + end));
            for mark in marks.iter_mut().take(last).skip(first - 1) {
                *mark = true;
            }
        }
    }
    marks
}

/// Blanks comments and literals, and collects string literals.
fn blank(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut strings = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < chars.len() {
        let end = token_end(&chars, at);
        let token: String = chars[at..end].iter().collect();
        match kind(&chars, at) {
            Kind::Code => code.push_str(&token),
            Kind::Hidden { string } => {
                if let Some((open, close)) = string {
                    let inner: String = chars[at + open..end.saturating_sub(close)].iter().collect();
                    strings.push((line, inner));
                }
                // Same number of bytes, so that offsets fit both texts.
                for c in token.chars() {
                    if c == '\n' {
                        code.push('\n');
                    } else {
                        code.extend(std::iter::repeat_n(' ', c.len_utf8()));
                    }
                }
            }
        }
        line += token.matches('\n').count();
        at = end;
    }
    (code, strings)
}

enum Kind {
    Code,
    /// A comment or literal; for a string, the lengths of its opening and closing.
    Hidden {
        string: Option<(usize, usize)>,
    },
}

fn starts(chars: &[char], at: usize, what: &str) -> bool {
    what.chars().enumerate().all(|(offset, c)| chars.get(at + offset) == Some(&c))
}

/// The number of `#` of a raw string that begins here, and the length up to its quote.
fn raw_string(chars: &[char], at: usize) -> Option<(usize, usize)> {
    let prefix = ["br", "cr", "r"].into_iter().find(|prefix| starts(chars, at, prefix))?;
    let hashes = chars[at + prefix.len()..].iter().take_while(|c| **c == '#').count();
    let quote = at + prefix.len() + hashes;
    (chars.get(quote) == Some(&'"') && (at == 0 || !is_word(chars[at - 1])))
        .then_some((hashes, quote + 1 - at))
}

fn kind(chars: &[char], at: usize) -> Kind {
    if starts(chars, at, "//") || starts(chars, at, "/*") || char_literal(chars, at).is_some() {
        Kind::Hidden { string: None }
    } else if let Some((hashes, open)) = raw_string(chars, at) {
        Kind::Hidden { string: Some((open, hashes + 1)) }
    } else if chars[at] == '"' {
        Kind::Hidden { string: Some((1, 1)) }
    } else {
        Kind::Code
    }
}

fn token_end(chars: &[char], at: usize) -> usize {
    if starts(chars, at, "//") {
        return chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length);
    }
    if starts(chars, at, "/*") {
        return comment_end(chars, at);
    }
    if let Some(end) = char_literal(chars, at) {
        return end;
    }
    if let Some((hashes, open)) = raw_string(chars, at) {
        let close: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
        let end = (at + open..chars.len()).find(|&end| starts(chars, end, &close));
        return end.map_or(chars.len(), |end| end + close.len());
    }
    if chars[at] == '"' {
        let mut end = at + 1;
        while end < chars.len() && chars[end] != '"' {
            end += if chars[end] == '\\' { 2 } else { 1 };
        }
        return (end + 1).min(chars.len());
    }
    at + 1
}

fn comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut end = at;
    while end < chars.len() {
        if starts(chars, end, "/*") {
            depth += 1;
            end += 2;
        } else if starts(chars, end, "*/") {
            depth -= 1;
            end += 2;
            if depth == 0 {
                return end;
            }
        } else {
            end += 1;
        }
    }
    end
}

/// The end of a character literal that begins here; a lifetime is none.
fn char_literal(chars: &[char], at: usize) -> Option<usize> {
    if chars[at] != '\'' {
        return None;
    }
    if chars.get(at + 1) == Some(&'\\') {
        let end = (at + 3..chars.len().min(at + 14)).find(|&end| chars[end] == '\'')?;
        return Some(end + 1);
    }
    (chars.get(at + 2) == Some(&'\'')).then_some(at + 3)
}
