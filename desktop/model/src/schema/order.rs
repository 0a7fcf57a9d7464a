//! The order of the names in a schema: people wrote them so that the form reads well, and objects in memory lose it.

use std::fmt;

use orchestrator_protocol::Json;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// Where a schema lists the names of its properties in order. Agents whose language loses the order can say it so.
pub(super) const NAME: &str = "x-order";

/// A schema in which every object with properties lists their names as they were written. Names in alphabetical order are
/// names that lost theirs.
pub(super) fn kept(json: &Json) -> Value {
    if let Ok(Pairs(pairs)) = json.to::<Pairs>() {
        let order = pairs
            .iter()
            .find(|(name, _)| name == "properties")
            .and_then(|(_, of)| names(of));
        let mut object: Map<String, Value> = pairs.iter().map(|(name, part)| (name.clone(), kept(part))).collect();
        if let Some(order) = order {
            object.entry(NAME).or_insert(order);
        }
        return object.into();
    }
    match json.to::<Vec<Json>>() {
        Ok(items) => items.iter().map(kept).collect(),
        Err(_) => json.to_value(),
    }
}

fn names(properties: &Json) -> Option<Value> {
    let Pairs(pairs) = properties.to().ok()?;
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    (!names.is_sorted()).then(|| names.into())
}

/// An object as it was written.
struct Pairs(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}
