//! Stripe's schema of version 2026-10-28.endive: required keys, nulls, enums, and no unknown keys.

use std::{io::Read, sync::LazyLock};

use flate2::read::GzDecoder;
use serde_json::Value;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let packed = include_bytes!("../data/stripe-2026-10-28.endive.billing-subset.schema.json.gz");
    let mut text = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
});

/// Panics unless `answer` is what Stripe's schema says this operation answers.
pub fn check_answer(method: &str, path: &str, answer: &Value) {
    let fits = |operation: &&Value| {
        operation["method"] == method && matches(operation["path"].as_str().unwrap(), path)
    };
    let operations = SCHEMA["operations"].as_array().unwrap();
    let mut found: Vec<&Value> = operations.iter().filter(fits).collect();
    found.sort_by_key(|operation| operation["path"].as_str().unwrap().matches('{').count());
    // The two undocumented calls have no schema.
    let Some(operation) = found.first() else { return };
    report(&format!("{method} {path}"), answer, &operation["result"]);
    if answer["object"] == "list" && path == "/v1/events" {
        answer["data"].as_array().unwrap().iter().for_each(check_event);
    }
}

/// Panics unless `event` is what the schema says of its type.
pub fn check_event(event: &Value) {
    let kind = event["type"].as_str().unwrap();
    let is_of_kind = |definition: &&Value| definition["properties"]["type"]["const"] == kind;
    let definition = SCHEMA["$defs"].as_object().unwrap().values().find(is_of_kind);
    let definition = definition.unwrap_or_else(|| panic!("Stripe has no event `{kind}`"));
    let mut wrong = Vec::new();
    check(event, definition, kind, &mut wrong);
    // Of what was before, only the changed keys are there, and new ones are `null`.
    wrong.retain(|line| !line.contains(".previous_attributes") || line.ends_with(UNKNOWN));
    assert!(wrong.is_empty(), "not as Stripe's schema has it:\n{}\n{event:#}", wrong.join("\n"));
}

const UNKNOWN: &str = "unknown to Stripe";

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.split('/'), path.split('/'));
    pattern.clone().count() == path.clone().count()
        && pattern.zip(path).all(|(expected, found)| expected.starts_with('{') || expected == found)
}

fn report(what: &str, value: &Value, schema: &Value) {
    let mut wrong = Vec::new();
    check(value, schema, what, &mut wrong);
    assert!(wrong.is_empty(), "not as Stripe's schema has it:\n{}\n{value:#}", wrong.join("\n"));
}

fn check(value: &Value, schema: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return check(value, &SCHEMA["$defs"][name], at, wrong);
    }
    if let Some(variants) = schema["anyOf"].as_array() {
        let attempts = variants.iter().map(|variant| {
            let mut wrong = Vec::new();
            check(value, variant, at, &mut wrong);
            wrong
        });
        wrong.extend(attempts.min_by_key(Vec::len).unwrap_or_default());
        return;
    }
    if let Some(constant) = schema.get("const")
        && value != constant
    {
        wrong.push(format!("{at}: {value} is not {constant}"));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        wrong.push(format!("{at}: {value} is none of {choices:?}"));
    }
    if !has_type(value, &schema["type"]) {
        wrong.push(format!("{at}: {value} is not of type {}", schema["type"]));
        return;
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        for (index, item) in items.iter().enumerate() {
            check(item, schema, &format!("{at}[{index}]"), wrong);
        }
    }
    check_fields(value, schema, at, wrong);
}

fn check_fields(value: &Value, schema: &Value, at: &str, wrong: &mut Vec<String>) {
    let Some(fields) = value.as_object() else { return };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for key in required.filter(|key| !fields.contains_key(*key)) {
        wrong.push(format!("{at}.{key}: missing"));
    }
    let others = schema.get("additionalProperties");
    let Some(known) = schema["properties"].as_object() else {
        if let Some(others) = others {
            fields
                .iter()
                .for_each(|(key, field)| check(field, others, &format!("{at}.{key}"), wrong));
        }
        return;
    };
    // Types reduced to id and object in the data cannot tell what is unknown.
    if schema.get("x-cut").is_some() {
        return;
    }
    for (key, field) in fields {
        let at = format!("{at}.{key}");
        match known.get(key).or(others) {
            Some(schema) if schema.get("not").is_some() => wrong.push(format!("{at}: must not be")),
            Some(schema) => check(field, schema, &at, wrong),
            None => wrong.push(format!("{at}: {UNKNOWN}")),
        }
    }
}

fn has_type(value: &Value, expected: &Value) -> bool {
    match expected {
        Value::String(name) => match name.as_str() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("the schema has a type `{other}`"),
        },
        Value::Array(names) => names.iter().any(|name| has_type(value, name)),
        _ => true,
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    use serde_json::json;

    let schema = json!({"type": "object", "required": ["id"], "properties": {
        "id": {"type": "string"}, "n": {"type": ["integer", "null"]}, "deleted": {"not": {}},
    }});
    let count = |value: Value| {
        let mut wrong = Vec::new();
        check(&value, &schema, "", &mut wrong);
        wrong.len()
    };
    assert_eq!(count(json!({"id": "x", "n": null})), 0);
    assert_eq!(count(json!({"n": "1", "other": 1, "deleted": true})), 4);
}
