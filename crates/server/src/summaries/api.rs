//! Billing summaries, for the operator.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::TenantId,
    money::{Amount, Money},
    summary::{Asked, Outcome},
    time::Timestamp,
    usage::Window,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::queries::{self, InvoiceSums, LineSums, Span};
use crate::{
    app::App,
    error::{Problem, Result, invalid},
    http::{
        auth::Caller,
        extract::{JsonBody, TenantPath, moment},
    },
    tenants::actions as tenants,
};

const DAYS_MAX: i64 = 3660;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(of_tenant)).routes(routes!(of_platform))
}

/// Which invoices are summed up: those finalized in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SummarySpan {
    /// The first moment of it, such as `2026-11-01T00:00:00Z`; of this month (UTC) where absent.
    from: Option<String>,
    /// The first moment after it, ten years later at most; now where absent.
    to: Option<String>,
}

/// What was invoiced in a span of time, and what has become of it by now.
#[derive(Serialize, ToSchema)]
pub struct BillingSummary {
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    to: Timestamp,
    /// Currencies are never added up.
    currencies: Vec<CurrencySummary>,
}

/// All final invoices in one currency. `invoiced` is the sum of `paid`, `outstanding`, `void` and
/// `uncollectible`; and the sum of `by_plan`, less `credited_before_payment`.
#[derive(Serialize, ToSchema)]
struct CurrencySummary {
    currency: String,
    invoices: i64,
    /// The totals, with tax and after discounts, less what credit notes took off before payment.
    #[schema(value_type = f64, example = 290.00)]
    invoiced: Amount,
    /// By a payment, from the customer's balance, or elsewhere. What was given back since is `refunded`.
    #[schema(value_type = f64, example = 232.00)]
    paid: Amount,
    #[schema(value_type = f64, example = 29.00)]
    outstanding: Amount,
    #[schema(value_type = f64, example = 29.00)]
    void: Amount,
    #[schema(value_type = f64, example = 0.00)]
    uncollectible: Amount,
    /// Given back of what was paid.
    #[schema(value_type = f64, example = 0.00)]
    refunded: Amount,
    /// By credit notes, before and after payment.
    #[schema(value_type = f64, example = 0.00)]
    credited: Amount,
    #[schema(value_type = f64, example = 0.00)]
    credited_before_payment: Amount,
    /// The part of the totals that is tax.
    #[schema(value_type = f64, example = 0.00)]
    tax: Amount,
    /// What coupons took off; the totals are without it.
    #[schema(value_type = f64, example = 0.00)]
    discount: Amount,
    /// The part of the totals that meters counted.
    #[schema(value_type = f64, example = 12.50)]
    usage: Amount,
    /// The part of `usage` that goes beyond what a price includes: that of prices whose first tier is free.
    #[schema(value_type = f64, example = 5.00)]
    overage: Amount,
    usage_by_meter: Vec<MeterSummary>,
    by_plan: Vec<PlanSummary>,
}

#[derive(Serialize, ToSchema)]
struct PlanSummary {
    /// Null for what no plan of the catalog sells.
    plan: Option<String>,
    #[schema(value_type = f64, example = 290.00)]
    amount: Amount,
}

#[derive(Serialize, ToSchema)]
struct MeterSummary {
    meter: String,
    #[schema(value_type = f64, example = 12.50)]
    amount: Amount,
}

/// What a tenant was invoiced, and what became of it
#[utoipa::path(post, path = "/api/v1/stripe/tenants/{tenant_id}/billing/summary", tag = "tenants",
    params(("tenant_id" = String, Path)), request_body = SummarySpan,
    responses((status = 200, body = BillingSummary), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn of_tenant(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
    body: JsonBody,
) -> Result<Json<BillingSummary>> {
    let id = caller.tenant(id, Permission::ReadAnyTenant)?;
    tenants::get(&app, id).await?;
    summarize(&app, Some(id), &body.read()?).await
}

/// What all tenants were invoiced, and what became of it
#[utoipa::path(post, path = "/api/v1/stripe/platform/billing/summary", tag = "tenants",
    request_body = SummarySpan,
    responses((status = 200, body = BillingSummary), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
async fn of_platform(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: JsonBody,
) -> Result<Json<BillingSummary>> {
    caller.require(Permission::ReadAnyTenant)?;
    summarize(&app, None, &body.read()?).await
}

async fn summarize(
    app: &App,
    tenant: Option<TenantId>,
    asked: &SummarySpan,
) -> Result<Json<BillingSummary>> {
    let now = app.clock.now();
    let from = moment("from", asked.from.as_deref())?;
    let from = from.unwrap_or_else(|| Window::Month.start(now));
    let to = moment("to", asked.to.as_deref())?.unwrap_or(now);
    if to < from || to > from.plus_days(DAYS_MAX) {
        return Err(invalid("to", "must not be before `from`, and at most ten years after it"));
    }
    let span = Span { tenant, from, to };
    // One snapshot: what is paid between two statements would be in one of them only.
    let mut snapshot = app.db.snapshot().await?;
    let invoices = queries::sum_invoices(&mut snapshot, span).await?;
    let lines = queries::sum_lines(&mut snapshot, span).await?;
    drop(snapshot);
    let mut by_currency: BTreeMap<&str, Vec<&InvoiceSums>> = BTreeMap::new();
    for sums in &invoices {
        by_currency.entry(sums.currency.code()).or_default().push(sums);
    }
    let currencies =
        by_currency.into_values().map(|sums| CurrencySummary::of(&sums, &lines)).collect();
    Ok(Json(BillingSummary { from, to, currencies }))
}

impl CurrencySummary {
    /// Of all that has the currency of the first.
    fn of(sums: &[&InvoiceSums], lines: &[LineSums]) -> Self {
        let currency = sums[0].currency;
        let amount = |minor: i64| Amount(Money::new(minor, currency));
        let sum = |of: fn(&InvoiceSums) -> i64| sums.iter().map(|sums| of(sums)).sum::<i64>();
        let outcome = sums.iter().map(|sums| outcome(sums)).fold(Outcome::default(), Outcome::plus);
        let lines = || lines.iter().filter(|line| line.currency == currency);
        let by_plan = add_up(lines().map(|line| (line.plan.clone(), line.amount)));
        let by_meter = add_up(lines().filter_map(|line| Some((line.meter.clone()?, line.amount))));
        Self {
            currency: currency.code().to_owned(),
            invoices: sum(|sums| sums.invoices),
            invoiced: amount(outcome.invoiced),
            paid: amount(outcome.paid),
            outstanding: amount(outcome.outstanding),
            void: amount(outcome.void),
            uncollectible: amount(outcome.uncollectible),
            refunded: amount(sum(|sums| sums.refunded)),
            credited: amount(sum(|sums| sums.credited)),
            credited_before_payment: amount(sum(|sums| sums.credited_before_payment)),
            tax: amount(sum(|sums| sums.tax)),
            discount: amount(sum(|sums| sums.discount)),
            usage: amount(by_meter.values().sum()),
            overage: amount(lines().filter(|line| line.is_overage()).map(|line| line.amount).sum()),
            usage_by_meter: by_meter
                .into_iter()
                .map(|(meter, minor)| MeterSummary { meter, amount: amount(minor) })
                .collect(),
            by_plan: by_plan
                .into_iter()
                .map(|(plan, minor)| PlanSummary { plan, amount: amount(minor) })
                .collect(),
        }
    }
}

fn outcome(sums: &InvoiceSums) -> Outcome {
    let InvoiceSums { total, credited_before_payment, settled, .. } = *sums;
    Outcome::of(sums.status, Asked { total, credited_before_payment, settled })
}

fn add_up<Key: Ord>(parts: impl Iterator<Item = (Key, i64)>) -> BTreeMap<Key, i64> {
    let mut sums = BTreeMap::new();
    for (key, amount) in parts {
        *sums.entry(key).or_default() += amount;
    }
    sums
}
