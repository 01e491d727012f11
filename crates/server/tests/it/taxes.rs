//! Tax, where it is configured.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::Config;

use crate::harness::{CHECKOUT, Database, Kind, TestApp, order};

async fn on_both(change: impl Fn(&mut Config), scenario: impl AsyncFn(&TestApp)) {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let app = TestApp::start_with(Database::create(kind).await, &change).await;
        scenario(&app).await;
        app.finish().await;
    }
}

async fn newest_invoice(app: &TestApp, tenant: TenantId) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/invoices");
    let page = app.get(&path).bearer(&viewer).await.expect(200);
    let id = page["data"][0]["id"].as_str().unwrap();
    app.get(&format!("{path}/{id}")).bearer(&viewer).await.expect(200)
}

fn pro() -> Value {
    json!({"plan": "pro", "interval": "month"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_tax_is_asked_where_it_is_switched_on() {
    on_both(
        |config| config.billing.automatic_tax = true,
        async |app| {
            app.simulator.set_tax("DE", Some("19"), false).unwrap();
            let tenant = app.tenant("Acme").await;
            app.card_on_file(tenant, "pm_card_visa").await;
            // Nobody knows yet where Acme is.
            app.ask(tenant, "subscription", &pro()).await.refused(409, "tax_location_missing");
            let customer = app.simulator.objects("customer")[0]["id"].as_str().unwrap().to_owned();
            let path = format!("/v1/customers/{customer}");
            app.stripe("POST", &path, &[("address[country]", "DE")]).await;
            app.ask(tenant, "subscription", &pro()).await.expect(201);
            app.settle().await;
            let invoice = newest_invoice(app, tenant).await;
            assert_eq!((&invoice["tax"], &invoice["total"]), (&json!(5.51), &json!(34.51)));
            let next = app.ask(tenant, "upcoming-invoice", &json!({})).await.expect(200);
            assert_eq!((&next["tax"], &next["total"]), (&json!(5.51), &json!(34.51)));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_asks_where_a_customer_lives() {
    on_both(
        |config| config.billing.automatic_tax = true,
        async |app| {
            let tenant = app.tenant("Acme").await;
            let owner = app.token(Role::Owner, tenant);
            let page = app.post(CHECKOUT).bearer(&owner).json(&order("pro")).await.expect(200);
            let sessions = app.simulator.objects("checkout.session");
            assert_eq!(sessions[0]["id"], page["session_id"]);
            assert_eq!(sessions[0]["automatic_tax"]["enabled"], true);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fixed_rates_are_put_on_everything() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut app = TestApp::start(kind).await;
        let params = [("display_name", "VAT"), ("inclusive", "false"), ("percentage", "20")];
        let rate = app.stripe("POST", "/v1/tax_rates", &params).await;
        let rate = rate["id"].as_str().unwrap().to_owned();
        app.restart(|config| config.billing.tax_rates = vec![rate]).await;
        let tenant = app.subscriber("Acme", "pro").await;
        let invoice = newest_invoice(&app, tenant).await;
        assert_eq!((&invoice["tax"], &invoice["total"]), (&json!(5.8), &json!(34.8)));
        // An add-on of the same day.
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.expect(201);
        app.settle().await;
        let invoice = newest_invoice(&app, tenant).await;
        assert_eq!((&invoice["tax"], &invoice["total"]), (&json!(2.0), &json!(12.0)));
        app.finish().await;
    }
}
