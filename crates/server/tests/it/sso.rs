//! How a tenant's people sign in: checked with every problem at once, shown without what is secret.

use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, on_both_databases};

const TENANTS: &str = "/api/v1/stripe/tenants";
const GOOD: &str = include_str!("certificates/valid_until_2046.pem");
const OLD: &str = include_str!("certificates/valid_until_2026_11_22.pem");

fn oidc() -> Value {
    json!({"type": "oidc", "issuer": "https://id.example.com/realm", "client_id": "acme", "client_secret": "very-secret",
        "redirect_uris": ["https://app.example.com/back", "http://localhost:3000/back"]})
}

fn saml(certificate: &str) -> Value {
    json!({"type": "saml", "entity_id": "urn:acme:idp", "sso_url": "https://id.example.com/sso", "certificate": certificate})
}

async fn create(app: &TestApp, sso: &Value) -> Answer {
    let body = json!({"name": "Acme", "email": "ada@example.com", "sso": sso});
    app.post(TENANTS).bearer(&app.operator()).json(&body).await
}

on_both_databases! {
    async fn openid_connect_is_kept_and_its_secret_never_shown(app: &TestApp) {
        let created = create(app, &oidc()).await;
        assert!(!created.text.contains("very-secret"));
        let created = created.expect(201);
        assert_eq!(created["sso"], json!({"type": "oidc", "issuer": "https://id.example.com/realm", "client_id": "acme",
            "client_secret_set": true, "redirect_uris": ["https://app.example.com/back", "http://localhost:3000/back"],
            "scopes": ["openid", "email", "profile"]}));
        let path = format!("{TENANTS}/{}", created["id"].as_str().unwrap());
        let mut again = oidc();
        again.as_object_mut().unwrap().remove("client_secret");
        again["scopes"] = json!(["openid"]);
        let put = |sso: Value| app.call("PATCH", &path).bearer(&app.operator()).json(&json!({"sso": sso}));
        let changed = put(again.clone()).await.expect(200);
        assert_eq!((&changed["sso"]["client_secret_set"], &changed["sso"]["scopes"]), (&json!(true), &json!(["openid"])));
        again["client_id"] = json!("another");
        assert_eq!(put(again).await.expect(200)["sso"]["client_secret_set"], false, "a secret stays with its client");
        assert!(put(Value::Null).await.expect(200)["sso"].is_null());
        for path in ["/api/v1/admin/audit".to_owned(), format!("{TENANTS}?limit=100")] {
            let answer = app.get(&path).bearer(&app.operator()).await;
            assert!(!answer.text.contains("very-secret"));
        }
    }

    async fn saml_is_kept_with_what_its_certificate_says(app: &TestApp) {
        let created = create(app, &saml(GOOD)).await.expect(201);
        assert_eq!(created["sso"]["certificate_expires_at"], "2046-11-16T13:22:50Z");
        assert_eq!(created["sso"]["certificate_fingerprint"].as_str().unwrap().len(), 64);
        create(app, &saml(OLD)).await.expect(201);
        app.app.clock.advance(3 * 86_400);
        let problem = create(app, &saml(OLD)).await.refused(422, "invalid_request");
        assert_eq!(problem["errors"][0]["field"], "sso.certificate");
        let body = GOOD.lines().filter(|line| !line.starts_with('-')).collect::<String>();
        for bad in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &body, &GOOD.replace("CERTIFICATE", "PRIVATE KEY"), &"x".repeat(20_001)] {
            create(app, &saml(bad)).await.refused(422, "invalid_request");
        }
    }

    async fn every_problem_is_told_at_once(app: &TestApp) {
        let bad = json!({"type": "oidc", "issuer": "http://id.example.com/?x", "client_id": " ", "client_secret": "",
            "redirect_uris": ["https://app.example.com/#x"], "scopes": ["email"]});
        let problem = create(app, &bad).await.refused(422, "invalid_request");
        let fields: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["sso.issuer", "sso.client_id", "sso.client_secret", "sso.redirect_uris", "sso.scopes"]);
        let bad = json!({"type": "saml", "entity_id": "", "sso_url": "ftp://id.example.com", "certificate": "x"});
        let problem = create(app, &bad).await.refused(422, "invalid_request");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
        for uri in ["http://app.example.com/", "https://user@app.example.com/", "javascript:alert(1)", "/back", "https://a b/"] {
            let mut bad = oidc();
            bad["redirect_uris"] = json!([uri]);
            create(app, &bad).await.refused(422, "invalid_request");
        }
        for bad in [json!({"type": "ldap"}), json!({"type": "oidc"}), json!("oidc"), json!({"type": "saml", "entity_id": "x", "sso_url": "https://x.example", "certificate": GOOD, "client_secret": "x"})] {
            create(app, &bad).await.refused(422, "invalid_request");
        }
    }
}
