//! The time machine beside every page of the demo: a panel, and the route of its form.

use std::sync::Arc;

use axum::{Extension, Router, response::Redirect, routing::post};
use maud::{Markup, html};
use tollhouse_domain::{actor::Permission, id::TenantId};
use tollhouse_server::{
    error::{Result, invalid, not_found},
    pages::{Beside, Form, Visitor, is_page},
};

use super::time_machine::{TimeMachine, Wish};

const PLACE: &str = "/pages/time-machine";

/// The word of each wish in the form, and the one on its button.
const WISHES: [(&str, &str, Wish); 4] = [
    ("day", "Next day", Wish::NextDay),
    ("renewal", "Next renewal", Wish::NextRenewal),
    ("fails", "Card fails", Wish::CardFails),
    ("recovers", "Card recovers", Wish::CardRecovers),
];

/// What the demo puts beside the pages.
pub fn beside(machine: &Arc<TimeMachine>) -> Beside {
    let shown = Arc::clone(machine);
    let routes = Router::new().route(PLACE, post(wish)).layer(Extension(Arc::clone(machine)));
    Beside { panel: Some(Arc::new(move |visitor| panel(&shown, visitor))), routes }
}

fn panel(machine: &TimeMachine, visitor: &Visitor) -> Markup {
    let standing = machine.standing();
    let shown = machine.now().to_string();
    let shown = shown.get(..16).unwrap_or(&shown).replace('T', " ");
    html! {
        aside.beside #time-machine data-live data-busy[standing.is_busy] aria-labelledby="time-machine-head" {
            h2 #time-machine-head { "Time machine" }
            p { "In this demo it is " strong { (shown) " UTC" } "." }
            form method="post" action=(PLACE) {
                input type="hidden" name="csrf_token" value=(visitor.csrf_token);
                input type="hidden" name="back" value=(visitor.path);
                @if visitor.is_staff() { (tenants(machine, visitor)) }
                div.ways {
                    @for (word, name, _) in WISHES {
                        button.quiet type="submit" name="wish" value=(word) disabled[standing.is_busy] { (name) }
                    }
                }
            }
            p role="status" {
                @match (&standing.said, standing.is_busy) {
                    (_, true) => "Time goes by …",
                    (Some(said), _) => (said),
                    (None, _) => "Move time or break a card, and see what becomes of it.",
                }
            }
        }
    }
}

/// Whose renewal and card: of the tenant that is looked at, else of the one that has paid.
fn tenants(machine: &TimeMachine, visitor: &Visitor) -> Markup {
    html! {
        label for="time-machine-tenant" { "Tenant" }
        select #time-machine-tenant name="tenant" {
            @for (id, name) in &machine.tenants {
                option value=(id) selected[visitor.path.contains(&id.to_string())] { (name) }
            }
        }
    }
}

async fn wish(
    Extension(machine): Extension<Arc<TimeMachine>>,
    visitor: Visitor,
    form: Form,
) -> Result<Redirect> {
    let tenant = if visitor.is_staff() {
        let id = form.get("tenant")?;
        let id: TenantId = id.parse().map_err(|_| not_found("tenant", id))?;
        visitor.caller.tenant(id, Permission::ReadAnyTenant)?
    } else {
        visitor.caller.own_tenant(Permission::Read)?
    };
    let word = form.get("wish")?;
    let known = WISHES.iter().find(|(known, ..)| *known == word);
    let (.., wish) = known.ok_or_else(|| invalid("wish", "is not one of the buttons"))?;
    machine.wish(*wish, tenant).await;
    let back = form.find("back").filter(|path| is_page(path)).unwrap_or("/pages");
    Ok(Redirect::to(back))
}
