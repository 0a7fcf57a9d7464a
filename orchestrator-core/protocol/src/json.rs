//! JSON values that are carried, not looked into.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A JSON value kept as its text: parsed once for validity, cheap to clone, never re-encoded on its way through.
///
/// Two values are equal when they mean the same JSON, whatever their spacing and key order.
#[derive(Clone)]
pub struct Json(Option<Arc<RawValue>>);

impl Json {
    /// The value `null`, which allocates nothing.
    pub const NULL: Self = Self(None);

    /// The JSON form of a value.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        Ok(Self::from_raw(serde_json::value::to_raw_value(value)?))
    }

    /// Checks a JSON text and keeps it.
    pub fn parse(text: impl Into<String>) -> Result<Self, serde_json::Error> {
        Ok(Self::from_raw(RawValue::from_string(text.into())?))
    }

    fn from_raw(raw: Box<RawValue>) -> Self {
        if raw.get() == "null" {
            Self::NULL
        } else {
            Self(Some(Arc::from(raw)))
        }
    }

    /// The JSON text.
    pub fn get(&self) -> &str {
        self.0.as_deref().map_or("null", RawValue::get)
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// Reads the value into a type.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.get())
    }

    /// The value as a tree that can be looked into.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(self.get()).unwrap_or(serde_json::Value::Null)
    }
}

/// How deep requests may be nested: readers in many languages stop a little later, at 128.
pub const DEEPEST: usize = 100;

/// Whether a JSON text is nested deeper than [`DEEPEST`]. What is carried would otherwise be read by nobody.
///
/// ```
/// use orchestrator_protocol::is_too_deep;
///
/// assert!(!is_too_deep(br#"{"a": [1, "[[[", "\"["]}"#));
/// assert!(is_too_deep("[".repeat(101).as_bytes()));
/// ```
pub fn is_too_deep(text: &[u8]) -> bool {
    let (mut depth, mut quoted) = (0_usize, false);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quoted => drop(bytes.next()),
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

impl Default for Json {
    fn default() -> Self {
        Self::NULL
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get() || self.to_value() == other.to_value()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self::of(&value).unwrap_or(Self::NULL)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(raw) => raw.serialize(serializer),
            None => serializer.serialize_unit(),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from_raw)
    }
}
