//! Whether the samples of the documentation say what events really hold.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;
use tollhouse_domain::event::EventType;
use tollhouse_server::events::{
    queries::{Event, Filter, history_of_all},
    samples::SAMPLES,
};

use super::TestApp;

/// Of what a test has caused, so many are looked at.
const LOOKED_AT: i64 = 1000;

/// The summary of an event that no slice records.
pub fn summary_of_a_test(event: EventType) -> String {
    format!("{event} of a test")
}

static BY_TYPE: LazyLock<HashMap<String, Value>> = LazyLock::new(|| {
    let samples: Vec<Value> = serde_json::from_str(SAMPLES).unwrap();
    let of_type = |sample: Value| (sample["type"].as_str().unwrap().to_owned(), sample);
    samples.into_iter().map(of_type).collect()
});

impl TestApp {
    /// Each event has the fields that its sample shows, no more and no fewer.
    pub(super) async fn events_are_as_documented(&self) {
        let mut conn = self.app.db.read().await.unwrap();
        let told = history_of_all(&mut conn, None, Filter::default(), LOOKED_AT).await.unwrap();
        drop(conn);
        for event in told.iter().filter(|event| event.summary != summary_of_a_test(event.r#type)) {
            is_like(event, &BY_TYPE[event.r#type.as_str()]);
        }
    }
}

fn is_like(event: &Event, sample: &Value) {
    let kind = event.r#type;
    assert_eq!(sample["subject"]["kind"], event.subject_kind, "the subject of `{kind}`");
    let data: Value = event.data.to().unwrap();
    let (data, shown) = (data.as_object().unwrap(), sample["data"].as_object().unwrap());
    let names = |of: &serde_json::Map<String, Value>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(data), names(shown), "the data of `{kind}`");
    for (name, value) in data {
        let (is, should) = (form(value), form(&shown[name]));
        assert!(is == should || is == "null" || should == "null", "`{name}` of `{kind}`: {value}");
    }
}

fn form(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[test]
fn each_type_has_a_sample() {
    let samples: Vec<Value> = serde_json::from_str(SAMPLES).unwrap();
    let types: Vec<&str> = samples.iter().map(|sample| sample["type"].as_str().unwrap()).collect();
    let all: Vec<&str> = EventType::ALL.iter().map(|event| event.as_str()).collect();
    assert_eq!(types, all);
}
