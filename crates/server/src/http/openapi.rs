//! The OpenAPI document, gathered from the slices, and a page to read it.

use std::sync::Arc;

use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::health;
use crate::{
    alerts, app::App, audit, catalog, checkout, credentials, credits, discounts, entitlements,
    events, export, invoices, outbound, payment_methods, platform, portal, reconcile, retention,
    slots, status, subscriptions, summaries, usage, webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tollhouse",
        description = "Plans, checkout, subscriptions, usage and events between an application and Stripe.\n\n\
            Amounts are JSON numbers in major units with exactly the currency's decimals. Errors are \
            `application/problem+json` with a stable `code`. Every `POST` takes an `Idempotency-Key`."
    ),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The routes of people and programs that show a credential.
pub(super) fn authenticated() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(catalog::api::router())
        .merge(checkout::api::router())
        .merge(payment_methods::api::router())
        .merge(portal::api::router())
        .merge(status::api::router())
        .merge(subscriptions::api::router())
        .merge(slots::api::router())
        .merge(usage::api::router())
        .merge(entitlements::api::router())
        .merge(credits::api::router())
        .merge(alerts::api::router())
        .merge(export::api::router())
        .merge(discounts::api::router())
        .merge(invoices::api::router())
        .merge(platform::api::router())
        .merge(summaries::api::router())
        .merge(events::api::router())
        .merge(audit::api::router())
        .merge(reconcile::api::router())
        .merge(retention::api::router())
        .merge(outbound::api::router())
        .merge(webhooks::api::staff_router())
        .merge(credentials::api::router())
}

/// The routes that need none: Stripe's signature, or nothing at all.
pub(super) fn open() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(webhooks::api::router())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

/// The document as it is served and committed.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(authenticated())
        .merge(open())
        .split_for_parts();
    document
}
