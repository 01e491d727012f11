//! Ending the subscription, with the reason; and thinking again.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{Html, Redirect},
};
use maud::html;
use tollhouse_domain::actor::Permission;

use super::{HOME, own};
use crate::{
    app::App,
    error::{Result, invalid},
    http::Work,
    pages::{
        form::Form,
        frame::{Frame, csrf},
        show,
        visitor::Visitor,
    },
    subscriptions::{
        actions::{self, At, Cancel, live_base},
        api::REASONS,
    },
};

const COMMENT_LENGTH_MAX: usize = 1000;

/// Why people leave, in their words and Stripe's.
fn reason_for_people(reason: &str) -> String {
    reason.replace('_', " ")
}

pub async fn ask(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Html<String>> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let base = live_base(&app, tenant.id).await?;
    let content = html! {
        p { a href=(HOME) { "← Billing" } }
        h1 { "Cancel your subscription" }
        p { "It is paid until " (show::moment(base.period_end)) ". Add-ons end with it." }
        form.card #cancel method="post" action="/pages/billing/cancel" {
            (csrf(&visitor))
            fieldset {
                legend { "When" }
                label { input type="radio" name="at" value="period_end" checked; " When the period ends" }
                label { input type="radio" name="at" value="now"; " Now; access ends at once" }
            }
            label for="reason" { "Why" }
            select #reason name="reason" {
                option value="" { "I would rather not say" }
                @for reason in REASONS { option value=(reason) { (reason_for_people(reason)) } }
            }
            label for="comment" { "What should we know?" }
            textarea #comment name="comment" rows="3" maxlength=(COMMENT_LENGTH_MAX) {}
            button.danger type="submit" { "Cancel the subscription" }
        }
    };
    Ok(Frame { visitor: &visitor, title: "Cancel", place: HOME, live: None }.page(&content))
}

pub async fn cancel(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    work: Work,
    form: Form,
) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let at = match form.get("at")? {
        "now" => At::Now,
        "period_end" => At::PeriodEnd,
        _ => return Err(invalid("at", "must be `now` or `period_end`")),
    };
    let reason = form.find("reason").map(str::to_owned);
    if reason.as_deref().is_some_and(|reason| !REASONS.contains(&reason)) {
        return Err(invalid("reason", "is not one of the words offered"));
    }
    let comment = form.find("comment").map(str::to_owned);
    if comment.as_ref().is_some_and(|comment| comment.len() > COMMENT_LENGTH_MAX) {
        return Err(invalid("comment", "must be at most 1000 bytes"));
    }
    let wanted = Cancel { at, reason, comment };
    actions::cancel(&app, &visitor.caller.origin(), tenant.id, work.0, wanted).await?;
    Ok(Redirect::to(HOME))
}

/// Takes back an end that has not come, or a pause.
pub async fn resume(State(app): State<Arc<App>>, visitor: Visitor, work: Work) -> Result<Redirect> {
    let tenant = own(&app, &visitor, Permission::ManageBilling).await?;
    let origin = visitor.caller.origin();
    Box::pin(actions::resume(&app, &origin, tenant.id, work.0)).await?;
    Ok(Redirect::to(HOME))
}
