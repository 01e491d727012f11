//! What happened, newest first.

use maud::{Markup, html};

use super::show;
use crate::events::queries::Event;

/// One tenant's.
pub fn of_tenant(events: &[Event]) -> Markup {
    list(events, false)
}

/// Everybody's, with the way to each tenant.
pub fn of_all(events: &[Event]) -> Markup {
    list(events, true)
}

fn list(events: &[Event], with_tenants: bool) -> Markup {
    html! {
        @if events.is_empty() { p.quiet { "Nothing yet." } }
        ol.timeline {
            @for event in events {
                li {
                    div {
                        (event.summary)
                        @if with_tenants {
                            " " a href={ "/pages/tenants/" (event.tenant_id) } aria-label={ "Tenant of: " (event.summary) } { "Tenant" }
                        }
                    }
                    div.quiet { (show::moment(event.occurred_at)) " · " (event.r#type) }
                }
            }
        }
    }
}
