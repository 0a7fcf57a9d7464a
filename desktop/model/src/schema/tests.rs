use std::sync::Arc;

use serde_json::{Value, json};

use super::*;

fn of(schema: &Value) -> Option<Shape> {
    Shape::of(&Json::from(schema.clone()))
}

fn shape(schema: &Value) -> Arc<Shape> {
    Arc::new(of(schema).expect("fields"))
}

fn kind(property: &Value) -> Kind {
    let shape = shape(&json!({"properties": {"x": property}, "$defs": {
        "text": {"type": "string", "title": "A text"},
        "loop": {"$ref": "#/$defs/loop"},
        "list": {"type": "array", "items": {"$ref": "#/$defs/list"}},
    }}));
    shape.slots[0].kind.clone()
}

fn text(long: bool) -> Kind {
    Kind::Text {
        long,
        least: None,
        most: None,
        pattern: None,
    }
}

fn choice(title: &str, value: Value) -> Choice {
    Choice {
        title: title.to_owned(),
        value: value.into(),
    }
}

#[test]
fn what_is_written_in_a_field() {
    let bounds = |least, most| {
        let bound = |(at, exclusive)| Bound { at, exclusive };
        Bounds {
            least: Option::map(least, bound),
            most: Option::map(most, bound),
            step: None,
        }
    };
    let none = Bounds::default();
    let texts = Kind::Texts {
        least: None,
        most: None,
    };
    for (property, expected) in [
        (json!({"type": "string"}), text(false)),
        (json!({"type": ["string", "null"]}), text(false)),
        (json!({"anyOf": [{"type": "null"}, {"type": "string"}]}), text(false)),
        (json!({"allOf": [{"$ref": "#/$defs/text"}]}), text(false)),
        (json!({"type": "string", "format": "multiline"}), text(true)),
        (json!({"type": "string", "default": "a\nb"}), text(true)),
        (json!({"type": "integer"}), Kind::Whole(none)),
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 9}),
            Kind::Whole(bounds(Some((1.0, false)), Some((9.0, true)))),
        ),
        (
            json!({"type": "number", "minimum": 0, "exclusiveMinimum": true}),
            Kind::Number(bounds(Some((0.0, true)), None)),
        ),
        (json!({"type": "boolean"}), Kind::Flag),
        (
            json!({"enum": ["a", 2, null]}),
            Kind::Choice(vec![choice("a", json!("a")), choice("2", json!(2))]),
        ),
        (
            json!({"oneOf": [{"type": "string", "enum": ["a"]}, {"const": "b", "title": "Bee"}, {"type": "null"}]}),
            Kind::Choice(vec![choice("a", json!("a")), choice("Bee", json!("b"))]),
        ),
        (json!({"const": 1}), Kind::Choice(vec![choice("1", json!(1))])),
        (json!({"type": "array", "items": {"type": "string"}}), texts.clone()),
        (json!({"type": "array", "items": {"$ref": "#/$defs/text"}}), texts),
        (json!({"type": "array", "items": {"type": "integer"}}), Kind::Json),
        (json!({"type": "array"}), Kind::Json),
        (
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            Kind::Json,
        ),
        (json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}), Kind::Json),
        (json!({"allOf": [{"type": "string"}, {"minLength": 3}]}), Kind::Json),
        (json!({"type": ["string", "integer"]}), Kind::Json),
        (json!({"$ref": "#/$defs/loop"}), Kind::Json),
        (json!({"$ref": "#/$defs/list"}), Kind::Json),
        (json!({"$ref": "#/nowhere"}), Kind::Json),
        (json!({"$ref": "https://example.org/x"}), Kind::Json),
        (json!(true), Kind::Json),
        (json!({"enum": []}), Kind::Json),
    ] {
        assert_eq!(kind(&property), expected, "{property}");
    }
}

#[test]
fn what_a_field_says_of_itself() {
    let shape = shape(&json!({
        "description": "What is reviewed.",
        "required": ["repo_path", "level"],
        "properties": {
            "level": {"$ref": "#/$defs/level", "description": "How\n  strict."},
            "maxFiles": {"type": "integer", "default": 5},
            "paths": {"type": "array", "items": {"type": "string"}, "examples": [["src", "*.py"]]},
            "repo_path": {"type": "string"},
            "since": {"type": ["string", "null"], "default": null, "title": "Changed since"},
        },
        "$defs": {"level": {"type": "string", "title": "Level", "description": "Old."}},
    }));
    let seen = shape
        .slots
        .iter()
        .map(|s| (&*s.title, &*s.help, &*s.placeholder, s.required, s.nullable));
    let seen: Vec<_> = seen.collect();
    assert_eq!(
        seen,
        [
            ("Repo path", "", "", true, false),
            ("Level", "How strict.", "", true, false),
            ("Max files", "", "5", false, false),
            ("Paths", "", "e.g. src, *.py", false, false),
            ("Changed since", "", "", false, true),
        ]
    );
    assert_eq!(shape.help, "What is reviewed.");
}

#[test]
fn fields_come_in_the_order_in_which_they_were_written() {
    let keys = |schema: &str| -> String {
        let shape = Shape::of(&Json::parse(schema).expect("JSON")).expect("fields");
        shape
            .spots()
            .map(|(_, slot)| slot.key.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let written = r#"{"required": ["b", "z"], "properties":
        {"z": {}, "c": {}, "b": {}, "a": {"properties": {"y": {"type": "string"}, "x": {"type": "string"}}}}}"#;
    assert_eq!(keys(written), "z b c y x");
    let lost = r#"{"required": ["z", "b"], "properties": {"a": {}, "b": {}, "c": {}, "z": {}}}"#;
    assert_eq!(keys(lost), "z b a c", "what must be there is listed in order");
    let said = r#"{"required": ["b"], "x-order": ["c", "b", "a"], "properties": {"a": {}, "b": {}, "c": {}}}"#;
    assert_eq!(keys(said), "b c a");
}

#[test]
fn what_a_schema_demands_of_a_value_is_checked() {
    let wrong = |property: Value, text: &str| -> Option<String> {
        let shape = shape(&json!({"required": ["x"], "properties": {"x": property}}));
        let mut filled = Filled::new(shape);
        filled.set(Spot::of(0), text.to_owned());
        filled.json().err().map(|mistakes| mistakes[&Spot::of(0)].clone())
    };
    let name = json!({"type": "string", "pattern": "^[a-z]+$"});
    assert_eq!(wrong(name.clone(), "main"), None);
    assert_eq!(wrong(name, "Main"), Some("It must match ^[a-z]+$".to_owned()));
    let ahead = json!({"type": "string", "pattern": "^(?!x)"});
    assert_eq!(wrong(ahead, "x"), None, "what cannot be told here is left to the agent");
    let tens = json!({"type": "integer", "multipleOf": 10, "minimum": 10});
    assert_eq!(wrong(tens.clone(), "30"), None);
    let said = "It must be a multiple of 10 and at least 10.";
    assert_eq!(wrong(tens, "35"), Some(said.to_owned()));
    let tenths = json!({"type": "number", "multipleOf": 0.1});
    assert_eq!(wrong(tenths.clone(), "0.3"), None);
    assert!(wrong(tenths, "0.35").is_some());
    assert_eq!(wrong(json!({"type": "integer", "multipleOf": 0}), "3"), None);
}

#[test]
fn not_everything_has_fields() {
    for schema in [
        json!({}),
        json!(true),
        json!([]),
        json!({"type": "object"}),
        json!({"properties": {}}),
        json!({"type": "array"}),
        json!({"$ref": "#"}),
        json!({"properties": (0..200).map(|n| (n.to_string(), json!({}))).collect::<serde_json::Map<_, _>>()}),
    ] {
        assert_eq!(of(&schema), None, "{schema}");
    }
    let only = shape(&json!({"type": "integer", "title": "How many"}));
    assert!(!only.is_object);
    let mut filled = Filled::new(only);
    assert_eq!(filled.json().expect_err("nothing")[&Spot::of(0)], "This is needed.");
    filled.set(Spot::of(0), "1_000".to_owned());
    assert_eq!(filled.json(), Ok(json!(1000).into()));
}

fn review() -> Arc<Shape> {
    shape(&json!({
        "required": ["repo", "level", "version"],
        "properties": {
            "repo": {"type": "string", "minLength": 2},
            "level": {"enum": ["low", "high"]},
            "version": {"const": 2},
            "files": {"type": "integer", "minimum": 1, "maximum": 99},
            "ratio": {"type": ["number", "null"]},
            "deep": {"type": "boolean"},
            "paths": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            "model": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"}, "inner": {"properties": {"x": {"type": "string"}}}}},
            "extra": {},
        },
    }))
}

fn spot(shape: &Shape, key: &str) -> Spot {
    let found = shape.spots().find(|(_, slot)| slot.key == key);
    found.unwrap_or_else(|| panic!("no field `{key}`")).0
}

fn filled(texts: &[(&str, &str)]) -> Filled {
    let mut filled = Filled::new(review());
    for (key, text) in texts {
        let at = spot(&review(), key);
        filled.set(at, (*text).to_owned());
    }
    filled
}

#[test]
fn fields_become_json() {
    let mut filled = filled(&[
        ("repo", " /srv/مستودع "),
        ("files", "12"),
        ("ratio", "0.10"),
        ("paths", " src \n\n*.py\n"),
        ("name", "m"),
        ("inner", "{\"x\": 1}"),
        ("extra", "[1, null]"),
    ]);
    filled.pick(spot(&review(), "level"), json!("high").into());
    filled.pick(spot(&review(), "deep"), json!(false).into());
    let expected = json!({
        "repo": " /srv/مستودع ", "level": "high", "version": 2, "files": 12, "ratio": 0.1, "deep": false,
        "paths": ["src", "*.py"], "model": {"name": "m", "inner": {"x": 1}}, "extra": [1, null],
    });
    let json = filled.json().expect("an input");
    assert_eq!(json, expected.into());
    assert!(json.get().contains("0.10"), "no digit is lost: {json}");
    filled.pick(spot(&review(), "deep"), json!(false).into());
    filled.set(spot(&review(), "name"), "  ".to_owned());
    filled.set(spot(&review(), "inner"), String::new());
    let value = filled.json().expect("an input").to_value();
    assert!(value.get("deep").is_none() && value.get("model").is_none(), "{value}");
}

#[test]
fn mistakes_are_named_at_their_fields() {
    let shape = review();
    let filled = filled(&[
        ("repo", "x"),
        ("files", "100"),
        ("ratio", "much"),
        ("paths", "a\nb\nc"),
        ("inner", "{"),
        ("extra", &"[".repeat(200)),
    ]);
    let mistakes = filled.json().expect_err("mistakes");
    let named: Vec<(&str, &str)> = mistakes
        .iter()
        .map(|(at, words)| (&*shape.slot(*at).expect("a field").key, &**words))
        .collect();
    let expected = [
        ("extra", "This is nested too deep."),
        ("files", "It must be at least 1 and at most 99."),
        ("inner", "Not JSON: EOF while parsing an object (line 1, column 1)."),
        ("level", "Choose one."),
        ("name", "This is needed."),
        ("paths", "At most 2 lines."),
        ("ratio", "Write a number like 2.5."),
        ("repo", "At least 2 characters."),
    ];
    let mut sorted = named.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    let so_far = filled.mistakes(false);
    assert_eq!(so_far.len(), 6, "empty fields are no mistakes yet: {so_far:?}");
    assert!(Filled::new(review()).mistakes(false).is_empty());
}

#[test]
fn what_is_wrong_goes_along_into_json_and_back() {
    let wrong = filled(&[("files", "many"), ("repo", "/srv")]);
    let draft = wrong.draft();
    assert_eq!(draft, json!({"repo": "/srv", "files": "many"}).into());
    let back = Filled::read(review(), draft.get()).expect("fields");
    assert_eq!(back.text(spot(&review(), "repo")), "/srv");
    assert_eq!(
        back.mistakes(false).values().collect::<Vec<_>>(),
        ["Write a whole number."]
    );
}

#[test]
fn json_that_has_no_fields_is_refused_with_a_reason() {
    let why = |text: &str| Filled::read(review(), text).expect_err("a reason");
    assert_eq!(why("{"), "Fields need JSON: mend it first.");
    assert_eq!(why("[1]"), "Fields need a JSON object: { … }.");
    assert!(Filled::read(review(), " \n").expect("nothing").is_blank());
}

/// Any JSON, for the most part of words that schemas use.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn word(&mut self) -> String {
        const WORDS: [&str; 30] = [
            "type",
            "properties",
            "required",
            "items",
            "enum",
            "const",
            "oneOf",
            "anyOf",
            "allOf",
            "$ref",
            "$defs",
            "title",
            "description",
            "default",
            "examples",
            "minimum",
            "exclusiveMinimum",
            "maxLength",
            "format",
            "string",
            "integer",
            "object",
            "array",
            "null",
            "#",
            "#/$defs/a",
            "#/properties/a",
            "a",
            "",
            "日\n本 ",
        ];
        WORDS[self.roll(WORDS.len() as u64) as usize].to_owned()
    }

    fn value(&mut self, depth: u64) -> Value {
        let small = depth == 0;
        match self.roll(if small { 7 } else { 12 }) {
            0 => Value::Null,
            1 => Value::Bool(self.roll(2) == 0),
            2 => Value::from(self.roll(1000)),
            3 => Value::from(self.roll(1000) as f64 / -7.0),
            4..=6 => Value::from(self.word()),
            7 | 8 => (0..self.roll(4)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object(
                (0..self.roll(6))
                    .map(|_| (self.word(), self.value(depth - 1)))
                    .collect(),
            ),
        }
    }
}

#[test]
fn any_json_is_a_schema_and_any_input_goes_through_its_fields() {
    let mut dice = Dice(7);
    let mut shapes = 0;
    for round in 0..6_000 {
        let mut schema = dice.value(5);
        if round % 2 == 0 {
            let properties: serde_json::Map<_, _> = (0..4).map(|_| (dice.word(), dice.value(3))).collect();
            schema = json!({"properties": properties, "required": dice.value(1), "$defs": {"a": dice.value(3)}});
        }
        let Some(shape) = of(&schema).map(Arc::new) else {
            continue;
        };
        shapes += 1;
        for _ in 0..3 {
            // As it is read back: the last digit of a number may differ from what was written.
            let input: Value = serde_json::from_str(&dice.value(4).to_string()).expect("JSON");
            let Ok(mut filled) = Filled::read(shape.clone(), &input.to_string()) else {
                assert!(shape.is_object && !input.is_object(), "{schema} {input}");
                continue;
            };
            if !input.is_null() {
                assert_eq!(filled.draft().to_value(), input, "{schema}");
                if let Ok(json) = filled.json() {
                    let mut json = json.to_value();
                    // What must be there and has a default is filled in.
                    if let (Value::Object(json), Value::Object(input)) = (&mut json, &input) {
                        json.retain(|key, _| input.contains_key(key));
                    }
                    assert!(json == input || json.is_object(), "{schema}: {json} for {input}");
                }
            }
            for (at, slot) in shape.spots() {
                let shown = filled.text(at);
                filled.set(at, shown);
                filled.pick(at, slot.default.clone().unwrap_or_default());
                filled.set(at, dice.word());
            }
            drop((filled.json(), filled.draft(), filled.mistakes(true)));
        }
    }
    assert!(shapes > 1_000, "{shapes} of them have fields");
}

/// What was not touched comes back from its text as it was, wherever it fits its field.
#[test]
fn a_text_that_is_shown_is_read_back() {
    let shape = review();
    for input in [
        json!({"repo": "a\nb", "paths": ["a b", "c"], "files": 3, "ratio": 1.5, "extra": {"a": [1]}}),
        json!({"paths": ["a\nb", ""], "repo": "[x]"}),
        json!({"paths": ["[1]"], "extra": "text"}),
    ] {
        let before = Filled::read(shape.clone(), &input.to_string()).expect("fields");
        let mut after = before.clone();
        for (at, slot) in shape.spots() {
            if !matches!(slot.kind, Kind::Choice(_) | Kind::Flag) {
                after.set(at, before.text(at));
            }
        }
        assert_eq!(after.draft().to_value(), input);
    }
}
