//! The OpenAPI document, gathered from the slices, and a page to read it.

use std::sync::Arc;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, PathItem, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::health;
use crate::{
    alerts, analytics, app::App, audit, catalog, checkout, credentials, credits, discounts,
    downloads, entitlements, events, export, invoices, monitoring, outbound, payment_methods,
    platform, portal, reconcile, retention, sessions, slots, status, subscriptions, summaries,
    usage, webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tollhouse",
        description = "Plans, checkout, subscriptions, usage and events between an application and Stripe.\n\n\
            Amounts are JSON numbers in major units with exactly the currency's decimals. Errors are \
            `application/problem+json` with a stable `code`. Every `POST` takes an `Idempotency-Key`."
    ),
    modifiers(&Credentials),
    security(("bearer" = []), ("session" = []))
)]
struct Document;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", bearer);
        let cookie = ApiKeyValue::with_description(
            "session_token",
            "A session, begun by `POST /api/v1/session`. What changes something needs `X-CSRF-Token` as well.",
        );
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
        components.add_security_scheme("session", session);
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
        .merge(analytics::api::router())
        .merge(downloads::api::router())
        .merge(events::api::router())
        .merge(audit::api::router())
        .merge(reconcile::api::router())
        .merge(retention::api::router())
        .merge(outbound::api::router())
        .merge(webhooks::api::staff_router())
        .merge(credentials::api::router())
        .merge(sessions::api::router())
        .merge(monitoring::api::router())
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
    let (_, mut of_known) = authenticated().split_for_parts();
    each_operation(&mut of_known, |operation| add(operation, "429"));
    let (_, mut of_all) = open().split_for_parts();
    of_all.merge(of_known);
    let mut document = Document::openapi();
    document.merge(of_all);
    each_operation(&mut document, complete);
    document
}

fn each_operation(document: &mut utoipa::openapi::OpenApi, change: impl Fn(&mut Operation)) {
    for path in document.paths.paths.values_mut() {
        let PathItem { get, put, post, delete, patch, .. } = path;
        [get, put, post, delete, patch].into_iter().flatten().for_each(&change);
    }
}

/// What holds of every operation, said once: refusals are problem documents, and a body can be refused as such.
fn complete(operation: &mut Operation) {
    if operation.request_body.is_some() {
        add(operation, "400");
        add(operation, "413");
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && let Some(problem) = response.content.shift_remove("application/json")
        {
            response.content.insert("application/problem+json".to_owned(), problem);
        }
    }
}

/// Adds a refusal that the operation does not name itself.
fn add(operation: &mut Operation, status: &str) {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new().content("application/problem+json", problem).build();
    let responses = &mut operation.responses.responses;
    responses.entry(status.to_owned()).or_insert_with(|| response.into());
}
