//! All SQL of `plans`, `prices` and `meters`.

use tollhouse_domain::{
    money::Currency,
    plan::{Plan, PlanKind},
    price::{Interval, Price},
    time::Timestamp,
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::PriceId;

use crate::db::{Conn, DbResult, Json};

/// One version of a plan, as it was loaded.
#[derive(Clone, Debug, Record)]
pub struct PlanRow {
    pub code: String,
    pub version: i64,
    pub kind: PlanKind,
    pub name: String,
    pub tier: String,
    /// A `domain::Plan`.
    pub definition: Json,
}

/// One price of a plan version.
#[derive(Clone, Debug, Record)]
pub struct PriceRow {
    pub lookup_key: String,
    pub plan_code: String,
    pub plan_version: i64,
    pub interval: Interval,
    pub interval_count: i64,
    pub currency: Currency,
    /// A `domain::Price`.
    pub definition: Json,
    /// Whether it is sold now.
    pub sold: bool,
    pub stripe_price_id: Option<PriceId>,
}

/// A meter and its meter in Stripe.
#[derive(Clone, Debug, Record)]
pub struct MeterRow {
    pub code: String,
    /// A `domain::Meter`.
    pub definition: Json,
    pub stripe_meter_id: Option<String>,
}

/// The versions sold now.
pub async fn current_plans(conn: &mut Conn) -> DbResult<Vec<PlanRow>> {
    sql!(conn, "SELECT * FROM plans WHERE current ORDER BY loaded_at, code").all().await
}

pub async fn find_plan(conn: &mut Conn, code: &str, version: i64) -> DbResult<Option<PlanRow>> {
    sql!(conn, "SELECT * FROM plans WHERE code = {code} AND version = {version}").optional().await
}

pub async fn find_current_plan(conn: &mut Conn, code: &str) -> DbResult<Option<PlanRow>> {
    sql!(conn, "SELECT * FROM plans WHERE code = {code} AND current").optional().await
}

/// Every price of the versions sold now, in the catalog's order.
pub async fn current_prices(conn: &mut Conn) -> DbResult<Vec<PriceRow>> {
    sql!(
        conn,
        "SELECT prices.* FROM prices
         JOIN plans ON plans.code = prices.plan_code AND plans.version = prices.plan_version
         WHERE plans.current AND prices.sold ORDER BY prices.plan_code, prices.position"
    )
    .all()
    .await
}

pub async fn prices_of(conn: &mut Conn, code: &str, version: i64) -> DbResult<Vec<PriceRow>> {
    sql!(
        conn,
        "SELECT * FROM prices WHERE plan_code = {code} AND plan_version = {version} ORDER BY position"
    )
    .all()
    .await
}

pub async fn find_price_by_stripe_id(conn: &mut Conn, id: &PriceId) -> DbResult<Option<PriceRow>> {
    sql!(conn, "SELECT * FROM prices WHERE stripe_price_id = {id}").optional().await
}

pub async fn find_price(conn: &mut Conn, lookup_key: &str) -> DbResult<Option<PriceRow>> {
    sql!(conn, "SELECT * FROM prices WHERE lookup_key = {lookup_key}").optional().await
}

pub async fn meters(conn: &mut Conn) -> DbResult<Vec<MeterRow>> {
    sql!(conn, "SELECT * FROM meters ORDER BY code").all().await
}

/// Writes a plan version; its terms are checked before.
pub async fn put_plan(
    conn: &mut Conn,
    plan: &Plan,
    definition: &Json,
    now: Timestamp,
) -> DbResult<()> {
    let version = i64::from(plan.version);
    let tier = plan.tier();
    sql!(
        conn,
        "INSERT INTO plans (code, version, kind, name, tier, definition, current, loaded_at)
         VALUES ({plan.code}, {version}, {plan.kind}, {plan.name}, {tier}, {definition}, TRUE, {now})
         ON CONFLICT (code, version) DO UPDATE SET
             name = excluded.name, definition = excluded.definition, current = TRUE"
    )
    .execute()
    .await?;
    Ok(())
}

/// Takes every plan and price off the market; those of the file are put back one by one.
pub async fn retire_all(conn: &mut Conn) -> DbResult<()> {
    sql!(conn, "UPDATE prices SET sold = FALSE").execute().await?;
    sql!(conn, "UPDATE plans SET current = FALSE").execute().await?;
    Ok(())
}

/// Writes a price; a Stripe price already known is kept unless another one is given.
pub async fn put_price(
    conn: &mut Conn,
    plan: &Plan,
    price: &Price,
    position: i64,
    stripe_price_id: Option<&PriceId>,
) -> DbResult<()> {
    let key = price.lookup_key(&plan.code, plan.version);
    let definition = Json::of(price).map_err(|error| crate::db::DbError::Encode(error.into()))?;
    let version = i64::from(plan.version);
    let count = i64::from(price.interval_count);
    sql!(
        conn,
        "INSERT INTO prices (lookup_key, plan_code, plan_version, interval, interval_count, currency,
             definition, position, sold, stripe_price_id)
         VALUES ({key}, {plan.code}, {version}, {price.interval}, {count}, {price.currency},
             {definition}, {position}, TRUE, {stripe_price_id})
         ON CONFLICT (lookup_key) DO UPDATE SET position = excluded.position, sold = TRUE,
             stripe_price_id = COALESCE(excluded.stripe_price_id, prices.stripe_price_id)"
    )
    .execute()
    .await?;
    Ok(())
}

pub async fn put_meter(conn: &mut Conn, code: &str, definition: &Json) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO meters (code, definition) VALUES ({code}, {definition})
         ON CONFLICT (code) DO UPDATE SET definition = excluded.definition"
    )
    .execute()
    .await?;
    Ok(())
}

pub async fn link_price(conn: &mut Conn, lookup_key: &str, stripe: &PriceId) -> DbResult<()> {
    sql!(conn, "UPDATE prices SET stripe_price_id = {stripe} WHERE lookup_key = {lookup_key}")
        .execute()
        .await?;
    Ok(())
}

pub async fn link_meter(conn: &mut Conn, code: &str, stripe: &str) -> DbResult<()> {
    sql!(conn, "UPDATE meters SET stripe_meter_id = {stripe} WHERE code = {code}")
        .execute()
        .await?;
    Ok(())
}
