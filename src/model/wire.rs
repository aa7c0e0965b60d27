//! Serde forms for values that JSON numbers would round or refuse: floats (NaN, infinities, every last
//! digit), 128-bit whole numbers, and bytes.

use serde::{Deserialize as _, Deserializer, Serializer};

/// A 64-bit float as its shortest exact digits.
pub mod float {
    use super::{Deserializer, Serializer};

    /// Writes the digits.
    pub fn serialize<S: Serializer>(value: &f64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&crate::model::cell::float_text(*value))
    }

    /// Reads the digits back.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
        super::parsed(input)
    }
}

/// A 32-bit float as its shortest exact digits.
pub mod float32 {
    use super::{Deserializer, Serializer};

    /// Writes the digits.
    pub fn serialize<S: Serializer>(value: &f32, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&value.to_string())
    }

    /// Reads the digits back.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<f32, D::Error> {
        super::parsed(input)
    }
}

/// A 128-bit whole number as digits.
pub mod whole {
    use super::{Deserializer, Serializer};

    /// Writes the digits.
    pub fn serialize<S: Serializer>(value: &i128, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&value.to_string())
    }

    /// Reads the digits back.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<i128, D::Error> {
        super::parsed(input)
    }
}

/// Bytes as base64.
pub mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;

    use super::{Deserializer, Serializer};

    /// Writes base64.
    pub fn serialize<S: Serializer>(value: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode(value))
    }

    /// Reads base64 back.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(input)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

fn parsed<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
}
