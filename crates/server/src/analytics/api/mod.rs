//! What an operator is shown, over HTTP.

mod charges;
mod churn;
mod cohorts;
mod counts;
mod customers;
mod mrr;
mod renewals;
mod stats;
mod subscriptions;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(stats::stats))
        .routes(routes!(customers::customers))
        .routes(routes!(subscriptions::subscriptions))
        .routes(routes!(charges::recent_charges))
        .routes(routes!(mrr::mrr))
        .routes(routes!(mrr::movements))
        .routes(routes!(churn::churn))
        .routes(routes!(churn::ltv))
        .routes(routes!(cohorts::cohorts))
        .routes(routes!(counts::trials))
        .routes(routes!(counts::payments))
        .routes(routes!(counts::usage))
        .routes(routes!(renewals::renewals))
}
