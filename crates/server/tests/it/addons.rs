//! Add-ons: bought beside a base, and following it wherever it goes.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_simulator::{AfterRetries, Fault, FaultKind, SettingsChange};

use crate::harness::{CHECKOUT, TestApp, on_both_databases};

const DAY: i64 = 86_400;

async fn addons(app: &TestApp, tenant: TenantId) -> Vec<Value> {
    let viewer = app.token(Role::Viewer, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/addons");
    let list = app.get(&path).bearer(&viewer).await.expect(200);
    list["data"].as_array().unwrap().clone()
}

/// The rule: both end together, or the add-on is over.
async fn ends_with_its_base(app: &TestApp, tenant: TenantId) {
    let base = app.subscription(tenant).await;
    for addon in addons(app, tenant).await {
        if base["status"] == "paused" {
            assert_eq!(addon["status"], "paused");
            continue;
        }
        assert_eq!(addon["current_period_end"], base["current_period_end"], "{addon}\n{base}");
        assert_eq!(addon["cancel_at"], base["cancel_at"]);
        assert_eq!(addon["parent_subscription_id"], base["id"]);
    }
}

fn storage() -> Value {
    json!({"plan": "extra_storage"})
}

on_both_databases! {
    async fn bought_by_a_call_it_is_prorated_to_the_end_of_its_base(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.advance(15 * DAY).await;
        let bought = app.ask(tenant, "addons", &storage()).await.expect(201);
        assert_eq!((&bought["kind"], &bought["status"]), (&json!("addon"), &json!("active")));
        assert_eq!(bought["current_period_end"], "2026-12-20T12:00:00Z");
        app.settle().await;
        let viewer = app.token(Role::Viewer, tenant);
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!(invoices[0]["amount_paid"], 5.0, "half of a month");
        let status = app.status(tenant).await;
        assert_eq!(status["subscriptions"][1]["subscription_type"], "ADDON");
        assert_eq!(status["subscriptions"][1]["parent_subscription_id"], status["subscriptions"][0]["subscription_id"]);
        app.ask(tenant, "addons", &storage()).await.refused(409, "addon_already_bought");
        app.advance(16 * DAY).await;
        ends_with_its_base(app, tenant).await;
        assert_eq!(addons(app, tenant).await[0]["current_period_end"], "2027-01-20T12:00:00Z", "it renews with its base");
    }

    async fn bought_on_a_page_it_ends_with_its_base_too(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let owner = app.token(Role::Owner, tenant);
        let base = app.subscription(tenant).await;
        app.ask(tenant, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        app.advance(15 * DAY).await;
        let order = json!({"plan": "extra_storage", "addon_of": base["id"],
            "success_url": "http://localhost:3000/", "cancel_url": "http://localhost:3000/"});
        let page = app.post(CHECKOUT).bearer(&owner).json(&order).await.expect(200);
        app.simulator.complete_checkout(page["session_id"].as_str().unwrap(), "pm_card_visa").unwrap();
        let viewer = app.token(Role::Viewer, tenant);
        app.settle().await;
        // A page cannot set an end: it was set by the step that follows.
        let addon = addons(app, tenant).await[0].clone();
        assert_eq!(addon["cancel_at"], "2026-12-20T12:00:00Z");
        ends_with_its_base(app, tenant).await;
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!(invoices[0]["amount_paid"], 5.0);
        app.advance(16 * DAY).await;
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        let over = app.history(tenant).await;
        assert_eq!(over.iter().filter(|told| *told == "subscription.canceled").count(), 2);
    }

    async fn the_end_of_its_base_is_its_own_and_taken_back_with_it(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &storage()).await.expect(201);
        app.ask(tenant, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        assert_eq!(addons(app, tenant).await[0]["auto_renew"], false, "before any webhook");
        app.ask(tenant, "subscription/resume", &json!({})).await.expect(200);
        assert_eq!(addons(app, tenant).await[0]["auto_renew"], true);
        app.settle().await;
        ends_with_its_base(app, tenant).await;
        app.ask(tenant, "subscription/cancel", &json!({"at": "now"})).await.expect(200);
        assert_eq!(addons(app, tenant).await, Vec::<Value>::new());
        app.settle().await;
    }

    async fn one_that_was_ended_alone_stays_so(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let bought = app.ask(tenant, "addons", &storage()).await.expect(201);
        let admin = app.token(Role::Admin, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/addons/{}", bought["id"].as_str().unwrap());
        let ending = app.call("DELETE", &path).bearer(&admin).await.expect(200);
        assert_eq!(ending["cancel_at"], "2026-12-20T12:00:00Z");
        app.ask(tenant, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        app.ask(tenant, "subscription/resume", &json!({})).await.expect(200);
        app.settle().await;
        assert_eq!(addons(app, tenant).await[0]["auto_renew"], false, "its end is its own");
        app.call("DELETE", &format!("{path}?at=now")).bearer(&admin).await.expect(200);
        app.call("DELETE", &format!("{path}?at=now")).bearer(&admin).await.refused(404, "not_found");
        app.call("DELETE", &format!("{path}?at=soon")).bearer(&admin).await.refused(422, "invalid_request");
        app.settle().await;
        assert_eq!(app.status(tenant).await["subscriptions"].as_array().unwrap().len(), 1);
    }

    async fn another_interval_of_its_base_puts_it_on_other_dates(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &storage()).await.expect(201);
        app.advance(10 * DAY).await;
        app.ask(tenant, "subscription/plan", &json!({"interval": "year"})).await.expect(200);
        app.settle().await;
        ends_with_its_base(app, tenant).await;
        let addon = addons(app, tenant).await;
        assert_eq!((addon.len(), &addon[0]["interval"]), (1, &json!("year")));
        assert_eq!(addon[0]["current_period_end"], "2027-11-30T12:00:00Z");
    }

    async fn a_plan_it_does_not_go_with_ends_it(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &storage()).await.expect(201);
        app.advance(10 * DAY).await;
        app.ask(tenant, "subscription/plan", &json!({"plan": "enterprise"})).await.expect(200);
        assert_eq!(addons(app, tenant).await.len(), 1, "it goes with both");
        app.ask(tenant, "subscription/plan", &json!({"plan": "metered"})).await.expect(200);
        assert_eq!(addons(app, tenant).await.len(), 0);
        app.settle().await;
    }

    async fn during_a_trial_it_shares_the_trial(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month", "trial_days": 14})).await.expect(201);
        let bought = app.ask(tenant, "addons", &storage()).await.expect(201);
        assert_eq!((&bought["status"], &bought["trial_end"]), (&json!("trialing"), &json!("2026-12-04T12:00:00Z")));
        app.advance(14 * DAY + 3700).await;
        ends_with_its_base(app, tenant).await;
        assert_eq!(addons(app, tenant).await[0]["status"], "active");
    }

    async fn on_the_last_day_of_a_month_both_stay_on_it(app: &TestApp) {
        // 31 December, noon.
        app.advance(41 * DAY).await;
        let tenant = app.subscriber("Acme", "pro").await;
        app.advance(40 * DAY).await;
        app.ask(tenant, "addons", &storage()).await.expect(201);
        for end in ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"] {
            ends_with_its_base(app, tenant).await;
            assert_eq!(addons(app, tenant).await[0]["current_period_end"], format!("{end}T12:00:00Z"));
            app.advance(30 * DAY + DAY / 2).await;
        }
        ends_with_its_base(app, tenant).await;
    }

    async fn a_step_that_failed_is_taken_up_again(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &storage()).await.expect(201);
        app.settle().await;
        // The base is ended; what would end the add-on fails, and then the process is gone.
        let addon = addons(app, tenant).await[0]["stripe_subscription_id"].as_str().unwrap().to_owned();
        app.simulator.add_fault(Fault {
            kind: FaultKind::Error500,
            times: 3,
            method: Some("DELETE".into()),
            path: Some(format!("/v1/subscriptions/{addon}")),
        });
        app.ask(tenant, "subscription/cancel", &json!({"at": "now"})).await.expect(200);
        assert_eq!(addons(app, tenant).await.len(), 1, "not yet");
        app.settle().await;
        app.advance(5 * 60).await;
        assert_eq!(addons(app, tenant).await.len(), 0, "the task made up for it");
    }

    async fn what_makes_no_sense_is_refused(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "addons", &storage()).await.refused(409, "not_subscribed");
        app.ask(tenant, "subscription", &json!({"plan": "metered", "interval": "month"})).await.expect(201);
        app.ask(tenant, "addons", &storage()).await.refused(409, "addon_does_not_fit");
        app.ask(tenant, "addons", &json!({"plan": "pro"})).await.refused(422, "not_an_addon");
        app.ask(tenant, "addons", &json!({"plan": "extra_storage", "quantity": 0})).await.refused(422, "invalid_request");
        app.ask(tenant, "addons", &json!({"plan": "extra_storage", "quantity": 2})).await.refused(422, "invalid_request");
        app.ask(tenant, "addons", &json!({"plan": "gold"})).await.refused(422, "unknown_plan");
        app.settle().await;
        let owner = app.token(Role::Owner, tenant);
        let order = json!({"plan": "extra_storage", "addon_of": tenant.to_string(),
            "success_url": "http://localhost:3000/", "cancel_url": "http://localhost:3000/"});
        app.post(CHECKOUT).bearer(&owner).json(&order).await.refused(404, "not_found");
    }
}

/// What may happen to a base, picked by chance; most of it is refused now and then, and that is fine.
async fn something_happens(app: &TestApp, tenant: TenantId, chance: &mut fastrand::Rng) -> String {
    let interval = if chance.bool() { "month" } else { "year" };
    let plan = if chance.bool() { "pro" } else { "enterprise" };
    let when = if chance.bool() { "now" } else { "period_end" };
    let at = if chance.u8(0..8) == 0 { "now" } else { "period_end" };
    let (what, body) = match chance.u8(0..10) {
        0..=2 => {
            let seconds = chance.i64(3600..50 * DAY);
            app.advance(seconds).await;
            return format!("{seconds} seconds pass");
        }
        3 => ("addons", storage()),
        4 => ("subscription/plan", json!({"plan": plan, "interval": interval, "when": when})),
        5 => ("subscription/plan", json!({"interval": interval})),
        6 => ("subscription/cancel", json!({"at": at})),
        7 => ("subscription/pause", json!({})),
        8 => ("subscription", json!({"plan": plan, "interval": interval})),
        _ => ("subscription/resume", json!({})),
    };
    let answer = app.ask(tenant, what, &body).await;
    assert!(matches!(answer.status, 200 | 201 | 409 | 422), "{what} {body}: {}", answer.text);
    app.settle().await;
    format!("{what} {body} -> {}", answer.status)
}

on_both_databases! {
    /// After any sequence of changes an add-on ends with its base, or is over.
    async fn whatever_happens_they_end_together(app: &TestApp) {
        for seed in 0..6 {
            let mut chance = fastrand::Rng::with_seed(seed);
            let tenant = app.tenant(&format!("T{seed}")).await;
            app.card_on_file(tenant, "pm_card_visa").await;
            app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month"})).await.expect(201);
            app.ask(tenant, "addons", &storage()).await.expect(201);
            let mut story = Vec::new();
            for _ in 0..16 {
                story.push(something_happens(app, tenant, &mut chance).await);
                let viewer = app.token(Role::Viewer, tenant);
                let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
                let base = app.get(&path).bearer(&viewer).await;
                let addons = addons(app, tenant).await;
                let follows = |addon: &Value| {
                    let base = base.json();
                    (base["status"] == "paused" && addon["status"] == "paused")
                        || (addon["current_period_end"] == base["current_period_end"]
                            && addon["cancel_at"] == base["cancel_at"]
                            && addon["status"] == base["status"])
                };
                let good = addons.iter().all(follows) && (base.status == 200 || addons.is_empty());
                assert!(good, "seed {seed}: {story:#?}\n{}\n{addons:#?}", base.text);
            }
        }
    }
}

/// What Stripe owes a tenant's customer, in minor units; below zero is credit.
fn balance(app: &TestApp) -> i64 {
    app.simulator.objects("customer")[0]["balance"].as_i64().unwrap()
}

on_both_databases! {
    async fn an_unpaid_period_is_not_credited(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &storage()).await.expect(201);
        let year = json!({"interval": "year", "when": "period_end"});
        app.ask(tenant, "subscription/plan", &year).await.expect(200);
        // Both renew; the invoice of the add-on's month is still a draft when it is put on the year.
        app.advance(30 * DAY + 60).await;
        ends_with_its_base(app, tenant).await;
        app.advance(2 * 3600).await;
        assert_eq!(balance(app), 0, "nothing was paid for the month, and nothing is given back");
        assert_eq!(addons(app, tenant).await[0]["interval"], "year");
    }

    async fn its_own_end_stays_whatever_its_base_does(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "year"})).await.expect(201);
        let bought = app.ask(tenant, "addons", &storage()).await.expect(201);
        let admin = app.token(Role::Admin, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/addons/{}", bought["id"].as_str().unwrap());
        // First the base's end, then its own, then the base goes on after all.
        app.ask(tenant, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        app.call("DELETE", &path).bearer(&admin).await.expect(200);
        app.ask(tenant, "subscription/resume", &json!({})).await.expect(200);
        app.settle().await;
        assert_eq!(addons(app, tenant).await[0]["auto_renew"], false);
        // Shorter periods: it ends with the first of them, and is not begun anew.
        app.ask(tenant, "subscription/plan", &json!({"interval": "month"})).await.expect(200);
        app.settle().await;
        let ending = addons(app, tenant).await;
        let base = app.subscription(tenant).await;
        assert_eq!((ending.len(), &ending[0]["cancel_at"]), (1, &base["current_period_end"]));
        app.advance(31 * DAY).await;
        assert_eq!(addons(app, tenant).await.len(), 0);
    }

    async fn paid_after_its_base_has_ended_it_is_given_back(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let owner = app.token(Role::Owner, tenant);
        let order = json!({"plan": "extra_storage",
            "success_url": "http://localhost:3000/", "cancel_url": "http://localhost:3000/"});
        let page = app.post(CHECKOUT).bearer(&owner).json(&order).await.expect(200);
        app.ask(tenant, "subscription/cancel", &json!({"at": "now"})).await.expect(200);
        app.settle().await;
        app.advance(60).await;
        app.simulator.complete_checkout(page["session_id"].as_str().unwrap(), "pm_card_visa").unwrap();
        app.settle().await;
        assert_eq!(addons(app, tenant).await.len(), 0);
        assert_eq!(balance(app), -1000, "all of it");
    }

    async fn beside_an_unpaid_base_it_rests(app: &TestApp) {
        let change = SettingsChange { after_retries: Some(AfterRetries::MarkUnpaid), ..SettingsChange::default() };
        app.simulator.change_settings(&change).unwrap();
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &storage()).await.expect(201);
        app.break_the_card().await;
        app.advance(30 * DAY).await;
        for _ in 0..20 {
            app.advance(DAY).await;
        }
        assert_eq!(app.subscription(tenant).await["status"], "unpaid");
        assert_eq!(addons(app, tenant).await[0]["status"], "paused", "nobody pays for what grants nothing");
    }

    async fn the_page_of_a_request_that_is_repeated_later_is_the_same(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let owner = app.token(Role::Owner, tenant);
        let order = json!({"plan": "extra_storage",
            "success_url": "http://localhost:3000/", "cancel_url": "http://localhost:3000/"});
        let ask = || app.post(CHECKOUT).bearer(&owner).header("idempotency-key", "storage").json(&order);
        app.simulator.add_fault(Fault {
            kind: FaultKind::DoneButUnanswered,
            times: 3,
            method: Some("POST".into()),
            path: Some("/v1/checkout/sessions".into()),
        });
        ask().await.refused(503, "stripe_unavailable");
        app.advance(5).await;
        let page = ask().await.expect(200);
        let open: Vec<_> = app.simulator.objects("checkout.session").into_iter()
            .filter(|session| session["status"] == "open").collect();
        assert_eq!((open.len(), &open[0]["id"]), (1, &page["session_id"]));
    }

    async fn both_synced_at_once_wait_for_nobody(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &storage()).await.expect(201);
        app.settle().await;
        let ids: Vec<String> = app.simulator.objects("subscription").iter()
            .map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        for round in 0..20 {
            for id in &ids {
                let path = format!("/v1/subscriptions/{id}");
                let end = if round % 2 == 0 { "true" } else { "false" };
                app.stripe("POST", &path, &[("cancel_at_period_end", end)]).await;
            }
            let origin = tollhouse_server::record::Origin::system();
            let sync = |id: &str| {
                let id = tollhouse_stripe::SubscriptionId::new(id);
                let origin = &origin;
                async move { tollhouse_server::subscriptions::sync::sync(&app.app, origin, &id).await.map(|_| ()) }
            };
            let (base, addon) = tokio::join!(sync(&ids[0]), sync(&ids[1]));
            base.unwrap();
            addon.unwrap();
        }
        app.settle().await;
    }
}
