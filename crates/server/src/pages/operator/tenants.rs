//! All tenants, newest first, and those that are looked for.

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, id::TenantId, tenant::TenantStatus};
use url::form_urlencoded;

use crate::{
    app::App,
    db::Page,
    error::{Result, invalid},
    http::extract::{Query, cursor},
    pages::{frame::Frame, show, visitor::Visitor},
    platform::queries::{self, Filter},
    subscriptions::queries::{self as subscriptions, Subscription},
    tenants::queries::Tenant,
};

const LIMIT: i64 = 25;
const TEXT_LENGTH_MAX: usize = 200;

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
    let frame = Frame { visitor: &visitor, title: "Tenants", place: "/pages/tenants", live: None };
    Ok(frame.page(&html! {
        h1 { "Tenants" }
        (search_form(&search))
        (show::table(
            "Tenants",
            &["Name", "Stands", "Plan", "Subscription", "Pays", "Since"],
            &rows,
            "No tenant is like that.",
        ))
        (show::more(&same_search(&search), page.next_cursor.as_ref()))
    }))
}

fn filter(search: &Search) -> Result<Filter> {
    let text = search.text.clone().filter(|text| !text.is_empty());
    if text.as_ref().is_some_and(|text| text.len() > TEXT_LENGTH_MAX || text.contains('\0')) {
        return Err(invalid("text", "must be at most 200 bytes of text"));
    }
    let status = search.status.as_deref().filter(|word| !word.is_empty()).map(str::parse);
    let unknown = |_| invalid("status", "must be `active`, `suspended` or `terminated`");
    Ok(Filter { status: status.transpose().map_err(unknown)?, plan: None, text })
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

fn search_form(search: &Search) -> Markup {
    html! {
        form.search method="get" action="/pages/tenants" role="search" {
            div {
                label for="text" { "Name or address" }
                input #text name="text" type="search" value=[search.text.as_ref()];
            }
            div {
                label for="status" { "Stands" }
                select #status name="status" {
                    option value="" { "anyhow" }
                    @for status in TenantStatus::ALL {
                        option value=(status) selected[search.status.as_deref() == Some(status.as_str())] { (status) }
                    }
                }
            }
            button type="submit" { "Search" }
        }
    }
}

/// The path of this list, without the place in it.
fn same_search(search: &Search) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("text", &search.text), ("status", &search.status)] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    format!("/pages/tenants?{}", query.finish())
}
