//! Loading a catalog, and finding what is sold.

use std::collections::BTreeMap;

use anyhow::bail;
use tollhouse_domain::{
    plan::{Catalog, Meter, Plan, Slots},
    price::Price,
    refusal::Refusal,
};
use tollhouse_stripe::PriceId;

use super::queries::{self, PlanRow, PriceRow};
use crate::{
    app::App,
    db::{Conn, Json, Tx},
    error::Result,
};

/// Makes `catalog` the one that is sold from now on. Repeating it changes nothing.
///
/// # Errors
/// When a plan version that was loaded before has other terms now: its subscribers rely on them; or a meter
/// counts in another way.
pub async fn load(
    app: &App,
    catalog: &Catalog,
    stripe_prices: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    queries::retire_all(&mut tx).await?;
    for meter in &catalog.meters {
        refuse_other_aggregation(&mut tx, meter).await?;
        queries::put_meter(&mut tx, &meter.code, &Json::of(meter)?).await?;
    }
    for plan in &catalog.plans {
        refuse_changed_terms(&mut tx, plan).await?;
        queries::put_plan(&mut tx, plan, &Json::of(plan)?, app.clock.now()).await?;
        for (price, position) in plan.prices.iter().zip(0..) {
            let price_id =
                stripe_prices.get(&price.lookup_key(&plan.code, plan.version)).map(PriceId::new);
            queries::put_price(&mut tx, plan, price, position, price_id.as_ref()).await?;
        }
    }
    tx.commit().await?;
    tracing::info!(plans = catalog.plans.len(), "the catalog was loaded");
    Ok(())
}

/// What was added up in one way cannot be read as if it were added up in another.
async fn refuse_other_aggregation(tx: &mut Tx, meter: &Meter) -> anyhow::Result<()> {
    for row in queries::meters(tx).await?.into_iter().filter(|row| row.code == meter.code) {
        let loaded: Meter = row.definition.to()?;
        if (loaded.aggregation, &loaded.property) != (meter.aggregation, &meter.property) {
            bail!(
                "meter `{}` was loaded before as `{}`, and its totals were counted so: give the other way \
                 of counting a meter with a `code` of its own",
                meter.code,
                loaded.aggregation
            );
        }
    }
    Ok(())
}

async fn refuse_changed_terms(tx: &mut Tx, plan: &Plan) -> anyhow::Result<()> {
    let Some(loaded) = queries::find_plan(tx, &plan.code, i64::from(plan.version)).await? else {
        return Ok(());
    };
    let loaded: Plan = loaded.definition.to()?;
    if terms(&loaded) != terms(plan) || !keeps_prices(&loaded, plan) {
        bail!(
            "plan `{}` version {} was loaded before with other terms, and subscribers rely on them: \
             raise its `version`",
            plan.code,
            plan.version
        );
    }
    Ok(())
}

/// The plan without what no subscriber relies on: its words, and which plans an add-on may join from now
/// on. Prices are compared on their own.
fn terms(plan: &Plan) -> Plan {
    let unnamed =
        |slots: &Slots| Slots { name: String::new(), display_name: None, ..slots.clone() };
    Plan {
        slots: plan.slots.iter().map(unnamed).collect(),
        name: String::new(),
        description: String::new(),
        addon_of: Vec::new(),
        prices: Vec::new(),
        ..plan.clone()
    }
}

/// A price may be added or left out; what a lookup key stands for may not change.
fn keeps_prices(loaded: &Plan, plan: &Plan) -> bool {
    let key = |price: &Price| price.lookup_key(&plan.code, plan.version);
    loaded
        .prices
        .iter()
        .all(|old| plan.prices.iter().find(|new| key(new) == key(old)).is_none_or(|new| new == old))
}

/// Everything that is sold, with its prices.
pub async fn sold(conn: &mut Conn) -> Result<Vec<(PlanRow, Vec<PriceRow>)>> {
    let plans = queries::current_plans(conn).await?;
    let prices = queries::current_prices(conn).await?;
    let mut of_plan: BTreeMap<String, Vec<PriceRow>> = BTreeMap::new();
    for price in prices {
        of_plan.entry(price.plan_code.clone()).or_default().push(price);
    }
    Ok(plans
        .into_iter()
        .map(|plan| {
            let prices = of_plan.remove(&plan.code).unwrap_or_default();
            (plan, prices)
        })
        .collect())
}

/// The plan of this code that is sold now.
///
/// # Errors
/// `Refusal::UnknownPlan`
pub async fn get_current_plan(conn: &mut Conn, code: &str) -> Result<PlanRow> {
    Ok(queries::find_current_plan(conn, code).await?.ok_or(Refusal::UnknownPlan)?)
}

/// The plan of a tenant without a live subscription, where the catalog has one.
pub async fn find_free_plan(conn: &mut Conn) -> Result<Option<Plan>> {
    for plan in queries::current_plans(conn).await? {
        let plan: Plan = plan.definition.to()?;
        if plan.is_free() {
            return Ok(Some(plan));
        }
    }
    Ok(None)
}
