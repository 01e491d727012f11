//! What plans include: features, limits, slots and credits.

use maud::{Markup, html};
use tollhouse_domain::plan::{FeatureValue, Plan};

use super::show;

/// Of several plans, one after the other.
pub fn of(plans: &[Plan]) -> Markup {
    html! {
        div.cards {
            @for plan in plans { div.card { h3 { (plan.name) } p.quiet { (plan.description) } (list(plan)) } }
        }
    }
}

/// Line by line.
pub fn list(plan: &Plan) -> Markup {
    html! {
        ul.included {
            @if let Some(credits) = plan.credits.as_ref().filter(|credits| credits.included > 0) {
                li { (show::count(credits.included)) " credits a billing period" }
            }
            @for limit in &plan.limits {
                li {
                    (show::count(limit.max)) " " (words(&limit.meter)) " a " (limit.per)
                    @if !limit.hard { span.quiet { " and more, which is counted" } }
                }
            }
            @for slots in &plan.slots {
                li { (show::count(slots.max)) " " (slots.display_name()) @if slots.per_seat { " a seat" } }
            }
            @for (name, value) in &plan.features {
                @match value {
                    FeatureValue::Switch(true) => li { (words(name)) },
                    FeatureValue::Switch(false) => li.without { "No " (words(name)) },
                    FeatureValue::Number(number) => li { (words(name)) ": " (number) },
                    FeatureValue::Text(text) => li { (words(name)) ": " (text) },
                }
            }
        }
    }
}

/// `api_calls` as people say it.
fn words(code: &str) -> String {
    code.replace('_', " ")
}
