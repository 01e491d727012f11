//! API keys: which there are, making one, and taking one back. A new key is shown by the answer to its form alone.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    response::{Html, Redirect},
};
use maud::{Markup, html};
use tollhouse_domain::{
    actor::{Permission, Scope},
    time::Timestamp,
};

use super::Place;
use crate::{
    app::App,
    credentials::{
        actions,
        api::{CreateApiKey, checked},
        queries::{self, ApiKey},
    },
    db::Page,
    error::{Result, invalid, not_found},
    http::{ShownOnce, extract::Query},
    pages::{
        form::Form,
        frame::{Frame, csrf},
        show::{self, Column::Words},
        visitor::Visitor,
    },
};

const PLACE: &str = "/pages/keys";
const LIMIT: i64 = 25;

pub async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Html<String>> {
    visitor.caller.require(Permission::Operate)?;
    let before = place.before()?;
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, None, before, LIMIT).await?;
    drop(conn);
    let page = Page::of(rows, LIMIT, |row| row.id.to_string(), |row| line(&visitor, &row, now));
    let page = page.transpose()?;
    Ok(Frame { visitor: &visitor, title: "API keys", place: PLACE, live: None }.page(&html! {
        h1 { "API keys" }
        (show::table(
            "API keys",
            &[Words("Name"), Words("Scopes"), Words("Reaches"), Words("Last used"), Words("State"), Words("Do")],
            &page.data,
            "There is none.",
        ))
        (show::more(PLACE, page.next_cursor.as_ref()))
        h2 { "Make one" }
        (form(&visitor, &app.clock.new_id().to_string()))
    }))
}

fn form(visitor: &Visitor, id: &str) -> Markup {
    html! {
        form.card.alone #make method="post" action=(PLACE) {
            (csrf(visitor))
            // The same form sent twice makes one key.
            input type="hidden" name="id" value=(id);
            label for="name" { "Name: which program has it" }
            input #name name="name" required maxlength="100" autocomplete="off";
            fieldset {
                legend { "What it opens" }
                @for scope in Scope::ALL {
                    label.choice {
                        input type="checkbox" name=(scope_field(*scope)) value="yes";
                        span { code { (scope) } " " (about(*scope)) }
                    }
                }
            }
            label for="tenant" { "The only tenant it reaches, by its id; empty for all" }
            input #tenant name="tenant" autocomplete="off" maxlength="36";
            label for="expires" { "Opens nothing from this day on (UTC); empty for never" }
            input #expires name="expires" type="date";
            button type="submit" { "Make an API key" }
        }
    }
}

fn scope_field(scope: Scope) -> String {
    format!("scope {scope}")
}

/// For who chooses: what a scope is for.
fn about(scope: Scope) -> &'static str {
    match scope {
        Scope::UsageWrite => "reports usage; claims and releases slots",
        Scope::EntitlementsRead => "asks what a tenant may",
        Scope::TenantsRead => "sees tenants and what they have",
        Scope::TenantsWrite => "creates and changes tenants and what they have",
        Scope::MetricsRead => "reads the metrics",
        Scope::Admin => "does everything",
    }
}

/// Answers with the key itself: no address shows it again.
pub async fn make(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    form: Form,
) -> Result<(Extension<ShownOnce>, Html<String>)> {
    visitor.caller.require(Permission::Operate)?;
    let id = form.get("id")?.parse().map_err(|_| invalid("id", "is none of ours"))?;
    let scopes = Scope::ALL.iter().filter(|scope| form.find(&scope_field(**scope)).is_some());
    let asked = CreateApiKey {
        name: form.find("name").unwrap_or_default().to_owned(),
        scopes: scopes.map(ToString::to_string).collect(),
        tenant_id: form.find("tenant").map(str::to_owned),
        expires_at: form.find("expires").map(|day| format!("{day}T00:00:00Z")),
    };
    let wanted = checked(asked, id, app.clock.now())?;
    let (row, key) = actions::create(&app, &visitor.caller.origin(), wanted).await?;
    let frame = Frame { visitor: &visitor, title: "A new API key", place: PLACE, live: None };
    let page = frame.page(&html! {
        h1 { "A new API key" }
        p { "This is the key of " strong { (row.name) } ". Copy it now: it is shown here, once, and kept nowhere." }
        p.secret tabindex="0" role="region" aria-label="The key" { code #key { (key) } }
        p { a.button href=(PLACE) { "I have it" } }
    });
    Ok((Extension(ShownOnce), page))
}

fn line(visitor: &Visitor, key: &ApiKey, now: Timestamp) -> Result<Vec<Markup>> {
    let scopes: Vec<String> = key.scopes.to()?;
    let word = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "active",
    };
    Ok(vec![
        html! { (key.name) div.quiet { code { "th_" (key.prefix) "…" } } },
        html! { (scopes.join(", ")) },
        html! {
            @match key.tenant_id {
                Some(tenant) => a href={ "/pages/tenants/" (tenant) } { "one tenant" },
                None => "all",
            }
        },
        html! { @match key.last_used_at { Some(at) => (show::day(at)), None => "never used" } },
        show::state(word),
        html! {
            @if word == "active" {
                form method="post" action={ "/pages/keys/" (key.id) "/revoke" } {
                    (csrf(visitor))
                    button.danger type="submit" aria-label={ "Revoke " (key.name) } { "Revoke" }
                }
            }
        },
    ])
}

pub async fn revoke(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect> {
    visitor.caller.require(Permission::Operate)?;
    let id = id.parse().map_err(|_| not_found("API key", id))?;
    actions::revoke(&app, &visitor.caller.origin(), id).await?;
    Ok(Redirect::to(PLACE))
}
