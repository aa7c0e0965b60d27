//! From the types a server declares to the types we read them as.
//!
//! Built-in types are known by their number (`built_in`). All others — enums, domains, composites, ranges,
//! arrays of them, types of extensions — are asked for once, in one query ([`TYPE_FACTS_TEXT`]) that follows
//! elements, fields and base types by itself; [`Types`] keeps the answers of one connection.
//!
//! Invariants: every type has a reading: what is not understood is its exact text under its own name
//! ([`LogicalType::Opaque`]) · a domain is read as its base type, its name is kept as the native type · the
//! logical type depends on catalogue facts only, never on values.

use std::collections::BTreeMap;

use super::decode::texts_of_array;
use crate::model::error::{Error, Result};
use crate::model::schema::{LogicalType, StructField, TimeUnit, Zone};

mod built_in;

/// Facts of types by their numbers, with all they are made of. `{oids}` stands for the numbers, comma-separated.
///
/// The multirange's column of `pg_range` is looked up by name through JSON, because it is not there before
/// version 14. An array type is one that its element type names as its own (`int2vector` is none).
pub const TYPE_FACTS_TEXT: &str = "\
WITH RECURSIVE wanted(oid) AS ( \
 SELECT t.oid FROM pg_catalog.pg_type t WHERE t.oid IN ({oids}) \
 UNION \
 SELECT part.oid FROM wanted w JOIN pg_catalog.pg_type t ON t.oid = w.oid CROSS JOIN LATERAL ( \
 SELECT t.typelem AS oid WHERE t.typelem <> 0 \
 UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0 \
 UNION ALL SELECT CASE WHEN r.rngtypid = t.oid THEN r.rngsubtype ELSE r.rngtypid END \
 FROM pg_catalog.pg_range r WHERE t.typtype IN ('r', 'm') \
 AND (r.rngtypid = t.oid OR pg_catalog.to_jsonb(r) ->> 'rngmultitypid' = t.oid::pg_catalog.text) \
 UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a \
 WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped \
 ) part) \
 SELECT t.oid::pg_catalog.text, pg_catalog.format_type(t.oid, NULL), t.typname::pg_catalog.text, \
 t.typtype::pg_catalog.text, t.typcategory::pg_catalog.text, \
 CASE WHEN e.typarray = t.oid THEN e.oid::pg_catalog.text END, t.typdelim::pg_catalog.text, \
 nullif(t.typbasetype, 0)::pg_catalog.text, t.typtypmod::pg_catalog.text, t.typndims::pg_catalog.text, \
 (SELECT (CASE WHEN r.rngtypid = t.oid THEN r.rngsubtype ELSE r.rngtypid END)::pg_catalog.text \
 FROM pg_catalog.pg_range r WHERE t.typtype IN ('r', 'm') \
 AND (r.rngtypid = t.oid OR pg_catalog.to_jsonb(r) ->> 'rngmultitypid' = t.oid::pg_catalog.text)), \
 CASE WHEN t.typtype = 'e' THEN ARRAY(SELECT l.enumlabel::pg_catalog.text FROM pg_catalog.pg_enum l \
 WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder)::pg_catalog.text END, \
 f.names::pg_catalog.text, f.types::pg_catalog.text, f.typmods::pg_catalog.text \
 FROM wanted w JOIN pg_catalog.pg_type t ON t.oid = w.oid \
 LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem \
 LEFT JOIN LATERAL (SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum) AS names, \
 pg_catalog.array_agg(a.atttypid::pg_catalog.text ORDER BY a.attnum) AS types, \
 pg_catalog.array_agg(a.atttypmod::pg_catalog.text ORDER BY a.attnum) AS typmods \
 FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped \
 ) f ON t.typtype = 'c' \
 ORDER BY t.oid";

/// [`TYPE_FACTS_TEXT`] for these types.
pub fn facts_query(oids: &[u32]) -> String {
    let list = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    TYPE_FACTS_TEXT.replace("{oids}", &list)
}

/// How the text of a value of an undivided type is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Bool,
    Int(u8),
    Unsigned(u8),
    Float32,
    Float,
    Numeric,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampUtc,
    Interval,
    Uuid,
    Json,
    Inet,
    Bits,
    /// A range over the type of this number.
    Range(u32),
    /// Several ranges of the type of this number.
    Multirange(u32),
    Opaque,
}

/// What the catalogue says about a type: one row of [`TYPE_FACTS_TEXT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeFacts {
    /// Its number.
    pub oid: u32,
    /// Its name as `format_type` prints it: with its schema where that is not on the search path.
    pub name: String,
    /// Its name alone (`typname`).
    pub short: String,
    /// `b`ase, `c`omposite, `d`omain, `e`num, `r`ange, `m`ultirange or `p`seudo-type.
    pub kind: char,
    /// `typcategory`: `S` for strings, ….
    pub category: char,
    /// Type of the elements, if it is an array type.
    pub element: Option<u32>,
    /// What stands between two elements in the text of an array of this type.
    pub delimiter: u8,
    /// The type a domain stands on, and its modifier.
    pub base: Option<(u32, i32)>,
    /// Dimensions that a domain over an array declares.
    pub dimensions: u32,
    /// What a range is over; the range type of a multirange.
    pub range_of: Option<u32>,
    /// Labels of an enum in their order.
    pub labels: Vec<String>,
    /// Fields of a composite: name, type, modifier.
    pub fields: Vec<(String, u32, i32)>,
}

impl TypeFacts {
    /// From a row of [`TYPE_FACTS_TEXT`].
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::model::ErrorKind::Decode) if the row is none.
    pub fn of_row(row: &[Option<String>]) -> Result<Self> {
        Self::parse(row).ok_or_else(|| {
            Error::new(
                crate::model::ErrorKind::Decode,
                "read",
                "the catalogue's answer about a type could not be understood",
            )
            .hint("is this a PostgreSQL server, or one that only speaks its protocol?")
        })
    }

    fn parse(row: &[Option<String>]) -> Option<Self> {
        let text = |index: usize| row.get(index).and_then(Option::as_deref);
        let number = |index: usize| text(index).map(|digits| digits.parse::<u32>().ok());
        let letter = |index: usize| text(index).and_then(|text| text.chars().next());
        let list =
            |index: usize| text(index).map_or(Some(Vec::new()), |text| texts_of_array(text.as_bytes()));
        let base = match number(7) {
            Some(oid) => Some((oid?, text(8)?.parse().ok()?)),
            None => None,
        };
        let (names, types, typmods) = (list(12)?, list(13)?, list(14)?);
        let fields = names
            .into_iter()
            .zip(types)
            .zip(typmods)
            .map(|((name, oid), typmod)| Some((name, oid.parse().ok()?, typmod.parse().ok()?)));
        Some(Self {
            oid: number(0)??,
            name: text(1)?.to_owned(),
            short: text(2)?.to_owned(),
            kind: letter(3)?,
            category: letter(4)?,
            element: number(5).flatten(),
            delimiter: text(6)?.bytes().next()?,
            base,
            dimensions: text(9).and_then(|digits| digits.parse().ok()).unwrap_or(0),
            range_of: number(10).flatten(),
            labels: list(11)?,
            fields: fields.collect::<Option<_>>()?,
        })
    }
}

/// How the text of a value is read; see [`super::decode`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reading {
    Bool,
    Int,
    Unsigned,
    Float32,
    Float,
    /// A decimal of a fixed number of digits behind the point, or of any.
    Numeric(Option<u8>),
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampUtc,
    Json,
    Uuid,
    Bits,
    Range,
    /// Kept as it is.
    Exact,
    /// Items, and what stands between them.
    Array(Box<ColumnType>, u8),
    /// Ranges in braces.
    Multirange(Box<ColumnType>),
    /// Named fields.
    Composite(Vec<(String, ColumnType)>),
}

/// How a value of a type looks in binary, for the types whose binary form we read; the same in every version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Bool,
    Int16,
    Int32,
    Int64,
    Unsigned32,
    Unsigned64,
    Float32,
    Float,
    Numeric,
    Date,
    Time,
    Timestamp,
    TimestampUtc,
    Uuid,
    Bytes,
    /// The bytes of the text form.
    Text,
    Jsonb,
}

impl Wire {
    /// That of a built-in type.
    fn of_oid(oid: u32) -> Option<Self> {
        Some(match oid {
            16 => Self::Bool,
            17 => Self::Bytes,
            20 => Self::Int64,
            21 => Self::Int16,
            23 => Self::Int32,
            19 | 25 | 114 | 1042 | 1043 => Self::Text,
            26 | 28 | 29 => Self::Unsigned32,
            700 => Self::Float32,
            701 => Self::Float,
            1082 => Self::Date,
            1083 => Self::Time,
            1114 => Self::Timestamp,
            1184 => Self::TimestampUtc,
            1700 => Self::Numeric,
            2950 => Self::Uuid,
            3802 => Self::Jsonb,
            5069 => Self::Unsigned64,
            _ => return None,
        })
    }
}

/// The type of a column (or of an element or field): what it is called and how it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnType {
    /// Number of the type.
    pub oid: u32,
    /// Its modifier; -1 without.
    pub typmod: i32,
    /// As the server would declare it: `numeric(15,2)`, `character varying(10)[]`, `mood`.
    pub name: String,
    /// What values are read as.
    pub logical: LogicalType,
    pub(super) reading: Reading,
    /// None: read it as text.
    pub(super) wire: Option<Wire>,
}

impl ColumnType {
    /// The same array type with as many dimensions as its column declares (`attndims`): `int[][]` is a list
    /// of lists. The server does not hold values to it; one of another shape travels as an exception.
    #[must_use]
    pub fn with_dimensions(mut self, dimensions: u32) -> Self {
        let Reading::Array(item, _) = &self.reading else { return self };
        let dimensions = dimensions.clamp(1, MOST_DIMENSIONS);
        self.logical = (0..dimensions).fold(item.logical.clone(), |item, _| list(item));
        self
    }
}

/// Dimensions an array can have (`MAXDIM` of the server).
pub(super) const MOST_DIMENSIONS: u32 = 6;
/// How deep types are followed; a loop in a made-up catalogue ends here.
const MOST_DEPTH: usize = 24;

fn list(item: LogicalType) -> LogicalType {
    LogicalType::List { item: Box::new(item) }
}

/// The types of one connection: built-in ones, and those asked for.
#[derive(Clone, Debug, Default)]
pub struct Types {
    known: BTreeMap<u32, TypeFacts>,
}

impl Types {
    /// Which of these types have to be asked for (sorted, each once).
    pub fn missing(&self, oids: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut missing: Vec<u32> = oids
            .into_iter()
            .filter(|oid| *oid != 0 && !self.known.contains_key(oid))
            .filter(|oid| built_in::of_oid(*oid).is_none() && built_in::of_array(*oid).is_none())
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Takes rows of [`TYPE_FACTS_TEXT`].
    ///
    /// # Errors
    /// As [`TypeFacts::of_row`].
    pub fn add(&mut self, rows: &[Vec<Option<String>>]) -> Result<()> {
        for row in rows {
            let facts = TypeFacts::of_row(row)?;
            self.known.insert(facts.oid, facts);
        }
        Ok(())
    }

    /// What the catalogue said about a type that is not built in.
    pub fn facts(&self, oid: u32) -> Option<&TypeFacts> {
        self.known.get(&oid)
    }

    /// How values of a type are read. A type never asked for is its exact text.
    pub fn column(&self, oid: u32, typmod: i32) -> ColumnType {
        self.at_depth(oid, typmod, 0)
    }

    fn at_depth(&self, oid: u32, typmod: i32, depth: usize) -> ColumnType {
        if let Some(built_in) = built_in::of_oid(oid) {
            let name = declared(built_in.sql, oid, typmod);
            return self.undivided(oid, typmod, name, built_in.short, built_in.base, depth);
        }
        if let Some(item) = built_in::of_array(oid) {
            let delimiter = if item.short == "box" { b';' } else { b',' };
            return self.array(oid, typmod, item.oid, delimiter, depth);
        }
        match self.known.get(&oid) {
            Some(facts) if depth < MOST_DEPTH => self.of_facts(facts, typmod, depth),
            Some(facts) => opaque(oid, typmod, &facts.name, &facts.short),
            None => opaque(oid, typmod, &format!("type {oid}"), &format!("type {oid}")),
        }
    }

    fn of_facts(&self, facts: &TypeFacts, typmod: i32, depth: usize) -> ColumnType {
        let TypeFacts { oid, name, short, .. } = facts;
        let inner = |oid, typmod| self.at_depth(oid, typmod, depth + 1);
        let made = |logical, reading| ColumnType {
            oid: *oid,
            typmod,
            name: name.clone(),
            logical,
            reading,
            wire: None,
        };
        match facts.kind {
            'e' => ColumnType {
                wire: Some(Wire::Text),
                ..made(LogicalType::Enum { labels: facts.labels.clone() }, Reading::Exact)
            },
            'd' => match facts.base {
                Some((base, base_typmod)) => {
                    let base = inner(base, base_typmod).with_dimensions(facts.dimensions);
                    ColumnType { wire: base.wire, ..made(base.logical, base.reading) }
                }
                None => opaque(*oid, typmod, name, short),
            },
            'c' => {
                let fields: Vec<(String, ColumnType)> = facts
                    .fields
                    .iter()
                    .map(|(name, oid, typmod)| (name.clone(), inner(*oid, *typmod)))
                    .collect();
                let logical = fields
                    .iter()
                    .map(|(name, field)| StructField { name: name.clone(), logical: field.logical.clone() })
                    .collect();
                made(LogicalType::Struct { fields: logical }, Reading::Composite(fields))
            }
            'r' | 'm' => match facts.range_of {
                Some(of) => {
                    let base = if facts.kind == 'r' { Base::Range(of) } else { Base::Multirange(of) };
                    self.undivided(*oid, typmod, name.clone(), short, base, depth)
                }
                None => opaque(*oid, typmod, name, short),
            },
            _ => match facts.element {
                Some(element) => {
                    let delimiter = self.known.get(&element).map_or(b',', |element| element.delimiter);
                    self.array(*oid, typmod, element, delimiter, depth)
                }
                None if facts.category == 'S' => made(LogicalType::Text, Reading::Text),
                None if matches!(short.as_str(), "geometry" | "geography") => {
                    made(LogicalType::Geometry, Reading::Exact)
                }
                None => opaque(*oid, typmod, name, short),
            },
        }
    }

    fn array(&self, oid: u32, typmod: i32, element: u32, delimiter: u8, depth: usize) -> ColumnType {
        let item = self.at_depth(element, typmod, depth + 1);
        ColumnType {
            oid,
            typmod,
            name: format!("{}[]", item.name),
            logical: list(item.logical.clone()),
            reading: Reading::Array(Box::new(item), delimiter),
            wire: None,
        }
    }

    fn undivided(
        &self,
        oid: u32,
        typmod: i32,
        name: String,
        short: &str,
        base: Base,
        depth: usize,
    ) -> ColumnType {
        let unit = TimeUnit::Microsecond;
        let (logical, reading) = match base {
            Base::Bool => (LogicalType::Bool, Reading::Bool),
            Base::Int(bits) => (LogicalType::Int { bits, signed: true }, Reading::Int),
            Base::Unsigned(bits) => (LogicalType::Int { bits, signed: false }, Reading::Unsigned),
            Base::Float32 => (LogicalType::Float { bits: 32 }, Reading::Float32),
            Base::Float => (LogicalType::FLOAT64, Reading::Float),
            Base::Numeric => numeric(typmod),
            Base::Text => (LogicalType::Text, Reading::Text),
            Base::Bytes => (LogicalType::Bytes, Reading::Bytes),
            Base::Date => (LogicalType::Date, Reading::Date),
            Base::Time => (LogicalType::Time { unit }, Reading::Time),
            Base::Timestamp => (LogicalType::Timestamp { unit, zone: Zone::None }, Reading::Timestamp),
            Base::TimestampUtc => (LogicalType::Timestamp { unit, zone: Zone::Utc }, Reading::TimestampUtc),
            Base::Interval => (LogicalType::Interval, Reading::Exact),
            Base::Uuid => (LogicalType::Uuid, Reading::Uuid),
            Base::Json => (LogicalType::Json, Reading::Json),
            Base::Inet => (LogicalType::Inet, Reading::Exact),
            Base::Bits => (LogicalType::Bits, Reading::Bits),
            Base::Range(of) => {
                let of = self.at_depth(of, -1, depth + 1).logical;
                (LogicalType::Range { of: Box::new(of) }, Reading::Range)
            }
            Base::Multirange(range) => {
                let range = self.at_depth(range, -1, depth + 1);
                (list(range.logical.clone()), Reading::Multirange(Box::new(range)))
            }
            Base::Opaque => (LogicalType::Opaque { name: short.to_owned() }, Reading::Exact),
        };
        ColumnType { oid, typmod, name, logical, reading, wire: Wire::of_oid(oid) }
    }
}

fn opaque(oid: u32, typmod: i32, name: &str, short: &str) -> ColumnType {
    let logical = LogicalType::Opaque { name: short.to_owned() };
    ColumnType { oid, typmod, name: name.to_owned(), logical, reading: Reading::Exact, wire: None }
}

/// Precision and scale of a numeric's modifier; none = any. The scale may be negative, and larger than the
/// precision.
fn precision_and_scale(typmod: i32) -> Option<(i32, i32)> {
    let packed = typmod.checked_sub(4).filter(|packed| *packed >= 0)?;
    Some(((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024))
}

/// What a numeric is read as. `numeric(3,-2)` holds whole numbers of five digits, `numeric(3,5)` five digits
/// behind the point.
fn numeric(typmod: i32) -> (LogicalType, Reading) {
    let fixed = precision_and_scale(typmod).and_then(|(precision, scale)| {
        let digits = if scale < 0 { precision - scale } else { precision.max(scale) };
        Some((u16::try_from(digits).ok()?, u8::try_from(scale.max(0)).ok()?))
    });
    match fixed {
        Some((precision, scale)) if precision <= 76 => (
            LogicalType::Decimal { precision: Some(precision), scale: Some(i16::from(scale)) },
            Reading::Numeric(Some(scale)),
        ),
        _ => (LogicalType::Decimal { precision: None, scale: None }, Reading::Numeric(None)),
    }
}

/// The name of a built-in type with its modifier, as `format_type` prints it.
fn declared(sql: &str, oid: u32, typmod: i32) -> String {
    let length = typmod - 4;
    match (oid, sql.split_once(' ')) {
        _ if typmod < 0 => if oid == 1042 { "bpchar" } else { sql }.to_owned(),
        (1042 | 1043, _) => format!("{sql}({length})"),
        (1560 | 1562, _) => format!("{sql}({typmod})"),
        (1700, _) => match precision_and_scale(typmod) {
            Some((precision, scale)) => format!("{sql}({precision},{scale})"),
            None => sql.to_owned(),
        },
        (1083 | 1114 | 1184 | 1266, Some((word, rest))) => format!("{word}({typmod}) {rest}"),
        (1186, _) => interval(typmod),
        _ => sql.to_owned(),
    }
}

/// An interval's modifier: which fields it keeps, and digits of its seconds.
fn interval(typmod: i32) -> String {
    let (fields, precision) = ((typmod >> 16) & 0x7fff, typmod & 0xffff);
    let (year, month, day, hour, minute, second) = (1 << 2, 1 << 1, 1 << 3, 1 << 10, 1 << 11, 1 << 12);
    let words = [
        (year, " year"),
        (month, " month"),
        (day, " day"),
        (hour, " hour"),
        (minute, " minute"),
        (second, " second"),
        (year | month, " year to month"),
        (day | hour, " day to hour"),
        (day | hour | minute, " day to minute"),
        (day | hour | minute | second, " day to second"),
        (hour | minute, " hour to minute"),
        (hour | minute | second, " hour to second"),
        (minute | second, " minute to second"),
    ];
    let kept = words.iter().find(|(mask, _)| *mask == fields).map_or("", |(_, words)| words);
    if precision == 0xffff { format!("interval{kept}") } else { format!("interval{kept}({precision})") }
}

#[cfg(test)]
pub(super) mod tests;
