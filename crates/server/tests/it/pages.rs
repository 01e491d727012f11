//! The pages, as a browser asks for them: who sees which, and what a form must show.

use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::{Answer, TestApp, on_both_databases};

/// The pages of our staff, and what their forms do.
const OF_STAFF: &[(&str, &str)] = &[
    ("GET", "/pages/overview"),
    ("GET", "/pages/tenants"),
    ("GET", "/pages/tenants/{tenant_id}"),
    ("POST", "/pages/tenants/{tenant_id}/suspend"),
    ("POST", "/pages/tenants/{tenant_id}/reactivate"),
    ("POST", "/pages/tenants/{tenant_id}/plan"),
    ("POST", "/pages/tenants/{tenant_id}/replay"),
    ("GET", "/pages/subscriptions"),
    ("GET", "/pages/invoices"),
    ("GET", "/pages/usage"),
    ("GET", "/pages/deliveries"),
    ("GET", "/pages/deliveries/{id}"),
    ("POST", "/pages/deliveries/{id}/replay"),
    ("GET", "/pages/events"),
    ("GET", "/pages/drift"),
    ("POST", "/pages/drift/compare"),
    ("POST", "/pages/drift/{id}/resolve"),
    ("GET", "/pages/catalog"),
    ("GET", "/pages/audit"),
    ("GET", "/pages/health"),
    ("GET", "/pages/keys"),
    ("POST", "/pages/keys"),
    ("POST", "/pages/keys/{id}/revoke"),
];

/// The pages of a tenant's own people: they name no tenant.
const OF_TENANTS: &[(&str, &str)] = &[
    ("GET", "/pages/billing"),
    ("GET", "/pages/billing/plan"),
    ("POST", "/pages/billing/plan"),
    ("GET", "/pages/billing/plan/preview?plan=pro"),
    ("POST", "/pages/billing/plan/pending"),
    ("POST", "/pages/billing/checkout"),
    ("POST", "/pages/billing/addons"),
    ("POST", "/pages/billing/addons/end"),
    ("GET", "/pages/billing/cards"),
    ("POST", "/pages/billing/cards/default"),
    ("POST", "/pages/billing/cards/remove"),
    ("POST", "/pages/billing/portal"),
    ("GET", "/pages/billing/cancel"),
    ("POST", "/pages/billing/cancel"),
    ("POST", "/pages/billing/resume"),
];

/// A browser that is signed in.
struct Browser<'a> {
    app: &'a TestApp,
    cookie: String,
}

impl<'a> Browser<'a> {
    /// Comes by the link that an application makes.
    async fn enter(app: &'a TestApp, token: &str) -> Self {
        let answer = app.get(&format!("/pages/enter?token={token}")).await;
        assert_eq!(
            (answer.status, &*answer.header("location")),
            (303, "/pages"),
            "{}",
            answer.text
        );
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { app, cookie }
    }

    async fn looks(&self, path: &str) -> Answer {
        self.app.get(path).header("cookie", &self.cookie).await
    }

    /// Fills in the form that the page shows, and sends it.
    async fn sends(&self, page: &str, path: &str, fields: &str) -> Answer {
        let page = self.looks(page).await.text;
        let (_, rest) = page.split_once("name=\"csrf_token\" value=\"").unwrap();
        let token = rest.split('"').next().unwrap();
        self.sends_as(path, &format!("csrf_token={token}&{fields}")).await
    }

    async fn sends_as(&self, path: &str, body: &str) -> Answer {
        self.app.post(path).header("cookie", &self.cookie).form(body).await
    }
}

fn is_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"),
        "{policy}"
    );
}

on_both_databases! {
    async fn pages_of_our_staff_are_shown_to_nobody_else(app: &TestApp) {
        let victim = app.subscriber("Victim", "pro").await;
        let other = app.tenant("Other").await;
        let stranger = Browser::enter(app, &app.token(Role::Owner, other)).await;
        for (method, path) in OF_STAFF {
            let path = path.replace("{tenant_id}", &victim.to_string()).replace("{id}", &app.app.clock.new_id().to_string());
            let foreign = app.call(method, &path).bearer(&app.token(Role::Owner, other)).await;
            assert!([403, 404].contains(&foreign.status), "{method} {path}: {}", foreign.text);
            assert!(!foreign.text.contains("Victim"), "{method} {path}: {}", foreign.text);
            is_page(&foreign, foreign.status);
            let anonymous = app.call(method, &path).await;
            if *method == "GET" {
                assert_eq!(anonymous.status, 303, "{path}");
                assert!(anonymous.header("location").starts_with("/pages/sign-in?next="));
                let by_cookie = stranger.looks(&path).await;
                assert!([403, 404].contains(&by_cookie.status), "{path}: {}", by_cookie.text);
            } else {
                is_page(&anonymous, 401);
            }
        }
    }

    async fn people_of_a_tenant_see_that_one_and_viewers_only_look(app: &TestApp) {
        app.subscriber("Victim", "pro").await;
        let other = app.subscriber("Other", "pro").await;
        let own = Browser::enter(app, &app.token(Role::Owner, other)).await;
        let shown = own.looks("/pages/billing").await;
        is_page(&shown, 200);
        assert!(shown.text.contains("Other") && !shown.text.contains("Victim"), "{}", shown.text);
        for (method, path) in OF_TENANTS {
            let foreign = app.call(method, path).bearer(&app.token(Role::Owner, other)).await;
            assert!(!foreign.text.contains("Victim"), "{method} {path}");
            let anonymous = app.call(method, path).await;
            assert_eq!(anonymous.status, if *method == "GET" { 303 } else { 401 }, "{path}");
            if *method == "POST" {
                is_page(&app.call(method, path).bearer(&app.token(Role::Viewer, other)).await, 403);
                is_page(&own.sends_as(path, "plan=pro").await, 403);
            }
            let staff = app.call(method, path).bearer(&app.operator()).await;
            is_page(&staff, 404);
        }
        let policy = own.looks("/pages/billing").await.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'self' http"), "the application frames it: {policy}");
        let operator = Browser::enter(app, &app.operator()).await;
        let policy = operator.looks("/pages/overview").await.header("content-security-policy");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    }

    async fn a_form_without_its_token_changes_nothing(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let operator = Browser::enter(app, &app.operator()).await;
        let page = format!("/pages/tenants/{tenant}");
        let path = format!("{page}/suspend");
        for body in ["reason=late", "reason=late&csrf_token=", "reason=late&csrf_token=0123"] {
            let refused = operator.sends_as(&path, body).await;
            is_page(&refused, 403);
            assert!(refused.text.contains("From another site"), "{}", refused.text);
        }
        assert_eq!(stands(app, tenant).await, "active");
        let done = operator.sends(&page, &path, "reason=late").await;
        assert_eq!((done.status, done.header("location")), (303, page.clone()));
        assert_eq!(stands(app, tenant).await, "suspended");
        let shown = operator.looks(&page).await;
        is_page(&shown, 200);
        assert!(shown.text.contains("suspended") && shown.text.contains("late"));
    }

    async fn what_goes_wrong_is_a_page_too(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let operator = Browser::enter(app, &app.operator()).await;
        let nobody = operator.looks("/pages/tenants/nobody").await;
        is_page(&nobody, 404);
        assert!(nobody.text.contains("Not found") && nobody.text.contains(&nobody.header("x-request-id")));
        let page = format!("/pages/tenants/{tenant}");
        let empty = operator.sends(&page, &format!("{page}/suspend"), "reason=+").await;
        is_page(&empty, 422);
        assert!(empty.text.contains("must be filled in"), "{}", empty.text);
        let large = format!("reason={}", "x".repeat(70_000));
        is_page(&operator.sends(&page, &format!("{page}/suspend"), &large).await, 413);
        is_page(&operator.looks("/pages/tenants?cursor=x").await, 422);
        is_page(&operator.looks("/pages/deliveries?state=lost").await, 422);
        is_page(&operator.looks("/pages/subscriptions?state=lost").await, 422);
        is_page(&operator.looks("/pages/invoices?state=lost").await, 422);
    }

    async fn lists_are_narrowed_and_go_on(app: &TestApp) {
        for number in 0..26 {
            app.subscriber(&format!("Acme {number}"), "pro").await;
        }
        app.subscriber("Birch", "enterprise").await;
        let operator = Browser::enter(app, &app.operator()).await;
        for (path, shown, hidden) in [
            ("/pages/subscriptions?text=birch", "Birch", "Acme"),
            ("/pages/subscriptions?plan=enterprise&state=active", "Birch", "Acme"),
            ("/pages/subscriptions?state=canceled", "No subscription is like that", "Acme"),
            ("/pages/subscriptions?plan=pro&state=&text=", "Acme 25", "Birch"),
            ("/pages/invoices?state=paid", "Birch", "None stands so"),
            ("/pages/invoices?state=failed", "None stands so", "Acme"),
        ] {
            let page = operator.looks(path).await;
            is_page(&page, 200);
            assert!(page.text.contains(shown) && !page.text.contains(hidden), "{path}: {}", page.text);
        }
        for path in ["/pages/subscriptions", "/pages/invoices"] {
            let first = operator.looks(path).await.text;
            assert!(first.contains("Birch") && !first.contains("Acme 0<"), "{first}");
            let (_, rest) = first.split_once("cursor=").unwrap();
            let cursor = rest.split('"').next().unwrap();
            let second = operator.looks(&format!("{path}?cursor={cursor}")).await.text;
            assert!(second.contains("Acme 0<") && !second.contains("Birch"), "{second}");
            assert!(!second.contains("cursor="), "nothing comes after it");
        }
    }

    async fn usage_is_summed_up_and_who_is_near_a_limit_is_told(app: &TestApp) {
        let near = app.subscriber("Near", "pro").await;
        let beyond = app.subscriber("Beyond", "pro").await;
        app.subscriber("Far", "pro").await;
        for (tenant, meter, quantity) in [
            (near, "inference", "85000.5"),
            (near, "api_calls", "85000"),
            (beyond, "inference", "100000.75"),
            (beyond, "api_calls", "100001"),
        ] {
            let report = serde_json::json!({"meter": meter, "quantity": quantity, "idempotency_key": meter});
            let path = format!("/api/v1/billing/tenants/{tenant}/usage");
            app.post(&path).bearer(&app.token(Role::Member, tenant)).json(&report).await.expect(202);
        }
        let operator = Browser::enter(app, &app.operator()).await;
        let page = operator.looks("/pages/usage").await;
        is_page(&page, 200);
        for shown in ["185,001.25", "185,001<", "85,000 of 100,000", "100,001 of 100,000"] {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        let (first, second) = (page.text.find("Beyond"), page.text.find("Near</a>"));
        assert!(first.is_some() && first < second, "{}", page.text);
        assert!(!page.text.contains("Far"), "{}", page.text);
    }

    async fn the_overview_shows_what_recurs_and_what_moved_it(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        let birch = app.subscriber("Birch", "pro").await;
        app.advance(16 * 86_400).await;
        let operator = Browser::enter(app, &app.operator()).await;
        let more = serde_json::json!({"plan": "enterprise", "seats": 2, "when": "now"});
        app.ask(acme, "subscription/plan", &more).await.expect(200);
        app.ask(birch, "subscription/cancel", &serde_json::json!({"at": "now"})).await.expect(200);
        app.settle().await;
        let page = operator.looks("/pages/overview").await;
        is_page(&page, 200);
        for (name, shown) in [
            ("MRR", "<strong>$98.00</strong><span>MRR</span>"),
            ("ARR", "<strong>$1,176.00</strong><span>ARR</span>"),
            ("tenants", "<strong>50.00 %</strong><span>Logo churn</span>"),
            ("revenue", "<strong>50.00 %</strong><span>Revenue churn</span>"),
            ("start", "<dt>At its start</dt><dd>$58.00</dd>"),
            ("new", "<dt>New</dt><dd>$0.00</dd>"),
            ("expansion", "<dt>Expansion</dt><dd>+$69.00</dd>"),
            ("churn", "<dt>Churn</dt><dd>−$29.00</dd>"),
            ("now", "<dt>Now</dt><dd>$98.00</dd>"),
            ("plot", "2026-12-06: $98.00</title>"),
        ] {
            assert!(page.text.contains(shown), "{name}: {}", page.text);
        }
    }

    async fn nothing_stands_beside_the_pages_of_a_service(app: &TestApp) {
        let operator = Browser::enter(app, &app.operator()).await;
        assert!(!operator.looks("/pages/overview").await.text.contains("<aside"));
        let moved = app.post("/pages/time-machine").bearer(&app.operator()).form("wish=day").await;
        assert_eq!(moved.status, 404);
    }

    async fn an_api_key_is_shown_once_and_made_once(app: &TestApp) {
        let operator = Browser::enter(app, &app.operator()).await;
        let id = app.app.clock.new_id();
        let fields = format!("id={id}&name=importer&scope+usage%3Awrite=yes&expires=2027-01-31");
        let made = operator.sends("/pages/keys", "/pages/keys", &fields).await;
        is_page(&made, 200);
        assert_eq!(made.header("cache-control"), "no-store");
        let key = made.text.split("id=\"key\">").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
        let path = format!("/api/v1/billing/tenants/{}/usage", app.subscriber("Acme", "pro").await);
        let report = serde_json::json!({"meter": "api_calls", "quantity": 1, "idempotency_key": "a"});
        app.post(&path).bearer(key).json(&report).await.expect(202);
        let again = operator.sends("/pages/keys", "/pages/keys", &fields).await;
        is_page(&again, 409);
        assert!(!again.text.contains(key));
        let list = operator.looks("/pages/keys").await;
        assert!(list.text.contains("importer") && !list.text.contains(key), "{}", list.text);
        for wrong in ["name=importer", "scope+admin=yes", "name=a&scope+admin=yes&expires=2020-01-01", "name=a&scope+admin=yes&expires=soon"] {
            let fields = format!("id={}&{wrong}", app.app.clock.new_id());
            is_page(&operator.sends("/pages/keys", "/pages/keys", &fields).await, 422);
        }
        let fields = format!("id={}&name=a&scope+admin=yes&tenant=nobody", app.app.clock.new_id());
        is_page(&operator.sends("/pages/keys", "/pages/keys", &fields).await, 404);
    }

    async fn names_are_shown_and_not_run(app: &TestApp) {
        let tenant = app.tenant("<script>alert(1)</script>").await;
        let operator = Browser::enter(app, &app.operator()).await;
        for path in ["/pages/tenants".to_owned(), format!("/pages/tenants/{tenant}"), "/pages/overview".to_owned()] {
            let shown = operator.looks(&path).await;
            is_page(&shown, 200);
            assert!(!shown.text.contains("<script>alert"), "{path}");
        }
    }

    async fn one_is_signed_in_by_a_good_token_and_led_nowhere_else(app: &TestApp) {
        let refused = app.get("/pages/enter?token=x").await;
        is_page(&refused, 200);
        assert_eq!(refused.header("set-cookie"), "");
        let token = app.operator();
        for (next, expected) in [
            ("/pages/deliveries", "/pages/deliveries"),
            ("https%3A%2F%2Fevil.example", "/pages"),
            ("%2F%2Fevil.example%2Fpages%2F", "/pages"),
            ("%2Fapi%2Fv1%2Fsession", "/pages"),
        ] {
            let answer = app.get(&format!("/pages/enter?token={token}&next={next}")).await;
            assert_eq!(answer.header("location"), expected, "{next}");
        }
        let operator = Browser::enter(app, &token).await;
        let left = operator.sends("/pages/overview", "/pages/sign-out", "").await;
        assert_eq!((left.status, &*left.header("location")), (303, "/pages/sign-in"));
        assert_eq!(operator.looks("/pages/overview").await.status, 303, "the session is over");
    }

    async fn support_sees_and_changes_nothing(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let support = Browser::enter(app, &app.sign(Role::Support, None)).await;
        let page = format!("/pages/tenants/{tenant}");
        let shown = support.looks(&page).await;
        is_page(&shown, 200);
        assert!(!shown.text.contains("/suspend"), "no button that does nothing");
        is_page(&support.sends(&page, &format!("{page}/suspend"), "reason=late").await, 403);
        assert_eq!(stands(app, tenant).await, "active");
    }
}

async fn stands(app: &TestApp, tenant: TenantId) -> String {
    let path = format!("/api/v1/stripe/tenants/{tenant}");
    let shown = app.get(&path).bearer(&app.operator()).await.expect(200);
    shown["status"].as_str().unwrap().to_owned()
}
