//! The alerts and the dashboard in `deploy/` name what there is: each expression is read, each metric and label known.

use std::collections::BTreeSet;

use promql::{LabelMatchOp, Node, ParserOptions, parse};
use serde_json::Value;
use tollhouse_server::metrics::list::{Kind, METRICS, Metric, Source};

const ALERTS: &str = include_str!("../../../../../deploy/prometheus/alerts.yml");
const DASHBOARD: &str = include_str!("../../../../../deploy/grafana/tollhouse.json");

/// What Prometheus adds to every series by itself.
const OF_THE_SCRAPE: [&str; 2] = ["job", "instance"];
/// Its own series of each scrape.
const UP: &str = "up";

/// One selection of series in an expression.
struct Selected {
    name: String,
    /// Label, and the words it may be, where they are written out.
    matches: Vec<(String, Vec<String>)>,
}

/// What an expression selects, and by which labels it groups.
#[derive(Default)]
struct Read {
    selected: Vec<Selected>,
    groups: BTreeSet<String>,
}

fn read(expression: &str) -> Read {
    let options = ParserOptions::new().build();
    let node = parse(expression.as_bytes(), &options);
    let node = node.unwrap_or_else(|error| panic!("{expression} is no PromQL: {error:?}"));
    let mut found = Read::default();
    walk(&node, &mut found);
    assert!(!found.selected.is_empty(), "{expression} selects nothing");
    found
}

fn walk(node: &Node, found: &mut Read) {
    match node {
        Node::Operator { args, .. } => {
            for arg in args {
                walk(arg, found);
            }
        }
        Node::Function { args, aggregation, .. } => {
            for arg in args {
                walk(arg, found);
            }
            found.groups.extend(aggregation.iter().flat_map(|by| by.labels.iter().cloned()));
        }
        Node::Vector(vector) => {
            let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
            let (names, labels): (Vec<_>, Vec<_>) =
                vector.labels.iter().partition(|label| label.name == "__name__");
            assert_eq!(names.len(), 1, "each selection names one metric");
            let matches = labels.into_iter().map(|label| {
                let words = text(&label.value);
                let is_plain = matches!(label.op, LabelMatchOp::Eq | LabelMatchOp::Ne)
                    || words.chars().all(|c| c.is_ascii_lowercase() || "|_".contains(c));
                let words = words.split('|').filter(|_| is_plain).map(str::to_owned).collect();
                (label.name.clone(), words)
            });
            let selected = Selected { name: text(&names[0].value), matches: matches.collect() };
            found.selected.push(selected);
        }
        Node::Scalar(_) | Node::String(_) => {}
        Node::Negation(_) => panic!("a negation is new here: look into it, too"),
    }
}

/// The metric behind a series: of a histogram, its buckets.
fn metric(series: &str) -> &'static Metric {
    let metric = METRICS.iter().find(|metric| match metric.kind {
        Kind::Histogram(_) => series.strip_suffix("_bucket") == Some(metric.name),
        Kind::Counter | Kind::Gauge => series == metric.name,
    });
    metric.unwrap_or_else(|| panic!("there is no metric behind `{series}`"))
}

/// Names the metrics of an expression; each, and each label, must be one of ours.
fn known(expression: &str) -> BTreeSet<&'static str> {
    let Read { selected, groups } = read(expression);
    let mut named = BTreeSet::new();
    let mut labels: BTreeSet<&str> = OF_THE_SCRAPE.into();
    for Selected { name, matches } in &selected {
        if name == UP {
            continue;
        }
        let metric = metric(name);
        for (label, words) in matches {
            let is_known =
                metric.labels.contains(&label.as_str()) || OF_THE_SCRAPE.contains(&label.as_str());
            assert!(is_known, "`{name}` has no label `{label}`: {expression}");
            for word in words.iter().filter(|_| metric.labels.contains(&label.as_str())) {
                let is_said = metric.meaning.contains(&format!("`{word}`"))
                    || metric == &tollhouse_server::metrics::list::ACCESS_DENIED;
                assert!(
                    is_said || label == "task",
                    "`{word}` is no {label} of `{name}`: {expression}"
                );
            }
        }
        if metric.source == Source::Database {
            assert!(
                expression.contains("max"),
                "every instance tells the same of `{name}`: {expression}"
            );
        }
        if matches!(metric.kind, Kind::Histogram(_)) {
            labels.insert("le");
        }
        labels.extend(metric.labels);
        named.insert(metric.name);
    }
    for group in &groups {
        assert!(
            labels.contains(group.as_str()),
            "nothing here has a label `{group}`: {expression}"
        );
    }
    named
}

/// The expressions of the rules, with the name of each alert; `alerts.yml` keeps to one form, which is read here.
fn alerts() -> Vec<(String, String, Vec<String>)> {
    let rules = ALERTS.split("\n      - alert: ").skip(1);
    let rules = rules.map(|rule| {
        let name = rule.lines().next().unwrap().to_owned();
        let fields: Vec<String> = rule
            .lines()
            .filter(|line| line.starts_with("        ") && !line.starts_with("         "))
            .map(|line| line.trim().split(':').next().unwrap().to_owned())
            .collect();
        let (_, rest) = rule.split_once("\n        expr: ").unwrap();
        let end = rest.find("\n        for:").or_else(|| rest.find("\n        labels:")).unwrap();
        let folded = rest[..end].trim_start_matches(">-").split_whitespace();
        (name, folded.collect::<Vec<_>>().join(" "), fields)
    });
    rules.collect()
}

#[test]
fn every_alert_asks_for_what_there_is_and_says_what_to_do() {
    let alerts = alerts();
    assert!(alerts.len() >= 15, "{}", alerts.len());
    let names: BTreeSet<&String> = alerts.iter().map(|(name, _, _)| name).collect();
    assert_eq!(names.len(), alerts.len(), "two alerts have one name");
    for (name, expression, _) in &alerts {
        known(expression);
        let rule = ALERTS.split(&format!("- alert: {name}\n")).nth(1).unwrap();
        let rule = rule.split("- alert: ").next().unwrap();
        for part in ["severity: ", "summary: ", "runbook: "] {
            assert!(rule.contains(part), "{name} has no {part}");
        }
        let runbook = rule.split("runbook: ").nth(1).unwrap();
        assert!(runbook.split_whitespace().count() >= 12, "{name} does not say what to do");
        for other in runbook
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.starts_with("Tollhouse"))
        {
            assert!(names.contains(&other.to_owned()), "{name} points to {other}, which is none");
        }
    }
}

#[test]
fn the_dashboard_shows_every_metric() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut shown = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "two panels have one id");
        if panel["type"] == "row" {
            continue;
        }
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap().replace("$__rate_interval", "5m");
            shown.extend(known(&expression));
            let legend = target["legendFormat"].as_str().unwrap();
            for label in legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap()) {
                let is_there = expression.contains(label) || OF_THE_SCRAPE.contains(&label);
                assert!(is_there, "{expression} gives no `{label}` for its legend");
            }
        }
    }
    let all: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(shown, all, "a metric that nobody sees is not worth counting");
}

#[test]
fn what_is_wrong_is_found() {
    for wrong in [
        "sum(rate(tollhouse_http_requests_total[5m])",
        "sum(tollhouse_no_such_metric)",
        "sum(rate(tollhouse_http_requests_total{path=\"/\"}[5m]))",
        "sum by (tenant) (rate(tollhouse_http_requests_total[5m]))",
        "sum(rate(tollhouse_http_request_duration_seconds[5m]))",
        "sum(tollhouse_deliveries_dead)",
        "sum(tollhouse_outbound_endpoints{state=\"off\"})",
    ] {
        assert!(std::panic::catch_unwind(|| known(wrong)).is_err(), "{wrong}");
    }
}
