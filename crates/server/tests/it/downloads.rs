//! Files as spreadsheets and programs read them.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use tollhouse_domain::actor::Role;

use crate::harness::{TestApp, on_both_databases};

const TABLES: [&str; 5] = ["invoices", "subscriptions", "usage", "audit", "events"];

/// A file as it is sent.
async fn file(app: &TestApp, name: &str) -> String {
    let answer = app.get(&format!("/api/v1/admin/export/{name}")).bearer(&app.operator()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let named = name.split('?').next().unwrap();
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{named}\""));
    answer.text
}

/// The lines of a CSV file, each field by its name.
fn read_csv(text: &str) -> Vec<std::collections::HashMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().unwrap()
}

fn read_ndjson(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn amount(text: &str) -> Decimal {
    text.parse().unwrap()
}

on_both_databases! {
    async fn both_formats_say_the_same(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        let usage = json!({"meter": "api_calls", "quantity": 2.5, "idempotency_key": "=1+1", "properties": {"a": "b,\"c\""}});
        app.ask(acme, "usage", &usage).await.expect(202);
        app.settle().await;
        for table in TABLES {
            // What follows is read a moment later than the first, and each download is in the audit.
            let until = "to=2026-11-20T12:00:01Z";
            let csv = read_csv(&file(app, &format!("{table}.csv?{until}")).await);
            let lines = read_ndjson(&file(app, &format!("{table}.ndjson?{until}")).await);
            assert!(!csv.is_empty() && csv.len() <= lines.len(), "{table}: {}", csv.len());
            for (row, line) in csv.iter().zip(&lines) {
                let fields = line.as_object().unwrap();
                assert_eq!(row.len(), fields.len());
                for (name, value) in fields {
                    let field = &row[name];
                    match value {
                        Value::Null => assert_eq!(field, "", "{table} {name}"),
                        Value::String(text) => assert_eq!(field.trim_start_matches('\''), text, "{table} {name}"),
                        Value::Number(number) => assert_eq!(amount(field), amount(&number.to_string()), "{table} {name}"),
                        other => assert_eq!(serde_json::from_str::<Value>(field).unwrap(), *other, "{table} {name}"),
                    }
                }
            }
        }
        let invoice = &read_csv(&file(app, "invoices.csv").await)[0];
        assert_eq!((&*invoice["total"], &*invoice["currency"], &*invoice["status"]), ("29.00", "usd", "paid"));
        let subscription = &read_csv(&file(app, "subscriptions.csv").await)[0];
        assert_eq!((&*subscription["mrr"], &*subscription["plan"]), ("29.00", "pro"));
        let used = &read_csv(&file(app, "usage.csv").await)[0];
        assert_eq!((&*used["quantity"], &*used["idempotency_key"]), ("2.5", "'=1+1"));
    }

    async fn a_file_is_one_tenants_or_of_a_time_and_in_the_audit(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        app.subscriber("Birch", "pro").await;
        assert_eq!(read_csv(&file(app, "invoices.csv").await).len(), 2);
        let own = read_ndjson(&file(app, &format!("invoices.ndjson?tenant_id={acme}")).await);
        assert_eq!((own.len(), &own[0]["tenant_id"]), (1, &json!(acme)));
        assert_eq!(file(app, "invoices.ndjson?from=2027-01-01T00:00:00Z").await, "");
        assert_eq!(file(app, "invoices.csv?to=2026-01-01T00:00:00Z").await.lines().count(), 1);
        let page = app.get("/api/v1/admin/audit?limit=100").bearer(&app.operator()).await.expect(200);
        let told = page["data"].as_array().unwrap().iter().filter(|entry| entry["action"] == "export.create");
        let told: Vec<&Value> = told.collect();
        assert_eq!(told.len(), 4);
        assert_eq!((&told[3]["subject_id"], &told[2]["data"]["tenant_id"]), (&json!("invoices.csv"), &json!(acme)));
        assert_eq!((&told[0]["actor"], &told[0]["tenant_id"]), (&json!("operator@test"), &Value::Null));
        for (name, status, code) in [
            ("secrets.csv", 404, "not_found"), ("invoices.xlsx", 404, "not_found"), ("invoices", 404, "not_found"),
            ("invoices.csv?from=soon", 422, "invalid_request"), ("invoices.csv?tenant=1", 422, "invalid_request"),
            ("invoices.csv?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", 422, "invalid_request"),
        ] {
            app.get(&format!("/api/v1/admin/export/{name}")).bearer(&app.operator()).await.refused(status, code);
        }
        let owner = app.token(Role::Owner, acme);
        app.get("/api/v1/admin/export/invoices.csv").bearer(&owner).await.refused(403, "forbidden");
    }

    async fn a_file_of_many_pages_has_each_line_once(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        for batch in 0..2 {
            let report = |index: i64| json!({"tenant_id": acme, "meter": "api_calls", "quantity": 1, "idempotency_key": format!("{batch}-{index}")});
            let body = json!({"events": (0..600).map(report).collect::<Vec<_>>()});
            app.post("/api/v1/usage/batch").bearer(&app.operator()).json(&body).await.expect(202);
        }
        let lines = read_csv(&file(app, "usage.csv").await);
        let mut keys: Vec<&String> = lines.iter().map(|line| &line["idempotency_key"]).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((lines.len(), keys.len()), (1200, 1200));
    }
}
