//! What was kept long enough goes, on its day and not before; and of tenants that are over, what is personal.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::{
    db::{Column, DbError, Record, Row},
    retention::{queries as runs, run::work},
};
use tollhouse_stripe::objects::Subscription;

use crate::harness::{Answer, TestApp, on_both_databases};

const DAY: i64 = 86_400;
const RUNS: &str = "/api/v1/admin/retention/runs";

/// Has a run done now, and says what it came to.
async fn run(app: &TestApp, dry_run: bool) -> Value {
    let asked =
        app.post(RUNS).bearer(&app.operator()).json(&json!({"dry_run": dry_run})).await.expect(202);
    app.settle().await;
    let page = app.get(RUNS).bearer(&app.operator()).await.expect(200);
    let done = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["id"] == asked["id"])
        .unwrap()
        .clone();
    assert_eq!((&done["state"], &done["dry_run"]), (&json!("done"), &json!(dry_run)), "{done}");
    done
}

async fn patch(app: &TestApp, tenant: TenantId, retention: Value) -> Answer {
    let path = format!("/api/v1/stripe/tenants/{tenant}");
    app.call("PATCH", &path).bearer(&app.operator()).json(&json!({"retention": retention})).await
}

async fn terminate(app: &TestApp, tenant: TenantId) {
    let path = format!("/api/v1/stripe/tenants/{tenant}/terminate");
    app.post(&path)
        .bearer(&app.operator())
        .json(&json!({"reason": "Ada moved away"}))
        .await
        .expect(200);
    app.settle().await;
}

async fn shown(app: &TestApp, tenant: TenantId) -> Value {
    app.get(&format!("/api/v1/stripe/tenants/{tenant}")).bearer(&app.operator()).await.expect(200)
}

fn customer(app: &TestApp, tenant: TenantId) -> String {
    let customers = app.simulator.objects("customer");
    let own =
        customers.iter().find(|it| it["metadata"]["tenant_id"] == tenant.to_string()).unwrap();
    own["id"].as_str().unwrap().to_owned()
}

/// Ids of the deliveries about a customer that came before now, and whether each has its body.
async fn bodies(app: &TestApp, customer: &str, ids: &[String]) -> Vec<bool> {
    let mut bodies = Vec::new();
    for id in ids {
        let path = format!("/api/v1/admin/deliveries/{id}");
        let delivery = app.get(&path).bearer(&app.operator()).await.expect(200);
        assert_eq!(delivery["customer_id"], customer);
        assert_eq!(delivery["payload"].is_null(), !delivery["emptied_at"].is_null());
        assert_eq!(delivery["signed_at"].is_null(), !delivery["emptied_at"].is_null());
        bodies.push(delivery["emptied_at"].is_null());
    }
    bodies
}

async fn deliveries(app: &TestApp, customer: &str) -> Vec<String> {
    let page =
        app.get("/api/v1/admin/deliveries?limit=100").bearer(&app.operator()).await.expect(200);
    let rows = page["data"].as_array().unwrap().iter();
    let own: Vec<_> = rows.filter(|row| row["customer_id"] == customer).collect();
    assert!(own.len() > 5, "{page}");
    own.into_iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn report(app: &TestApp, tenant: TenantId, key: &str, at: &str) -> Answer {
    let member = app.token(Role::Member, tenant);
    let body =
        json!({"meter": "api_calls", "quantity": 2, "idempotency_key": key, "occurred_at": at});
    app.post(&format!("/api/v1/billing/tenants/{tenant}/usage")).bearer(&member).json(&body).await
}

struct Text(String);

impl Record for Text {
    fn read(row: &Row<'_>) -> Result<Self, DbError> {
        String::read(row, "text").map(Self)
    }
}

struct Body(Vec<u8>);

impl Record for Body {
    fn read(row: &Row<'_>) -> Result<Self, DbError> {
        Vec::read(row, "payload").map(Self)
    }
}

async fn texts(app: &TestApp, sql: &'static str) -> Vec<String> {
    let mut conn = app.app.db.read().await.unwrap();
    let rows: Vec<Text> = conn.query(sql).all().await.unwrap();
    rows.into_iter().map(|row| row.0).collect()
}

/// Everything we keep that may name a person, but the audit and the answers of repeated requests.
async fn everything(app: &TestApp) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        "SELECT CONCAT(name, ' ', contact_email, ' ', billing_email, ' ', phone, ' ', status_reason, ' ',
             search_text, ' ', CAST(metadata AS TEXT), ' ', CAST(sso AS TEXT)) AS text FROM tenants ORDER BY id",
        "SELECT CONCAT(CAST(stripe_object AS TEXT), ' ', version) AS text FROM subscriptions ORDER BY id",
        "SELECT CONCAT(CAST(stripe_object AS TEXT), ' ', hosted_invoice_url, ' ', invoice_pdf, ' ', version) AS text
         FROM invoices ORDER BY id",
        "SELECT CONCAT(summary, ' ', CAST(data AS TEXT)) AS text FROM events ORDER BY tenant_id, sequence",
        "SELECT CONCAT(meter, ' ', CAST(properties AS TEXT)) AS text FROM usage_events ORDER BY id",
        "SELECT value AS text FROM usage_values ORDER BY value",
    ] {
        all.extend(texts(app, sql).await);
    }
    let mut conn = app.app.db.read().await.unwrap();
    let bodies: Vec<Body> =
        conn.query("SELECT payload FROM deliveries ORDER BY id").all().await.unwrap();
    all.extend(bodies.iter().map(|body| String::from_utf8_lossy(&body.0).into_owned()));
    all
}

const PERSONAL: [&str; 5] = ["Ada", "ada@acme.example", "Main Street", "7946", "moved away"];

fn named(all: &[String]) -> Vec<&String> {
    all.iter().filter(|text| PERSONAL.iter().any(|word| text.contains(word))).collect()
}

/// A tenant that has bought, and of whom Stripe and we know much.
async fn ada(app: &TestApp) -> TenantId {
    let created = json!({"name": "Ada Lovelace", "email": "ada@acme.example", "phone": "+44 20 7946 0000",
        "metadata": {"contact": "Ada"}, "plan": "free"});
    let created =
        app.post("/api/v1/stripe/tenants").bearer(&app.operator()).json(&created).await.expect(201);
    let tenant: TenantId = created["id"].as_str().unwrap().parse().unwrap();
    app.card_on_file(tenant, "pm_card_visa").await;
    let path = format!("/v1/customers/{}", customer(app, tenant));
    let address = [
        ("address[line1]", "1 Main Street"),
        ("address[city]", "London"),
        ("address[country]", "GB"),
    ];
    app.stripe("POST", &path, &address).await;
    app.subscribe(tenant, "pro").await;
    let invoice = app.simulator.objects("invoice").pop().unwrap();
    let note = [
        ("invoice", invoice["id"].as_str().unwrap()),
        ("amount", "100"),
        ("credit_amount", "100"),
        ("memo", "With our apologies to Ada Lovelace"),
    ];
    app.stripe("POST", "/v1/credit_notes", &note).await;
    app.advance(40 * DAY).await;
    tenant
}

/// The tenant's invoices as they are shown, without the links to what Stripe shows.
async fn figures(app: &TestApp, tenant: TenantId) -> Value {
    let viewer = app.operator();
    let path = format!("/api/v1/stripe/tenants/{tenant}/invoices");
    let mut page = app.get(&path).bearer(&viewer).await.expect(200);
    for invoice in page["data"].as_array_mut().unwrap() {
        let invoice = invoice.as_object_mut().unwrap();
        invoice.remove("hosted_invoice_url");
        invoice.remove("invoice_pdf");
    }
    assert!(page["data"].as_array().unwrap().len() > 1, "{page}");
    page
}

on_both_databases! {
    async fn everything_goes_on_its_day_and_not_before(app: &TestApp) {
        let (other, own, held) = (
            app.subscriber("Other", "pro").await,
            app.subscriber("Own", "pro").await,
            app.subscriber("Held", "pro").await,
        );
        let days = json!({"delivery_payload_days": 7, "event_days": 30, "usage_event_days": 36});
        patch(app, own, days.clone()).await.expect(200);
        let mut days = days;
        days["legal_hold"] = json!(true);
        patch(app, held, days).await.expect(200);
        let at = app.app.clock.now().to_string();
        for tenant in [other, own, held] {
            report(app, tenant, "first", &at).await.expect(202);
        }
        let totals = "SELECT CONCAT(per, ' ', CAST(starts_at AS TEXT), ' ', meter, ' ', events, ' ', whole) AS text
            FROM usage_rollups WHERE per <> 'minute' ORDER BY 1, tenant_id";
        let counted = texts(app, totals).await;
        let customers = [other, own, held].map(|tenant| customer(app, tenant));
        let mut came = Vec::new();
        for customer in &customers {
            came.push((customer, deliveries(app, customer).await));
        }
        let mut kept = Vec::new();
        let mut passed = 0;
        // One second before, and then, the day of each.
        for day in [7, 30, 36, 90] {
            for then in [day * DAY - 1, day * DAY] {
                app.app.clock.advance(then - passed);
                passed = then;
                run(app, false).await;
                let mut row = Vec::new();
                for (customer, ids) in &came {
                    let bodies = bodies(app, customer, ids).await;
                    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
                    row.push(bodies[0]);
                }
                let first = "SELECT CAST(COUNT(*) AS TEXT) AS text FROM events WHERE sequence = 1";
                let reports = "SELECT CAST(COUNT(*) AS TEXT) AS text FROM usage_events";
                row.push(texts(app, first).await == ["3"]);
                row.push(texts(app, reports).await == ["3"]);
                kept.push(row);
            }
        }
        // Bodies of the three, the first event of each, a report of each.
        let all = [true, true, true, true, true];
        let without_body = [true, false, true, true, true];
        let without_events = [true, false, true, false, true];
        let without_reports = [true, false, true, false, false];
        let at_last = [false, false, true, false, false];
        let expected = [all, without_body, without_body, without_events, without_events, without_reports,
            without_reports, at_last];
        assert_eq!(kept, expected);
        assert_eq!(texts(app, totals).await, counted, "what the reports came to stays");

        let gone = &came[1].1[0];
        let path = format!("/api/v1/admin/deliveries/{gone}/replay");
        app.post(&path).bearer(&app.operator()).await.refused(409, "delivery_emptied");
        let audit = app.get("/api/v1/admin/audit?limit=100").bearer(&app.operator()).await.expect(200);
        let told = audit["data"].as_array().unwrap().iter().filter(|it| it["action"] == "retention.run").count();
        assert!(told >= 8, "{told}");
        app.settle().await;
    }

    async fn a_report_never_counts_twice(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        patch(app, tenant, json!({"usage_event_days": 35})).await.refused(422, "invalid_request");
        patch(app, tenant, json!({"usage_event_days": 36, "event_days": 29})).await.refused(422, "invalid_request");
        patch(app, tenant, json!({"usage_event_days": 36})).await.expect(200);
        let at = app.app.clock.now().to_string();
        report(app, tenant, "once", &at).await.expect(202);
        for _ in 0..5 {
            app.app.clock.advance(7 * DAY);
            run(app, false).await;
            let again = report(app, tenant, "once", &at).await.expect(202);
            assert_eq!(again["duplicate"], true);
        }
        app.app.clock.advance(DAY);
        let done = run(app, false).await;
        assert_eq!(done["removed"]["usage_events"], 1);
        report(app, tenant, "once", &at).await.expect(422);
        app.settle().await;
    }

    async fn what_is_personal_goes_and_figures_stay(app: &TestApp) {
        let tenant = ada(app).await;
        let neighbour = app.subscriber("Neighbour", "pro").await;
        let figured = figures(app, tenant).await;
        assert!(named(&everything(app).await).len() > 10);
        terminate(app, tenant).await;
        app.advance(90 * DAY - 1).await;
        run(app, false).await;
        assert_eq!(shown(app, tenant).await["name"], "Ada Lovelace", "not a second too early");
        app.app.clock.advance(1);
        app.settle().await;

        let before = everything(app).await;
        let counted = run(app, true).await;
        assert!(everything(app).await == before, "a dry run changes nothing");
        assert_eq!(shown(app, tenant).await["name"], "Ada Lovelace");
        let removed = run(app, false).await;
        for table in ["tenants", "subscriptions", "invoices", "events", "deliveries"] {
            assert_eq!(removed["removed"][table], counted["removed"][table], "{table}");
            assert!(removed["removed"][table].as_u64().unwrap() > 0, "{table}: {removed}");
        }
        assert_eq!(named(&everything(app).await), [""; 0]);
        let erased = shown(app, tenant).await;
        assert_eq!((&erased["name"], &erased["metadata"]), (&json!("(erased)"), &json!({})));
        assert_eq!(figures(app, tenant).await, figured, "to the cent");
        let kept = texts(app, "SELECT CAST(stripe_object AS TEXT) AS text FROM subscriptions").await;
        let readable = |text: &String| serde_json::from_str::<Subscription>(text).is_ok();
        assert!(kept.len() == 2 && kept.iter().all(readable));
        assert_eq!(shown(app, neighbour).await["name"], "Neighbour");
        let nothing = run(app, false).await;
        assert_eq!(nothing["removed"], json!({}), "there is nothing more to do");

        // Stripe knows her still, and says so.
        let invoices = app.simulator.objects("invoice");
        let own = invoices.iter().find(|it| it["customer"] == customer(app, tenant)).unwrap();
        let path = format!("/v1/invoices/{}", own["id"].as_str().unwrap());
        app.stripe("POST", &path, &[("metadata[seen]", "again")]).await;
        app.settle().await;
        let full = json!({"full": true});
        app.post("/api/v1/admin/reconcile").bearer(&app.operator()).json(&full).await.expect(202);
        app.settle().await;
        let objects = texts(app, "SELECT CAST(stripe_object AS TEXT) AS text FROM invoices").await;
        assert!(objects.iter().any(|object| object.contains("again")), "it was taken in");
        assert_eq!(named(&objects), [""; 0]);
        run(app, false).await;
        assert_eq!(named(&everything(app).await), [""; 0]);
        assert_eq!(figures(app, tenant).await, figured);
    }

    async fn under_a_legal_hold_everything_stays(app: &TestApp) {
        let tenant = ada(app).await;
        patch(app, tenant, json!({"legal_hold": true, "personal_data_days": 1})).await.expect(200);
        terminate(app, tenant).await;
        app.advance(400 * DAY).await;
        let before = everything(app).await;
        run(app, false).await;
        assert_eq!(shown(app, tenant).await["name"], "Ada Lovelace");
        assert!(everything(app).await == before, "nothing goes");
        patch(app, tenant, json!({"legal_hold": false, "personal_data_days": 0})).await.expect(200);
        run(app, false).await;
        assert_eq!(shown(app, tenant).await["name"], "Ada Lovelace", "zero days are for ever");
        patch(app, tenant, json!({"personal_data_days": 1})).await.expect(200);
        run(app, false).await;
        assert_eq!(named(&everything(app).await), [""; 0]);
    }

    async fn who_lost_its_lease_removes_nothing_and_another_goes_on(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        patch(app, tenant, json!({"delivery_payload_days": 1})).await.expect(200);
        app.app.clock.advance(DAY);
        app.post(RUNS).bearer(&app.operator()).json(&json!({})).await.expect(202);
        app.post(RUNS).bearer(&app.operator()).json(&json!({"dry_run": true})).await.refused(409, "retention_running");
        // An instance takes it, and dies.
        let now = app.app.clock.now();
        let mut tx = app.app.db.begin().await.unwrap();
        let dead = runs::claim(&mut tx, now, now.plus_seconds(60)).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(work(&app.app).await.unwrap(), None, "it has its time");
        app.app.clock.advance(60);
        assert_eq!(work(&app.app).await.unwrap(), Some(dead.id));
        let mut tx = app.app.db.begin().await.unwrap();
        assert!(!runs::save(&mut tx, &dead).await.unwrap(), "the dead one may write no more");
        drop(tx);
        let page = app.get(RUNS).bearer(&app.operator()).await.expect(200);
        assert_eq!(page["data"][0]["state"], "done");
        assert!(page["data"][0]["removed"]["deliveries"].as_u64().unwrap() > 5, "{page}");
        app.settle().await;
    }

    async fn a_run_is_begun_each_day_by_the_clock(app: &TestApp) {
        let runs = async || {
            let page = app.get(&format!("{RUNS}?limit=100")).bearer(&app.operator()).await.expect(200);
            page["data"].as_array().unwrap().len()
        };
        let before = runs().await;
        app.advance(DAY - 1).await;
        assert_eq!(runs().await, before);
        app.advance(1).await;
        assert_eq!(runs().await, before + 1);
        app.get(RUNS).bearer(&app.sign(Role::Support, None)).await.expect(200);
        let body = json!({});
        app.post(RUNS).bearer(&app.sign(Role::Support, None)).json(&body).await.expect(403);
        app.post(RUNS).bearer(&app.operator()).json(&json!({"dry": true})).await.expect(422);
    }
}
