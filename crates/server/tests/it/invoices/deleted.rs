//! A draft that Stripe has no more.

use std::sync::Arc;

use axum::body::Body;
use serde_json::json;
use tollhouse_domain::actor::Role;
use tollhouse_server::{App, router, tasks};
use tollhouse_simulator::SimGateway;
use tollhouse_stripe::{
    Answer as StripeAnswer, BoxFuture, Call, Failure, Gateway, signature::sign,
};

use super::*;
use crate::harness::{Answer, TestApp, on_both_databases};

on_both_databases! {
    async fn a_draft_that_was_deleted_leaves_the_list(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.advance(30 * DAY + 60).await;
        let draft = newest(app, tenant).await;
        assert_eq!(draft["status"], "draft");
        let deleted = text(&draft, "stripe_invoice_id").to_owned();
        let gateway = Deleted { inner: app.simulator.gateway(), invoices: vec![deleted.clone(), "in_unseen".into()] };
        let later = App::start(app.app.config.clone(), app.app.clock.clone(), Some(Arc::new(gateway))).await.unwrap();
        for (event, kind, invoice) in [
            ("evt_1", "invoice.created", "in_unseen"),
            ("evt_2", "invoice.deleted", &deleted),
            ("evt_3", "invoice.updated", &deleted),
        ] {
            let body = json!({
                "id": event, "type": kind, "created": 1, "data": {"object": {"id": invoice, "object": "invoice"}},
            }).to_string();
            let signature = sign(&app.webhook_secret, app.app.clock.now().as_second(), body.as_bytes());
            let request = axum::http::Request::post("/webhook/stripe").header("stripe-signature", signature);
            let answer = Answer::of(router(&later), request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.status, 200);
            tasks::run_once(&later).await.unwrap();
        }
        later.stop.cancel();
        later.db.close().await;
        assert_eq!(rows(&list(app, tenant, "").await, "data").len(), 1);
        let viewer = app.token(Role::Viewer, tenant);
        for id in [&deleted, text(&draft, "id")] {
            let answer = app.get(&format!("{}/{id}", path(tenant))).bearer(&viewer).await;
            answer.refused(404, "not_found");
        }
        let next = list(app, tenant, &format!("cursor={}", text(&draft, "id"))).await;
        assert_eq!(rows(&next, "data").len(), 1, "a page that ended with it goes on");
        assert_eq!(how_often(&app.history(tenant).await, "invoice.deleted"), 1);
    }
}

/// Stripe, but for some invoices that it has no more.
struct Deleted {
    inner: SimGateway,
    invoices: Vec<String>,
}

impl Gateway for Deleted {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<StripeAnswer, Failure>> {
        let gone = self.invoices.iter().any(|id| call.path == format!("/v1/invoices/{id}"));
        if !gone {
            return self.inner.send(call);
        }
        let body = json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}});
        let answer = StripeAnswer {
            status: 404,
            headers: axum::http::HeaderMap::new(),
            body: body.to_string().into(),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}
