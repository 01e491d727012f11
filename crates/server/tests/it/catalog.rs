//! The catalog: pushed once, whatever crashes; sold as it was loaded.

use tollhouse_server::catalog::{actions::load, file, push::push};
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{CATALOG, TestApp, on_both_databases};

on_both_databases! {
    async fn pushing_again_changes_nothing(app: &TestApp) {
        let before = (app.simulator.objects("product").len(), app.simulator.objects("price").len());
        assert_eq!(before, (4, 8));
        let pushed = push(&app.app).await.unwrap();
        assert_eq!((pushed.created, pushed.updated), (0, 0));
        assert_eq!((app.simulator.objects("product").len(), app.simulator.objects("price").len()), before);
    }

    async fn a_push_that_died_is_pushed_again(app: &TestApp) {
        let text = CATALOG.replace("code = \"pro\"", "code = \"plus\"").replace("[\"pro\",", "[\"plus\",");
        load(&app.app, &file::parse(&text).unwrap(), &[].into()).await.unwrap();
        let prices = app.simulator.objects("price").len();
        // The price is made, and nobody hears of it.
        let fault = Fault { kind: FaultKind::DoneButUnanswered, times: 3, method: None, path: Some("/v1/prices".into()) };
        app.simulator.add_fault(fault);
        assert!(push(&app.app).await.is_err());
        push(&app.app).await.unwrap();
        assert_eq!(app.simulator.objects("price").len(), prices + 3);
        assert_eq!(push(&app.app).await.unwrap().created, 0);
    }

    async fn new_words_are_taken_over_new_terms_are_refused(app: &TestApp) {
        let reworded = CATALOG.replace("For teams that grow", "For teams that have grown");
        load(&app.app, &file::parse(&reworded).unwrap(), &[].into()).await.unwrap();
        assert_eq!(push(&app.app).await.unwrap().updated, 1);
        let plans = app.get("/api/v1/billing/plans").await.expect(200);
        assert!(plans.to_string().contains("have grown"));
        for changed in [
            CATALOG.replace("amount = \"29.00\"", "amount = \"31.00\""),
            CATALOG.replace("trial_days = 14", "trial_days = 30"),
        ] {
            let refused = load(&app.app, &file::parse(&changed).unwrap(), &[].into()).await.unwrap_err();
            assert!(refused.to_string().contains("raise its `version`"), "{refused}");
        }
        let counted_otherwise = CATALOG.replacen("aggregation = \"sum\"", "aggregation = \"max\"", 1);
        let refused = load(&app.app, &file::parse(&counted_otherwise).unwrap(), &[].into()).await.unwrap_err();
        assert!(refused.to_string().contains("a `code` of its own"), "{refused}");
        let raised = CATALOG.replace("code = \"pro\"", "code = \"pro\"\nversion = 2")
            .replace("amount = \"29.00\"", "amount = \"31.00\"");
        load(&app.app, &file::parse(&raised).unwrap(), &[].into()).await.unwrap();
    }

    async fn who_bought_an_older_version_keeps_it(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let raised = CATALOG.replace("code = \"pro\"", "code = \"pro\"\nversion = 2")
            .replace("amount = \"29.00\"", "amount = \"31.00\"");
        load(&app.app, &file::parse(&raised).unwrap(), &[].into()).await.unwrap();
        push(&app.app).await.unwrap();
        app.advance(31 * 86_400).await;
        let owner = app.token(tollhouse_domain::actor::Role::Owner, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        let full = app.get(&path).bearer(&owner).await.expect(200);
        assert_eq!(full["plan"]["version"], 1);
        assert_eq!(full["amount"], 29.0);
        let newcomer = app.subscriber("Birch", "pro").await;
        let owner = app.token(tollhouse_domain::actor::Role::Owner, newcomer);
        let path = format!("/api/v1/billing/tenants/{newcomer}/subscription");
        assert_eq!(app.get(&path).bearer(&owner).await.expect(200)["amount"], 31.0);
    }

    async fn a_price_left_out_is_sold_no_more(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(tollhouse_domain::actor::Role::Owner, tenant);
        let plans = app.get("/api/v1/billing/plans").await.expect(200);
        let pro = |plans: &serde_json::Value| {
            plans["plans"].as_array().unwrap().iter().find(|plan| plan["code"] == "pro").unwrap()["prices"].clone()
        };
        let monthly = pro(&plans)[0]["price_id"].clone();
        let without = CATALOG.replacen("[[plan.price]]\ninterval = \"month\"\ncurrency = \"usd\"\namount = \"29.00\"\n", "", 1);
        load(&app.app, &file::parse(&without).unwrap(), &[].into()).await.unwrap();
        let plans = app.get("/api/v1/billing/plans").await.expect(200);
        assert_eq!(pro(&plans).as_array().unwrap().len(), 2);
        let by_price = serde_json::json!({
            "price_id": monthly, "success_url": "http://localhost:3000/", "cancel_url": "http://localhost:3000/",
        });
        let ask = |body: serde_json::Value| app.post(crate::harness::CHECKOUT).bearer(&owner).json(&body);
        ask(by_price).await.refused(422, "unknown_price");
        ask(crate::harness::order("pro")).await.refused(422, "plan_not_sold");
    }

    async fn another_account_gets_prices_of_its_own(app: &TestApp) {
        app.simulator.reset();
        let pushed = push(&app.app).await.unwrap();
        assert_eq!(pushed.created, 13, "4 products, 8 prices, a meter");
        assert_eq!(push(&app.app).await.unwrap().unchanged, 13);
    }

    async fn prices_made_elsewhere_are_used(app: &TestApp) {
        let text = CATALOG.replace("code = \"pro\"", "code = \"plus\"").replace("[\"pro\",", "[\"plus\",");
        let catalog = file::parse(&text).unwrap();
        let price = [
            ("currency", "usd"),
            ("unit_amount", "2900"),
            ("recurring[interval]", "month"),
            ("product_data[name]", "Elsewhere"),
        ];
        let elsewhere = app.stripe("POST", "/v1/prices", &price).await;
        let elsewhere = elsewhere["id"].as_str().unwrap();
        let map = file::price_map(&format!("plus={elsewhere}"), &catalog).unwrap();
        load(&app.app, &catalog, &map).await.unwrap();
        push(&app.app).await.unwrap();
        let plans = app.get("/api/v1/billing/plans").await.expect(200);
        let plus = plans["plans"].as_array().unwrap().iter().find(|plan| plan["code"] == "plus").unwrap();
        assert_eq!(plus["prices"][0]["price_id"], elsewhere);
        assert_eq!(plus["prices"][0]["amount"], 29.0);
        assert_eq!(plus["addons"][0], "extra_storage");
    }
}
