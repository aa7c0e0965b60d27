//! How values cross a process border inside our own JSON: floats as their shortest exact digits (JSON has
//! neither NaN nor infinity, and its readers may round the last bit), bytes in base64.
//! Used by `serde(with = …)`; the JSON that users see is [`super::cell::Cell::push_json`].

use serde::{Deserialize, Deserializer, Serializer};

/// `f64` as text.
pub(super) mod float {
    use super::{Deserialize, Deserializer, Serializer};

    pub(in crate::model) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        super::digits(&String::deserialize(from)?)
    }
}

/// `f32` as text.
pub(super) mod float32 {
    use super::{Deserialize, Deserializer, Serializer};

    pub(in crate::model) fn serialize<S: Serializer>(value: &f32, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
        super::digits(&String::deserialize(from)?)
    }
}

/// A pair of `f64` as texts.
pub(super) mod float_pair {
    use super::{Deserialize, Deserializer, Serializer};

    pub(in crate::model) fn serialize<S: Serializer>(pair: &(f64, f64), to: S) -> Result<S::Ok, S::Error> {
        use serde::Serialize as _;
        (pair.0.to_string(), pair.1.to_string()).serialize(to)
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<(f64, f64), D::Error> {
        let (first, second) = <(String, String)>::deserialize(from)?;
        Ok((super::digits(&first)?, super::digits(&second)?))
    }
}

/// Bytes in base64.
pub(super) mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{Deserialize, Deserializer, Serializer};

    pub(in crate::model) fn serialize<S: Serializer>(value: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(value))
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

fn digits<T: std::str::FromStr, E: serde::de::Error>(text: &str) -> Result<T, E> {
    text.parse().map_err(|_ignored: T::Err| E::custom(format!("{text:?} is not a float")))
}

#[cfg(test)]
mod tests {
    use crate::model::cell::Cell;
    use crate::model::column_state::ColumnState;

    #[test]
    fn every_float_and_byte_crosses_exactly() {
        let floats = [0.1 + 0.2, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, 1e23, 9.5e-7];
        let cells = floats.into_iter().map(Cell::Float).chain([
            Cell::Float32(0.1),
            Cell::Float32(f32::NEG_INFINITY),
            Cell::Bytes((0..=255).collect()),
            Cell::Invalid(vec![0xff, 0]),
            Cell::List(vec![Cell::Float(1.5), Cell::Missing]),
        ]);
        for cell in cells {
            let text = serde_json::to_string(&cell).unwrap();
            assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell, "{text}");
        }
        let text = serde_json::to_string(&Cell::Float(f64::NAN)).unwrap();
        assert!(matches!(serde_json::from_str(&text).unwrap(), Cell::Float(value) if value.is_nan()));
    }

    #[test]
    fn a_column_state_with_an_endless_sum_crosses() {
        let state = ColumnState {
            sum: (f64::INFINITY, 1e-17),
            distinct_sketch: vec![0, 1, 255],
            range: Some((Cell::Float(f64::NEG_INFINITY), Cell::Float(0.3))),
            ..ColumnState::default()
        };
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<ColumnState>(&text).unwrap(), state, "{text}");
    }
}
