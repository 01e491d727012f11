//! The subscriptions of all tenants, newest first, and those that are looked for.

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::Deserialize;
use tollhouse_domain::{
    actor::Permission,
    id::SubscriptionId,
    money::Money,
    subscription::{Status, UnknownStatus},
};

use super::search::{Choice, given, searched, select, text_field};
use crate::{
    analytics::queries::{self, Sold, SoldFilter},
    app::App,
    catalog::queries::current_plans,
    db::Page,
    error::{Result, invalid},
    events::queries::last_position,
    http::extract::{Query, cursor},
    pages::{
        frame::{Frame, Live},
        show::{
            self,
            Column::{Numbers, Words},
        },
        visitor::Visitor,
    },
};

const PLACE: &str = "/pages/subscriptions";
const LIMIT: i64 = 25;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    text: Option<String>,
    state: Option<String>,
    plan: Option<String>,
    cursor: Option<String>,
}

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let after: Option<SubscriptionId> = cursor(search.cursor.as_deref())?;
    let filter = filter(&search)?;
    let mut conn = app.db.read().await?;
    let live = Some(Live::All(last_position(&mut conn).await?));
    let plans = current_plans(&mut conn).await?;
    let rows = queries::list_sold(&mut conn, &filter, after, LIMIT).await?;
    drop(conn);
    let page = Page::of(rows, LIMIT, |row| row.id.to_string(), |row| line(&row));
    let plans: Vec<Choice> = plans.iter().map(|plan| (&*plan.code, &*plan.name)).collect();
    let path = searched(
        PLACE,
        &[("text", &search.text), ("state", &search.state), ("plan", &search.plan)],
    );
    let frame = Frame { visitor: &visitor, title: "Subscriptions", place: PLACE, live };
    Ok(frame.page(&html! {
        h1 { "Subscriptions" }
        form.search method="get" action=(PLACE) role="search" {
            (text_field("Name or address of the tenant", search.text.as_deref()))
            (select("state", "State", &states(), search.state.as_deref()))
            (select("plan", "Plan", &plans, search.plan.as_deref()))
            button type="submit" { "Search" }
        }
        section #subscriptions data-live aria-label="Subscriptions" {
            (show::table(
                "List of subscriptions",
                &[Words("Tenant"), Words("Plan"), Words("State"), Numbers("Price"), Words("Period ends"), Words("Next")],
                &page.data,
                "No subscription is like that.",
            ))
            (show::more(&path, page.next_cursor.as_ref()))
        }
    }))
}

fn states() -> Vec<Choice<'static>> {
    Status::ALL.iter().map(|status| (status.as_str(), status.as_str())).collect()
}

fn filter(search: &Search) -> Result<SoldFilter> {
    let unknown = |error: UnknownStatus| invalid("state", error.to_string());
    let status = given(search.state.as_ref()).map(|word| word.parse()).transpose();
    Ok(SoldFilter {
        status: status.map_err(unknown)?,
        plan: given(search.plan.as_ref()).cloned(),
        text: super::search::text(search.text.as_ref())?,
    })
}

fn line(row: &Sold) -> Vec<Markup> {
    let amount = show::money(Money::new(row.amount, row.currency));
    vec![
        html! { a href={ "/pages/tenants/" (row.tenant_id) } { (row.tenant_name) } },
        html! { (row.plan_code) @if row.kind.as_str() == "addon" { div.quiet { "add-on" } } },
        show::state(row.status.as_str()),
        html! { (amount) div.quiet { (show::every(row.interval.as_str(), row.interval_count)) } },
        show::day(row.period_end),
        html! {
            @match row.cancel_at {
                Some(at) => { "ends " (show::day(at)) },
                None if row.status.is_terminal() => "–",
                None => "renews",
            }
        },
    ]
}
