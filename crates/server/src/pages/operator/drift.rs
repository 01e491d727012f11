//! What differed from Stripe: healed, or waiting for a person; and comparing now.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use maud::{Markup, html};
use tollhouse_domain::{
    actor::Permission,
    reconcile::{DriftState, RunKind},
};

use super::Place;
use crate::{
    app::App,
    db::Page,
    error::{Result, not_found},
    http::extract::Query,
    pages::{
        frame::{Frame, csrf},
        show::{self, Column::Words},
        visitor::Visitor,
    },
    reconcile::{
        actions::{request, resolve as settle},
        drift::queries::{self, Drift},
        queries::{Run, find_newest},
    },
};

const PLACE: &str = "/pages/drift";
const LIMIT: i64 = 25;

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let before = place.before()?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, None, before, LIMIT).await?;
    let newest = find_newest(&mut conn).await?;
    drop(conn);
    let operates = visitor.caller.require(Permission::Operate).is_ok();
    let page =
        Page::of(rows, LIMIT, |row| row.id.to_string(), |row| line(&visitor, operates, &row));
    Ok(Frame { visitor: &visitor, title: "Drift", place: PLACE, live: None }.page(&html! {
        h1 { "Drift" }
        p.quiet { "What we had and Stripe did not say, found by comparing." }
        @if let Some(run) = &newest { (compared(run)) }
        @if operates {
            form method="post" action="/pages/drift/compare" {
                (csrf(&visitor))
                button #compare type="submit" { "Compare everything now" }
            }
        }
        h2 { "Differences" }
        (show::table("Differences", &[Words("What"), Words("State"), Words("Why"), Words("Found"), Words("Do")], &page.data, "None was ever found."))
        (show::more(PLACE, page.next_cursor.as_ref()))
    }))
}

fn compared(run: &Run) -> Markup {
    show::facts(&[
        ("Last compared", show::moment(run.started_at)),
        ("Run", html! { (run.kind) ", " (run.state) }),
        ("Looked at", html! { (show::count(run.looked_at)) }),
        ("Lost webhooks", html! { (show::count(run.lost)) }),
        ("Differed", html! { (show::count(run.changed)) }),
        ("Wait for a person", html! { (show::count(run.needs_person)) }),
    ])
}

fn line(visitor: &Visitor, operates: bool, row: &Drift) -> Vec<Markup> {
    vec![
        html! {
            @match row.tenant_id {
                Some(tenant) => a href={ "/pages/tenants/" (tenant) } { (row.object_kind) },
                None => (row.object_kind),
            }
            div.quiet { code { (row.object_id) } }
        },
        show::state(row.state.as_str()),
        html! { (row.reason) },
        show::moment(row.found_at),
        html! {
            @if operates && row.state == DriftState::NeedsPerson {
                form method="post" action={ "/pages/drift/" (row.id) "/resolve" } {
                    (csrf(visitor))
                    button.quiet type="submit" aria-label={ "Settle " (row.object_id) } { "It is settled" }
                }
            }
        },
    ]
}

pub async fn compare(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Redirect> {
    visitor.caller.require(Permission::Operate)?;
    request(&app, &visitor.caller.origin(), RunKind::Full, None).await?;
    Ok(Redirect::to(PLACE))
}

pub async fn resolve(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect> {
    visitor.caller.require(Permission::Operate)?;
    let id = id.parse().map_err(|_| not_found("drift", id))?;
    settle(&app, &visitor.caller.origin(), id).await?;
    Ok(Redirect::to(PLACE))
}
