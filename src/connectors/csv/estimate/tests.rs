use super::super::decode::TextEncoding;
use super::super::dialect::{Dialect, Header};
use super::super::plan;
use super::super::sniff::Sniffed;
use super::super::sync::RowsEstimate;
use super::super::typing::{ColumnType, FileTypes, TypeKind};
use super::*;
use crate::model::connection::SizeClass;
use crate::model::filter::Filter;
use crate::model::load::{Verdict, judge};
use crate::model::node::NodePath;
use crate::model::read::{Bound, Continuation, ReadSpec, Sample, SampleSize};

const MIB: f64 = 1_048_576.0;

fn layout(packing: Packing, megabytes: u64, rows: KnownRows) -> Layout {
    Layout {
        packing,
        file_bytes: megabytes << 20,
        written: Sniffed {
            dialect: Dialect::default(),
            encoding: TextEncoding::UTF_8,
            mark_bytes: 0,
            header: Header::Lines(1),
            names: vec!["a".into(), "b".into()],
            width: 2,
            data_start: 10,
            data_end: None,
            preamble_lines: 0,
            footer_lines: 0,
            confidence: 0.9,
            evidence: Vec::new(),
        },
        types: FileTypes {
            words: Vec::new(),
            columns: vec![ColumnType { kind: TypeKind::Int64, nulls: 0 }; 2],
        },
        zero_bytes: 0,
        notes: Vec::new(),
        rows,
        unpacked_hint: None,
        row_bytes: 100.0,
    }
}

fn about(rows: f64) -> KnownRows {
    KnownRows::Estimated(RowsEstimate { lo: rows * 0.98, mid: rows, hi: rows * 1.02, windows: 30 })
}

fn estimated(layout: &Layout, spec: ReadSpec) -> LoadEstimate {
    let plan = plan::plan("x.csv", layout, Some(1e6), spec).unwrap();
    let from = Checkpoint { row: 0, place: layout.written.data_start };
    let mut made = estimate(layout, SizeClass::Small.capacity(), &plan, from).unwrap();
    judge(&mut made, None);
    made
}

fn preview() -> ReadSpec {
    ReadSpec::preview(NodePath::of(["x.csv"]))
}

#[test]
fn the_verdict_grows_with_what_is_read_and_not_with_the_file() {
    let filter = Some(Filter::parse("a = 1").unwrap());
    let sample = |method| Some(Sample { size: SampleSize::Rows(2000), method });
    let (block, row) = (sample(SampleMethod::Auto), sample(SampleMethod::Row));
    let all = ReadSpec { bound: Bound::default(), ..preview() };
    for (megabytes, spec, verdict) in [
        (1, preview(), Verdict::Negligible),
        (100_000, preview(), Verdict::Negligible),
        (100_000, ReadSpec { sample: block, ..all.clone() }, Verdict::Negligible),
        (1, all.clone(), Verdict::Negligible),
        (1000, all.clone(), Verdict::Noticeable),
        (1000, ReadSpec { filter, ..preview() }, Verdict::Noticeable),
        (1000, ReadSpec { sample: row, ..all.clone() }, Verdict::Noticeable),
        (3000, all.clone(), Verdict::Heavy),
        (100_000, all, Verdict::Dangerous),
    ] {
        let file = layout(Packing::Plain, megabytes, about(megabytes as f64 * 10_486.0));
        let made = estimated(&file, spec);
        assert_eq!(made.verdict, verdict, "{megabytes} MiB: {:?}", made.reasons);
    }
}

#[test]
fn a_pass_knows_its_bytes_exactly_and_a_bound_caps_them() {
    let file = layout(Packing::Plain, 100, about(1e6));
    let all = ReadSpec { bound: Bound::default(), ..preview() };
    let made = estimated(&file, all.clone());
    let bytes = made.quantity(Dim::BytesServer).unwrap();
    assert_eq!((bytes.lo, bytes.upper), (100.0 * MIB - 10.0, UpperEnd::Hard));
    assert!(bytes.hi <= 100.0 * MIB + 64.0);
    let rows = made.quantity(Dim::RowsReturned).unwrap();
    assert_eq!((rows.lo, rows.hi), (0.98e6, 1.02e6));
    let bound = Bound { bytes: Some(1 << 20), ..Bound::default() };
    let made = estimated(&file, ReadSpec { bound, ..all });
    let bytes = made.quantity(Dim::BytesServer).unwrap();
    assert_eq!((bytes.hi, bytes.upper), (3.0 * MIB, UpperEnd::Hard));
}

#[test]
fn a_known_number_of_rows_is_exact_and_pages_come_off_it() {
    let file = layout(Packing::Plain, 1, KnownRows::Exact(450));
    let page = |first| ReadSpec { continuation: Some(Continuation::Row(first)), ..preview() };
    for (first, rows) in [(0, 200.0), (300, 150.0), (450, 0.0), (9000, 0.0)] {
        let made = estimated(&file, page(first));
        let returned = made.quantity(Dim::RowsReturned).unwrap();
        assert_eq!((returned.lo, returned.hi), (rows, rows), "from row {first}");
    }
}

#[test]
fn a_packed_file_says_what_it_does_not_know() {
    let mut file = layout(Packing::Gzip, 100, KnownRows::Unknown);
    let all = ReadSpec { bound: Bound::default(), ..preview() };
    let made = estimated(&file, all.clone());
    assert_eq!(made.not_estimable, [Dim::RowsReturned, Dim::RowsExamined]);
    assert_eq!(made.verdict, Verdict::Unknown);
    let bytes = made.quantity(Dim::BytesServer).unwrap();
    assert_eq!((bytes.lo, bytes.hi), (100.0 * MIB, 100.0 * MIB + 64.0));
    assert_eq!(estimated(&file, preview()).verdict, Verdict::Negligible);
    file.unpacked_hint = Some(400 << 20);
    let made = estimated(&file, all);
    assert!(made.not_estimable.is_empty());
    let rows = made.quantity(Dim::RowsReturned).unwrap();
    assert_eq!(rows.provenance.word(), "guessed");
    assert!(rows.lo < 4e6 && 4.1e6 < rows.hi, "{rows:?}");
}

#[test]
fn plans_resolve_every_choice_or_say_why_not() {
    use crate::model::ErrorKind;
    use crate::model::read::ProfileLevel;
    let plain = layout(Packing::Plain, 1, about(10_000.0));
    let packed = layout(Packing::Zstd, 1, KnownRows::Unknown);
    let sample =
        |method| ReadSpec { sample: Some(Sample { size: SampleSize::Rows(5), method }), ..preview() };
    let plan = |layout: &Layout, spec| plan::plan("x.csv", layout, Some(1e4), spec);
    let method = |layout, asked| plan(layout, sample(asked)).unwrap().spec.sample.unwrap().method;
    assert_eq!(method(&plain, SampleMethod::Auto), SampleMethod::Block);
    assert_eq!(method(&packed, SampleMethod::Auto), SampleMethod::Row);
    let named = ReadSpec { columns: Some(vec!["c".into()]), ..preview() };
    let query = ReadSpec { query: Some("SELECT 1".into()), ..preview() };
    let token = ReadSpec { continuation: Some(Continuation::Token("x".into())), ..preview() };
    let catalog = ReadSpec::profile(NodePath::of(["x.csv"]), ProfileLevel::Catalog);
    for (layout, spec, kind) in [
        (&packed, sample(SampleMethod::Block), ErrorKind::Unsupported),
        (&plain, sample(SampleMethod::Keyset), ErrorKind::Unsupported),
        (&plain, named, ErrorKind::Invalid),
        (&plain, query, ErrorKind::Unsupported),
        (&plain, token, ErrorKind::Invalid),
        (&plain, catalog, ErrorKind::Unsupported),
    ] {
        let error = plan(layout, spec).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.hint.is_some(), "{error}");
    }
    let percent = Sample { size: SampleSize::Percent(10.0), method: SampleMethod::Auto };
    let plan =
        plan(&plain, ReadSpec { sample: Some(percent), bound: Bound::default(), ..preview() }).unwrap();
    assert_eq!(plan.bounds.rows, Some(1201));
}
