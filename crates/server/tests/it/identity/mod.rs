//! Tokens of an identity provider: its keys are fetched, kept, changed and withdrawn.

mod provider;

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_server::{
    Config,
    http::tokens::{self, Claims},
};

use crate::harness::{Answer, Database, Kind, TestApp, on_both_databases};
use provider::{Provider, Signer};

const STATUS: &str = "/api/v1/customer/billing/status";
const AUDIENCE: &str = "billing";
const ISSUER: &str = "https://id.example.com";

/// A service that trusts this provider, with settings of its own.
async fn trusting(kind: Kind, provider: &Provider) -> TestApp {
    TestApp::start_with(Database::create(kind).await, |config| trust(config, provider)).await
}

fn trust(config: &mut Config, provider: &Provider) {
    config.auth.jwt_jwks_url = Some(provider.url());
    config.auth.jwt_audience = Some(AUDIENCE.to_owned());
    config.auth.jwt_issuer = Some(ISSUER.to_owned());
}

/// Good claims of a tenant's viewer.
fn claims(app: &TestApp, tenant: TenantId) -> Value {
    json!({
        "sub": "ada@example.com",
        "role": Role::Viewer,
        "tenant_id": tenant,
        "exp": app.app.clock.now().as_second() + 3600,
        "iss": ISSUER,
        "aud": [AUDIENCE, "another"],
    })
}

async fn ask(app: &TestApp, token: &str) -> Answer {
    app.get(STATUS).bearer(token).await
}

#[tokio::test]
async fn claims_have_the_names_that_the_settings_say() {
    let signer = Signer::p256("e");
    let provider = Provider::start(std::slice::from_ref(&signer)).await;
    let app = TestApp::start_with(Database::create(Kind::Sqlite).await, |config| {
        trust(config, &provider);
        config.auth.claim_subject = "https://example.com/person".to_owned();
        config.auth.claim_role = "https://example.com/role".to_owned();
        config.auth.claim_tenant = "org".to_owned();
    })
    .await;
    let tenant = app.tenant("Acme").await;
    let mut token = claims(&app, tenant);
    ask(&app, &signer.sign(&token)).await.refused(401, "unauthenticated");
    let named = token.as_object_mut().unwrap();
    for (name, ours) in [
        ("https://example.com/person", "sub"),
        ("https://example.com/role", "role"),
        ("org", "tenant_id"),
    ] {
        let value = named.remove(ours).unwrap();
        named.insert(name.to_owned(), value);
    }
    ask(&app, &signer.sign(&token)).await.expect(200);
    // What the provider says under our names is of another meaning.
    token["role"] = json!("operator");
    token["tenant_id"] = json!(null);
    ask(&app, &signer.sign(&token)).await.expect(200);
    let audit = app.get("/api/v1/admin/audit").bearer(&signer.sign(&token)).await;
    audit.refused(403, "forbidden");
    let mut own: Claims = serde_json::from_value(claims(&app, tenant)).unwrap();
    own.role = Role::Owner;
    ask(&app, &tokens::sign(&own, &app.app.config.auth).unwrap()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn tokens_of_all_three_kinds_open_beside_those_of_the_secret() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let signers = [Signer::rsa("r"), Signer::p256("e"), Signer::ed25519("d")];
        let provider = Provider::start(&signers).await;
        let app = trusting(kind, &provider).await;
        let tenant = app.tenant("Acme").await;
        for signer in &signers {
            ask(&app, &signer.sign(&claims(&app, tenant))).await.expect(200);
        }
        let own = serde_json::from_value(claims(&app, tenant)).unwrap();
        ask(&app, &tokens::sign(&own, &app.app.config.auth).unwrap()).await.expect(200);
        assert_eq!(provider.asked(), 1, "the keys are kept");
        app.finish().await;
    }
}

#[tokio::test]
async fn what_a_token_says_is_checked_as_with_a_secret() {
    let signer = Signer::ed25519("d");
    let provider = Provider::start(std::slice::from_ref(&signer)).await;
    let app = trusting(Kind::Sqlite, &provider).await;
    let tenant = app.tenant("Acme").await;
    let now = app.app.clock.now().as_second();
    for (field, bad) in [
        ("aud", json!("another")),
        ("aud", json!(null)),
        ("iss", json!("https://evil.example.com")),
        ("iss", json!(null)),
        ("exp", json!(now - 31)),
        ("exp", json!(null)),
        ("nbf", json!(now + 31)),
        ("role", json!("root")),
        ("sub", json!("")),
    ] {
        let mut claims = claims(&app, tenant);
        claims[field] = bad;
        ask(&app, &signer.sign(&claims)).await.refused(401, "unauthenticated");
    }
    let mut early = claims(&app, tenant);
    early["nbf"] = json!(now + 30);
    ask(&app, &signer.sign(&early)).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (rsa, p256) = (Signer::rsa("r"), Signer::p256("e"));
    let provider = Provider::start(&[rsa.clone(), p256.clone()]).await;
    let app = trusting(Kind::Sqlite, &provider).await;
    let claims = claims(&app, app.tenant("Acme").await);
    ask(&app, &rsa.sign(&claims)).await.expect(200);
    let mut forged = vec![
        // The algorithm of secrets, with what everyone knows as the secret.
        rsa.sign_with_public_key_as_secret("r", &claims),
        p256.sign_with_public_key_as_secret("e", &claims),
        // Another's key under a known name, and a name of another's.
        Signer::p256_other("e").sign(&claims),
        Signer::p256_other("r").sign(&claims),
        // A good signature, by a key that was published for another algorithm.
        p256.clone().named(Some("r")).sign(&claims),
        // Critical words that nobody here understands.
        p256.sign_with_header(&claims, &json!({"crit": ["exp"], "exp": 1})),
        // Algorithms that are not accepted.
        rsa.sign_with_header(&claims, &json!({"alg": "RS512"})),
        rsa.sign_with_header(&claims, &json!({"alg": "PS256"})),
        format!("{}x", rsa.sign(&claims)),
    ];
    for word in ["none", "None", "NONE", ""] {
        let unsigned = rsa.sign_with_header(&claims, &json!({"alg": word}));
        let (head, _) = unsigned.rsplit_once('.').unwrap();
        forged.extend([format!("{head}."), unsigned]);
    }
    for token in forged {
        ask(&app, &token).await.refused(401, "unauthenticated");
    }
    app.finish().await;
}

#[tokio::test]
async fn keys_that_are_not_for_signatures_check_none() {
    let (rsa, short, p256) = (Signer::rsa("r"), Signer::rsa_short("s"), Signer::p256("e"));
    let provider = Provider::start(&[]).await;
    let app = trusting(Kind::Sqlite, &provider).await;
    let claims = claims(&app, app.tenant("Acme").await);
    let with = |signer: &Signer, field: &str, value: Value| {
        let mut key = signer.published();
        key[field] = value;
        key
    };
    for (signer, key, opens) in [
        (&rsa, rsa.published(), true),
        (&rsa, with(&rsa, "use", json!("sig")), true),
        (&rsa, with(&rsa, "use", json!("enc")), false),
        (&rsa, with(&rsa, "key_ops", json!(["verify"])), true),
        (&rsa, with(&rsa, "key_ops", json!(["encrypt"])), false),
        (&rsa, with(&rsa, "alg", json!("RSA-OAEP-256")), false),
        (&rsa, with(&rsa, "alg", json!("RS512")), false),
        (&rsa, with(&rsa, "alg", json!(null)), true),
        (&rsa, with(&rsa, "kid", json!(null)), false),
        (&rsa, with(&rsa, "n", json!("no base64")), false),
        (&short, short.published(), false),
        (&p256, with(&p256, "crv", json!("P-384")), false),
        (&p256, json!({"kty": "oct", "kid": "e", "k": "c2VjcmV0"}), false),
        (&p256, json!("not even a key"), false),
    ] {
        provider.publish(json!({ "keys": [json!({"kty": "new"}), key] }));
        app.app.key_set.as_ref().unwrap().refresh(&app.app.clock).await;
        let status = ask(&app, &signer.sign(&claims)).await.status;
        assert_eq!(status, if opens { 200 } else { 401 }, "{key}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_token_that_names_no_key_needs_a_set_with_one_that_fits() {
    let (one, other) = (Signer::p256("a"), Signer::p256_other("b"));
    let provider = Provider::start(&[one.clone(), Signer::rsa("r")]).await;
    let app = trusting(Kind::Sqlite, &provider).await;
    let claims = claims(&app, app.tenant("Acme").await);
    ask(&app, &one.clone().named(None).sign(&claims)).await.expect(200);
    ask(&app, &other.clone().named(None).sign(&claims)).await.refused(401, "unauthenticated");
    provider.publish_keys(&[one.clone(), other]);
    app.app.key_set.as_ref().unwrap().refresh(&app.app.clock).await;
    ask(&app, &one.clone().named(None).sign(&claims)).await.refused(401, "unauthenticated");
    ask(&app, &one.sign(&claims)).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_key_that_is_new_is_found_at_once_and_one_withdrawn_with_the_next_fetch() {
    let (old, new) = (Signer::p256("old"), Signer::p256_other("new"));
    let provider = Provider::start(std::slice::from_ref(&old)).await;
    let app = trusting(Kind::Sqlite, &provider).await;
    let tenant = app.tenant("Acme").await;
    ask(&app, &old.sign(&claims(&app, tenant))).await.expect(200);
    provider.publish_keys(std::slice::from_ref(&new));
    app.app.clock.advance(10);
    ask(&app, &new.sign(&claims(&app, tenant))).await.expect(200);
    ask(&app, &old.sign(&claims(&app, tenant))).await.refused(401, "unauthenticated");
    assert_eq!(provider.asked(), 2);
    app.finish().await;
}

#[tokio::test]
async fn invented_keys_make_us_ask_once_in_a_while_only() {
    let good = Signer::p256("good");
    let provider = Provider::start(std::slice::from_ref(&good)).await;
    let app = trusting(Kind::Sqlite, &provider).await;
    let tenant = app.tenant("Acme").await;
    ask(&app, &good.sign(&claims(&app, tenant))).await.expect(200);
    for invented in 0..5 {
        app.app.clock.advance(1);
        let bad = Signer::p256_other(&format!("invented {invented}"));
        ask(&app, &bad.sign(&claims(&app, tenant))).await.refused(401, "unauthenticated");
    }
    assert_eq!(provider.asked(), 1, "the last answer was fresh enough");
    app.app.clock.advance(10);
    let bad = Signer::p256_other("invented").sign(&claims(&app, tenant));
    // All at once: one of them asks, and the others wait for its answer.
    let asking: Vec<_> = (0..20).map(|_| ask(&app, &bad)).collect();
    for answer in side_by_side(asking).await {
        answer.refused(401, "unauthenticated");
    }
    assert_eq!(provider.asked(), 2);
    app.finish().await;
}

/// Runs them side by side.
async fn side_by_side<F: Future<Output = Answer>>(futures: Vec<F>) -> Vec<Answer> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    answers
}

#[tokio::test]
async fn while_the_provider_is_down_its_keys_serve_for_a_day() {
    let signer = Signer::rsa("r");
    let provider = Provider::start(std::slice::from_ref(&signer)).await;
    let app = trusting(Kind::Sqlite, &provider).await;
    let tenant = app.tenant("Acme").await;
    let keys = app.app.key_set.as_ref().unwrap();
    ask(&app, &signer.sign(&claims(&app, tenant))).await.expect(200);
    let fresh = json!({ "keys": [signer.published()] });
    let huge = json!({ "keys": [signer.published()], "filler": "a".repeat(256 * 1024) });
    let failures: [fn(&Provider, &Value); 4] = [
        |provider, _| provider.answer(500),
        |provider, _| provider.answer(302),
        |provider, huge| provider.publish(huge.clone()),
        |provider, _| provider.publish(json!({"error": "later"})),
    ];
    for fail in failures {
        fail(&provider, &huge);
        app.app.clock.advance(86399);
        keys.refresh(&app.app.clock).await;
        ask(&app, &signer.sign(&claims(&app, tenant))).await.expect(200);
        app.app.clock.advance(1);
        let answer = ask(&app, &signer.sign(&claims(&app, tenant))).await;
        assert_eq!(answer.header("retry-after"), "1");
        answer.refused(503, "not_ready");
        app.app.clock.advance(10);
        provider.publish(fresh.clone());
        ask(&app, &signer.sign(&claims(&app, tenant))).await.expect(200);
    }
    assert_eq!(provider.followed(), 0, "nobody was sent elsewhere");
    app.finish().await;
}

#[tokio::test]
async fn without_a_secret_previews_are_signed_all_the_same() {
    let signer = Signer::p256("e");
    let provider = Provider::start(std::slice::from_ref(&signer)).await;
    let mut app = TestApp::start(Kind::Sqlite).await;
    let tenant = app.subscriber("Acme", "pro").await;
    app.restart(|config| {
        trust(config, &provider);
        config.auth.jwt_secret = None;
    })
    .await;
    let mut admin = claims(&app, tenant);
    admin["role"] = json!("admin");
    let admin = signer.sign(&admin);
    let ask = async |path: &str, body: &Value| {
        let path = format!("/api/v1/billing/tenants/{tenant}/{path}");
        app.post(&path).bearer(&admin).json(body).await
    };
    let preview = ask("upcoming-invoice", &json!({"plan": "enterprise"})).await.expect(200);
    let change =
        json!({"plan": "enterprise", "when": "now", "preview_token": preview["preview_token"]});
    ask("subscription/plan", &change).await.expect(200);
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn a_running_service_fetches_the_keys_before_anybody_asks() {
    let signer = Signer::p256("e");
    let provider = Provider::start(std::slice::from_ref(&signer)).await;
    let app = trusting(Kind::Sqlite, &provider).await;
    let running = tokio::spawn(tollhouse_server::serve(app.app.clone(), None));
    provider.until_asked().await;
    app.app.stop.cancel();
    running.await.unwrap();
}

on_both_databases! {
    async fn without_a_key_set_only_the_secret_counts(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let token = Signer::rsa("r").sign(&claims(app, tenant));
        ask(app, &token).await.refused(401, "unauthenticated");
        ask(app, &app.token(Role::Viewer, tenant)).await.expect(200);
    }
}
