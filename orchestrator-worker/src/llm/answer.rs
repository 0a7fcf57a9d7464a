//! What an answer says, whole or in pieces.

use orchestrator_core::TaskError;
use serde_json::Value;

/// An answer as it grows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) model: String,
    pub(super) finish_reason: String,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cached_tokens: u64,
}

impl Answer {
    /// Takes in a piece of a stream, or a whole answer, and says what text it adds.
    pub(super) fn add(&mut self, piece: &Value) -> Result<String, TaskError> {
        if let Some(error) = piece.get("error").filter(|e| !e.is_null()) {
            let said = error["message"].as_str().unwrap_or("no reason");
            return Err(TaskError::retryable(format!("the model's server broke off: {said}")));
        }
        if let Some(model) = piece["model"].as_str().filter(|m| !m.is_empty()) {
            model.clone_into(&mut self.model);
        }
        self.count(&piece["usage"]);
        let choice = &piece["choices"][0];
        if let Some(reason) = choice["finish_reason"].as_str() {
            reason.clone_into(&mut self.finish_reason);
        }
        let content = choice["delta"]["content"]
            .as_str()
            .or_else(|| choice["message"]["content"].as_str());
        let text = content.unwrap_or_default().to_owned();
        self.text.push_str(&text);
        Ok(text)
    }

    fn count(&mut self, usage: &Value) {
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        if usage.is_object() {
            self.input_tokens = number(&usage["prompt_tokens"]);
            self.output_tokens = number(&usage["completion_tokens"]);
            self.cached_tokens = number(&usage["prompt_tokens_details"]["cached_tokens"]);
        }
    }

    /// The answer as JSON that fits a schema.
    pub(super) fn json(&self, schema: &Value) -> Result<Value, TaskError> {
        if self.finish_reason == "length" {
            let message = "the answer was cut off before its JSON ended; allow more with max_tokens";
            return Err(TaskError::retryable(message));
        }
        let value = parse(&self.text)
            .ok_or_else(|| TaskError::retryable("the model answered with something that is not JSON"))?;
        match misfit(schema, &value, "the answer") {
            None => Ok(value),
            Some(why) => Err(TaskError::retryable(format!(
                "the model's JSON does not fit the schema: {why}"
            ))),
        }
    }
}

/// JSON as it stands, or within a fence.
fn parse(text: &str) -> Option<Value> {
    let text = text.trim();
    let inner = text
        .strip_prefix("```json")
        .or_else(|| text.strip_prefix("```"))
        .and_then(|t| t.strip_suffix("```"));
    serde_json::from_str(inner.unwrap_or(text)).ok()
}

/// Where a value does not fit a schema: its types, required fields, enumerations and items, which is what models get
/// wrong. The server is asked for the rest.
fn misfit(schema: &Value, value: &Value, place: &str) -> Option<String> {
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !allowed.is_empty() && !allowed.iter().any(|t| is_a(value, t)) {
        return Some(format!("{place} is not of type {}", allowed.join(" or ")));
    }
    if let Some(options) = schema["enum"].as_array()
        && !options.contains(value)
    {
        return Some(format!("{place} is none of the allowed values"));
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !object.contains_key(name) {
                return Some(format!("{place} has no `{name}`"));
            }
        }
        for (name, inner) in object {
            if let Some(why) = misfit(&schema["properties"][name], inner, &format!("`{name}`")) {
                return Some(why);
            }
        }
    }
    value
        .as_array()
        .and_then(|items| items.iter().find_map(|item| misfit(&schema["items"], item, "an item")))
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pieces_make_an_answer() {
        let mut answer = Answer::default();
        for piece in [
            json!({"model": "m-1", "choices": [{"delta": {"role": "assistant"}}]}),
            json!({"choices": [{"delta": {"content": "he"}}]}),
            json!({"choices": [{"delta": {"content": "llo"}, "finish_reason": "stop"}]}),
            json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}}),
        ] {
            answer.add(&piece).unwrap();
        }
        assert_eq!(
            (
                answer.text.as_str(),
                answer.finish_reason.as_str(),
                answer.model.as_str()
            ),
            ("hello", "stop", "m-1")
        );
        assert_eq!(
            (answer.input_tokens, answer.output_tokens, answer.cached_tokens),
            (9, 2, 4)
        );
        assert!(
            answer
                .add(&json!({"error": {"message": "overloaded"}}))
                .unwrap_err()
                .message
                .contains("overloaded")
        );
    }

    #[test]
    fn json_must_fit() {
        let schema = json!({"type": "object", "required": ["verdict"], "properties": {
            "verdict": {"enum": ["yes", "no"]}, "lines": {"type": "array", "items": {"type": "integer"}}}});
        let read = |text: &str| {
            Answer {
                text: text.into(),
                ..Answer::default()
            }
            .json(&schema)
        };
        assert!(read(r#"{"verdict": "yes", "lines": [1, 2]}"#).is_ok());
        assert!(read("```json\n{\"verdict\": \"no\"}\n```").is_ok());
        for (text, why) in [
            ("yes", "not JSON"),
            ("[]", "type object"),
            ("{}", "no `verdict`"),
            (r#"{"verdict": "maybe"}"#, "allowed values"),
            (r#"{"verdict": "yes", "lines": ["a"]}"#, "type integer"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(why), "{text}: {error}");
        }
        let cut = Answer {
            text: "{".into(),
            finish_reason: "length".into(),
            ..Answer::default()
        };
        assert!(cut.json(&schema).unwrap_err().message.contains("cut off"));
    }
}
