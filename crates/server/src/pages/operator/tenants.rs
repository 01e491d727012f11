//! All tenants, newest first, and those that are looked for.

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, id::TenantId, tenant::TenantStatus};

use super::search::{Choice, given, searched, select, text_field};
use crate::{
    app::App,
    db::Page,
    error::{Result, invalid},
    http::extract::{Query, cursor},
    pages::{
        frame::Frame,
        show::{
            self,
            Column::{Numbers, Words},
        },
        visitor::Visitor,
    },
    platform::queries::{self, Filter},
    subscriptions::queries::{self as subscriptions, Subscription},
    tenants::queries::Tenant,
};

const PLACE: &str = "/pages/tenants";
const LIMIT: i64 = 25;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    text: Option<String>,
    status: Option<String>,
    cursor: Option<String>,
}

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let before: Option<TenantId> = cursor(search.cursor.as_deref())?;
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, &filter(&search)?, before, LIMIT).await?;
    let ids: Vec<TenantId> = rows.iter().map(|row| row.id).collect();
    let bases = subscriptions::list_live_bases(&mut conn, &ids).await?;
    drop(conn);
    let page = Page::of(rows, LIMIT, |row| row.id.to_string(), |row| row);
    let rows: Vec<Vec<Markup>> = page.data.iter().map(|tenant| line(tenant, &bases)).collect();
    let statuses: Vec<Choice> =
        TenantStatus::ALL.iter().map(|status| (status.as_str(), status.as_str())).collect();
    let path = searched(PLACE, &[("text", &search.text), ("status", &search.status)]);
    let frame = Frame { visitor: &visitor, title: "Tenants", place: PLACE, live: None };
    Ok(frame.page(&html! {
        h1 { "Tenants" }
        form.search method="get" action=(PLACE) role="search" {
            (text_field("Name or address", search.text.as_deref()))
            (select("status", "Stands", &statuses, search.status.as_deref()))
            button type="submit" { "Search" }
        }
        (show::table(
            "Tenants",
            &[Words("Name"), Words("Stands"), Words("Plan"), Words("Subscription"), Numbers("Pays"), Words("Since")],
            &rows,
            "No tenant is like that.",
        ))
        (show::more(&path, page.next_cursor.as_ref()))
    }))
}

fn filter(search: &Search) -> Result<Filter> {
    let status = given(search.status.as_ref()).map(|word| word.parse());
    let unknown = |_| invalid("status", "must be `active`, `suspended` or `terminated`");
    Ok(Filter {
        status: status.transpose().map_err(unknown)?,
        plan: None,
        text: super::search::text(search.text.as_ref())?,
    })
}

fn line(tenant: &Tenant, bases: &[Subscription]) -> Vec<Markup> {
    let base = bases.iter().find(|base| base.tenant_id == tenant.id);
    vec![
        html! { a href={ "/pages/tenants/" (tenant.id) } { (tenant.name) } div.quiet { (tenant.email()) } },
        show::state(tenant.status.as_str()),
        html! { @match base { Some(base) => (base.plan_code), None => "–" } },
        html! { @match base { Some(base) => (show::state(base.status.as_str())), None => "–" } },
        html! { @match base { Some(base) => (show::money(base.money())), None => "–" } },
        show::day(tenant.created_at),
    ]
}
