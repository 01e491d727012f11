//! Revenue at one glance.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    money::{Amount, Currency, Money},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    analytics::queries::{self, TierSums},
    app::App,
    error::{Problem, Result, invalid},
    http::{auth::Caller, extract::Query},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct StatsQuery {
    /// Whose `monthly_revenue` and `tier_breakdown` stand outside of `currencies`; that with the most active
    /// subscriptions where absent
    currency: Option<String>,
}

/// Customers, subscriptions and monthly recurring revenue, as they are now.
#[derive(Serialize, ToSchema)]
pub(super) struct Stats {
    /// Tenants that are customers at Stripe.
    total_customers: i64,
    /// In all currencies.
    active_subscriptions: i64,
    /// In all currencies.
    trial_subscriptions: i64,
    #[serde(flatten)]
    chosen: CurrencyStats,
    /// Each currency for itself: they are never added up.
    currencies: Vec<CurrencyStats>,
}

#[derive(Clone, Serialize, ToSchema)]
struct CurrencyStats {
    currency: String,
    /// What the subscriptions come to in a month: after discounts, before tax, without usage.
    #[schema(value_type = f64, example = 4900.00)]
    monthly_revenue: Amount,
    tier_breakdown: BTreeMap<String, TierStats>,
}

#[derive(Clone, Serialize, ToSchema)]
struct TierStats {
    /// Its active subscriptions.
    count: i64,
    #[schema(value_type = f64, example = 2900.00)]
    revenue: Amount,
}

/// Customers, subscriptions and monthly recurring revenue, by tier
#[utoipa::path(get, path = "/api/v1/admin/billing/stats", tag = "analytics", params(StatsQuery),
    responses((status = 200, body = Stats), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn stats(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<StatsQuery>,
) -> Result<Json<Stats>> {
    caller.require(Permission::ReadAnyTenant)?;
    let wanted: Option<Currency> = query
        .currency
        .map(|code| code.parse().map_err(|error| invalid("currency", format!("{error}"))))
        .transpose()?;
    let mut snapshot = app.db.snapshot().await?;
    let total_customers = queries::count_customers(&mut snapshot).await?;
    let sums = queries::sum_tiers(&mut snapshot).await?;
    drop(snapshot);
    let mut by_currency: BTreeMap<Currency, Vec<&TierSums>> = BTreeMap::new();
    for row in &sums {
        by_currency.entry(row.currency).or_default().push(row);
    }
    let active = |rows: &[&TierSums]| rows.iter().map(|row| row.active).sum::<i64>();
    // Of as many, the first by its code; where there is nothing, nothing of what most prices are in.
    let most =
        by_currency.iter().max_by_key(|(code, rows)| (active(rows), std::cmp::Reverse(**code)));
    let chosen = match wanted.or(most.map(|(code, _)| *code)) {
        Some(currency) => currency,
        None => Currency::new("usd").map_err(anyhow::Error::from)?,
    };
    let none = Vec::new();
    Ok(Json(Stats {
        total_customers,
        active_subscriptions: sums.iter().map(|row| row.active).sum(),
        trial_subscriptions: sums.iter().map(|row| row.trialing).sum(),
        chosen: CurrencyStats::of(chosen, by_currency.get(&chosen).unwrap_or(&none)),
        currencies: by_currency.iter().map(|(code, rows)| CurrencyStats::of(*code, rows)).collect(),
    }))
}

impl CurrencyStats {
    fn of(currency: Currency, rows: &[&TierSums]) -> Self {
        let amount = |minor: i64| Amount(Money::new(minor, currency));
        let tier = |row: &&TierSums| {
            (row.tier.clone(), TierStats { count: row.active, revenue: amount(row.mrr) })
        };
        Self {
            currency: currency.code().to_owned(),
            monthly_revenue: amount(rows.iter().map(|row| row.mrr).sum()),
            tier_breakdown: rows.iter().map(tier).collect(),
        }
    }
}
