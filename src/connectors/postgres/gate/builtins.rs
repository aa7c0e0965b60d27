//! The shipped list of built-ins, read once.

use super::effects;
use crate::kit::sql::gate::Names;

const LIST: &str = include_str!("builtins.txt");

/// The names of one section, without their versions.
fn section(title: &str) -> impl Iterator<Item = &'static str> {
    let heading = format!("[{title}]");
    LIST.lines()
        .skip_while(move |line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .flat_map(str::split_whitespace)
}

/// A name without `<18` or `>15`.
fn bare(name: &'static str) -> &'static str {
    name.split(['<', '>']).next().unwrap_or(name)
}

/// Functions that only read: immutable and stable ones, volatile ones on the short list, and the grammar's
/// own. Those refused by name never get so far.
pub(super) fn reading() -> Names {
    let listed = section("immutable").chain(section("stable")).map(bare);
    let more = effects::VOLATILE_READS.split_whitespace().chain(effects::GRAMMAR.split_whitespace());
    Names::of(listed.chain(more))
}

/// Operators of the `pg_catalog` schema.
pub(super) fn operators() -> Names {
    Names::of(section("operators").chain(["!="]))
}

/// Whether a name is a volatile built-in that is on no list of readers.
pub(super) fn is_volatile(name: &str) -> bool {
    section("volatile").map(bare).any(|known| known == name)
        && !effects::VOLATILE_READS.split_whitespace().any(|reads| reads == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_every_exception_is_a_volatile_built_in() {
        assert!(section("immutable").count() > 1_300);
        assert!(section("stable").count() > 350);
        assert!(section("volatile").count() > 190);
        assert_eq!(section("operators").count(), 74);
        for name in effects::VOLATILE_READS.split_whitespace() {
            assert!(section("volatile").map(bare).any(|known| known == name), "{name} is not a volatile one");
        }
    }

    #[test]
    fn every_volatile_built_in_is_either_allowed_or_refused() {
        for name in section("volatile").map(bare) {
            let text = format!("SELECT {name}(1)");
            let reads = effects::VOLATILE_READS.split_whitespace().any(|reads| reads == name);
            let verdict = super::super::judge(&text);
            assert_eq!(verdict.word(), if reads { "read" } else { "refused" }, "{name}: {}", verdict.why());
        }
    }
}
