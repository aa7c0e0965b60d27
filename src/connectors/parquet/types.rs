//! Parquet's types as logical ones. The Arrow type that the decoder gives tells the shape, the Parquet schema beside it
//! tells what bytes mean: UUID, JSON, variants, the 96-bit timestamps.

use arrow::datatypes::{DataType, Field as ArrowField, FieldRef, Fields, Schema as ArrowSchema, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{ConvertedType, LogicalType as Annotation, Repetition, Type as Physical};
use parquet::schema::types::Type;
use std::sync::Arc;

use super::footer::{Footer, failed};
use crate::kit::files::arrays::logical_of;
use crate::model::Result;
use crate::model::schema::{Field, LogicalType, Nullability, Schema, StructField};

/// A file's columns as the decoder gives them and as they are shown.
pub(super) struct Columns {
    /// How rows are decoded: 96-bit timestamps of the first level in nanoseconds.
    pub(super) reader: ArrowReaderMetadata,
    /// The same with all 96-bit timestamps in microseconds, which no date of the format overflows.
    pub(super) wide: ArrowReaderMetadata,
    /// As they are shown.
    pub(super) schema: Schema,
    /// Which of them are variants.
    pub(super) variants: Vec<bool>,
    /// Which of them are 96-bit timestamps.
    pub(super) wide_times: Vec<bool>,
}

/// Finds the types of a file's columns.
pub(super) fn columns(footer: &Footer) -> Result<Columns> {
    // Hints that a writer left for other Arrow programs are not followed: what the file holds is in its own schema.
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = ArrowReaderMetadata::try_new(Arc::clone(&footer.metadata), options())
        .map_err(|error| failed(&error))?;
    let root = footer.metadata.file_metadata().schema_descr().root_schema_ptr();
    let types: Vec<&Type> = root.get_fields().iter().map(AsRef::as_ref).collect();
    let wide_times: Vec<bool> = types.iter().map(|column| is_int96(column)).collect();
    let arrow = plain.schema();
    let widened = |keep_first_level: bool| {
        let fields = arrow.fields().iter().zip(&types).map(|(field, column)| {
            if keep_first_level && is_int96(column) { Arc::clone(field) } else { widen(field, column) }
        });
        ArrowSchema::new_with_metadata(fields.collect::<Fields>(), arrow.metadata().clone())
    };
    let with = |schema: ArrowSchema| {
        if schema == **arrow {
            return Ok(plain.clone());
        }
        let options = options().with_schema(Arc::new(schema));
        ArrowReaderMetadata::try_new(Arc::clone(&footer.metadata), options).map_err(|error| failed(&error))
    };
    let fields = arrow
        .fields()
        .iter()
        .zip(&types)
        .map(|(field, column)| field_of(field, column))
        .collect::<Result<Vec<_>>>()?;
    Ok(Columns {
        reader: with(widened(true))?,
        wide: with(widened(false))?,
        schema: Schema::new(fields),
        variants: types.iter().map(|column| is_variant(column)).collect(),
        wide_times,
    })
}

fn is_int96(column: &Type) -> bool {
    column.is_primitive()
        && column.get_physical_type() == Physical::INT96
        && column.get_basic_info().repetition() != Repetition::REPEATED
}

fn is_variant(column: &Type) -> bool {
    matches!(column.get_basic_info().logical_type_ref(), Some(Annotation::Variant(_)))
}

/// A field with the 96-bit timestamps in it in microseconds.
fn widen(field: &FieldRef, column: &Type) -> FieldRef {
    let arrow = widened(field.data_type(), column);
    Arc::new(ArrowField::clone(field).with_data_type(arrow))
}

fn widened(arrow: &DataType, column: &Type) -> DataType {
    match arrow {
        DataType::Timestamp(TimeUnit::Nanosecond, None)
            if column.is_primitive() && column.get_physical_type() == Physical::INT96 =>
        {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        DataType::List(item) => DataType::List(widen(item, element(column))),
        DataType::Map(entries, sorted) => match (entries.data_type(), pair(column)) {
            (DataType::Struct(fields), Some([key, value])) if fields.len() == 2 => {
                let fields = Fields::from(vec![widen(&fields[0], key), widen(&fields[1], value)]);
                let entries = ArrowField::clone(entries).with_data_type(DataType::Struct(fields));
                DataType::Map(Arc::new(entries), *sorted)
            }
            _ => arrow.clone(),
        },
        DataType::Struct(fields) if fits(fields, column) => DataType::Struct(
            fields.iter().zip(column.get_fields()).map(|(field, column)| widen(field, column)).collect(),
        ),
        other => other.clone(),
    }
}

fn fits(fields: &Fields, column: &Type) -> bool {
    column.is_group() && column.get_fields().len() == fields.len()
}

/// What a list holds, by the rules of the format for old and new writers.
fn element(column: &Type) -> &Type {
    let is_repeated = column.get_basic_info().has_repetition()
        && column.get_basic_info().repetition() == Repetition::REPEATED;
    let Some(repeated) = column.is_group().then(|| column.get_fields().first()).flatten() else {
        return column;
    };
    let is_annotated = column.get_basic_info().converted_type() == ConvertedType::LIST
        || matches!(column.get_basic_info().logical_type_ref(), Some(Annotation::List));
    if is_repeated && !is_annotated {
        // A repeated field without a list around it is the item itself.
        return column;
    }
    let names_an_item = repeated.name() == "array" || repeated.name() == format!("{}_tuple", column.name());
    match repeated.is_group().then(|| repeated.get_fields()) {
        Some([only]) if !names_an_item => only,
        _ => repeated,
    }
}

/// Key and value of a map.
fn pair(column: &Type) -> Option<[&Type; 2]> {
    let entries = column.is_group().then(|| column.get_fields().first()).flatten()?;
    match entries.is_group().then(|| entries.get_fields())? {
        [key, value] => Some([key, value]),
        _ => None,
    }
}

fn field_of(field: &FieldRef, column: &Type) -> Result<Field> {
    let logical = logical(field.data_type(), column)?;
    let nullability = match column.get_basic_info().repetition() {
        Repetition::REQUIRED => Nullability::Required,
        _ => Nullability::Nullable,
    };
    Ok(Field { nullability, ..Field::new(field.name(), logical).native(native(column)) })
}

fn logical(arrow: &DataType, column: &Type) -> Result<LogicalType> {
    let annotation = column.get_basic_info().logical_type_ref();
    let converted = column.get_basic_info().converted_type();
    Ok(match (arrow, annotation) {
        (_, Some(Annotation::Variant(_))) => LogicalType::Json,
        (DataType::FixedSizeBinary(16), Some(Annotation::Uuid)) => LogicalType::Uuid,
        (DataType::Utf8 | DataType::Binary, Some(Annotation::Json)) => LogicalType::Json,
        (DataType::Utf8 | DataType::Binary, Some(Annotation::Enum)) => {
            LogicalType::Enum { labels: Vec::new() }
        }
        (DataType::Utf8 | DataType::Binary, None) if converted == ConvertedType::JSON => LogicalType::Json,
        (DataType::Utf8 | DataType::Binary, None) if converted == ConvertedType::ENUM => {
            LogicalType::Enum { labels: Vec::new() }
        }
        (DataType::List(item), _) => {
            LogicalType::List { item: Box::new(logical(item.data_type(), element(column))?) }
        }
        (DataType::Map(entries, _), _) => match (entries.data_type(), pair(column)) {
            (DataType::Struct(fields), Some([key, value])) if fields.len() == 2 => LogicalType::Map {
                key: Box::new(logical(fields[0].data_type(), key)?),
                value: Box::new(logical(fields[1].data_type(), value)?),
            },
            _ => logical_of(arrow)?,
        },
        (DataType::Struct(fields), _) if fits(fields, column) => LogicalType::Struct {
            fields: fields
                .iter()
                .zip(column.get_fields())
                .map(|(field, column)| {
                    Ok(StructField {
                        name: field.name().clone(),
                        logical: logical(field.data_type(), column)?,
                    })
                })
                .collect::<Result<_>>()?,
        },
        (DataType::Timestamp(..), _)
            if column.is_primitive()
                && column.get_physical_type() == Physical::INT96
                && !is_int96(column) =>
        {
            logical_of(&widened(arrow, column))?
        }
        _ => logical_of(arrow)?,
    })
}

/// The type as the file declares it.
fn native(column: &Type) -> String {
    let info = column.get_basic_info();
    let annotation = match (info.logical_type_ref(), info.converted_type()) {
        (Some(annotation), _) => format!("{annotation:?}"),
        (None, ConvertedType::NONE) => String::new(),
        (None, converted) => converted.to_string(),
    };
    let shape =
        if column.is_primitive() { column.get_physical_type().to_string() } else { "group".to_owned() };
    let repeated = if info.repetition() == Repetition::REPEATED { "repeated " } else { "" };
    if annotation.is_empty() {
        format!("{repeated}{shape}")
    } else {
        format!("{repeated}{shape} ({annotation})")
    }
}
