//! Taking over a Stripe account that lived without us: once, whatever dies in between.

use serde_json::{Value, json};
use tollhouse_domain::{id::TenantId, reconcile::RunKind};
use tollhouse_server::{
    reconcile::{actions::request, import::preview, run},
    record::Origin,
    tenants::queries as tenants,
};
use tollhouse_simulator::{Fault, FaultKind};
use tollhouse_stripe::CustomerId;
use uuid::Uuid;

use crate::{
    harness::{TestApp, on_both_databases},
    reconcile::{LONG_ENOUGH, drift, lose_webhooks, newest_run, reconcile},
};

async fn import(app: &TestApp, tenant_key: Option<&str>) -> Value {
    let key = tenant_key.map(str::to_owned);
    request(&app.app, &Origin::system(), RunKind::Import, key).await.unwrap();
    run::work(&app.app).await.unwrap();
    newest_run(app).await
}

/// A customer that pays for a price by this lookup key, as it was made before we came.
async fn customer(
    app: &TestApp,
    name: &str,
    lookup_key: &str,
    metadata: &[(&str, &str)],
) -> String {
    let email = format!("{}@example.com", name.to_lowercase());
    let mut params = vec![("name", name), ("email", email.as_str())];
    params.extend_from_slice(metadata);
    let customer =
        app.stripe("POST", "/v1/customers", &params).await["id"].as_str().unwrap().to_owned();
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let card = app.stripe("POST", attach, &[("customer", &customer)]).await;
    let prices = app.simulator.objects("price");
    let price = prices.iter().find(|price| price["lookup_key"] == lookup_key).unwrap();
    app.stripe(
        "POST",
        "/v1/subscriptions",
        &[
            ("customer", &customer),
            ("items[0][price]", price["id"].as_str().unwrap()),
            ("default_payment_method", card["id"].as_str().unwrap()),
        ],
    )
    .await;
    customer
}

async fn tenant_of(app: &TestApp, customer: &str) -> Option<TenantId> {
    let mut conn = app.app.db.read().await.unwrap();
    let tenant = tenants::find_by_customer(&mut conn, &CustomerId::new(customer)).await.unwrap();
    tenant.map(|tenant| tenant.id)
}

fn metadata(app: &TestApp, customer: &str) -> Value {
    let customers = app.simulator.objects("customer");
    customers.iter().find(|known| known["id"] == customer).unwrap()["metadata"].clone()
}

async fn count_of_tenants(app: &TestApp) -> usize {
    let page =
        app.get("/api/v1/stripe/tenants?limit=100").bearer(&app.operator()).await.expect(200);
    page["data"].as_array().unwrap().len()
}

on_both_databases! {
    async fn an_account_is_taken_over_and_a_second_time_changes_nothing(app: &TestApp) {
        let acme = customer(app, "Acme", "pro_v1_month_usd", &[]).await;
        let beta = customer(app, "Beta", "enterprise_v1_year_usd", &[("metadata[crm]", "7")]).await;
        let gone = app.stripe("POST", "/v1/customers", &[("name", "Gone")]).await["id"].as_str().unwrap().to_owned();
        app.stripe("DELETE", &format!("/v1/customers/{gone}"), &[]).await;
        lose_webhooks(app);
        let before = app.simulator.objects("event").len();
        let seen = preview(&app.app, None).await.unwrap();
        assert_eq!((seen.customers_to_take_over, seen.subscriptions, seen.subscriptions_not_in_catalog), (2, 2, 0));
        assert_eq!(app.simulator.objects("event").len(), before, "looking changes nothing");

        let run = import(app, None).await;
        assert_eq!((&run["state"], &run["tenants_made"], &run["needs_person"]), (&json!("done"), &json!(2), &json!(0)), "{run}");
        let tenant = tenant_of(app, &acme).await.unwrap();
        assert_eq!(metadata(app, &acme), json!({"tenant_id": tenant.to_string()}));
        let other = tenant_of(app, &beta).await.unwrap();
        assert_eq!(metadata(app, &beta), json!({"crm": "7", "tenant_id": other.to_string()}), "what it bore stays");
        let status = app.status(tenant).await;
        assert_eq!((&status["billing_email"], &status["subscriptions"][0]["plan_id"]), (&json!("acme@example.com"), &json!("pro")));
        let invoices = format!("/api/v1/billing/tenants/{other}/invoices");
        let invoices = app.get(&invoices).bearer(&app.operator()).await.expect(200);
        assert_eq!(invoices["data"].as_array().unwrap().len(), 1);
        assert_eq!(drift(app, "healed").await, Vec::<Value>::new(), "what is new has not drifted");

        let (told, at_stripe) = (app.history(tenant).await, app.simulator.objects("event").len());
        let again = import(app, None).await;
        assert_eq!((&again["state"], &again["tenants_made"], &again["changed"]), (&json!("done"), &json!(0), &json!(0)), "{again}");
        assert_eq!(app.history(tenant).await, told);
        assert_eq!(app.simulator.objects("event").len(), at_stripe);
        assert_eq!(count_of_tenants(app).await, 2);
        assert_eq!(preview(&app.app, None).await.unwrap().customers_known, 2);
        app.settle().await;
        app.app.clock.advance(LONG_ENOUGH);
        assert_eq!(reconcile(app, true).await["changed"], 0);
    }

    async fn ids_are_taken_from_the_metadata_where_that_is_asked_for(app: &TestApp) {
        let (id, other) = (Uuid::from_u128(7).to_string(), app.tenant("Known before").await);
        let acme = customer(app, "Acme", "pro_v1_month_usd", &[("metadata[account]", &id)]).await;
        let known = customer(app, "Known", "pro_v1_month_usd", &[("metadata[account]", &other.to_string())]).await;
        let twin = customer(app, "Twin", "pro_v1_month_usd", &[("metadata[account]", &id)]).await;
        let odd = customer(app, "Odd", "pro_v1_month_usd", &[("metadata[account]", "42")]).await;
        lose_webhooks(app);
        assert_eq!(preview(&app.app, Some("account")).await.unwrap().customers_without_tenant, 1);
        let run = import(app, Some("account")).await;
        assert_eq!((&run["state"], &run["tenants_made"], &run["needs_person"]), (&json!("done"), &json!(2), &json!(2)), "{run}");
        assert_eq!(tenant_of(app, &known).await, Some(other));
        // Which of the two comes first, the newest, is Stripe's affair; the other one is not lost.
        let both = [tenant_of(app, &acme).await, tenant_of(app, &twin).await];
        assert_eq!(both.iter().flatten().map(ToString::to_string).collect::<Vec<_>>(), [id]);
        assert_eq!(tenant_of(app, &odd).await, None);
        let waiting: Vec<Value> = drift(app, "needs_person").await.iter().map(|row| row["object_id"].clone()).collect();
        assert!(waiting.contains(&json!(odd)), "{waiting:?}");

        app.stripe("POST", &format!("/v1/customers/{odd}"), &[("metadata[account]", &Uuid::from_u128(8).to_string())]).await;
        let run = import(app, Some("account")).await;
        assert_eq!((&run["tenants_made"], &run["needs_person"]), (&json!(1), &json!(1)), "{run}");
        app.dead_is_expected.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    async fn a_price_we_do_not_sell_is_reported_and_found_once_we_do(app: &TestApp) {
        let price = app.stripe("POST", "/v1/prices", &[("currency", "usd"), ("unit_amount", "500"),
            ("recurring[interval]", "month"), ("product_data[name]", "Of yesterday"), ("lookup_key", "old")]).await;
        let acme = customer(app, "Acme", "old", &[]).await;
        lose_webhooks(app);
        let seen = preview(&app.app, None).await.unwrap();
        assert_eq!(seen.prices_not_in_catalog, [(price["id"].as_str().unwrap().to_owned(), 1)].into());
        let run = import(app, None).await;
        assert_eq!((&run["state"], &run["tenants_made"], &run["needs_person"]), (&json!("done"), &json!(1), &json!(1)), "{run}");
        let tenant = tenant_of(app, &acme).await.unwrap();
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        let open = drift(app, "needs_person").await;
        assert!(open[0]["reason"].as_str().unwrap().contains("STRIPE_PRODUCT_PRICE_MAP"), "{}", open[0]);

        let mut tx = app.app.db.begin().await.unwrap();
        let map = format!("UPDATE prices SET stripe_price_id = '{}' WHERE lookup_key = 'pro_v1_month_usd'", price["id"].as_str().unwrap());
        tx.query(map).execute().await.unwrap();
        tx.commit().await.unwrap();
        import(app, None).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["plan_id"], "pro");
        assert_eq!(drift(app, "needs_person").await, Vec::<Value>::new());
    }

    async fn who_dies_between_the_tenant_and_its_mark_makes_no_second_tenant(app: &TestApp) {
        let acme = customer(app, "Acme", "pro_v1_month_usd", &[]).await;
        lose_webhooks(app);
        let (method, path) = (Some("POST".to_owned()), Some(format!("/v1/customers/{acme}")));
        app.simulator.add_fault(Fault { kind: FaultKind::Unreachable, times: 3, method, path });
        let run = import(app, None).await;
        assert_eq!((&run["state"], &run["stage"]), (&json!("running"), &json!("customers")), "{run}");
        let tenant = tenant_of(app, &acme).await.unwrap();
        assert_eq!(metadata(app, &acme), json!({}));
        app.app.clock.advance(3600);
        run::work(&app.app).await.unwrap();
        assert_eq!(newest_run(app).await["state"], "done");
        assert_eq!(metadata(app, &acme), json!({"tenant_id": tenant.to_string()}));
        assert_eq!((count_of_tenants(app).await, tenant_of(app, &acme).await), (1, Some(tenant)));
        app.settle().await;
    }

    async fn while_something_is_compared_nothing_is_imported(app: &TestApp) {
        request(&app.app, &Origin::system(), RunKind::Events, None).await.unwrap();
        let refused = request(&app.app, &Origin::system(), RunKind::Import, None).await.unwrap_err();
        assert_eq!(refused.kind().1, "reconcile_running");
        run::work(&app.app).await.unwrap();
    }
}
