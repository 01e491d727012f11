//! What Stripe told us: the ledger of deliveries, one of them with its body, and having it looked at again.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use maud::{Markup, html};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, id::DeliveryId};

use super::search::{Choice, given, searched, select};
use crate::{
    app::App,
    db::Page,
    error::{Result, invalid, not_found},
    events::queries::last_position,
    http::extract::{Query, cursor},
    pages::{
        frame::{Frame, Live, csrf},
        show::{
            self,
            Column::{Numbers, Words},
        },
        visitor::Visitor,
    },
    webhooks::{
        State as DeliveryState, UnknownState, actions,
        queries::{self, Delivery, Filter},
    },
};

const PLACE: &str = "/pages/deliveries";
const LIMIT: i64 = 25;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    state: Option<String>,
    cursor: Option<String>,
}

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let before: Option<DeliveryId> = cursor(search.cursor.as_deref())?;
    let unknown = |error: UnknownState| invalid("state", error.to_string());
    let state = given(search.state.as_ref()).map(|word| word.parse::<DeliveryState>());
    let state = state.transpose().map_err(unknown)?;
    let filter = Filter { states: state.into_iter().collect(), ..Filter::default() };
    let mut conn = app.db.read().await?;
    let live = Some(Live::All(last_position(&mut conn).await?));
    let rows = queries::list(&mut conn, &filter, before, LIMIT).await?;
    drop(conn);
    let page = Page::of(rows, LIMIT, |row| row.id.to_string(), |row| line(&row));
    let path = searched(PLACE, &[("state", &search.state)]);
    let frame = Frame { visitor: &visitor, title: "Deliveries", place: PLACE, live };
    Ok(frame.page(&html! {
        h1 { "Deliveries" }
        p.quiet { "Every webhook that Stripe sent, as it came." }
        form.search method="get" action=(PLACE) {
            (select("state", "State", &states(), search.state.as_deref()))
            button type="submit" { "Show" }
        }
        section #deliveries data-live aria-label="Deliveries" {
            (show::table(
                "List of deliveries",
                &[Words("Type"), Words("State"), Words("About"), Numbers("Attempts"), Words("Received")],
                &page.data,
                "None stands so.",
            ))
            (show::more(&path, page.next_cursor.as_ref()))
        }
    }))
}

fn line(row: &Delivery) -> Vec<Markup> {
    vec![
        html! { a href={ (PLACE) "/" (row.id) } { (row.event_type) } },
        html! {
            (show::state(row.state.as_str()))
            @if let Some(reason) = &row.reason { div.quiet { (reason) } }
        },
        html! { @match &row.object_id { Some(id) => code { (id) }, None => "–" } },
        html! { (row.attempts) },
        show::moment(row.received_at),
    ]
}

fn states() -> Vec<Choice<'static>> {
    DeliveryState::ALL.iter().map(|state| (state.as_str(), state.as_str())).collect()
}

pub async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let id = delivery_id(&id)?;
    let mut conn = app.db.read().await?;
    let row = queries::find(&mut conn, id).await?.ok_or_else(|| not_found("delivery", id))?;
    let body = queries::find_payload(&mut conn, id).await?.unwrap_or_default();
    drop(conn);
    let frame = Frame { visitor: &visitor, title: &row.event_type, place: PLACE, live: None };
    Ok(frame.page(&html! {
        h1 { (row.event_type) }
        (facts(&row))
        @if row.emptied_at.is_none() && row.state != DeliveryState::Working
            && visitor.caller.require(Permission::Operate).is_ok() {
            form method="post" action={ (PLACE) "/" (row.id) "/replay" } {
                (csrf(&visitor))
                button type="submit" { "Replay" }
                span.quiet { " Always safe: what it is about is fetched as it is now." }
            }
        }
        h2 #payload { "Payload" }
        @match row.emptied_at {
            Some(at) => p.quiet { "Kept long enough; it went on " (show::day(at)) "." },
            None => pre.payload tabindex="0" role="region" aria-labelledby="payload" { (readable(&body)) },
        }
    }))
}

fn facts(row: &Delivery) -> Markup {
    let settled = row.settled_at.map(|at| at.as_millisecond() - row.received_at.as_millisecond());
    show::facts(&[
        ("State", show::state(row.state.as_str())),
        ("Reason", html! { (row.reason.as_deref().unwrap_or("–")) }),
        (
            "Attempts",
            html! { (row.attempts) ", worked " (show::count(row.worked_ms)) " ms in all" },
        ),
        ("Received", show::moment(row.received_at)),
        (
            "Settled",
            html! {
                @match settled {
                    Some(after) => { (show::count(after)) " ms after it came" }
                    None => { "not yet; due " (show::moment(row.due_at)) }
                }
            },
        ),
        ("Event", html! { code { (row.stripe_event_id) } }),
        ("About", html! { code { (row.object_id.as_deref().unwrap_or("–")) } }),
        ("Customer", html! { code { (row.customer_id.as_deref().unwrap_or("–")) } }),
        ("API version", html! { (row.api_version.as_deref().unwrap_or("–")) }),
    ])
}

/// JSON on many lines; as it came where it is none.
fn readable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    if is_json { show::indented(&text) } else { text.into_owned() }
}

pub async fn replay(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect> {
    visitor.caller.require(Permission::Operate)?;
    let id = delivery_id(&id)?;
    actions::replay(&app, &visitor.caller.origin(), id).await?;
    Ok(Redirect::to(&format!("{PLACE}/{id}")))
}

/// What is not a UUID is a delivery that does not exist.
fn delivery_id(text: &str) -> Result<DeliveryId> {
    text.parse().map_err(|_| not_found("delivery", text))
}
