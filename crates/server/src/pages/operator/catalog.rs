//! What is sold, and what a push would change at Stripe.

use std::sync::Arc;

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use tollhouse_domain::{actor::Permission, plan::Plan};

use crate::{
    app::App,
    catalog::{actions::sold, push::list_unpushed, queries::PriceRow},
    error::Result,
    pages::{
        frame::Frame,
        included,
        show::{self, Column::Words},
        visitor::Visitor,
    },
};

pub async fn list(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let mut conn = app.db.read().await?;
    let plans = sold(&mut conn).await?;
    drop(conn);
    let mut shown = Vec::new();
    for (row, prices) in &plans {
        shown.push((row.definition.to::<Plan>()?, prices));
    }
    let unpushed = unpushed(&app).await;
    Ok(Frame { visitor: &visitor, title: "Catalog", place: "/pages/catalog", live: None }.page(
        &html! {
            h1 { "Catalog" }
            h2 { "What a push would change" }
            (unpushed)
            h2 { "What is sold" }
            div.cards {
                @for (plan, prices) in &shown {
                    div.card {
                        h3 { (plan.name) }
                        p.quiet { (plan.code) " v" (plan.version) ", " (plan.kind) }
                        (included::list(plan))
                        ul.included { @for price in prices.iter() { li { (price_of(price)) } } }
                    }
                }
            }
        },
    ))
}

fn price_of(price: &PriceRow) -> Markup {
    html! {
        code { (price.lookup_key) }
        @if price.stripe_price_id.is_none() { " " (show::state("open")) }
    }
}

/// Stripe is asked price by price; where it does not answer, the page says so and shows the rest.
async fn unpushed(app: &App) -> Markup {
    match list_unpushed(app).await {
        Ok(unpushed) => {
            let rows: Vec<Vec<Markup>> = unpushed
                .into_iter()
                .map(|(key, why)| vec![html! { code { (key) } }, html! { (why) }])
                .collect();
            show::table(
                "Prices to push",
                &[Words("Price"), Words("Why")],
                &rows,
                "Nothing: Stripe has every price.",
            )
        }
        Err(error) => html! { p.quiet { "Not known: " (error) } },
    }
}
