//! No tenant sees another: every route of the API's document, by list.

use serde_json::json;
use tollhouse_domain::{
    actor::{Role, Scope},
    id::TenantId,
};

use crate::harness::{TestApp, on_both_databases};

/// What a route answers to somebody who does not belong there.
#[derive(Clone, Copy, Debug)]
enum Guard {
    /// Open to anyone, and says nothing about tenants.
    Open,
    /// The credential's own tenant: there is no way to name another one.
    Own,
    /// A tenant in the path: another's is 404.
    Path,
    /// For our staff only: 403.
    Staff,
    /// Stripe's signature is the credential.
    Signature,
}

/// Every route, with its guard. A route that is not here fails the test.
const ROUTES: &[(&str, &str, Guard)] = &[
    ("get", "/health/live", Guard::Open),
    ("get", "/health/ready", Guard::Open),
    ("get", "/metrics", Guard::Staff),
    ("get", "/api/v1/billing/plans", Guard::Open),
    ("get", "/api/v1/customer/billing/config", Guard::Own),
    ("get", "/api/v1/customer/billing/status", Guard::Own),
    ("post", "/api/v1/customer/billing/checkout-session", Guard::Own),
    ("get", "/api/v1/billing/subscription", Guard::Own),
    ("get", "/api/v1/billing/invoices", Guard::Own),
    ("get", "/api/v1/billing/tenants/{tenant_id}/invoices", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/invoices/{invoice_id}", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/invoices/{invoice_id}/lines", Guard::Path),
    (
        "get",
        "/api/v1/billing/tenants/{tenant_id}/invoices/{invoice_id}/lines/{line_id}/usage",
        Guard::Path,
    ),
    ("get", "/api/v1/stripe/tenants/{tenant_id}/invoices", Guard::Path),
    ("get", "/api/v1/billing/stream", Guard::Own),
    ("post", "/api/v1/customer/billing/portal-session", Guard::Own),
    ("post", "/api/v1/billing/tenants/{tenant_id}/portal", Guard::Path),
    ("get", "/api/v1/billing/payment-methods", Guard::Own),
    ("get", "/api/v1/billing/tenants/{tenant_id}/payment-methods", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/payment-methods/setup-intent", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/payment-methods/{id}/default", Guard::Path),
    ("delete", "/api/v1/billing/tenants/{tenant_id}/payment-methods/{id}", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/subscription", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/events", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/slots", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/slots", Guard::Path),
    ("delete", "/api/v1/billing/tenants/{tenant_id}/slots/{tier}/{resource_id}", Guard::Path),
    ("patch", "/api/v1/billing/tenants/{tenant_id}/subscription", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/subscription/plan", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/upcoming-invoice", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/subscription/cancel", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/subscription/resume", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/subscription", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/subscription/pause", Guard::Path),
    ("delete", "/api/v1/billing/tenants/{tenant_id}/subscription/pending", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/addons", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/addons", Guard::Path),
    ("delete", "/api/v1/billing/tenants/{tenant_id}/addons/{id}", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/usage", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/usage", Guard::Path),
    ("get", "/api/v1/billing/usage", Guard::Own),
    ("get", "/api/v1/billing/tenants/{tenant_id}/usage-alerts", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/usage-alerts", Guard::Path),
    ("delete", "/api/v1/billing/tenants/{tenant_id}/usage-alerts/{id}", Guard::Path),
    ("get", "/api/v1/stripe/tenants/exceeding-limits", Guard::Staff),
    ("get", "/api/v1/admin/billing/stats", Guard::Staff),
    ("get", "/api/v1/admin/billing/customers", Guard::Staff),
    ("get", "/api/v1/admin/billing/subscriptions", Guard::Staff),
    ("get", "/api/v1/admin/billing/recent-charges", Guard::Staff),
    ("get", "/api/v1/admin/export/{file}", Guard::Staff),
    ("get", "/api/v1/admin/analytics/mrr", Guard::Staff),
    ("get", "/api/v1/admin/analytics/movements", Guard::Staff),
    ("get", "/api/v1/admin/analytics/churn", Guard::Staff),
    ("get", "/api/v1/admin/analytics/ltv", Guard::Staff),
    ("get", "/api/v1/admin/analytics/cohorts", Guard::Staff),
    ("get", "/api/v1/admin/analytics/trials", Guard::Staff),
    ("get", "/api/v1/admin/analytics/payments", Guard::Staff),
    ("get", "/api/v1/admin/analytics/usage", Guard::Staff),
    ("get", "/api/v1/admin/analytics/renewals", Guard::Staff),
    ("get", "/api/v1/billing/tenants/{tenant_id}/credits", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/credits/entries", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/credits/grants", Guard::Path),
    ("get", "/api/v1/billing/tenants/{tenant_id}/entitlements", Guard::Path),
    ("post", "/api/v1/billing/tenants/{tenant_id}/entitlements/{feature}/check", Guard::Path),
    (
        "post",
        "/api/v1/billing/tenants/{tenant_id}/entitlements/{feature}/reservations",
        Guard::Path,
    ),
    ("post", "/api/v1/billing/tenants/{tenant_id}/reservations/{id}/settle", Guard::Path),
    ("delete", "/api/v1/billing/tenants/{tenant_id}/reservations/{id}", Guard::Path),
    ("post", "/api/v1/usage/batch", Guard::Own),
    ("post", "/api/v1/stripe/usage/record", Guard::Staff),
    ("post", "/api/v1/stripe/tenants/{tenant_id}/usage/track", Guard::Path),
    ("get", "/api/v1/admin/meter-events", Guard::Staff),
    ("get", "/api/v1/admin/meter-events/backlog", Guard::Staff),
    ("post", "/api/v1/admin/meter-events/{id}/settle", Guard::Staff),
    ("get", "/api/v1/admin/audit", Guard::Staff),
    ("get", "/api/v1/billing/tenants/{tenant_id}/audit", Guard::Path),
    ("get", "/api/v1/admin/drift", Guard::Staff),
    ("post", "/api/v1/admin/drift/{id}/resolve", Guard::Staff),
    ("get", "/api/v1/admin/reconcile", Guard::Staff),
    ("post", "/api/v1/admin/reconcile", Guard::Staff),
    ("get", "/api/v1/admin/retention/runs", Guard::Staff),
    ("post", "/api/v1/admin/retention/runs", Guard::Staff),
    ("get", "/api/v1/admin/events", Guard::Staff),
    ("get", "/api/v1/admin/deliveries", Guard::Staff),
    ("get", "/api/v1/admin/deliveries/counts", Guard::Staff),
    ("get", "/api/v1/admin/deliveries/{id}", Guard::Staff),
    ("post", "/api/v1/admin/deliveries/replay", Guard::Staff),
    ("post", "/api/v1/admin/deliveries/{id}/replay", Guard::Staff),
    ("get", "/api/v1/admin/api-keys", Guard::Staff),
    ("post", "/api/v1/admin/api-keys", Guard::Staff),
    ("delete", "/api/v1/admin/api-keys/{id}", Guard::Staff),
    ("get", "/api/v1/session", Guard::Own),
    ("post", "/api/v1/session", Guard::Own),
    ("delete", "/api/v1/session", Guard::Own),
    ("get", "/api/v1/admin/coupons", Guard::Staff),
    ("post", "/api/v1/admin/coupons", Guard::Staff),
    ("delete", "/api/v1/admin/coupons/{id}", Guard::Staff),
    ("get", "/api/v1/admin/promotion-codes", Guard::Staff),
    ("post", "/api/v1/admin/promotion-codes", Guard::Staff),
    ("patch", "/api/v1/admin/promotion-codes/{id}", Guard::Staff),
    ("get", "/api/v1/admin/webhook-endpoints", Guard::Staff),
    ("post", "/api/v1/admin/webhook-endpoints", Guard::Staff),
    ("get", "/api/v1/admin/webhook-endpoints/{id}", Guard::Staff),
    ("patch", "/api/v1/admin/webhook-endpoints/{id}", Guard::Staff),
    ("delete", "/api/v1/admin/webhook-endpoints/{id}", Guard::Staff),
    ("post", "/api/v1/admin/webhook-endpoints/{id}/rotate-secret", Guard::Staff),
    ("post", "/api/v1/admin/webhook-endpoints/{id}/test", Guard::Staff),
    ("get", "/api/v1/admin/webhook-endpoints/{id}/deliveries", Guard::Staff),
    ("post", "/api/v1/admin/webhook-endpoints/{id}/deliveries/{event_id}/redeliver", Guard::Staff),
    ("get", "/api/v1/stripe/tenants", Guard::Staff),
    ("post", "/api/v1/stripe/tenants", Guard::Staff),
    ("get", "/api/v1/stripe/tenants/{tenant_id}", Guard::Path),
    ("patch", "/api/v1/stripe/tenants/{tenant_id}", Guard::Path),
    ("put", "/api/v1/stripe/tenants/{tenant_id}/plan", Guard::Path),
    ("post", "/api/v1/stripe/tenants/{tenant_id}/suspend", Guard::Path),
    ("post", "/api/v1/stripe/tenants/{tenant_id}/reactivate", Guard::Path),
    ("post", "/api/v1/stripe/tenants/{tenant_id}/terminate", Guard::Path),
    ("post", "/api/v1/stripe/tenants/{tenant_id}/subscriptions", Guard::Path),
    ("post", "/api/v1/stripe/tenants/bulk", Guard::Staff),
    ("post", "/api/v1/stripe/subscriptions/bulk", Guard::Staff),
    ("delete", "/api/v1/stripe/subscriptions/{id}", Guard::Staff),
    ("post", "/api/v1/stripe/tenants/{tenant_id}/billing/summary", Guard::Path),
    ("post", "/api/v1/stripe/platform/billing/summary", Guard::Staff),
    ("get", "/api/v1/stripe/subscriptions/renewal-needed", Guard::Staff),
    ("post", "/webhook/stripe", Guard::Signature),
    ("post", "/api/v1/stripe/webhooks", Guard::Signature),
];

fn method(name: &str) -> &'static str {
    match name {
        "get" => "GET",
        "post" => "POST",
        "delete" => "DELETE",
        "patch" => "PATCH",
        "put" => "PUT",
        other => panic!("add `{other}` here"),
    }
}

/// A key with every scope there is, bound to a tenant.
async fn bound_key(app: &TestApp, tenant: TenantId) -> String {
    let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    let body = json!({"name": "bound", "scopes": scopes, "tenant_id": tenant});
    let made = app.post("/api/v1/admin/api-keys").bearer(&app.operator()).json(&body).await;
    made.expect(201)["key"].as_str().unwrap().to_owned()
}

/// The victim's customer at Stripe.
fn stripe_ids(app: &TestApp) -> String {
    app.simulator.objects("customer")[0]["id"].as_str().unwrap().to_owned()
}

async fn is_guarded(app: &TestApp, route: (&str, &str, Guard), victim: TenantId, stranger: &str) {
    let (name, path, guard) = route;
    let invoice = app.simulator.objects("invoice")[0]["id"].as_str().unwrap().to_owned();
    let path = path.replace("{tenant_id}", &victim.to_string()).replace("{id}", "pm_1");
    let path = path.replace("{invoice_id}", &invoice).replace("{line_id}", "il_1");
    let anonymous = app.call(method(name), &path).text("{}").await.status;
    let foreign = app.call(method(name), &path).bearer(stranger).text("{}").await;
    for secret in ["Victim", "victim@", &stripe_ids(app)] {
        assert!(!foreign.text.contains(secret), "{name} {path} tells {}", foreign.text);
    }
    match guard {
        Guard::Open => assert_eq!(anonymous, 200, "{name} {path}"),
        Guard::Own => assert_eq!(anonymous, 401, "{name} {path}"),
        Guard::Path => assert_eq!((anonymous, foreign.status), (401, 404), "{name} {path}"),
        Guard::Staff => assert_eq!((anonymous, foreign.status), (401, 403), "{name} {path}"),
        Guard::Signature => assert_eq!((anonymous, foreign.status), (400, 400), "{name} {path}"),
    }
}

on_both_databases! {
    async fn every_route_is_guarded(app: &TestApp) {
        let victim = app.subscriber("Victim", "pro").await;
        let other = app.tenant("Other").await;
        let bound = bound_key(app, other).await;
        let document = app.get("/openapi.json").await.expect(200);
        let mut documented = 0;
        for (path, operations) in document["paths"].as_object().unwrap() {
            for name in operations.as_object().unwrap().keys() {
                let route = ROUTES.iter().find(|(known, at, _)| known == name && at == path);
                let route = route.unwrap_or_else(|| panic!("{name} {path} has no line here"));
                // Streams never end; `events.rs` looks at theirs.
                if *path != "/api/v1/billing/stream" {
                    for role in [Role::Owner, Role::Viewer] {
                        is_guarded(app, *route, victim, &app.token(role, other)).await;
                    }
                    is_guarded(app, *route, victim, &bound).await;
                }
                documented += 1;
            }
        }
        assert_eq!(documented, ROUTES.len(), "a line here stands for no route");
    }
}
