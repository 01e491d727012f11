//! Rotating the secret.

use serde_json::{Value, json};
use tollhouse_domain::event::EventType;

use super::{Receiver, audited, endpoint, happens, path, show};
use crate::harness::{TestApp, on_both_databases};

async fn rotate(app: &TestApp, endpoint: &Value, request: Value) -> Value {
    let call = app.post(&path(endpoint, "/rotate-secret")).bearer(&app.operator());
    call.json(&request).await.expect(200)
}

on_both_databases! {
    async fn for_a_day_both_secrets_sign(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let tenant = app.tenant("Acme").await;
        app.settle().await;
        let rotated = rotate(app, &made, json!({})).await;
        let (old, new) = (made["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
        assert_ne!(old, new);
        let until = app.app.clock.now().plus_days(1);
        assert_eq!(show(app, &made).await["previous_secret_until"], until.to_string());
        let mut signed_with = Vec::new();
        for seconds in [0, 86_399, 1] {
            receiver.forget();
            app.app.clock.advance(seconds);
            happens(app, tenant, EventType::SlotClaimed).await;
            app.settle().await;
            let message = receiver.messages()[0].clone();
            signed_with.push((message.is_signed_with(old), message.is_signed_with(new)));
        }
        assert_eq!(signed_with, [(true, true), (true, true), (false, true)]);
        assert!(show(app, &made).await["previous_secret_until"].is_null());
        assert_eq!(audited(app, "webhook_endpoint.rotate_secret").await.len(), 1);
    }

    async fn a_secret_that_others_know_ends_at_once(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let rotated = rotate(app, &made, json!({ "overlap_hours": 0 })).await;
        app.tenant("Acme").await;
        app.settle().await;
        let message = &receiver.messages()[0];
        assert!(message.is_signed_with(rotated["secret"].as_str().unwrap()));
        assert!(!message.is_signed_with(made["secret"].as_str().unwrap()));
    }

    async fn a_repeated_rotation_rotates_once(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let mut secrets = Vec::new();
        for _ in 0..2 {
            let call = app.post(&path(&made, "/rotate-secret")).bearer(&app.operator());
            let rotated = call.header("idempotency-key", "rotate").text("{}").await.expect(200);
            secrets.push(rotated["secret"].clone());
        }
        assert_eq!(secrets[0], secrets[1]);
        app.tenant("Acme").await;
        app.settle().await;
        assert!(receiver.messages()[0].is_signed_with(made["secret"].as_str().unwrap()));
    }
}
