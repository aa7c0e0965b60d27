//! Known vulnerabilities of the locked dependencies, checked without a network against a folder with
//! `advisories.jsonl`: one advisory a line with package, patched and unaffected version requirements.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;

/// Advisories that do not touch this program, with the reason.
pub const ACCEPTED: &[(&str, &str)] = &[
    (
        "RUSTSEC-2026-0194",
        "quick-xml 0.39 comes with object_store 0.13, a part of polars that is not compiled here",
    ),
    (
        "RUSTSEC-2026-0195",
        "quick-xml 0.39 comes with object_store 0.13, a part of polars that is not compiled here",
    ),
];

#[derive(Deserialize)]
pub struct Advisory {
    id: String,
    package: String,
    informational: Option<String>,
    withdrawn: Option<String>,
    patched: Vec<String>,
    unaffected: Vec<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
}

pub fn parse(jsonl: &str) -> Vec<Advisory> {
    jsonl
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Vulnerable packages of a lock file, advisories that are only informational left out.
pub fn vulnerable(lock: &str, advisories: &[Advisory]) -> Vec<String> {
    let lock: Lock = toml::from_str(lock).unwrap();
    let mut locked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &lock.package {
        locked.entry(&package.name).or_default().push(&package.version);
    }
    let mut found = Vec::new();
    for advisory in advisories {
        let accepted = ACCEPTED.iter().any(|(id, _)| *id == advisory.id);
        let counts = advisory.informational.is_none() && advisory.withdrawn.is_none() && !accepted;
        for version in locked.get(advisory.package.as_str()).into_iter().flatten().filter(|_| counts) {
            let safe = advisory
                .patched
                .iter()
                .chain(&advisory.unaffected)
                .any(|requirement| fits(version, requirement));
            if !safe {
                found.push(format!("{} {version}: {}", advisory.package, advisory.id));
            }
        }
    }
    found
}

/// Whether a version meets a requirement such as `>= 1.2, < 2` or `^0.5.1`.
pub fn fits(version: &str, requirement: &str) -> bool {
    requirement.split(',').all(|part| {
        let part = part.trim();
        let split = part.find(|c: char| c.is_ascii_digit()).unwrap();
        let bound = &part[split..];
        let order = compare(version, bound);
        match part[..split].trim() {
            ">=" => order != Ordering::Less,
            ">" => order == Ordering::Greater,
            "<=" => order != Ordering::Greater,
            "<" => order == Ordering::Less,
            "=" => order == Ordering::Equal,
            "^" | "" => order != Ordering::Less && same_line(version, bound),
            operator => panic!("requirement {requirement:?} has an operator {operator:?} not known here"),
        }
    })
}

/// The numbers of a version, missing ones zero, and its pre-release.
fn parts(version: &str) -> ([u64; 3], Option<&str>) {
    let version = version.split('+').next().unwrap();
    let (numbers, pre) =
        version.split_once('-').map_or((version, None), |(numbers, pre)| (numbers, Some(pre)));
    let mut parts = [0; 3];
    for (slot, number) in parts.iter_mut().zip(numbers.split('.')) {
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        *slot = digits.parse().unwrap();
    }
    (parts, pre)
}

fn compare(one: &str, other: &str) -> Ordering {
    let ((one, one_pre), (other, other_pre)) = (parts(one), parts(other));
    one.cmp(&other).then_with(|| match (one_pre, other_pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => compare_pre(one, other),
    })
}

fn compare_pre(one: &str, other: &str) -> Ordering {
    for (a, b) in one.split('.').zip(other.split('.')) {
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    one.split('.').count().cmp(&other.split('.').count())
}

/// Cargo's caret: the same leftmost number that is not zero.
fn same_line(version: &str, bound: &str) -> bool {
    let (version, bound) = (parts(version).0, parts(bound).0);
    let leading = bound.iter().position(|number| *number != 0).unwrap_or(2);
    version[..=leading] == bound[..=leading]
}
