//! Schemas of what serde writes, in the words of the OpenAPI document.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

/// Where schemas are in the document.
const PLACE: &str = "#/components/schemas/";

/// The schema of a type, by name.
pub(super) fn reference<T: JsonSchema>() -> MetaSchemaRef {
    MetaSchemaRef::Reference(T::schema_name().into_owned())
}

/// Adds the schema of a type, and of all that it is made of.
pub(super) fn register<T: JsonSchema>(registry: &mut Registry) {
    let name = T::schema_name();
    if registry.schemas.contains_key(&*name) {
        return;
    }
    let mut generator = SchemaSettings::openapi3().into_generator();
    let root = generator.subschema_for::<T>();
    let definitions = generator.take_definitions(true);
    if !definitions.contains_key(&*name) {
        registry.schemas.insert(name.into_owned(), converted(root.as_value()));
    }
    for (name, schema) in definitions {
        registry.schemas.entry(name).or_insert_with(|| converted(&schema));
    }
}

/// A text that lives as long as the program: there are as many as there are fields in all types.
fn keep(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

fn converted_ref(value: &Value) -> MetaSchemaRef {
    let target = value.get("$ref").and_then(Value::as_str);
    match target {
        Some(target) if value.as_object().is_some_and(|object| object.len() == 1) => {
            MetaSchemaRef::Reference(target.trim_start_matches(PLACE).to_owned())
        }
        _ => MetaSchemaRef::Inline(Box::new(converted(value))),
    }
}

fn converted(value: &Value) -> MetaSchema {
    let nothing = Map::new();
    let object = value.as_object().unwrap_or(&nothing);
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let many = |key: &str| -> Vec<MetaSchemaRef> {
        let items = object.get(key).and_then(Value::as_array);
        items.map_or_else(Vec::new, |items| items.iter().map(converted_ref).collect())
    };
    let mut schema = MetaSchema::new(text("type").map_or("", keep));
    schema.format = text("format").map(keep);
    schema.description = text("description").map(keep);
    schema.default = object.get("default").cloned();
    schema.nullable = object.get("nullable").and_then(Value::as_bool).unwrap_or(false);
    schema.minimum = object.get("minimum").and_then(Value::as_f64);
    schema.maximum = object.get("maximum").and_then(Value::as_f64);
    schema.pattern = text("pattern").map(str::to_owned);
    schema.unique_items = object.get("uniqueItems").and_then(Value::as_bool);
    schema.any_of = many("anyOf");
    schema.one_of = many("oneOf");
    schema.all_of = many("allOf");
    if let Some(target) = text("$ref") {
        let target = target.trim_start_matches(PLACE).to_owned();
        schema.all_of.push(MetaSchemaRef::Reference(target));
    }
    schema.enum_items = match (object.get("enum"), object.get("const")) {
        (Some(Value::Array(items)), _) => items.clone(),
        (_, Some(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    schema.items = object.get("items").map(|items| Box::new(converted_ref(items)));
    schema.additional_properties = match object.get("additionalProperties") {
        Some(Value::Bool(true)) => Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
        Some(Value::Object(_)) => object.get("additionalProperties").map(|s| Box::new(converted_ref(s))),
        _ => None,
    };
    if let Some(Value::Object(properties)) = object.get("properties") {
        schema.properties = properties
            .iter()
            .map(|(name, property)| (keep(name), converted_ref(property)))
            .collect();
    }
    if let Some(Value::Array(required)) = object.get("required") {
        schema.required = required.iter().filter_map(Value::as_str).map(keep).collect();
    }
    schema
}
