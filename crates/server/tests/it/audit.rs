//! The audit: who reads it, and that nothing in it can be changed unseen.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::{
    audit::{
        tasks::seal_entries,
        verify::{Verified, verify},
    },
    db::Conn,
    http::address::Peer,
};

use crate::harness::{TestApp, on_both_databases};

const DAY: i64 = 86_400;

/// Checks all chains, with everything sealed.
async fn check(app: &TestApp) -> Verified {
    seal_entries(&app.app).await.unwrap();
    verify(&app.app, None).await.unwrap()
}

fn breaks(found: &Verified) -> Vec<(Option<TenantId>, i64, &'static str)> {
    found.breaks.iter().map(|one| (one.tenant, one.number, one.problem)).collect()
}

/// What somebody does who has the database's password.
async fn tamper(app: &TestApp, sql: &'static str) -> Result<u64, String> {
    let mut conn: Conn = app.app.db.read().await.unwrap();
    if app.app.db.kind() == "sqlite" {
        drop(conn);
        let tx = app.app.db.begin().await.unwrap();
        return change(tx, sql).await;
    }
    conn.query(sql).execute().await.map_err(|error| error.to_string())
}

async fn change(mut tx: tollhouse_server::db::Tx, sql: &'static str) -> Result<u64, String> {
    let changed = tx.query(sql).execute().await.map_err(|error| error.to_string())?;
    tx.commit().await.unwrap();
    Ok(changed)
}

/// Takes the guards of the table away first, as somebody would who means it.
async fn unguard(app: &TestApp) {
    for trigger in ["audit_entries_stay", "audit_seals_stay"] {
        let sql = match (app.app.db.kind(), trigger) {
            ("sqlite", "audit_entries_stay") => "DROP TRIGGER audit_entries_stay",
            ("sqlite", _) => "DROP TRIGGER audit_seals_stay",
            (_, "audit_entries_stay") => "DROP TRIGGER audit_entries_stay ON audit_entries",
            (_, _) => "DROP TRIGGER audit_seals_stay ON audit_entries",
        };
        tamper(app, sql).await.unwrap();
    }
}

on_both_databases! {
    async fn every_entry_is_sealed_in_its_chain(app: &TestApp) {
        let (one, two) = (app.subscriber("One", "pro").await, app.subscriber("Two", "pro").await);
        let found = check(app).await;
        assert_eq!(breaks(&found), []);
        assert_eq!(found.chains, 3, "two tenants and the platform");
        for tenant in [one, two] {
            let path = format!("/api/v1/billing/tenants/{tenant}/audit?limit=100");
            let page = app.get(&path).bearer(&app.token(Role::Admin, tenant)).await.expect(200);
            let rows = page["data"].as_array().unwrap();
            let mut numbers: Vec<i64> = rows.iter().map(|row| row["number"].as_i64().unwrap()).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (1..=i64::try_from(rows.len()).unwrap()).collect::<Vec<_>>());
            assert!(rows.iter().all(|row| row["tenant_id"] == tenant.to_string()));
            assert!(rows.iter().all(|row| row["hash"].as_str().unwrap().len() == 64));
            assert!(rows.iter().any(|row| row["action"] == "checkout_session.created"));
        }
        // What is done later goes on where the chain was.
        let before = found.entries;
        app.ask(one, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        let found = check(app).await;
        assert!(found.entries > before && found.breaks.is_empty(), "{found:?}");
    }

    async fn many_at_once_leave_one_chain(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        for round in 0..30 {
            let body = json!({"name": format!("Acme {round}")});
            let path = format!("/api/v1/stripe/tenants/{tenant}");
            app.call("PATCH", &path).bearer(&app.operator()).json(&body).await.expect(200);
            let (one, two) = tokio::join!(seal_entries(&app.app), seal_entries(&app.app));
            one.and(two).unwrap();
        }
        let found = check(app).await;
        assert_eq!(breaks(&found), []);
        assert!(found.entries > 30);
    }

    async fn what_was_written_cannot_be_changed_unseen(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        assert_eq!(breaks(&check(app).await), []);
        for sql in [
            "UPDATE audit_entries SET actor = 'nobody' WHERE number = 2",
            "UPDATE audit_entries SET number = 9 WHERE number = 2",
        ] {
            let refused = tamper(app, sql).await.unwrap_err();
            assert!(refused.contains("never changes"), "{refused}");
        }
        unguard(app).await;
        let of_tenant = |found: &Verified| {
            breaks(found).into_iter().filter(|one| one.0 == Some(tenant)).map(|one| (one.1, one.2)).collect::<Vec<_>>()
        };
        tamper(app, "UPDATE audit_entries SET actor = 'nobody' WHERE number = 2 AND tenant_id IS NOT NULL").await.unwrap();
        assert_eq!(of_tenant(&check(app).await), [(2, "the entry is not as it was sealed")]);
        tamper(app, "DELETE FROM audit_entries WHERE number = 3 AND tenant_id IS NOT NULL").await.unwrap();
        assert!(of_tenant(&check(app).await).contains(&(3, "an entry is missing")));
        tamper(app, "DELETE FROM audit_entries WHERE number > 1 AND tenant_id IS NOT NULL").await.unwrap();
        assert_eq!(of_tenant(&check(app).await), [(2, "the end of the chain is missing")]);
    }

    async fn a_tenants_audit_is_for_its_admins(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let path = format!("/api/v1/billing/tenants/{tenant}/audit");
        let page = |token: String| app.get(&path).bearer(&token);
        for role in [Role::Viewer, Role::Member] {
            page(app.token(role, tenant)).await.refused(403, "forbidden");
        }
        let own = page(app.token(Role::Owner, tenant)).await.expect(200);
        let all = format!("/api/v1/admin/audit?tenant_id={tenant}");
        let all = app.get(&all).bearer(&app.operator()).await.expect(200);
        assert_eq!(own, all);
        assert_eq!(page(app.operator()).await.expect(200), all);
        assert_ne!(own["data"], Value::Array(Vec::new()));
    }

    async fn what_is_old_goes_and_the_rest_is_still_proved(app: &TestApp) {
        let (tenant, held) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let change = async |id: TenantId, body: Value| {
            let path = format!("/api/v1/stripe/tenants/{id}");
            app.call("PATCH", &path).bearer(&app.operator()).json(&body).await.expect(200);
        };
        change(tenant, json!({"retention": {"audit_days": 366}})).await;
        change(held, json!({"retention": {"audit_days": 366, "legal_hold": true}})).await;
        check(app).await;
        app.app.clock.advance(300 * DAY);
        change(tenant, json!({"name": "Acme and sons"})).await;
        let before = check(app).await;
        app.app.clock.advance(67 * DAY);
        app.settle().await;
        for (id, left) in [(tenant, 1), (held, 2)] {
            let path = format!("/api/v1/billing/tenants/{id}/audit");
            let page = app.get(&path).bearer(&app.operator()).await.expect(200);
            assert_eq!(page["data"].as_array().unwrap().len(), left, "{page}");
        }
        let found = check(app).await;
        assert_eq!(breaks(&found), []);
        assert_eq!(found.chains, before.chains);
        unguard(app).await;
        tamper(app, "UPDATE audit_entries SET action = 'tenant.delete' WHERE action = 'tenant.update' AND number = 3").await.unwrap();
        assert_eq!(breaks(&check(app).await), [(Some(tenant), 3, "the entry is not as it was sealed")]);
    }

    async fn who_did_it_came_from_somewhere(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let mut request = Request::patch(format!("/api/v1/stripe/tenants/{tenant}"))
            .header("authorization", format!("Bearer {}", app.operator()))
            .header("content-type", "application/json")
            .body(Body::from(r#"{"name": "Birch"}"#))
            .unwrap();
        request.extensions_mut().insert(Peer("2001:db8::5".parse().unwrap()));
        app.send(request).await.expect(200);
        let path = format!("/api/v1/admin/audit?tenant_id={tenant}&limit=1");
        let newest = app.get(&path).bearer(&app.operator()).await.expect(200)["data"][0].clone();
        assert_eq!((&newest["action"], &newest["address"]), (&json!("tenant.update"), &json!("2001:db8::5")));
    }
}
