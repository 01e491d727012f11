//! The catalog: a file that is valid, loaded, and at Stripe.

use std::path::Path;

use tollhouse_server::{
    App,
    catalog::{file, push::list_unpushed, queries},
    doctor::Finding,
    error::{Error, Result},
};

const CHECK: &str = "catalog";

pub async fn examine(app: &App) -> Result<Vec<Finding>> {
    let Some(path) = &app.config.catalog.file else {
        let means = "No catalog is set, so no plan is sold.";
        return Ok(vec![Finding::problem(CHECK, means, "Set `TOLLHOUSE_CATALOG` to your file.")]);
    };
    let catalog = match file::read(Path::new(path)) {
        Ok(catalog) => catalog,
        Err(error) => {
            let remedy =
                format!("Correct it; `tollhouse catalog check {path}` says whether it is valid.");
            return Ok(vec![Finding::problem(
                CHECK,
                format!("The service would not start: {error:#}."),
                remedy,
            )]);
        }
    };
    let mut conn = app.db.read().await?;
    let loaded = queries::current_plans(&mut conn).await?;
    drop(conn);
    let is_loaded = catalog.plans.iter().all(|plan| {
        loaded.iter().any(|row| row.code == plan.code && row.version == i64::from(plan.version))
    });
    if !is_loaded || loaded.len() != catalog.plans.len() {
        return Ok(vec![Finding::problem(
            CHECK,
            format!("`{path}` has other plans than those that are sold."),
            "Run `tollhouse catalog push`, or start the service anew.",
        )]);
    }
    let mut findings =
        vec![Finding::ok(CHECK, format!("{} plans of `{path}` are sold.", loaded.len()))];
    if app.config.stripe.secret_key.is_some() {
        findings.push(at_stripe(app).await?);
    }
    Ok(findings)
}

async fn at_stripe(app: &App) -> Result<Finding> {
    const CHECK: &str = "catalog at stripe";
    let unpushed = match list_unpushed(app).await {
        Ok(unpushed) => unpushed,
        Err(Error::StripeUnavailable(error) | Error::StripeFailed(error)) => {
            let means = format!("Stripe cannot be asked for the prices: {error}.");
            return Ok(Finding::problem(CHECK, means, "See to that first."));
        }
        Err(error) => return Err(error),
    };
    let Some((_, why)) = unpushed.first() else {
        return Ok(Finding::ok(CHECK, "Stripe has every price that is sold."));
    };
    let keys: Vec<String> = unpushed.iter().map(|(key, _)| format!("`{key}`")).collect();
    Ok(Finding::problem(
        CHECK,
        format!(
            "These prices are sold and cannot be bought: {}. Of the first: {why}",
            keys.join(", ")
        ),
        "Run `tollhouse catalog push`.",
    ))
}
