//! What monitors are told, read as a monitor would.

mod access;
mod files;
mod numbers;
mod page;

use std::collections::BTreeMap;

use prometheus_parse::{Sample, Scrape, Value};
use serde_json::json;
use tollhouse_server::metrics::list::{Kind, METRICS};

use crate::harness::TestApp;

/// One scrape, by the name of each metric.
pub struct Scraped(BTreeMap<String, Vec<Sample>>);

/// Makes the key that Prometheus bears.
pub async fn key(app: &TestApp, scope: &str) -> String {
    let body = json!({"name": scope, "scopes": [scope]});
    let made = app.post("/api/v1/admin/api-keys").bearer(&app.operator()).json(&body).await;
    made.expect(201)["key"].as_str().unwrap().to_owned()
}

pub async fn scrape(app: &TestApp, key: &str) -> Scraped {
    let answer = app.get("/metrics").bearer(key).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    read(&answer.text)
}

/// Reads Prometheus' text format.
pub fn read(text: &str) -> Scraped {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = Scrape::parse(lines).unwrap();
    let mut scraped: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for sample in scrape.samples {
        scraped.entry(sample.metric.clone()).or_default().push(sample);
    }
    Scraped(scraped)
}

impl Scraped {
    /// The names of what is told, those of a histogram's parts left away.
    pub fn names(&self) -> Vec<&str> {
        let is_histogram = |name: &str| {
            METRICS.iter().any(|m| m.name == name && matches!(m.kind, Kind::Histogram(_)))
        };
        let is_part = |name: &&str| {
            let whole = name.strip_suffix("_sum").or_else(|| name.strip_suffix("_count"));
            !whole.is_some_and(is_histogram)
        };
        self.0.keys().map(String::as_str).filter(is_part).collect()
    }

    pub fn samples(&self, name: &str) -> &[Sample] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// What all series with these labels come to; of a histogram, how many were measured. 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> i64 {
        let is_meant = |sample: &&Sample| {
            labels.iter().all(|(label, value)| sample.labels.get(label) == Some(*value))
        };
        let values = self.samples(name).iter().filter(is_meant).map(|sample| match &sample.value {
            Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => *value,
            Value::Histogram(buckets) => buckets.last().unwrap().count,
            Value::Summary(_) => panic!("{name} is a summary"),
        });
        #[expect(clippy::cast_possible_truncation, reason = "every number here is whole and small")]
        let sum = values.sum::<f64>() as i64;
        sum
    }
}
