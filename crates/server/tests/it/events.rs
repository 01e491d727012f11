//! Events: numbered without gaps, paged, and live.

use std::time::Duration;

use axum::{body::Body, http::Request};
use serde_json::Value;
use tokio_stream::StreamExt;
use tollhouse_domain::{actor::Role, id::TenantId};
use tower::ServiceExt;

use crate::harness::{TestApp, on_both_databases};

/// A listener of the live stream.
pub struct Listener {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Listener {
    pub async fn connect(router: axum::Router, token: &str, last_event_id: Option<i64>) -> Self {
        let mut request = Request::get("/api/v1/billing/stream")
            .header("authorization", format!("Bearer {token}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.to_string());
        }
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut listener =
            Self { body: response.into_body().into_data_stream(), text: String::new() };
        let hello = listener.block().await;
        assert!(hello.contains("retry: 1000"), "{hello}");
        listener
    }

    /// The next event: its number and its type.
    pub async fn next(&mut self) -> (i64, String) {
        let data = self.data("sequence").await;
        (data["sequence"].as_i64().unwrap(), data["type"].as_str().unwrap().to_owned())
    }

    /// The next event of all tenants.
    pub async fn next_of_all(&mut self) -> Value {
        self.data("position").await
    }

    /// The next event, whose `id:` is this field.
    async fn data(&mut self, id: &str) -> Value {
        let block = self.block().await;
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no `{name}` in {block}")).to_owned()
        };
        let data: Value = serde_json::from_str(&field("data: ")).unwrap();
        assert_eq!(data[id].to_string(), field("id: "));
        assert_eq!(data["type"], field("event: "));
        data
    }

    /// The next block, up to its empty line.
    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return block;
            }
            let patience = Duration::from_secs(20);
            let frame =
                tokio::time::timeout(patience, self.body.next()).await.expect("an event in time");
            self.text.push_str(std::str::from_utf8(&frame.unwrap().unwrap()).unwrap());
        }
    }
}

async fn listen(app: &TestApp, tenant: TenantId, last_event_id: Option<i64>) -> Listener {
    let token = app.token(Role::Viewer, tenant);
    Listener::connect(tollhouse_server::router(&app.app), &token, last_event_id).await
}

on_both_databases! {
    async fn the_stream_tells_it_live(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let mut live = listen(app, tenant, None).await;
        let session = app.checkout(tenant, "pro").await;
        assert_eq!(live.next().await, (2, "tenant.customer_linked".to_owned()));
        assert_eq!(live.next().await, (3, "checkout.started".to_owned()));
        app.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        app.settle().await;
        assert_eq!(live.next().await, (4, "checkout.completed".to_owned()));
    }

    async fn a_listener_that_comes_back_misses_nothing(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let told = app.history(tenant).await;
        for already_seen in [0, 1, 5] {
            let mut stream = listen(app, tenant, Some(already_seen)).await;
            for (sequence, event) in (1..).zip(&told).skip(usize::try_from(already_seen).unwrap()) {
                assert_eq!(stream.next().await, (sequence, event.clone()));
            }
        }
    }

    async fn a_tenant_hears_only_its_own(app: &TestApp) {
        let (acme, birch) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let mut stream = listen(app, acme, Some(0)).await;
        assert_eq!(stream.next().await.1, "tenant.created");
        app.checkout(birch, "pro").await;
        app.checkout(acme, "pro").await;
        assert_eq!(stream.next().await, (2, "tenant.customer_linked".to_owned()));
        let foreign = format!("/api/v1/billing/stream?tenant_id={birch}");
        app.get(&foreign).bearer(&app.token(Role::Owner, acme)).await.refused(404, "not_found");
        app.get("/api/v1/billing/stream").await.refused(401, "unauthenticated");
    }

    async fn history_is_paged_and_filtered(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let owner = app.token(Role::Owner, tenant);
        let base = format!("/api/v1/billing/tenants/{tenant}/events");
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app.get(&format!("{base}?limit=4{cursor}")).bearer(&owner).await.expect(200);
            seen.extend(page["data"].as_array().unwrap().iter().map(|event| event["sequence"].as_i64().unwrap()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, (1..=9).rev().collect::<Vec<_>>());
        let paid = app.get(&format!("{base}?type=invoice.paid")).bearer(&owner).await.expect(200);
        assert_eq!(paid["data"].as_array().unwrap().len(), 1);
        let event = &paid["data"][0];
        assert_eq!(event["subject"]["kind"], "invoice");
        assert_eq!(event["data"]["amount_paid_minor"], 2900);
        app.get(&format!("{base}?type=nonsense")).bearer(&owner).await.refused(422, "invalid_request");
        app.get(&format!("{base}?cursor=nonsense")).bearer(&owner).await.refused(422, "invalid_request");
    }

    async fn every_change_leaves_an_audit_row(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let path = format!("/api/v1/admin/audit?limit=100&tenant_id={tenant}");
        let support = app.sign(Role::Support, None);
        let page = app.get(&path).bearer(&support).await.expect(200);
        let entries = page["data"].as_array().unwrap();
        let did = |action: &str| {
            let entry = entries.iter().find(|entry| entry["action"] == action);
            entry.unwrap_or_else(|| panic!("nobody did `{action}`"))["actor"].as_str().unwrap()
        };
        assert_eq!(entries.len(), app.history(tenant).await.len());
        assert_eq!(did("tenant.create"), "system");
        assert_eq!(did("checkout_session.created"), "owner@test");
        assert_eq!(did("subscription.activated"), "stripe");
        assert_eq!(did("invoice.payment_succeeded"), "stripe");
        let created = entries.iter().find(|entry| entry["action"] == "checkout_session.created").unwrap();
        assert_eq!(created["request_id"].as_str().unwrap().len(), 36);
    }
}
