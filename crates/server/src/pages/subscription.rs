//! A subscription in a few lines.

use maud::{Markup, html};

use super::show;
use crate::subscriptions::api::FullSubscription;

/// What a tenant has, what it costs, and until when.
pub fn facts(subscription: &FullSubscription) -> Markup {
    let FullSubscription { plan, status, access, payment_method, pending_change, .. } =
        subscription;
    show::facts(&[
        (
            "Plan",
            html! { strong { (plan.name) } " " span.quiet { (plan.code) " v" (plan.version) } },
        ),
        ("State", show::state(status)),
        (
            "Access",
            html! {
                (show::state(access))
                @if let Some(until) = subscription.access_until { " until " (show::moment(until)) }
            },
        ),
        ("Price", html! { (show::money(subscription.amount.0)) " " (every(subscription)) }),
        ("Seats", html! { (subscription.seats) }),
        (
            "Period",
            html! {
                (show::day(subscription.current_period_start)) " to " (show::day(subscription.current_period_end))
            },
        ),
        ("Next", next(subscription)),
        (
            "Waits",
            html! {
                @match pending_change {
                    Some(change) => {
                        (change.plan) ", " (change.seats) " seats, on " (show::day(change.at))
                    }
                    None => "nothing",
                }
            },
        ),
        (
            "Card",
            html! {
                @match payment_method {
                    Some(card) => {
                        (card.brand) " …" (card.last4) " " span.quiet { (card.exp_month) "/" (card.exp_year) }
                    }
                    None => "none",
                }
            },
        ),
    ])
}

/// `a month`, `every 3 months`
pub fn every(subscription: &FullSubscription) -> String {
    show::every(&subscription.interval, subscription.interval_count)
}

fn next(subscription: &FullSubscription) -> Markup {
    html! {
        @if let Some(at) = subscription.cancel_at {
            "ends on " (show::day(at))
        } @else if let Some(at) = subscription.trial_end.filter(|_| subscription.status == "trialing") {
            "trial ends on " (show::day(at)) ", then it is charged"
        } @else {
            "renews on " (show::day(subscription.current_period_end))
        }
    }
}

/// The add-ons beside it.
pub fn addons(subscription: &FullSubscription) -> Markup {
    html! {
        @if !subscription.addons.is_empty() {
            ul {
                @for addon in &subscription.addons {
                    li {
                        (addon.plan) " × " (addon.quantity) " " (show::state(&addon.status))
                        @if let Some(at) = addon.cancel_at { " ends on " (show::day(at)) }
                    }
                }
            }
        }
    }
}
