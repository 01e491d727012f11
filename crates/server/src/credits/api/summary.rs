//! Usage of today and of this month, and what it costs in credits, on one page.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::value::RawValue;
use tollhouse_domain::{
    actor::Permission,
    money::Amount,
    time::Timestamp,
    usage::{Quantity, Window},
};
use utoipa::ToSchema;

use crate::{
    app::App,
    credits::actions::{Account, account},
    error::{Problem, Result},
    http::auth::Caller,
    tenants::actions as tenants,
    usage::actions::at_present,
};

/// Usage and credits of a tenant.
#[derive(Serialize, ToSchema)]
pub struct UsageSummary {
    usage: UsageNow,
    credits: CreditsNow,
    /// Of the plan that the tenant is on.
    tier: String,
}

/// By the meter's code; every meter of the catalog is there.
#[derive(Serialize, ToSchema)]
struct UsageNow {
    /// Since midnight, UTC.
    #[schema(value_type = BTreeMap<String, f64>)]
    today: BTreeMap<String, Quantity>,
    /// Since the first of the month, UTC.
    #[schema(value_type = BTreeMap<String, f64>)]
    month: BTreeMap<String, Quantity>,
}

/// Credits in the open billing period; without a subscription, in the calendar month.
#[derive(Serialize, ToSchema)]
struct CreditsNow {
    tier: String,
    /// What the plan and its add-ons include.
    #[schema(value_type = f64)]
    included_credits: Quantity,
    /// The sum of each meter's quantity times its weight.
    #[schema(value_type = f64)]
    used: Quantity,
    /// Of those, of earlier periods' and of what operators granted.
    #[schema(value_type = f64)]
    remaining: Quantity,
    /// What was used beyond all credits.
    #[schema(value_type = f64)]
    overage: Quantity,
    /// Major units, rounded once.
    #[schema(value_type = f64, example = 0.17)]
    overage_cost: Amount,
    /// Major units, exactly as the plan has it.
    #[schema(value_type = f64, example = 2.00)]
    price_per_1k: Box<RawValue>,
    currency: String,
    #[schema(value_type = String)]
    period_start: Timestamp,
    /// When everything begins anew.
    #[schema(value_type = String)]
    period_end: Timestamp,
}

impl CreditsNow {
    fn of(account: Account) -> Result<Self> {
        let beyond = &account.present.terms.beyond;
        Ok(Self {
            included_credits: account.included(),
            used: account.present.used,
            remaining: account.ledger.balance,
            overage: account.ledger.overage(),
            overage_cost: Amount(account.overage_cost()?),
            price_per_1k: RawValue::from_string(beyond.price_text())?,
            currency: beyond.currency.code().to_owned(),
            period_start: account.present.period.start,
            period_end: account.present.period.end,
            tier: account.present.tier,
        })
    }
}

/// Usage and credits of the caller's tenant
#[utoipa::path(get, path = "/api/v1/billing/usage", tag = "usage",
    responses((status = 200, body = UsageSummary), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn summary(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<UsageSummary>> {
    let tenant = tenants::get(&app, caller.own_tenant(Permission::Read)?).await?;
    let mut conn = app.db.read().await?;
    let usage = UsageNow {
        today: at_present(&app, &mut conn, &tenant, Window::Day).await?,
        month: at_present(&app, &mut conn, &tenant, Window::Month).await?,
    };
    let credits = CreditsNow::of(account(&mut conn, &tenant, app.clock.now()).await?)?;
    Ok(Json(UsageSummary { usage, tier: credits.tier.clone(), credits }))
}
