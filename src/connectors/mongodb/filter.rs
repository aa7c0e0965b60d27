//! What of a filter or an order MongoDB can narrow by. Its comparisons keep to values of one type and reach
//! into arrays, ours do not: only what selects **at least** the wanted documents is handed on, and the filter
//! is finished in the fetched rows.

use mongodb::bson::{Bson, Decimal128, Document, doc, oid::ObjectId};

use super::decode::{Columns, ORDER, type_of};
use crate::model::filter::{Compare, Filter, Literal};

/// Types of which all are numbers.
const NUMBERS: [&str; 4] = ["int", "long", "double", "decimal"];

/// A query that selects every document for which the filter holds; none = only a scan does.
pub(super) fn query_of(filter: &Filter, columns: &Columns) -> Option<Document> {
    match filter {
        Filter::And { parts } => {
            joined("$and", parts.iter().filter_map(|part| query_of(part, columns)).collect())
        }
        Filter::Or { parts } => {
            joined("$or", parts.iter().map(|part| query_of(part, columns)).collect::<Option<Vec<_>>>()?)
        }
        Filter::IsNull { column } => plain(column, columns).map(|name| doc! { name: Bson::Null }),
        Filter::Not { part } => match &**part {
            Filter::IsNull { column } => plain(column, columns)
                .map(|name| doc! { "$expr": { "$gt": [format!("${name}"), Bson::Null] } }),
            _ => None,
        },
        Filter::Compare { column, compare, value } => {
            let (name, values) = (plain(column, columns)?, values_of(column, value, columns)?);
            let operator = match compare {
                Compare::Equal => return Some(doc! { name: { "$in": values } }),
                Compare::Unequal => return None,
                Compare::Less | Compare::AtMost => "$lte",
                Compare::Greater | Compare::AtLeast => "$gte",
            };
            joined("$or", values.into_iter().map(|value| doc! { name: { operator: value } }).collect())
        }
        Filter::In { column, values } => {
            let name = plain(column, columns)?;
            let all =
                values.iter().map(|value| values_of(column, value, columns)).collect::<Option<Vec<_>>>()?;
            Some(doc! { name: { "$in": all.concat() } })
        }
        Filter::Like { .. } => None,
    }
}

fn joined(operator: &str, mut parts: Vec<Document>) -> Option<Document> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(doc! { operator: parts }),
    }
}

/// The name of a field that MongoDB takes for one: neither a path nor an operator.
pub(super) fn plain<'a>(name: &'a str, columns: &Columns) -> Option<&'a str> {
    let is_plain = !name.is_empty() && !name.contains('.') && !name.starts_with('$');
    (is_plain && columns.may_be_field(name)).then_some(name)
}

/// The values equal to a literal, where all values seen of a field are of its kind.
fn values_of(column: &str, literal: &Literal, columns: &Columns) -> Option<Vec<Bson>> {
    let types = columns.types_of(column).filter(|types| !types.is_empty())?;
    let all = |wanted: &[&str]| types.iter().all(|known| wanted.contains(known));
    match literal {
        Literal::Number(digits) if all(&NUMBERS) => match digits.parse::<i64>() {
            Ok(whole) => Some(vec![Bson::Int64(whole)]),
            // Written with a fraction it may mean the float or the decimal: they differ.
            Err(_) => {
                let decimal = digits.parse::<Decimal128>().ok()?;
                Some(vec![Bson::Double(digits.parse().ok()?), Bson::Decimal128(decimal)])
            }
        },
        Literal::Text(text) if all(&["string"]) => Some(vec![Bson::String(text.clone())]),
        Literal::Text(text) if all(&["objectId"]) => {
            Some(vec![Bson::ObjectId(ObjectId::parse_str(text).ok()?)])
        }
        Literal::Bool(value) if all(&["bool"]) => Some(vec![Bson::Boolean(*value)]),
        _ => None,
    }
}

/// Everything behind an `_id` in the order of `_id`s, whatever types follow: comparisons keep to one type.
pub(super) fn behind(id: Bson) -> Document {
    let here = ORDER.iter().position(|types| types.contains(&type_of(&id))).unwrap_or(ORDER.len());
    let later = ORDER.iter().skip(here + 1).flat_map(|types| types.iter().copied()).collect::<Vec<_>>();
    doc! { "$or": [{ "_id": { "$gt": id } }, { "_id": { "$type": later } }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_selects_enough_is_handed_on() {
        let first = [doc! { "_id": 1, "n": 1.5, "t": "x", "m": 1, "a.b": 1 }, doc! { "_id": 2, "m": "one" }];
        let columns = Columns::of(&first, true);
        for (text, query) in [
            ("n > 1", Some(doc! { "n": { "$gte": 1_i64 } })),
            ("t = 'x'", Some(doc! { "t": { "$in": ["x"] } })),
            ("t IS NULL", Some(doc! { "t": Bson::Null })),
            ("t = 'x' AND m = 1", Some(doc! { "t": { "$in": ["x"] } })),
            ("t = 'x' OR m = 1", None),
            ("m = 1", None),
            ("n <> 1", None),
            ("t LIKE 'x%'", None),
            ("\"a.b\" = 1", None),
        ] {
            assert_eq!(query_of(&Filter::parse(text).unwrap(), &columns), query, "{text}");
        }
    }
}
