//! Reading what a newer program wrote: fields that are not known here are passed over.

use std::{fmt, marker::PhantomData, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use crate::{Code, Json, NewTask};

/// A task in the words of a server that may be newer: submitted tasks are refused for an unknown field, granted ones
/// are not.
pub(crate) fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<NewTask>, D::Error> {
    NewTask::deserialize(Forgiving(deserializer)).map(Arc::new)
}

/// A value that is there, be it `null`; for fields whose absence means something else.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// A code; one that is not known here is taken for a defect of the other side.
pub(crate) fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    let known = Code::deserialize(StrDeserializer::<serde::de::value::Error>::new(&name));
    Ok(known.unwrap_or(Code::Internal))
}

/// Reads structs without their unknown fields, also where the struct itself refuses them.
struct Forgiving<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Forgiving<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, Known { fields, visitor })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Known<V> {
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Known<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(KnownFields {
            fields: self.fields,
            map,
        })
    }
}

struct KnownFields<A> {
    fields: &'static [&'static str],
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for KnownFields<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        loop {
            let Some(key) = self.map.next_key_seed(FieldName(self.fields, PhantomData))? else {
                return Ok(None);
            };
            match key {
                Some(name) => return seed.deserialize(StrDeserializer::new(name)).map(Some),
                None => drop(self.map.next_value::<IgnoredAny>()?),
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// A key, if it is one of the fields.
struct FieldName<'de>(&'static [&'static str], PhantomData<&'de ()>);

impl<'de> DeserializeSeed<'de> for FieldName<'de> {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for FieldName<'de> {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|field| *field == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Granted {
        #[serde(deserialize_with = "shared")]
        task: Arc<NewTask>,
    }

    #[test]
    fn a_newer_servers_task_is_understood() {
        let text = r#"{"task": {"new": [1, {"a": 2}], "task_type": "a", "input": {"n": 1.0}, "newer": null}}"#;
        let granted: Granted = serde_json::from_str(text).expect("a task");
        assert_eq!(granted.task.input.get(), r#"{"n": 1.0}"#, "carried as it was written");
        let refused = serde_json::from_str::<Granted>(r#"{"task": {"input": 1}}"#);
        assert!(refused.unwrap_err().to_string().contains("task_type"));
        assert!(serde_json::from_str::<Granted>(r#"{"task": []}"#).is_err());
    }
}
