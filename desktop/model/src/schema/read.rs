//! From a JSON schema to fields.

use std::borrow::Cow;

use orchestrator_protocol::Json;
use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{Bound, Bounds, Choice, Kind, Shape, Slot, order};

/// The most fields that a form may have; an input with more is written as JSON.
const MOST: usize = 120;

/// The most that one may choose from.
const CHOICES: usize = 400;

/// How often a schema may refer to another one before its meaning is found.
const HOPS: usize = 24;

/// A form is of this much text at most: what is longer is no label.
const WORDS: usize = 2_000;

pub(super) fn shape(root: &Value) -> Option<Shape> {
    let whole = Meaning::of(root, root)?;
    let help = words(&whole.schema, "description");
    if whole.schema.get("properties").is_some() {
        let slots = slots(root, &whole.schema, false);
        let count: usize = slots.iter().map(size).sum();
        return ((1..=MOST).contains(&count)).then_some(Shape {
            slots,
            is_object: true,
            help,
        });
    }
    let mut slot = slot(root, root, "", true, true);
    if matches!(slot.kind, Kind::Json) {
        return None;
    }
    if slot.title.is_empty() {
        "Input".clone_into(&mut slot.title);
    }
    slot.required &= !slot.nullable;
    Some(Shape {
        slots: vec![slot],
        is_object: false,
        help: String::new(),
    })
}

fn size(slot: &Slot) -> usize {
    match &slot.kind {
        Kind::Group(slots) => 1 + slots.len(),
        _ => 1,
    }
}

/// What a schema means once what it refers to is put into its place.
struct Meaning<'v> {
    schema: Cow<'v, Map<String, Value>>,
    nullable: bool,
}

impl<'v> Meaning<'v> {
    fn of(root: &'v Value, schema: &'v Value) -> Option<Self> {
        let mut meaning = Self {
            schema: Cow::Borrowed(schema.as_object()?),
            nullable: false,
        };
        for _ in 0..HOPS {
            if !meaning.step(root)? {
                return Some(meaning);
            }
        }
        None
    }

    /// Puts one thing into its place. Says whether there was one; nothing where that is not there.
    fn step(&mut self, root: &Value) -> Option<bool> {
        if let Some(target) = self.schema.get("$ref") {
            let pointer = target.as_str()?.strip_prefix('#')?;
            let target = root.pointer(pointer)?.as_object()?.clone();
            self.put("$ref", target);
            return Some(true);
        }
        if let Some(all) = self.schema.get("allOf") {
            let [only] = all.as_array()?.as_slice() else {
                return Some(false);
            };
            let only = only.as_object()?.clone();
            self.put("allOf", only);
            return Some(true);
        }
        for either in ["anyOf", "oneOf"] {
            let branches = self.schema.get(either).and_then(Value::as_array);
            let Some((only, nullable)) = branches.and_then(|branches| without_null(branches)) else {
                continue;
            };
            let only = only.clone();
            self.nullable |= nullable;
            self.put(either, only);
            return Some(true);
        }
        if let Some(Value::Array(kinds)) = self.schema.get("type") {
            let rest: Vec<Value> = kinds.iter().filter(|kind| *kind != "null").cloned().collect();
            if let [only] = rest.as_slice() {
                self.nullable |= rest.len() < kinds.len();
                let only = only.clone();
                self.schema.to_mut().insert("type".to_owned(), only);
                return Some(true);
            }
        }
        Some(false)
    }

    /// Another schema in the place of a keyword. What stands beside it says more and wins.
    fn put(&mut self, keyword: &str, mut other: Map<String, Value>) {
        let own = self.schema.to_mut();
        own.remove(keyword);
        for (name, value) in std::mem::take(own) {
            other.insert(name, value);
        }
        *own = other;
    }
}

/// The only branch that is not `null`, and whether there was one that is.
fn without_null(branches: &[Value]) -> Option<(&Map<String, Value>, bool)> {
    let is_null = |branch: &&Value| branch.get("type").is_some_and(|kind| kind == "null");
    let mut rest = branches.iter().filter(|branch| !is_null(branch));
    let only = rest.next()?.as_object()?;
    (rest.next().is_none()).then_some((only, branches.len() > 1))
}

/// The fields of an object; within a group there are no groups.
fn slots(root: &Value, schema: &Map<String, Value>, within: bool) -> Vec<Slot> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let place = |key: &str| required.and_then(|names| names.iter().position(|name| name == key));
    let mut slots: Vec<Slot> = properties
        .into_iter()
        .flatten()
        .take(MOST + 1)
        .map(|(key, property)| slot(root, property, key, place(key).is_some(), !within))
        .collect();
    // What must be there comes first; each as the schema names them, where that is known, or as it lists them.
    let named = schema.get(order::NAME).and_then(Value::as_array);
    let names = |key: &str| named.and_then(|names| names.iter().position(|name| name == key));
    slots.sort_by_key(|slot| {
        let listed = place(&slot.key).unwrap_or(usize::MAX);
        (!slot.required, names(&slot.key).unwrap_or(usize::MAX), listed)
    });
    slots
}

fn slot(root: &Value, schema: &Value, key: &str, required: bool, may_group: bool) -> Slot {
    let meaning = Meaning::of(root, schema);
    let (kind, nullable) = match &meaning {
        Some(meaning) => kind(root, &meaning.schema, may_group),
        None => (Kind::Json, false),
    };
    let nullable = nullable || meaning.as_ref().is_some_and(|meaning| meaning.nullable);
    let empty = Map::new();
    let told: &Map<String, Value> = match &meaning {
        Some(meaning) => &meaning.schema,
        None => schema.as_object().unwrap_or(&empty),
    };
    let title = words(told, "title");
    let only = match &kind {
        Kind::Choice(choices) if choices.len() == 1 => Some(choices[0].value.clone()),
        _ => None,
    };
    let default = told.get("default").map(|value| Json::from(value.clone()));
    let default = default
        .filter(|default| !default.is_null())
        .or(only.filter(|_| required));
    Slot {
        key: key.to_owned(),
        title: if title.is_empty() { spoken(key) } else { title },
        help: words(told, "description"),
        placeholder: placeholder(told, default.as_ref(), &kind),
        required,
        nullable,
        default,
        kind,
    }
}

/// What is written in a field, and whether a choice of it is `null`.
fn kind(root: &Value, schema: &Map<String, Value>, may_group: bool) -> (Kind, bool) {
    if let Some(mut choices) = choices(root, schema) {
        let count = choices.len();
        choices.retain(|choice| !choice.value.is_null());
        let nullable = choices.len() < count;
        if (1..=CHOICES).contains(&choices.len()) {
            return (Kind::Choice(choices), nullable);
        }
        return (Kind::Json, nullable);
    }
    if ["anyOf", "oneOf", "allOf", "not", "if"]
        .iter()
        .any(|word| schema.contains_key(*word))
    {
        return (Kind::Json, false);
    }
    let count = |name: &str| schema.get(name).and_then(Value::as_u64);
    let kind = match schema.get("type").and_then(Value::as_str) {
        Some("string") => Kind::Text {
            long: is_long(schema),
            least: count("minLength"),
            most: count("maxLength"),
            pattern: pattern(schema),
        },
        Some("integer") => Kind::Whole(bounds(schema)),
        Some("number") => Kind::Number(bounds(schema)),
        Some("boolean") => Kind::Flag,
        Some("array") if is_texts(root, schema) => Kind::Texts {
            least: count("minItems"),
            most: count("maxItems"),
        },
        Some("object") | None if may_group && schema.get("properties").is_some_and(is_filled) => {
            Kind::Group(slots(root, schema, true))
        }
        _ => Kind::Json,
    };
    (kind, false)
}

fn is_filled(properties: &Value) -> bool {
    properties.as_object().is_some_and(|properties| !properties.is_empty())
}

fn is_long(schema: &Map<String, Value>) -> bool {
    let has_lines = |name: &str| schema.get(name).is_some_and(|value| value.to_string().contains("\\n"));
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let is_large = schema
        .get("maxLength")
        .and_then(Value::as_u64)
        .is_some_and(|most| most > 300);
    matches!(format, "multiline" | "textarea" | "markdown")
        || is_large
        || schema.contains_key("contentMediaType")
        || has_lines("default")
        || has_lines("examples")
}

fn is_texts(root: &Value, schema: &Map<String, Value>) -> bool {
    let Some(items) = schema.get("items").and_then(|items| Meaning::of(root, items)) else {
        return false;
    };
    let is_text = items.schema.get("type").is_some_and(|kind| kind == "string");
    is_text && !items.nullable && choices(root, &items.schema).is_none()
}

/// What can be chosen: constants, lists of them, and either of several of these.
fn choices(root: &Value, schema: &Map<String, Value>) -> Option<Vec<Choice>> {
    let choice = |value: &Value, title: Option<&str>| Choice {
        title: title.map_or_else(|| spelled(value), str::to_owned),
        value: Json::from(value.clone()),
    };
    if let Some(value) = schema.get("const") {
        return Some(vec![choice(value, None)]);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(
            values
                .iter()
                .take(CHOICES + 1)
                .map(|value| choice(value, None))
                .collect(),
        );
    }
    let branches = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
    let mut all = Vec::new();
    for branch in branches.iter().take(CHOICES + 1) {
        let branch = Meaning::of(root, branch)?.schema;
        let title = branch.get("title").and_then(Value::as_str);
        match (branch.get("const"), branch.get("enum").and_then(Value::as_array)) {
            (Some(value), _) => all.push(choice(value, title)),
            (None, Some(values)) => all.extend(values.iter().take(CHOICES + 1).map(|value| choice(value, None))),
            (None, None) if branch.get("type").is_some_and(|kind| kind == "null") => {
                all.push(choice(&Value::Null, None));
            }
            (None, None) => return None,
        }
    }
    Some(all)
}

fn bounds(schema: &Map<String, Value>) -> Bounds {
    let end = |name: &str, exclusive: &str| {
        let at = schema.get(name).and_then(Value::as_f64);
        match schema.get(exclusive) {
            // As older drafts say it.
            Some(Value::Bool(exclusive)) => at.map(|at| Bound {
                at,
                exclusive: *exclusive,
            }),
            Some(Value::Number(beyond)) => beyond.as_f64().map(|at| Bound { at, exclusive: true }),
            _ => at.map(|at| Bound { at, exclusive: false }),
        }
    };
    Bounds {
        least: end("minimum", "exclusiveMinimum"),
        most: end("maximum", "exclusiveMaximum"),
        step: schema
            .get("multipleOf")
            .and_then(Value::as_f64)
            .filter(|step| *step > 0.0),
    }
}

/// What a text must match. Schemas are written for the regular expressions of JavaScript: what those have alone is not
/// checked here.
fn pattern(schema: &Map<String, Value>) -> Option<String> {
    let pattern = schema.get("pattern").and_then(Value::as_str)?;
    Regex::new(pattern).is_ok().then(|| pattern.to_owned())
}

fn placeholder(schema: &Map<String, Value>, default: Option<&Json>, kind: &Kind) -> String {
    if let Some(default) = default {
        return one_line(&shown(&default.to_value(), kind));
    }
    let example = schema
        .get("examples")
        .and_then(Value::as_array)
        .and_then(|examples| examples.first());
    match example.or_else(|| schema.get("example")) {
        Some(example) => format!("e.g. {}", one_line(&shown(example, kind))),
        None => String::new(),
    }
}

fn shown(value: &Value, kind: &Kind) -> String {
    match (value, kind) {
        (Value::Array(items), Kind::Texts { .. }) => items.iter().map(spelled).collect::<Vec<_>>().join(", "),
        (value, _) => spelled(value),
    }
}

fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(80)
        .collect();
    line.trim().to_owned()
}

/// A text as it is, anything else as JSON.
pub(super) fn spelled(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn words(schema: &Map<String, Value>, name: &str) -> String {
    let words = schema.get(name).and_then(Value::as_str).unwrap_or_default();
    let words: String = words.trim().chars().take(WORDS).collect();
    // Lines of a comment in code are no lines on the screen.
    words.split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

/// A name in code as one would say it: `max_files` and `maxFiles` are "Max files".
fn spoken(key: &str) -> String {
    let mut spoken = String::with_capacity(key.len() + 4);
    let mut before_lower = false;
    for c in key.chars() {
        match c {
            '_' | '-' | '.' => spoken.push(' '),
            c if c.is_uppercase() && before_lower => {
                spoken.push(' ');
                spoken.extend(c.to_lowercase());
            }
            c if spoken.is_empty() => spoken.extend(c.to_uppercase()),
            c => spoken.push(c),
        }
        before_lower = c.is_lowercase();
    }
    let spoken = spoken.trim();
    if spoken.is_empty() {
        key.to_owned()
    } else {
        spoken.to_owned()
    }
}
