//! Choosing a plan, seeing to the cent what the change costs, and confirming just that.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{Html, Redirect},
};
use maud::{Markup, html};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, price::Interval};

use super::{HOME, buying::seats, offers, own};
use crate::{
    app::App,
    error::{Result, invalid},
    http::{
        Work,
        extract::{Query, interval},
    },
    pages::{
        form::Form,
        frame::{Frame, csrf},
        show::{
            self,
            Column::{Numbers, Words},
        },
        visitor::Visitor,
    },
    subscriptions::{
        actions::{self, Change, Preview},
        queries::find_live_base,
    },
};

const PLACE: &str = "/pages/billing/plan";

pub async fn choose(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Html<String>> {
    let tenant = own(&app, &visitor, Permission::Read).await?;
    let mut conn = app.db.read().await?;
    let base = find_live_base(&mut conn, tenant.id).await?;
    let offers = offers::all(&mut conn, &visitor, base.as_ref()).await?;
    drop(conn);
    let content = html! { h1 { "Plans" } (offers) };
    Ok(Frame { visitor: &visitor, title: "Plans", place: PLACE, live: None }.page(&content))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    plan: String,
    interval: Option<String>,
    seats: Option<u64>,
}

/// What a change would cost now; nothing is changed by looking.
pub async fn preview(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(wish): Query<Wish>,
) -> Result<Html<String>> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let interval = interval(wish.interval.as_deref().filter(|word| !word.is_empty()))?;
    let plan = Some(wish.plan.clone());
    let wanted = Change { plan, interval, seats: wish.seats, promotion_code: None };
    let preview = actions::preview(&app, &tenant, &wanted).await?;
    let content = html! {
        p { a href=(PLACE) { "← Plans" } }
        h1 { "What it costs" }
        (lines(&preview))
        (sums(&preview))
        (confirmation(&visitor, &wish, interval, &preview))
    };
    Ok(Frame { visitor: &visitor, title: "What it costs", place: PLACE, live: None }.page(&content))
}

fn lines(preview: &Preview) -> Markup {
    let rows: Vec<Vec<Markup>> = preview
        .lines
        .iter()
        .map(|line| {
            vec![
                html! { (line.description) },
                html! { (show::day(line.period.start)) " to " (show::day(line.period.end)) },
                html! { (show::money(line.amount)) },
            ]
        })
        .collect();
    show::table(
        "Lines",
        &[Words("What"), Words("For"), Numbers("Amount")],
        &rows,
        "Nothing is charged.",
    )
}

fn sums(preview: &Preview) -> Markup {
    html! {
        dl.sums {
            @for discount in &preview.discounts {
                div { dt { (discount.name) } dd { "−" (show::money(discount.amount)) } }
            }
            @if preview.tax.minor() != 0 { div { dt { "Tax" } dd { (show::money(preview.tax)) } } }
            div { dt { "Total" } dd { (show::money(preview.total)) } }
            div.due { dt { "To pay now" } dd #due { (show::money(preview.amount_due)) } }
        }
    }
}

fn confirmation(
    visitor: &Visitor,
    wish: &Wish,
    interval: Option<Interval>,
    preview: &Preview,
) -> Markup {
    let hidden = html! {
        (csrf(visitor))
        input type="hidden" name="plan" value=(wish.plan);
        input type="hidden" name="interval" value=[interval];
        input type="hidden" name="seats" value=[wish.seats];
    };
    html! {
        div.ways {
            form method="post" action=(PLACE) {
                (hidden)
                input type="hidden" name="preview_token" value=[preview.token.as_ref()];
                button #confirm type="submit" { "Change now and pay " (show::money(preview.amount_due)) }
            }
            form method="post" action=(PLACE) {
                (hidden)
                input type="hidden" name="when" value="period_end";
                button.quiet #later type="submit" { "Change when the period ends" }
            }
        }
        p.quiet { "The amount is good for an hour: it is charged exactly, or nothing is." }
    }
}

pub async fn confirm(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    work: Work,
    form: Form,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let plan = Some(form.get("plan")?.to_owned());
    let interval = form.word("interval")?;
    let wanted = Change { plan, interval, seats: seats(&form)?, promotion_code: None };
    let origin = visitor.caller.origin();
    match form.find("when") {
        None => {
            // Nobody pays here what they have not seen.
            let token = form.get("preview_token")?;
            actions::change(&app, &origin, tenant.id, work.0, &wanted, Some(token)).await?;
        }
        Some("period_end") => {
            actions::change_later(&app, &origin, tenant.id, work.0, &wanted).await?;
        }
        Some(_) => return Err(invalid("when", "must be `period_end`, or left out")),
    }
    Ok(Redirect::to(HOME))
}

pub async fn drop_pending(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    work: Work,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    actions::drop_change(&app, &visitor.caller.origin(), tenant.id, work.0).await?;
    Ok(Redirect::to(HOME))
}
