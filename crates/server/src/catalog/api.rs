//! `GET /api/v1/billing/plans`: what is sold, for anyone to read.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;
use tollhouse_domain::{
    money::Amount,
    plan::{Credits, FeatureValue, Limit, Plan, PlanKind, Slots},
    price::Price,
};
use tollhouse_stripe::PriceId;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{actions, queries::PriceRow};
use crate::{
    app::App,
    error::{Problem, Result},
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_plans))
}

/// Everything that is sold.
#[derive(Serialize, ToSchema)]
pub struct Plans {
    pub plans: Vec<PlanView>,
}

/// One plan as it is sold.
#[derive(Serialize, ToSchema)]
pub struct PlanView {
    pub code: String,
    pub version: u32,
    /// `base` or `addon`
    #[schema(value_type = String)]
    pub kind: PlanKind,
    pub name: String,
    pub tier: String,
    pub description: String,
    pub prices: Vec<PriceView>,
    /// A switch, a number or a text for each feature.
    #[schema(value_type = Object)]
    pub features: BTreeMap<String, FeatureValue>,
    #[schema(value_type = Vec<Object>)]
    pub limits: Vec<Limit>,
    /// How many resources may be held at once, by the slots' tier.
    #[schema(value_type = Vec<Object>)]
    pub slots: Vec<Slots>,
    #[schema(value_type = Option<Object>)]
    pub credits: Option<Credits>,
    /// Days; 0 for none.
    pub trial_days: u32,
    /// Codes of the add-ons that may join it.
    pub addons: Vec<String>,
}

/// One price of a plan.
#[derive(Serialize, ToSchema)]
pub struct PriceView {
    /// Stripe's id, once the catalog was pushed.
    #[schema(value_type = Option<String>)]
    pub price_id: Option<PriceId>,
    pub lookup_key: String,
    /// Major units; null for tiers and for amounts below a minor unit.
    #[schema(value_type = Option<f64>, example = 29.00)]
    pub amount: Option<Amount>,
    #[schema(example = "usd")]
    pub currency: String,
    /// `day`, `week`, `month` or `year`
    pub interval: String,
    pub interval_count: i64,
    /// `flat`, `per_seat`, `graduated`, `volume` or `package`
    pub model: String,
    /// The meter whose count is the quantity.
    pub meter: Option<String>,
    /// The price as the catalog has it, tiers included, amounts as text in major units.
    #[schema(value_type = Object)]
    pub definition: Price,
}

/// The plans that are sold now
#[utoipa::path(get, path = "/api/v1/billing/plans", tag = "plans",
    responses((status = 200, body = Plans), (status = 500, body = Problem)))]
async fn list_plans(State(app): State<Arc<App>>) -> Result<Json<Plans>> {
    let mut conn = app.db.read().await?;
    let mut sold = Vec::new();
    for (plan, prices) in actions::sold(&mut conn).await? {
        sold.push((plan.definition.to::<Plan>()?, prices));
    }
    let addons: Vec<Plan> = sold
        .iter()
        .filter(|(plan, _)| plan.kind == PlanKind::Addon)
        .map(|(plan, _)| plan.clone())
        .collect();
    let default_trial_days = app.config.billing.default_trial_days;
    let plans = sold
        .into_iter()
        .map(|(plan, prices)| view(plan, prices, &addons, default_trial_days))
        .collect::<Result<_>>()?;
    Ok(Json(Plans { plans }))
}

fn view(
    plan: Plan,
    prices: Vec<PriceRow>,
    addons: &[Plan],
    default_trial_days: u32,
) -> Result<PlanView> {
    let fits = |addon: &&Plan| {
        plan.kind == PlanKind::Base
            && (addon.addon_of.is_empty() || addon.addon_of.contains(&plan.code))
    };
    let trial_days =
        if prices.is_empty() { 0 } else { plan.trial_days.unwrap_or(default_trial_days) };
    Ok(PlanView {
        addons: addons.iter().filter(fits).map(|addon| addon.code.clone()).collect(),
        tier: plan.tier().to_owned(),
        code: plan.code,
        version: plan.version,
        kind: plan.kind,
        name: plan.name,
        description: plan.description,
        prices: prices.into_iter().map(price_view).collect::<Result<_>>()?,
        features: plan.features,
        limits: plan.limits,
        slots: plan.slots,
        credits: plan.credits,
        trial_days,
    })
}

fn price_view(row: PriceRow) -> Result<PriceView> {
    let price: Price = row.definition.to()?;
    Ok(PriceView {
        price_id: row.stripe_price_id,
        lookup_key: row.lookup_key,
        amount: price.unit_amount().map(Amount),
        currency: price.currency.code().to_owned(),
        interval: price.interval.as_str().to_owned(),
        interval_count: row.interval_count,
        model: price.model.kind().as_str().to_owned(),
        meter: price.meter.clone(),
        definition: price,
    })
}
