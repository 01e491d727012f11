//! Making a coupon, and taking it away.

use tollhouse_domain::{
    discount::{CouponDuration, Percent},
    money::Money,
    time::Timestamp,
};
use tollhouse_stripe::{
    CouponId, Error as StripeError, IdempotencyKey, ProductId,
    objects::Metadata,
    params::{AppliesTo, CreateCoupon},
};
use uuid::Uuid;

use crate::{
    app::App,
    catalog::queries as catalog,
    discounts::{
        queries::{self, Coupon},
        sync,
    },
    error::{Conflict, Error, Result, invalid, not_found},
    record::Origin,
};

/// Stripe's code for an id that is taken.
const ALREADY_EXISTS: &str = "resource_already_exists";

/// A coupon that an operator wants.
pub struct WantedCoupon {
    pub id: Option<CouponId>,
    pub name: Option<String>,
    pub off: Off,
    pub duration: CouponDuration,
    /// With `repeating`.
    pub months: Option<u32>,
    pub max_redemptions: Option<u32>,
    pub redeem_by: Option<Timestamp>,
    /// Codes of the plans it is good for; all, where empty.
    pub plans: Vec<String>,
}

/// What is taken off.
#[derive(Clone, Copy, Debug)]
pub enum Off {
    Percent(Percent),
    Amount(Money),
}

/// Makes a coupon in Stripe, and takes it in.
///
/// # Errors
/// `Invalid` where a plan is unknown or nobody pays for it, `PlanNotPushed`, `CouponExists`.
pub async fn create_coupon(
    app: &App,
    origin: &Origin,
    work: Uuid,
    wanted: WantedCoupon,
) -> Result<Coupon> {
    let products = products_of(app, &wanted.plans).await?;
    let (percent, amount) = match wanted.off {
        Off::Percent(percent) => (Some(percent.to_string()), None),
        Off::Amount(amount) => (None, Some(amount)),
    };
    let params = CreateCoupon {
        id: wanted.id.clone(),
        name: wanted.name,
        percent_off: percent,
        amount_off: amount.map(Money::minor),
        currency: amount.map(|amount| amount.currency().code().to_owned()),
        duration: wanted.duration.as_str(),
        duration_in_months: wanted.months,
        max_redemptions: wanted.max_redemptions,
        redeem_by: wanted.redeem_by.map(Timestamp::as_second),
        applies_to: (!products.is_empty()).then_some(AppliesTo { products }),
        metadata: Metadata::new(),
    };
    let key = IdempotencyKey::new("create-coupon", work);
    let made = match app.stripe.create_coupon(&params, &key).await {
        Ok(made) => made,
        Err(StripeError::Invalid { code, .. }) if code == ALREADY_EXISTS => {
            let sentence = "Stripe has a coupon of this id: choose another `id`, or none.";
            return Err(Error::Conflict(Conflict::CouponExists, sentence.to_owned()));
        }
        Err(error) => return Err(error.into()),
    };
    sync::coupon(app, origin, &made.id).await?;
    get_coupon(app, &made.id).await
}

async fn get_coupon(app: &App, id: &CouponId) -> Result<Coupon> {
    let mut conn = app.db.read().await?;
    queries::find_coupon(&mut conn, id).await?.ok_or_else(|| not_found("coupon", id))
}

/// The products in Stripe that the plans are sold as, wherever their prices were made.
async fn products_of(app: &App, plans: &[String]) -> Result<Vec<ProductId>> {
    let mut products = Vec::new();
    for code in plans {
        let mut conn = app.db.read().await?;
        let plan = catalog::find_current_plan(&mut conn, code).await?;
        let plan = plan.ok_or_else(|| invalid("plans", format!("`{code}` is no plan")))?;
        let prices = catalog::prices_of(&mut conn, code, plan.version).await?;
        drop(conn);
        if prices.is_empty() {
            return Err(invalid("plans", format!("`{code}` has no price to take something off")));
        }
        for price in prices.into_iter().filter(|price| price.sold) {
            let Some(id) = price.stripe_price_id else {
                let sentence = format!(
                    "The plan `{code}` is not in Stripe yet: run `tollhouse catalog push`."
                );
                return Err(Error::Conflict(Conflict::PlanNotPushed, sentence));
            };
            products.extend(app.stripe.retrieve_price(&id).await?.object.product);
        }
    }
    let mut products: Vec<ProductId> = products.into_iter().map(|product| product.0).collect();
    products.sort();
    products.dedup();
    Ok(products)
}

/// Takes a coupon away: nobody can redeem it any more, and discounts that came of it stay.
///
/// # Errors
/// `NotFound` where there never was one. Taking it away again changes nothing.
pub async fn delete_coupon(app: &App, origin: &Origin, work: Uuid, id: &CouponId) -> Result<()> {
    let key = IdempotencyKey::new("delete-coupon", work);
    match app.stripe.delete_coupon(id, &key).await {
        Ok(_) | Err(StripeError::Missing(_)) => {}
        Err(error) => return Err(error.into()),
    }
    sync::coupon(app, origin, id).await?;
    get_coupon(app, id).await.map(drop)
}
