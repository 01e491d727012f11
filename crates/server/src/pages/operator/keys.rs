//! API keys: which there are, and taking one back. The API makes them: a page would keep what is shown once.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use maud::{Markup, html};
use tollhouse_domain::{actor::Permission, time::Timestamp};

use super::Place;
use crate::{
    app::App,
    credentials::{
        actions,
        queries::{self, ApiKey},
    },
    db::Page,
    error::{Result, not_found},
    http::extract::Query,
    pages::{
        frame::{Frame, csrf},
        show,
        visitor::Visitor,
    },
};

const PLACE: &str = "/pages/keys";
const LIMIT: i64 = 25;

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::Operate)?;
    let before = place.before()?;
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, None, before, LIMIT).await?;
    drop(conn);
    let page = Page::of(rows, LIMIT, |row| row.id.to_string(), |row| line(&visitor, &row, now));
    let page = page.transpose()?;
    Ok(Frame { visitor: &visitor, title: "API keys", place: PLACE, live: None }.page(&html! {
        h1 { "API keys" }
        p.quiet { "Made by " code { "POST /api/v1/admin/api-keys" } ", which shows a key once." }
        (show::table(
            "API keys",
            &["Name", "Scopes", "Reaches", "Last used", "State", "Do"],
            &page.data,
            "There is none.",
        ))
        (show::more(PLACE, page.next_cursor.as_ref()))
    }))
}

fn line(visitor: &Visitor, key: &ApiKey, now: Timestamp) -> Result<Vec<Markup>> {
    let scopes: Vec<String> = key.scopes.to()?;
    let word = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "active",
    };
    Ok(vec![
        html! { (key.name) div.quiet { code { "th_" (key.prefix) "…" } } },
        html! { (scopes.join(", ")) },
        html! {
            @match key.tenant_id {
                Some(tenant) => a href={ "/pages/tenants/" (tenant) } { "one tenant" },
                None => "all",
            }
        },
        show::day_if_any(key.last_used_at),
        show::state(word),
        html! {
            @if word == "active" {
                form method="post" action={ "/pages/keys/" (key.id) "/revoke" } {
                    (csrf(visitor))
                    button.danger type="submit" aria-label={ "Revoke " (key.name) } { "Revoke" }
                }
            }
        },
    ])
}

pub async fn revoke(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect> {
    visitor.caller.require(Permission::Operate)?;
    let id = id.parse().map_err(|_| not_found("API key", id))?;
    actions::revoke(&app, &visitor.caller.origin(), id).await?;
    Ok(Redirect::to(PLACE))
}
