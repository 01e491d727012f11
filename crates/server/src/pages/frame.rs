//! What stands around every page: the way to the other pages, and who is looking.

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};
use tollhouse_domain::{event::EventType, id::TenantId};

use super::{assets, visitor::Visitor};
use crate::error::Problem;

/// Pages that belong together: a heading, and the path and name of each.
struct Group {
    name: &'static str,
    pages: &'static [(&'static str, &'static str)],
}

/// The pages of our staff.
const OF_STAFF: [Group; 3] = [
    Group {
        name: "Customers",
        pages: &[
            ("/pages/overview", "Overview"),
            ("/pages/tenants", "Tenants"),
            ("/pages/subscriptions", "Subscriptions"),
            ("/pages/invoices", "Invoices"),
            ("/pages/usage", "Usage"),
        ],
    },
    Group {
        name: "What happens",
        pages: &[
            ("/pages/events", "Events"),
            ("/pages/deliveries", "Deliveries"),
            ("/pages/drift", "Drift"),
            ("/pages/audit", "Audit"),
        ],
    },
    Group {
        name: "Installation",
        pages: &[
            ("/pages/health", "Health"),
            ("/pages/catalog", "Catalog"),
            ("/pages/keys", "API keys"),
        ],
    },
];

/// The pages of a tenant's own people.
const OF_TENANTS: [Group; 1] = [Group {
    name: "Your billing",
    pages: &[
        ("/pages/billing", "Billing"),
        ("/pages/billing/plan", "Plans"),
        ("/pages/billing/cards", "Cards"),
    ],
}];

/// Whose events keep an open page true, and after which of them it was made.
#[derive(Clone, Copy, Debug)]
pub enum Live {
    Tenant(TenantId, i64),
    All(i64),
}

impl Live {
    fn url(self) -> String {
        match self {
            Self::Tenant(tenant, after) => {
                format!("/api/v1/billing/stream?tenant_id={tenant}&last_event_id={after}")
            }
            Self::All(after) => format!("/api/v1/billing/stream?last_event_id={after}"),
        }
    }
}

/// One page: its title, where it stands, and what keeps it true.
pub struct Frame<'a> {
    pub visitor: &'a Visitor,
    pub title: &'a str,
    /// The path of the page, or of the list that it belongs to.
    pub place: &'a str,
    pub live: Option<Live>,
}

impl Frame<'_> {
    pub fn page(&self, content: &Markup) -> Html<String> {
        let body = html! {
            a.skip href="#content" { "Skip to the content" }
            header.top {
                a.brand href=(super::HOME) { "Tollhouse" }
                // On a wide screen the pages always stand beside; on a narrow one they open.
                button.menu.quiet type="button" popovertarget="pages" { "Menu" }
                nav #pages popover aria-label="Pages" {
                    @for group in self.groups() {
                        p.group id=(anchor(group.name)) { (group.name) }
                        ul aria-labelledby=(anchor(group.name)) {
                            @for (path, name) in group.pages {
                                li { a href=(path) aria-current=[(*path == self.place).then_some("page")] { (name) } }
                            }
                        }
                    }
                }
                @if self.live.is_some() { p #live.live role="status" { "Connecting …" } }
                form.leave method="post" action="/pages/sign-out" {
                    (csrf(self.visitor))
                    span.who { (self.visitor.caller.name()) }
                    button.quiet type="submit" { "Sign out" }
                }
            }
            @if let Some(panel) = &self.visitor.panel { (panel(self.visitor)) }
            main #content tabindex="-1" { (content) }
        };
        let events =
            EventType::ALL.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(" ");
        Html(document(self.title, self.live.map(|live| (live.url(), events)), &body).into_string())
    }

    fn groups(&self) -> &'static [Group] {
        if self.visitor.is_staff() { &OF_STAFF } else { &OF_TENANTS }
    }
}

/// The id of a group's heading.
fn anchor(name: &str) -> String {
    format!("pages-{}", name.to_lowercase().replace(' ', "-"))
}

/// A page without a way to others: for whom we do not know, or cannot serve.
pub fn bare(title: &str, content: &Markup) -> Markup {
    document(title, None, &html! { main.bare #content { p.brand { "Tollhouse" } (content) } })
}

/// What a program would read as a problem document.
pub fn problem(problem: &Problem, back: &str) -> Markup {
    bare(
        problem.title,
        &html! {
            h1 { (problem.title) }
            p { (problem.detail) }
            @if !problem.errors.is_empty() {
                ul { @for error in &problem.errors { li { strong { (error.field) } " " (error.message) } } }
            }
            p.quiet { "Request " code { (problem.request_id) } }
            p { a.button href=(back) { "Go back" } }
        },
    )
}

/// What a form shows to prove that it is ours.
pub fn csrf(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="csrf_token" value=(visitor.csrf_token); }
}

fn document(title: &str, live: Option<(String, String)>, body: &Markup) -> Markup {
    let (stream, events) = live.unzip();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Tollhouse" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(assets::STYLE);
                @if stream.is_some() { script src=(assets::SCRIPT) defer {} }
            }
            body data-stream=[stream] data-events=[events] { (body) }
        }
    }
}
