//! A payment that the customer's bank takes back: shown with its invoice, and told from its opening to its end.

use serde_json::json;

use super::*;
use crate::harness::{TestApp, on_both_databases};

/// A tenant whose first payment is disputed, and the dispute's id.
async fn disputed(app: &TestApp, card: &str) -> (TenantId, String) {
    let tenant = app.tenant("Acme").await;
    let session = app.checkout(tenant, "pro").await;
    app.simulator.complete_checkout(&session, card).unwrap();
    app.settle().await;
    let dispute = text(&app.simulator.objects("dispute")[0], "id").to_owned();
    (tenant, dispute)
}

on_both_databases! {
    async fn a_dispute_is_told_from_its_opening_to_its_end(app: &TestApp) {
        let (tenant, dispute) = disputed(app, "pm_card_createDispute").await;
        let invoice = newest(app, tenant).await;
        let shown = &rows(&invoice, "disputes")[0];
        assert_eq!(text(shown, "stripe_dispute_id"), dispute);
        assert_eq!(
            (&shown["status"], &shown["amount"], &shown["reason"], &shown["withdrawn"]),
            (&json!("needs_response"), &json!(29.0), &json!("fraudulent"), &json!(true))
        );
        assert!(shown["evidence_due"].is_string(), "{shown}");
        assert_eq!(invoice["status"], "paid", "the money may come back");

        let path = format!("/v1/disputes/{dispute}");
        let evidence = [("evidence[uncategorized_text]", "We delivered"), ("submit", "true")];
        app.stripe("POST", &path, &evidence).await;
        app.settle().await;
        app.stripe("POST", &format!("{path}/close"), &[]).await;
        app.settle().await;
        let invoice = newest(app, tenant).await;
        assert_eq!(rows(&invoice, "disputes")[0]["status"], "lost");
        assert_eq!(rows(&invoice, "disputes").len(), 1);

        let history = app.history(tenant).await;
        let told = history.iter().filter(|event| event.starts_with("dispute."));
        let told: Vec<&str> = told.map(String::as_str).collect();
        assert_eq!(told, ["dispute.opened", "dispute.updated", "dispute.closed"]);
        let path = format!("/api/v1/billing/tenants/{tenant}/events?type=dispute.opened");
        let event = app.get(&path).bearer(&app.operator()).await.expect(200)["data"][0].clone();
        assert_eq!(
            (&event["data"]["amount_minor"], &event["data"]["stripe_dispute_id"], &event["subject"]["kind"]),
            (&json!(2900), &json!(dispute), &json!("invoice"))
        );
        let mut conn = app.app.db.read().await.unwrap();
        let audited = tollhouse_server::audit::queries::list(&mut conn, Some(tenant), None, 100).await.unwrap();
        for action in told {
            assert_eq!(audited.iter().filter(|row| row.action == action).count(), 1, "{action}");
        }
    }

    async fn a_question_of_the_bank_moves_no_money(app: &TestApp) {
        let (tenant, dispute) = disputed(app, "pm_card_createDisputeInquiry").await;
        let invoice = newest(app, tenant).await;
        let shown = &rows(&invoice, "disputes")[0];
        assert_eq!(text(shown, "stripe_dispute_id"), dispute);
        assert_eq!(
            (&shown["status"], &shown["withdrawn"]),
            (&json!("warning_needs_response"), &json!(false))
        );
        assert_eq!(how_often(&app.history(tenant).await, "dispute.opened"), 1);
    }
}
