//! What a subscription was sold as: its plan and version, its price, and what a period costs.

use anyhow::anyhow;
use tollhouse_domain::{
    money::{Money, MoneyError},
    plan::Plan,
    price::{Model, Price},
    revenue::RecurringLine,
};
use tollhouse_stripe::objects::{self, SubscriptionItem};

use crate::{
    app::App,
    catalog::queries::{self as catalog, PriceRow},
    db::Conn,
    error::{Error, Result},
};

/// What the subscription's main item was sold as.
pub(super) struct Terms {
    pub plan: Plan,
    pub price: PriceRow,
    /// The item that bears the price.
    pub item: SubscriptionItem,
    /// Each item's id, and what its price counts.
    pub items: Vec<(String, Option<String>)>,
    /// What recurs, whatever is used.
    pub lines: Vec<RecurringLine>,
    /// What one period costs, all items together.
    pub amount: Money,
}

/// # Errors
/// Where its price is none of the catalog's.
pub(super) async fn find_terms(app: &App, subscription: &objects::Subscription) -> Result<Terms> {
    let mut conn = app.db.read().await?;
    let mut main: Option<(PriceRow, SubscriptionItem)> = None;
    let mut amount: Option<Money> = None;
    let (mut items, mut lines) = (Vec::new(), Vec::new());
    for item in &subscription.items.data {
        let Some(row) = find_price(&mut conn, item).await? else { continue };
        let price: Price = row.definition.to()?;
        let cost = cost_of(item, &price).map_err(|error| Error::Internal(error.into()))?;
        amount = Some(match amount {
            Some(sum) => sum.checked_add(cost).map_err(|error| Error::Internal(error.into()))?,
            None => cost,
        });
        items.push((item.id.to_string(), price.meter.clone()));
        if price.meter.is_none() {
            let (interval, interval_count) = (price.interval, price.interval_count);
            lines.push(RecurringLine { amount: cost.minor(), interval, interval_count });
        }
        if main.is_none() || price.meter.is_none() {
            main = Some((row, item.clone()));
        }
    }
    let Some(((price, item), amount)) = main.zip(amount) else {
        return Err(Error::Internal(anyhow!(
            "subscription {} has no price of our catalog: add it to the catalog or to \
             STRIPE_PRODUCT_PRICE_MAP, then replay the delivery",
            subscription.id
        )));
    };
    let plan = catalog::find_plan(&mut conn, &price.plan_code, price.plan_version).await?;
    let plan = plan.ok_or_else(|| anyhow!("the plan of price {} is gone", price.lookup_key))?;
    Ok(Terms { plan: plan.definition.to()?, price, item, items, lines, amount })
}

/// By Stripe's id; by the lookup key where the id is of a price that the catalog had before.
async fn find_price(conn: &mut Conn, item: &SubscriptionItem) -> Result<Option<PriceRow>> {
    if let Some(row) = catalog::find_price_by_stripe_id(conn, &item.price.id).await? {
        return Ok(Some(row));
    }
    match &item.price.lookup_key {
        Some(key) => Ok(catalog::find_price(conn, key).await?),
        None => Ok(None),
    }
}

/// What one item costs for a period. What a meter counts is not known before the end.
fn cost_of(item: &SubscriptionItem, price: &Price) -> Result<Money, MoneyError> {
    let (None, Some(quantity)) = (&price.meter, item.quantity) else {
        return Ok(Money::zero(price.currency));
    };
    match (&price.model, item.price.unit_amount) {
        // Stripe's own amount is the truth, should the two ever differ.
        (Model::Flat { .. } | Model::PerSeat { .. }, Some(unit)) => {
            Money::new(unit, price.currency).checked_mul(quantity)
        }
        _ => price.amount_for(u64::try_from(quantity).unwrap_or(0)),
    }
}
