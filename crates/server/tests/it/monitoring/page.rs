//! The page in the reference says what is told, and nothing else is told.

use std::collections::BTreeSet;

use serde_json::json;
use tollhouse_domain::actor::Role;

use super::scrape;
use crate::{
    entitlements::{check, used},
    harness::{TestApp, on_both_databases},
    outbound::{Receiver, endpoint},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/metrics.md");

/// A row of the page: name, type, labels.
fn rows() -> Vec<(String, String, BTreeSet<String>)> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let bare = |text: &str| text.trim_matches('`').to_owned();
        let labels = cells[4].split(", ").filter(|label| !label.is_empty()).map(bare).collect();
        (bare(cells[1]), cells[2].to_owned(), labels)
    });
    rows.collect()
}

/// What every metric counts, once.
async fn everything(app: &TestApp) {
    let receiver = Receiver::start().await;
    endpoint(app, &receiver).await;
    let tenant = app.subscriber("Acme", "pro").await;
    used(app, tenant, "api_calls", json!(1)).await;
    check(app, tenant, "api_calls", json!(1)).await;
    let path = format!("/api/v1/billing/tenants/{tenant}/entitlements/api_calls/reservations");
    let wish = json!({"quantity": 1, "ttl_seconds": 600});
    app.post(&path).bearer(&app.token(Role::Member, tenant)).json(&wish).await.expect(201);
    app.get("/metrics").await.refused(401, "unauthenticated");
}

on_both_databases! {
    async fn what_is_told_is_what_the_page_lists(app: &TestApp) {
        everything(app).await;
        let scraped = scrape(app, &app.operator()).await;
        let listed: BTreeSet<String> = rows().into_iter().map(|(name, _, _)| name).collect();
        let told: BTreeSet<String> = scraped.names().into_iter().map(str::to_owned).collect();
        assert_eq!(told, listed);
        let text = app.get("/metrics").bearer(&app.operator()).await.text;
        for (name, kind, labels) in rows() {
            assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name} is a {kind}");
            assert!(text.contains(&format!("# HELP {name} ")), "{name} is explained");
            for sample in scraped.samples(&name) {
                let of_sample: BTreeSet<String> = sample.labels.keys().cloned().collect();
                assert_eq!(of_sample, labels, "{name}");
            }
        }
    }
}
