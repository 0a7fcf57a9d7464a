//! Schemas of what serde writes, in the words of the OpenAPI document.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

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
        registry.schemas.insert(name.into_owned(), packed(root.to_value()));
    }
    for (name, schema) in definitions {
        registry.schemas.entry(name).or_insert_with(|| packed(schema));
    }
}

/// The framework's schemas have no place for some of what serde's have (that other fields are refused, for one), so that
/// the whole of a schema travels in one of their fields until [`unpack`] puts it where it belongs. What it refers to is
/// said beside it: the framework leaves out what nobody refers to.
fn packed(schema: Value) -> MetaSchema {
    let mut any_of = Vec::new();
    references(&schema, &mut any_of);
    MetaSchema {
        default: Some(schema),
        any_of,
        ..MetaSchema::ANY
    }
}

/// What a schema refers to.
fn references(schema: &Value, found: &mut Vec<MetaSchemaRef>) {
    match schema {
        Value::Object(fields) => {
            let target = fields.get("$ref").and_then(Value::as_str);
            let name = target.and_then(|target| target.strip_prefix("#/components/schemas/"));
            found.extend(name.map(|name| MetaSchemaRef::Reference(name.to_owned())));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Puts the schemas of a document in their places.
pub(crate) fn unpack(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut();
    for schema in schemas.into_iter().flat_map(serde_json::Map::values_mut) {
        if let Some(packed) = schema.get_mut("default") {
            *schema = packed.take();
        }
    }
}
