//! Limits on our own API: how often one caller may ask. `connections` looks at those who are slow or send too much.

mod connections;

use axum::{body::Body, http::Request};
use tollhouse_domain::actor::Role;
use tollhouse_server::http::address::Peer;

use crate::harness::{Answer, Database, Kind, TestApp};

const PLANS: &str = "/api/v1/billing/plans";

async fn limited(kind: Kind) -> TestApp {
    TestApp::start_with(Database::create(kind).await, |config| {
        config.limits.credential_per_second = 1;
        config.limits.credential_burst = 3;
        config.limits.application_per_second = 1;
        config.limits.application_burst = 8;
        config.limits.address_per_second = 2;
        config.limits.address_burst = 4;
    })
    .await
}

#[tokio::test]
async fn each_credential_has_its_own_bucket() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let app = limited(kind).await;
        let (acme, birch) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let path = "/api/v1/customer/billing/status";
        let (owner, viewer) = (app.token(Role::Owner, acme), app.token(Role::Viewer, acme));
        for _ in 0..3 {
            app.get(path).bearer(&owner).await.expect(200);
        }
        let refused = app.get(path).bearer(&owner).await;
        assert_eq!(refused.header("retry-after"), "1");
        refused.refused(429, "rate_limited");
        // A second token of the same person is no second bucket; other people have their own.
        app.get(path).bearer(&app.token(Role::Owner, acme)).await.refused(429, "rate_limited");
        app.get(path).bearer(&viewer).await.expect(200);
        app.get(path).bearer(&app.token(Role::Owner, birch)).await.expect(200);
        app.app.clock.advance(1);
        app.get(path).bearer(&owner).await.expect(200);
        app.get(path).bearer(&owner).await.refused(429, "rate_limited");
        app.finish().await;
    }
}

#[tokio::test]
async fn the_application_has_a_bucket_of_its_own_wherever_it_is() {
    let app = limited(Kind::Sqlite).await;
    let ask = async || {
        let mut request = Request::get("/api/v1/admin/audit")
            .header("authorization", format!("Bearer {}", app.operator()))
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(Peer("9.9.9.9".parse().unwrap()));
        app.send(request).await
    };
    for _ in 0..8 {
        ask().await.expect(200);
    }
    ask().await.refused(429, "rate_limited");
    // The address has lost nothing by it, and is nothing to it.
    for _ in 0..4 {
        ask_from(&app, PLANS, "9.9.9.9", None).await.expect(200);
    }
    ask_from(&app, PLANS, "9.9.9.9", None).await.refused(429, "rate_limited");
    app.app.clock.advance(1);
    ask().await.expect(200);
    app.finish().await;
}

/// Asks for the plans, which are open to anyone, from an address.
async fn ask_from(app: &TestApp, path: &str, peer: &str, forwarded: Option<&str>) -> Answer {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer(peer.parse().unwrap()));
    if let Some(forwarded) = forwarded {
        request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
    }
    app.send(request).await
}

#[tokio::test]
async fn each_address_has_its_own_bucket_whoever_it_says_it_is() {
    let app = limited(Kind::Sqlite).await;
    for number in 0..4 {
        let claimed = format!("1.1.1.{number}");
        ask_from(&app, PLANS, "9.9.9.9", Some(&claimed)).await.expect(200);
    }
    ask_from(&app, PLANS, "9.9.9.9", Some("1.1.1.9")).await.refused(429, "rate_limited");
    ask_from(&app, PLANS, "9.9.9.8", None).await.expect(200);
    // One who guesses credentials is counted as well; probes are not.
    ask_from(&app, "/api/v1/admin/audit", "9.9.9.9", None).await.refused(429, "rate_limited");
    assert_eq!(ask_from(&app, "/health/live", "9.9.9.9", None).await.status, 200);
    // Of IPv6 a network counts as one.
    for last in 1..=4 {
        ask_from(&app, PLANS, &format!("2001:db8::{last}"), None).await.expect(200);
    }
    ask_from(&app, PLANS, "2001:db8::5", None).await.refused(429, "rate_limited");
    ask_from(&app, PLANS, "2001:db8:0:1::5", None).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_people_are_told_apart() {
    let mut app = limited(Kind::Sqlite).await;
    app.restart(|config| config.server.trusted_proxies = 1).await;
    for _ in 0..4 {
        ask_from(&app, PLANS, "10.0.0.1", Some("6.6.6.6, 1.1.1.1")).await.expect(200);
    }
    ask_from(&app, PLANS, "10.0.0.1", Some("7.7.7.7, 1.1.1.1")).await.refused(429, "rate_limited");
    ask_from(&app, PLANS, "10.0.0.1", Some("6.6.6.6, 1.1.1.2")).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn webhooks_of_stripe_are_not_counted() {
    let app = limited(Kind::Sqlite).await;
    for _ in 0..20 {
        let mut request = Request::post("/webhook/stripe").body(Body::from("{}")).unwrap();
        request.extensions_mut().insert(Peer("9.9.9.9".parse().unwrap()));
        app.send(request).await.refused(400, "invalid_signature");
    }
    ask_from(&app, PLANS, "9.9.9.9", None).await.expect(200);
    app.finish().await;
}
