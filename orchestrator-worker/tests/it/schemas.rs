//! What the built-in agents say of their inputs, from which forms are made.

use orchestrator_core::protocol::{Json, schema_problem};
use orchestrator_worker::{
    builtin::{ModelSettings, agents},
    command::CommandInput,
    jobs::code_review::ReviewInput,
    llm::LlmInput,
};
use serde_json::{Value, json};

fn schema(task_type: &str) -> Value {
    let model = ModelSettings {
        model: "m".to_owned(),
        base_url: "http://127.0.0.1:1/v1".to_owned(),
        key_env: None,
        price: None,
    };
    let agents = agents(Some(model)).expect("agents");
    let agent = agents.iter().find(|agent| agent.task_type() == task_type);
    agent.and_then(|agent| agent.input_schema()).expect("a schema")
}

/// What of a value a schema does not accept: as much of JSON Schema as these schemas use.
fn refused(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        let pointer = target.strip_prefix('#').expect("a reference within the schema");
        return refused(root, root.pointer(pointer).expect("what is referred to"), value, at);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |name: &Value| name == kind || (name == "number" && kind == "integer");
    let fits = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(is),
        name => is(name),
    };
    let mut refusals = Vec::new();
    if !fits {
        refusals.push(format!("{at} is {kind}"));
    }
    let beyond = |bound: &str, is_beyond: fn(f64, f64) -> bool| {
        let (bound, value) = (schema[bound].as_f64(), value.as_f64());
        bound.zip(value).is_some_and(|(bound, value)| is_beyond(value, bound))
    };
    if beyond("minimum", |value, least| value < least) || beyond("maximum", |value, most| value > most) {
        refusals.push(format!("{at} is out of bounds"));
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.is_object() && value.get(required.as_str().expect("a name")).is_none() {
            refusals.push(format!("{at}.{required} is missing"));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(property), _) => refusals.extend(refused(root, property, value, &at)),
            (None, Value::Bool(false)) => refusals.push(format!("{at} is unknown")),
            (None, other) if other.is_object() => refusals.extend(refused(root, other, value, &at)),
            (None, _) => {}
        }
    }
    for value in value.as_array().into_iter().flatten() {
        refusals.extend(refused(root, &schema["items"], value, at));
    }
    refusals
}

fn examples() -> Vec<(&'static str, Value)> {
    vec![
        ("command", json!({"argv": ["cargo", "test"]})),
        (
            "command",
            json!({"argv": ["sh", "-c", "exit 3"], "stdin": "x\ny", "env": {"A": "b"}, "pass_env": ["C"],
                "cwd": "/srv/repo", "timeout_s": 1.5, "silence_timeout_s": 60, "output_cap_bytes": 4096, "grace_s": 0,
                "ok_exit_codes": [0, 3]}),
        ),
        (
            "command",
            json!({"argv": ["true"], "stdin": null, "cwd": null, "timeout_s": null}),
        ),
        ("llm", json!({"prompt": "Why?"})),
        (
            "llm",
            json!({"system": "Be brief.", "messages": [{"role": "user", "content": "Why?"}], "model": "m",
                "temperature": 0.2, "max_tokens": 100, "seed": 7, "json_schema": {"type": "object"}}),
        ),
        ("code_review", json!({"repo": "/srv/repo"})),
        (
            "code_review",
            json!({"repo": ".", "changed_since": "main", "include": ["src"], "exclude": ["*.md"], "trust": true,
                "analysers": "clippy,ruff", "max_parallel": 4, "max_files": 100}),
        ),
    ]
}

#[test]
fn what_agents_take_their_schemas_accept() {
    for (task_type, input) in examples() {
        let json = Json::from(input.clone());
        let read = match task_type {
            "command" => json.to::<CommandInput>().map(drop),
            "llm" => json.to::<LlmInput>().map(drop),
            _ => json.to::<ReviewInput>().map(drop),
        };
        assert!(read.is_ok(), "{task_type} does not take {input}: {read:?}");
        let schema = schema(task_type);
        assert_eq!(refused(&schema, &schema, &input, task_type), [""; 0], "{input}");
    }
}

#[test]
fn what_agents_refuse_their_schemas_refuse() {
    for (task_type, input) in [
        ("command", json!({})),
        ("command", json!({"argv": "ls"})),
        ("command", json!({"argv": ["ls"], "cwdd": "/"})),
        ("llm", json!({"prompt": 3})),
        ("llm", json!({"messages": [{"role": "user"}]})),
        ("code_review", json!({"trust": true})),
        ("code_review", json!({"repo": "/", "max_files": -1})),
    ] {
        let schema = schema(task_type);
        assert_ne!(refused(&schema, &schema, &input, task_type), [""; 0], "{input}");
    }
}

#[test]
fn every_field_has_a_title_and_says_what_it_is() {
    for task_type in ["command", "llm", "code_review"] {
        let schema = schema(task_type);
        assert_eq!(schema_problem(&Json::from(schema.clone())), None);
        for (name, property) in schema["properties"].as_object().expect("properties") {
            assert!(property["title"].is_string(), "{task_type}.{name}: {property}");
            let words = property["description"].as_str().unwrap_or_default();
            assert!(
                !words.is_empty() && !words.contains("[`"),
                "{task_type}.{name}: {words}"
            );
        }
    }
}

/// Names lose their order on the way to a form: it is said beside them.
#[test]
fn the_order_of_the_fields_names_every_one_of_them() {
    for task_type in ["command", "llm", "code_review"] {
        let schema = schema(task_type);
        let order = schema["x-order"].as_array().expect("an order").iter();
        let mut order: Vec<&str> = order.map(|name| name.as_str().expect("a name")).collect();
        order.sort_unstable();
        let names: Vec<&String> = schema["properties"].as_object().expect("properties").keys().collect();
        assert_eq!(order, names, "{task_type}");
    }
}
