//! Slots: exactly as many as are granted, however many ask at once, and nothing is lost by a downgrade.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::{
    catalog::{actions::load, file, push::push},
    router,
};

use crate::harness::{Answer, CATALOG, TestApp, on_both_databases};

fn path(tenant: TenantId) -> String {
    format!("/api/v1/billing/tenants/{tenant}/slots")
}

async fn claim(app: &TestApp, tenant: TenantId, tier: &str, resource: &str) -> Answer {
    let member = app.token(Role::Member, tenant);
    let body = json!({"tier": tier, "resource_id": resource});
    app.post(&path(tenant)).bearer(&member).json(&body).await
}

async fn release(app: &TestApp, tenant: TenantId, tier: &str, resource: &str) {
    let member = app.token(Role::Member, tenant);
    let path = format!("{}/{tier}/{resource}", path(tenant));
    app.call("DELETE", &path).bearer(&member).await.expect(204);
}

async fn claim_many(app: &TestApp, tenant: TenantId, tier: &str, count: usize) {
    for number in 0..count {
        claim(app, tenant, tier, &format!("device-{number}")).await.expect(201);
    }
}

/// Limit, used and available of each allocation.
fn figures(status: &Value) -> Vec<(String, i64, i64, i64)> {
    let figure = |allocation: &Value, name: &str| allocation[name].as_i64().unwrap();
    let allocations = status["tier_allocations"].as_array().unwrap().iter();
    allocations
        .map(|of| {
            let tier = of["tier_id"].as_str().unwrap().to_owned();
            (
                tier,
                figure(of, "slot_limit"),
                figure(of, "slots_used"),
                figure(of, "slots_available"),
            )
        })
        .collect()
}

fn figure(tier: &str, limit: i64, used: i64, available: i64) -> (String, i64, i64, i64) {
    (tier.to_owned(), limit, used, available)
}

on_both_databases! {
    async fn a_thousand_at_once_get_ten(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let member = app.token(Role::Member, tenant);
        let service = router(&app.app);
        let mut claims = JoinSet::new();
        for number in 0..1000 {
            let (service, member) = (service.clone(), member.clone());
            claims.spawn(async move {
                loop {
                    let body = json!({"tier": "edge", "resource_id": format!("device-{number}")});
                    let request = Request::post(path(tenant))
                        .header("authorization", format!("Bearer {member}"))
                        .body(Body::from(body.to_string()))
                        .unwrap();
                    let answer = Answer::of(service.clone(), request).await;
                    // Waiting for the database was too long: ask again, as the answer says.
                    if answer.status != 503 {
                        return answer;
                    }
                }
            });
        }
        let (mut given, mut refused) = (0, 0);
        while let Some(answer) = claims.join_next().await {
            let answer = answer.unwrap();
            if answer.status == 201 {
                given += 1;
            } else {
                answer.refused(409, "slot_limit_reached");
                refused += 1;
            }
        }
        assert_eq!((given, refused), (10, 990));
        assert_eq!(figures(&app.status(tenant).await), [figure("edge", 10, 10, 0)]);
        let history = app.history(tenant).await;
        assert_eq!(history.iter().filter(|event| *event == "slot.claimed").count(), 10);
    }

    async fn claiming_again_is_the_same_slot(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let first = claim(app, tenant, "edge", "device-1").await.expect(201);
        assert_eq!((&first["tier"], &first["resource_id"]), (&json!("edge"), &json!("device-1")));
        assert_eq!((&first["claimed_by"], &first["claimed_at"]), (&json!("member@test"), &json!("2026-11-20T12:00:00Z")));
        // The only slot of the free plan is taken; it is still the same one.
        assert_eq!(claim(app, tenant, "edge", "device-1").await.expect(200), first);
        claim(app, tenant, "edge", "device-2").await.refused(409, "slot_limit_reached");
        let ask = || async { claim(app, tenant, "edge", "device-1").await.status };
        assert_eq!(tokio::join!(ask(), ask(), ask(), ask()), (200, 200, 200, 200));
        assert_eq!(app.history(tenant).await, ["tenant.created", "slot.claimed"]);
    }

    async fn a_release_frees_one_slot_and_no_other(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        claim(app, tenant, "edge", "site 1/device 1").await.expect(201);
        release(app, tenant, "edge", "device-1").await;
        release(app, tenant, "gateway", "site%201%2Fdevice%201").await;
        claim(app, tenant, "edge", "device-2").await.refused(409, "slot_limit_reached");
        release(app, tenant, "edge", "site%201%2Fdevice%201").await;
        release(app, tenant, "edge", "site%201%2Fdevice%201").await;
        claim(app, tenant, "edge", "device-2").await.expect(201);
        claim(app, tenant, "edge", "device-3").await.refused(409, "slot_limit_reached");
        assert_eq!(app.history(tenant).await[1..], ["slot.claimed", "slot.released", "slot.claimed"]);
        let audit = format!("/api/v1/admin/audit?tenant_id={tenant}");
        let audit = app.get(&audit).bearer(&app.operator()).await.expect(200);
        assert_eq!((&audit["data"][1]["action"], &audit["data"][1]["actor"]), (&json!("slot.released"), &json!("member@test")));
    }

    async fn the_same_resource_claimed_at_once_is_counted_once(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let ask = || async { claim(app, tenant, "edge", "device-1").await.status };
        let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
        let mut statuses = [a, b, c, d];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 201]);
        assert_eq!(figures(&app.status(tenant).await), [figure("edge", 10, 1, 9)]);
    }

    async fn claims_and_releases_at_once_end_up_right(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let member = app.token(Role::Member, tenant);
        let service = router(&app.app);
        let mut rng = fastrand::Rng::with_seed(3);
        let mut asked = JoinSet::new();
        for _ in 0..300 {
            let device = format!("device-{}", rng.u8(0..20));
            let request = if rng.u8(0..3) == 0 {
                Request::delete(format!("{}/edge/{device}", path(tenant))).body(Body::empty())
            } else {
                let body = json!({"tier": "edge", "resource_id": device}).to_string();
                Request::post(path(tenant)).body(Body::from(body))
            };
            let mut request = request.unwrap();
            let bearer = format!("Bearer {member}").parse().unwrap();
            request.headers_mut().insert("authorization", bearer);
            asked.spawn(Answer::of(service.clone(), request));
        }
        while let Some(answer) = asked.join_next().await {
            let status = answer.unwrap().status;
            assert!([200, 201, 204, 409, 503].contains(&status), "{status}");
        }
        let held = app.get(&format!("{}?limit=100", path(tenant))).bearer(&member).await.expect(200);
        let held = i64::try_from(held["data"].as_array().unwrap().len()).unwrap();
        assert!((1..=10).contains(&held), "{held}");
        assert_eq!(figures(&app.status(tenant).await), [figure("edge", 10, held, 10 - held)]);
    }

    async fn a_downgrade_takes_nothing_and_gives_nothing(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        claim_many(app, tenant, "edge", 3).await;
        let subscription = app.simulator.objects("subscription")[0]["id"].clone();
        let cancel = format!("/v1/subscriptions/{}", subscription.as_str().unwrap());
        app.stripe("DELETE", &cancel, &[]).await;
        app.settle().await;
        // Of the free plan's one slot three are used.
        let status = app.status(tenant).await;
        assert_eq!(figures(&status), [figure("edge", 1, 3, 0)]);
        assert_eq!(status["tier_allocations"][0]["subscription_id"], Value::Null);
        claim(app, tenant, "edge", "device-0").await.expect(200);
        for device in ["device-0", "device-1"] {
            claim(app, tenant, "edge", "another").await.refused(409, "slot_limit_reached");
            release(app, tenant, "edge", device).await;
        }
        claim(app, tenant, "edge", "another").await.refused(409, "slot_limit_reached");
        release(app, tenant, "edge", "device-2").await;
        claim(app, tenant, "edge", "another").await.expect(201);
    }

    async fn slots_follow_the_seats(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        let expected = [figure("edge", 20, 0, 20), figure("gateway", 2, 0, 2)];
        assert_eq!(figures(&app.status(tenant).await), expected);
        let admin = app.token(Role::Admin, tenant);
        let seats = format!("/api/v1/billing/tenants/{tenant}/subscription");
        app.call("PATCH", &seats).bearer(&admin).json(&json!({"seats": 3})).await.expect(200);
        claim_many(app, tenant, "gateway", 2).await;
        let status = app.status(tenant).await;
        let expected = [figure("edge", 60, 0, 60), figure("gateway", 2, 2, 0)];
        assert_eq!(figures(&status), expected);
        let main = &status["subscriptions"][0];
        assert_eq!((&main["device_limit"], &main["active_device_count"]), (&json!(62), &json!(2)));
        let allocation = &status["tier_allocations"][0];
        assert_eq!(allocation["subscription_id"], main["subscription_id"]);
        assert_eq!(
            (&allocation["tier_name"], &allocation["tier_display_name"]),
            (&json!("Edge"), &json!("Edge devices"))
        );
        app.settle().await;
    }

    async fn an_addon_adds_slots_and_the_base_is_filled_first(app: &TestApp) {
        let more = CATALOG.replace("code = \"extra_storage\"", "code = \"extra_storage\"\nversion = 2")
            .replace("per = \"gauge\"\nmax = 100\nhard = true\n", "per = \"gauge\"\nmax = 100\nhard = true\n\
                [[plan.slots]]\ntier = \"edge\"\nname = \"Edge\"\nmax = 5\n\
                [[plan.slots]]\ntier = \"gateway\"\nname = \"Gateway\"\nmax = 1\n");
        load(&app.app, &file::parse(&more).unwrap(), &[].into()).await.unwrap();
        push(&app.app).await.unwrap();
        let tenant = app.subscriber("Acme", "pro").await;
        let base = app.simulator.objects("subscription")[0].clone();
        let prices = app.simulator.objects("price");
        let price = prices.iter().find(|price| price["lookup_key"] == "extra_storage_v2_month_usd").unwrap();
        let addon = [
            ("customer", base["customer"].as_str().unwrap()),
            ("default_payment_method", base["default_payment_method"].as_str().unwrap()),
            ("items[0][price]", price["id"].as_str().unwrap()),
        ];
        app.stripe("POST", "/v1/subscriptions", &addon).await;
        app.settle().await;

        claim_many(app, tenant, "edge", 12).await;
        claim(app, tenant, "gateway", "hall").await.expect(201);
        let status = app.status(tenant).await;
        let expected = [figure("edge", 10, 10, 0), figure("edge", 5, 2, 3), figure("gateway", 1, 1, 0)];
        assert_eq!(figures(&status), expected);
        let shown: Vec<_> = status["subscriptions"].as_array().unwrap().iter()
            .map(|of| (of["subscription_type"].as_str().unwrap(), of["device_limit"].as_i64(), of["active_device_count"].as_i64()))
            .collect();
        assert_eq!(shown, [("MAIN", Some(10), Some(10)), ("ADDON", Some(6), Some(3))]);
        // Whichever is released, the base stays full.
        release(app, tenant, "edge", "device-0").await;
        assert_eq!(figures(&app.status(tenant).await)[..2], [figure("edge", 10, 10, 0), figure("edge", 5, 1, 4)]);

        // Without the add-on its tier is granted by nothing, and what is held of it is still shown.
        let subscriptions = app.simulator.objects("subscription");
        let of_addon = |found: &&Value| found["items"]["data"][0]["price"]["id"] == price["id"];
        let addon = subscriptions.iter().find(of_addon).unwrap();
        app.stripe("DELETE", &format!("/v1/subscriptions/{}", addon["id"].as_str().unwrap()), &[]).await;
        app.settle().await;
        let status = app.status(tenant).await;
        assert_eq!(figures(&status), [figure("edge", 10, 11, 0), figure("gateway", 0, 1, 0)]);
        assert_eq!(status["subscriptions"][0]["active_device_count"], 12);
        claim(app, tenant, "gateway", "cellar").await.refused(409, "slot_tier_not_granted");
        claim(app, tenant, "gateway", "hall").await.expect(200);
    }

    async fn without_access_what_exists_stays_and_nothing_is_added(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        claim_many(app, tenant, "edge", 2).await;
        app.break_the_card().await;
        app.advance(31 * 86_400).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "GRACE");
        claim(app, tenant, "edge", "during grace").await.expect(201);
        app.advance(4 * 86_400).await;
        let status = app.status(tenant).await;
        assert_eq!(status["subscriptions"], json!([]));
        assert_eq!(figures(&status), [figure("edge", 0, 3, 0)]);
        claim(app, tenant, "edge", "another").await.refused(409, "no_access");
        claim(app, tenant, "edge", "device-1").await.expect(200);
        release(app, tenant, "edge", "device-1").await;
        assert_eq!(figures(&app.status(tenant).await), [figure("edge", 0, 2, 0)]);
    }

    async fn slots_are_listed_page_by_page(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        claim_many(app, tenant, "edge", 3).await;
        claim(app, tenant, "gateway", "hall").await.expect(201);
        let viewer = app.token(Role::Viewer, tenant);
        let list = |query: &str| app.get(&format!("{}{query}", path(tenant))).bearer(&viewer);
        let first = list("?tier=edge&limit=2").await.expect(200);
        assert_eq!(first["data"][0]["resource_id"], "device-2");
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = list(&format!("?tier=edge&limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((&second["data"][0]["resource_id"], &second["next_cursor"]), (&json!("device-0"), &Value::Null));
        assert_eq!(list("").await.expect(200)["data"].as_array().unwrap().len(), 4);
        for (query, field) in [("?limit=0", "limit"), ("?limit=101", "limit"), ("?cursor=x", "cursor"), ("?tier=%00", "tier"), ("?teir=edge", "query")] {
            let problem = list(query).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{query}");
        }
    }

    async fn bad_claims_are_refused(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let member = app.token(Role::Member, tenant);
        let ask = |body: Value| app.post(&path(tenant)).bearer(&member).json(&body);
        let long = "x".repeat(201);
        for (body, fields) in [
            (json!({}), vec!["tier"]),
            (json!({"tier": "edge"}), vec!["resource_id"]),
            (json!({"tier": "Edge", "resource_id": ""}), vec!["tier", "resource_id"]),
            (json!({"tier": "edge", "resource_id": long}), vec!["resource_id"]),
            (json!({"tier": "edge", "resource_id": "a\nb"}), vec!["resource_id"]),
            (json!({"tier": "edge", "resource_id": "a\u{0}"}), vec![""]),
            (json!({"tier": "edge", "resource_id": 7}), vec![""]),
            (json!({"tier": "edge", "resource_id": "a", "device": "b"}), vec!["device"]),
        ] {
            let problem = ask(body).await.refused(422, "invalid_request");
            let named: Vec<&str> =
                problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
            assert_eq!(named, fields, "{problem}");
        }
        ask(json!({"tier": "cloud", "resource_id": "a"})).await.refused(409, "slot_tier_not_granted");
        app.post(&path(tenant)).bearer(&member).text("{").await.refused(400, "malformed_request");
        // What cannot be held is not held; what cannot be read is nowhere.
        for odd in ["Edge/a", "edge/a%00", &format!("edge/{long}")] {
            app.call("DELETE", &format!("{}/{odd}", path(tenant))).bearer(&member).await.expect(204);
        }
        app.call("DELETE", &format!("{}/edge/%FF", path(tenant))).bearer(&member).await.refused(404, "not_found");
        let viewer = app.token(Role::Viewer, tenant);
        let body = json!({"tier": "edge", "resource_id": "a"});
        app.post(&path(tenant)).bearer(&viewer).json(&body).await.refused(403, "forbidden");
        app.call("DELETE", &format!("{}/edge/a", path(tenant))).bearer(&viewer).await.refused(403, "forbidden");
        assert_eq!(app.history(tenant).await, ["tenant.created"]);
    }

    async fn a_repeated_claim_is_answered_from_the_table(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let member = app.token(Role::Member, tenant);
        let body = json!({"tier": "edge", "resource_id": "device-1"});
        let ask = || app.post(&path(tenant)).bearer(&member).header("idempotency-key", "once").json(&body);
        let first = ask().await.expect(201);
        release(app, tenant, "edge", "device-1").await;
        assert_eq!(ask().await.expect(201), first, "the answer of then; nothing is claimed again");
        assert_eq!(figures(&app.status(tenant).await), [figure("edge", 1, 0, 1)]);
    }
}
