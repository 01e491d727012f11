//! Every layer and route of the service, in one screen; each slice's routes stand in its `api.rs`.

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, http::Uri, middleware::from_fn_with_state};
use utoipa_swagger_ui::{Config as Reader, SwaggerUi};

use super::{
    auth, idempotency,
    limits::{self, Places},
    openapi,
    rates::{self, Rates},
    request_log,
};
use crate::{
    app::App,
    error::{Error, not_found},
    pages::{self, Beside},
};

/// The whole service as one router, to be served or mounted.
pub fn router(app: &Arc<App>) -> Router {
    router_beside(app, Beside::default())
}

/// The same, with something beside its pages.
pub fn router_beside(app: &Arc<App>, beside: Beside) -> Router {
    let (authenticated, _) = openapi::authenticated().split_for_parts();
    let (open, _) = openapi::open().split_for_parts();
    let rates = Rates::of(app);
    let dress = from_fn_with_state(Arc::clone(app), pages::dress);

    known(authenticated, app, &rates)
        .merge(known(pages::router(beside), app, &rates).layer(dress))
        .merge(open)
        .merge(reader())
        .fallback(|uri: Uri| async move { not_found("route", uri.path()) })
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .layer(from_fn_with_state(Places::of(app), limits::bound))
        .layer(DefaultBodyLimit::max(app.config.server.body_bytes_max))
        .layer(from_fn_with_state(Arc::clone(app), request_log::log))
        .with_state(Arc::clone(app))
}

/// Routes of people and programs that show a credential. The last layer added is the first to see a request.
fn known(routes: Router<Arc<App>>, app: &Arc<App>, rates: &Rates) -> Router<Arc<App>> {
    routes
        .layer(from_fn_with_state(Arc::clone(app), idempotency::answer_once))
        .layer(from_fn_with_state(rates.clone(), rates::bound))
        .layer(from_fn_with_state(Arc::clone(app), auth::identify))
}

/// The page that shows the document. By itself it would ask swagger.io whether the document is valid.
fn reader() -> SwaggerUi {
    SwaggerUi::new("/docs")
        .url("/openapi.json", openapi::document())
        .config(Reader::default().validator_url("none"))
}
