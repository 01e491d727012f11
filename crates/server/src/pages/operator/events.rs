//! What happens to all tenants, as it happens.

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::html;
use tollhouse_domain::actor::Permission;

use super::Place;
use crate::{
    app::App,
    db::Page,
    error::Result,
    events::queries::{Event, Filter, history_of_all, last_position},
    http::extract::Query,
    pages::{
        frame::{Frame, Live},
        show, timeline,
        visitor::Visitor,
    },
};

const PLACE: &str = "/pages/events";
const LIMIT: i64 = 40;

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let before = place.before()?;
    let mut conn = app.db.read().await?;
    // Older pages stay as they are.
    let live = match before {
        None => Some(Live::All(last_position(&mut conn).await?)),
        Some(_) => None,
    };
    let rows =
        history_of_all(&mut conn, None, Filter { before, ..Filter::default() }, LIMIT).await?;
    drop(conn);
    let position = |row: &Event| row.position.unwrap_or_default().to_string();
    let page = Page::of(rows, LIMIT, position, |row| row);
    Ok(Frame { visitor: &visitor, title: "Events", place: PLACE, live }.page(&html! {
        h1 { "Events" }
        section #events data-live aria-label="Events" {
            (timeline::of_all(&page.data))
            (show::more(PLACE, page.next_cursor.as_ref()))
        }
    }))
}
