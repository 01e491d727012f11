//! Usage over HTTP: reports in, totals out.

mod batch;
mod item;
mod lines;
mod report;
mod series;
mod single;
mod track;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(series::series, single::record))
        .routes(routes!(batch::record_batch))
        .routes(routes!(item::record_by_item))
        .routes(routes!(track::track))
}
