//! How a tenant's credits stand, and every line of how they came to.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tollhouse_domain::{
    actor::Permission,
    credits::{Entry, OpenLot, Source},
    id::CreditGrantId,
    money::Amount,
    time::Timestamp,
    usage::Quantity,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    credits::actions::{Account, account},
    db::Page,
    error::{Problem, Result},
    http::{
        auth::Caller,
        extract::{Query, TenantPath, bounded, cursor},
    },
    tenants::actions as tenants,
};

const LOTS_MAX: usize = 100;

/// A tenant's credits at this moment.
#[derive(Serialize, ToSchema)]
pub struct CreditAccount {
    tier: String,
    /// Of the open billing period; without a subscription, of the calendar month.
    #[schema(value_type = String)]
    period_start: Timestamp,
    #[schema(value_type = String)]
    period_end: Timestamp,
    /// What the plan and its add-ons include in the open period.
    #[schema(value_type = f64)]
    included: Quantity,
    /// What is left of what operators granted.
    #[schema(value_type = f64)]
    granted: Quantity,
    /// What is left of what was included in earlier periods.
    #[schema(value_type = f64)]
    rolled_over: Quantity,
    /// In the open period: the sum of each meter's quantity times its weight.
    #[schema(value_type = f64)]
    used: Quantity,
    /// All that can be spent now.
    #[schema(value_type = f64)]
    remaining: Quantity,
    /// What is used in the open period beyond all credits.
    #[schema(value_type = f64)]
    overage: Quantity,
    /// Major units, rounded once.
    #[schema(value_type = f64, example = 0.17)]
    overage_cost: Amount,
    /// Major units, exactly as the plan has it.
    #[schema(value_type = f64, example = 2.00)]
    price_per_1k: Box<RawValue>,
    currency: String,
    /// What remains, in the order in which it is spent; the first hundred.
    lots: Vec<CreditLot>,
}

/// Credits that remain, of one source.
#[derive(Serialize, ToSchema)]
struct CreditLot {
    #[serde(flatten)]
    source: CreditSource,
    #[schema(value_type = f64)]
    left: Quantity,
    /// Null where they never do.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// Where credits come from.
#[derive(Default, Serialize, ToSchema)]
struct CreditSource {
    /// `plan` or `grant`; null of an overage.
    source: Option<&'static str>,
    /// Of `plan`: the billing period they were included in.
    #[schema(value_type = Option<String>)]
    included_in: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    grant_id: Option<CreditGrantId>,
}

impl From<Source> for CreditSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Plan { period } => {
                Self { source: Some("plan"), included_in: Some(period), grant_id: None }
            }
            Source::Grant(id) => {
                Self { source: Some("grant"), included_in: None, grant_id: Some(id) }
            }
        }
    }
}

impl From<&OpenLot> for CreditLot {
    fn from(lot: &OpenLot) -> Self {
        Self { source: lot.source.into(), left: lot.left, expires_at: lot.expires_at }
    }
}

/// How a tenant's credits stand
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/credits", tag = "credits",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = CreditAccount), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
) -> Result<Json<CreditAccount>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let mut conn = app.db.read().await?;
    let account = account(&mut conn, &tenant, app.clock.now()).await?;
    let beyond = &account.present.terms.beyond;
    Ok(Json(CreditAccount {
        period_start: account.present.period.start,
        period_end: account.present.period.end,
        included: account.included(),
        granted: account.granted(),
        rolled_over: account.rolled_over(),
        used: account.present.used,
        remaining: account.ledger.balance,
        overage: account.ledger.overage(),
        overage_cost: Amount(account.overage_cost()?),
        price_per_1k: RawValue::from_string(beyond.price_text())?,
        currency: beyond.currency.code().to_owned(),
        lots: account.ledger.lots.iter().take(LOTS_MAX).map(CreditLot::from).collect(),
        tier: account.present.tier,
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct EntriesQuery {
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// One line of the ledger.
#[derive(Serialize, ToSchema)]
pub struct CreditEntry {
    /// 1, 2, 3 …
    number: usize,
    #[schema(value_type = String)]
    at: Timestamp,
    /// `included`, `granted`, `spent`, `expired` or `overage`
    kind: &'static str,
    #[serde(flatten)]
    source: CreditSource,
    /// The billing period it belongs to.
    #[schema(value_type = Option<String>)]
    period_start: Option<Timestamp>,
    /// What was added to the balance, or taken from it; of an overage, how much was used beyond it.
    #[schema(value_type = f64)]
    amount: Quantity,
    /// After this line.
    #[schema(value_type = f64)]
    balance: Quantity,
    /// Of an overage: major units, rounded once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    cost: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

impl CreditEntry {
    fn of(account: &Account, number: usize, entry: &Entry) -> Result<Self> {
        let cost = if entry.source.is_none() { account.cost_of(entry)? } else { None };
        Ok(Self {
            number,
            at: entry.at,
            kind: entry.kind.as_str(),
            source: entry.source.map(CreditSource::from).unwrap_or_default(),
            period_start: entry.period,
            amount: entry.amount,
            balance: entry.balance,
            currency: cost.map(|cost| cost.currency().code().to_owned()),
            cost: cost.map(Amount),
        })
    }
}

/// Every line of a tenant's credits, newest first
///
/// The last lines are of this moment: what is used since the last reading is spent in them.
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/credits/entries", tag = "credits",
    params(("tenant_id" = String, Path), EntriesQuery),
    responses((status = 200, body = Page<CreditEntry>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn entries(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    Query(query): Query<EntriesQuery>,
) -> Result<Json<Page<CreditEntry>>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let limit = bounded(query.limit, 20)?;
    let before = cursor(query.cursor.as_deref())?.unwrap_or(usize::MAX);
    let mut conn = app.db.read().await?;
    let account = account(&mut conn, &tenant, app.clock.now()).await?;
    let lines = account.ledger.entries.iter().enumerate().rev();
    let rows: Vec<(usize, &Entry)> = lines
        .map(|(index, entry)| (index + 1, entry))
        .filter(|(number, _)| *number < before)
        .take(usize::try_from(limit).unwrap_or(0) + 1)
        .collect();
    let page = Page::of(
        rows,
        limit,
        |(number, _)| number.to_string(),
        |(number, entry)| CreditEntry::of(&account, number, entry),
    );
    Ok(Json(page.transpose()?))
}
