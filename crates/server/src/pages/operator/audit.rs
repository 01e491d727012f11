//! Who did what, to whomever, newest first.

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use tollhouse_domain::actor::Permission;

use super::Place;
use crate::{
    app::App,
    audit::queries::{self, AuditEntry},
    db::Page,
    error::Result,
    http::extract::Query,
    pages::{
        frame::Frame,
        show::{self, Column::Words},
        visitor::Visitor,
    },
};

const PLACE: &str = "/pages/audit";
const LIMIT: i64 = 40;

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let before = place.before()?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, None, before, LIMIT).await?;
    drop(conn);
    let page = Page::of(rows, LIMIT, |row| row.id.to_string(), |row| line(&row));
    Ok(Frame { visitor: &visitor, title: "Audit", place: PLACE, live: None }.page(&html! {
        h1 { "Audit" }
        p.quiet { "Entries never change; each is sealed with the hash of the one before." }
        (show::table("Audit", &[Words("What"), Words("Who"), Words("About"), Words("From"), Words("When")], &page.data, "Nothing was done yet."))
        (show::more(PLACE, page.next_cursor.as_ref()))
    }))
}

fn line(entry: &AuditEntry) -> Vec<Markup> {
    vec![
        html! { (entry.action) },
        html! { (entry.actor) @if entry.actor != entry.actor_kind { div.quiet { (entry.actor_kind) } } },
        html! {
            @match entry.tenant_id {
                Some(tenant) => a href={ "/pages/tenants/" (tenant) } { (entry.subject_kind) },
                None => (entry.subject_kind),
            }
            div.quiet { code { (entry.subject_id) } }
        },
        html! { (entry.address.as_deref().unwrap_or("–")) },
        show::moment(entry.occurred_at),
    ]
}
