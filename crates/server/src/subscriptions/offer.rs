//! What can be bought: a price that somebody named, with what its plan counts beside it.

use tollhouse_domain::{
    money::Currency,
    plan::{Plan, PlanKind},
    price::{Interval, ModelKind, Price},
    refusal::Refusal,
};
use tollhouse_stripe::{PriceId, params::LineItem};

use crate::{
    catalog::{
        actions::get_current_plan,
        queries::{self, PriceRow},
    },
    db::Conn,
    error::{Conflict, Error, Result, invalid},
};

/// How a price is named: by Stripe's id, or by our plan.
#[derive(Clone, Debug)]
pub enum Wanted {
    Price(PriceId),
    Plan { code: String, interval: Option<Interval>, currency: Option<Currency> },
}

/// What is sold.
pub struct Offer {
    pub plan: Plan,
    pub price: PriceRow,
    pub items: Vec<LineItem>,
}

/// The offer that `wanted` names; of one `kind`, where only that will do. What an add-on leaves open is as
/// the base plan's price has it.
///
/// # Errors
/// `UnknownPrice`, `UnknownPlan`, `PlanNotSold`; `Invalid` where it is not sold in this way.
pub async fn find_offer(
    conn: &mut Conn,
    wanted: &Wanted,
    kind: Option<PlanKind>,
    base: Option<&PriceRow>,
    quantity: u64,
) -> Result<Offer> {
    let (plan, price) = match wanted {
        Wanted::Price(id) => {
            let price = queries::find_price_by_stripe_id(conn, id).await?;
            let price = price.filter(|price| price.sold).ok_or(Refusal::UnknownPrice)?;
            let plan = queries::find_plan(conn, &price.plan_code, price.plan_version).await?;
            let plan: Plan = plan.ok_or(Refusal::UnknownPlan)?.definition.to()?;
            refuse_kind(&plan, kind, base)?;
            (plan, price)
        }
        Wanted::Plan { code, interval, currency } => {
            let row = get_current_plan(conn, code).await?;
            let plan: Plan = row.definition.to()?;
            refuse_kind(&plan, kind, base)?;
            let base = base.filter(|_| plan.kind == PlanKind::Addon);
            let interval = interval.or(base.map(|base| base.interval));
            let interval =
                interval.ok_or_else(|| invalid("interval", "must be `month` or `year`"))?;
            let currency = currency.or(base.map(|base| base.currency));
            let currency = currency.map_or_else(|| Currency::new("usd"), Ok);
            let currency = currency.map_err(|error| Error::Internal(error.into()))?;
            let price = plan.find_price(interval, currency).ok_or(Refusal::PlanNotSold)?;
            let key = price.lookup_key(&plan.code, plan.version);
            let price = queries::find_price(conn, &key).await?.ok_or(Refusal::PlanNotSold)?;
            (plan, price)
        }
    };
    let items = items_of(conn, &price, quantity).await?;
    Ok(Offer { plan, price, items })
}

fn refuse_kind(plan: &Plan, kind: Option<PlanKind>, base: Option<&PriceRow>) -> Result<()> {
    match (plan.kind, kind) {
        (PlanKind::Addon, Some(PlanKind::Base)) => Err(Refusal::IsAddon.into()),
        (PlanKind::Base, Some(PlanKind::Addon)) => Err(Refusal::NotAnAddon.into()),
        (PlanKind::Addon, _) if base.is_none() => Err(Refusal::NotSubscribed.into()),
        _ => Ok(()),
    }
}

/// The items of a subscription to `main`: itself, and what its plan counts beside it.
///
/// # Errors
/// `Invalid` where the quantity or the price makes no sense alone; `PlanNotPushed`.
pub async fn items_of(conn: &mut Conn, main: &PriceRow, quantity: u64) -> Result<Vec<LineItem>> {
    let rows = queries::prices_of(conn, &main.plan_code, main.plan_version).await?;
    refuse_side_price(main, &rows)?;
    let mut items = Vec::new();
    for row in rows {
        let price: Price = row.definition.to()?;
        let is_main = row.lookup_key == main.lookup_key;
        let beside = price.meter.is_some()
            && row.sold == main.sold
            && row.interval == main.interval
            && row.interval_count == main.interval_count
            && row.currency == main.currency;
        if !is_main && !beside {
            continue;
        }
        if is_main && quantity != 1 && price.model.kind() != ModelKind::PerSeat {
            return Err(invalid("quantity", "must be 1: this plan is not sold by the seat"));
        }
        let Some(price_id) = row.stripe_price_id else {
            let sentence = format!(
                "The plan `{}` is not in Stripe yet: run `tollhouse catalog push`.",
                row.plan_code
            );
            return Err(Error::Conflict(Conflict::PlanNotPushed, sentence));
        };
        items.push(LineItem {
            price: price_id,
            quantity: price.meter.is_none().then_some(quantity),
        });
    }
    Ok(items)
}

/// What is counted beside a plan's own price is not sold alone: the plan would cost nothing.
fn refuse_side_price(main: &PriceRow, rows: &[PriceRow]) -> Result<()> {
    let price: Price = main.definition.to()?;
    for row in rows.iter().filter(|row| row.sold == main.sold && row.currency == main.currency) {
        if price.meter.is_some() && row.definition.to::<Price>()?.meter.is_none() {
            return Err(invalid(
                "price_id",
                "is counted beside the plan's own price: name that one",
            ));
        }
    }
    Ok(())
}
