//! Making a promotion code, and switching it off and on.

use tollhouse_domain::{id::TenantId, time::Timestamp};
use tollhouse_stripe::{
    CouponId, Error as StripeError, IdempotencyKey, PromotionCodeId,
    params::{CreatePromotionCode, Promotion, Restrictions, UpdatePromotionCode},
};
use uuid::Uuid;

use crate::{
    app::App,
    discounts::{
        queries::{self, PromotionCode},
        sync,
    },
    error::{Conflict, Error, Result, invalid, not_found},
    record::Origin,
    tenants::actions as tenants,
};

/// A promotion code that an operator wants.
pub struct WantedCode {
    pub coupon: CouponId,
    /// What people type; Stripe's choice where absent.
    pub code: Option<String>,
    /// The only tenant that may redeem it.
    pub tenant: Option<TenantId>,
    pub expires_at: Option<Timestamp>,
    pub max_redemptions: Option<u32>,
    /// Only for tenants who have paid nothing yet.
    pub first_payment_only: bool,
}

/// Makes a promotion code in Stripe, and takes it in.
///
/// # Errors
/// `Invalid` where there is no such coupon, `NotFound` for the tenant, `PromotionCodeExists`.
pub async fn create_promotion_code(
    app: &App,
    origin: &Origin,
    work: Uuid,
    wanted: WantedCode,
) -> Result<PromotionCode> {
    let customer = match wanted.tenant {
        Some(tenant) => {
            let tenant = tenants::get(app, tenant).await?;
            Some(tenants::ensure_customer(app, origin, &tenant).await?)
        }
        None => None,
    };
    let params = CreatePromotionCode {
        promotion: Promotion { r#type: "coupon", coupon: wanted.coupon },
        code: wanted.code,
        customer,
        expires_at: wanted.expires_at.map(Timestamp::as_second),
        max_redemptions: wanted.max_redemptions,
        restrictions: Restrictions {
            first_time_transaction: wanted.first_payment_only.then_some(true),
        },
    };
    let key = IdempotencyKey::new("create-promotion-code", work);
    let made = match app.stripe.create_promotion_code(&params, &key).await {
        Ok(made) => made,
        Err(StripeError::Missing(_)) => {
            return Err(invalid("coupon", "is no coupon: make it first, or look at the list"));
        }
        Err(StripeError::Invalid { param, .. }) if param == "code" => {
            let sentence = "Another promotion code that can be redeemed reads the same: choose another `code`.";
            return Err(Error::Conflict(Conflict::PromotionCodeExists, sentence.to_owned()));
        }
        Err(error) => return Err(error.into()),
    };
    sync::promotion_code(app, origin, &made.id).await?;
    get_promotion_code(app, &made.id).await
}

async fn get_promotion_code(app: &App, id: &PromotionCodeId) -> Result<PromotionCode> {
    let mut conn = app.db.read().await?;
    let row = queries::find_promotion_code(&mut conn, id).await?;
    row.ok_or_else(|| not_found("promotion code", id))
}

/// Switches a promotion code on or off.
///
/// # Errors
/// `NotFound`; `PromotionCodeOver` where it cannot be switched on again.
pub async fn set_active(
    app: &App,
    origin: &Origin,
    work: Uuid,
    id: &PromotionCodeId,
    active: bool,
) -> Result<PromotionCode> {
    let key = IdempotencyKey::new("update-promotion-code", work);
    let params = UpdatePromotionCode { active };
    match app.stripe.update_promotion_code(id, &params, &key).await {
        Ok(_) => {}
        Err(StripeError::Missing(_)) => return Err(not_found("promotion code", id)),
        Err(StripeError::Invalid { .. }) => {
            let sentence = "The promotion code cannot be switched on again: its time or its coupon's is \
                            over, it is used up, or another one reads the same. Make a new one.";
            return Err(Error::Conflict(Conflict::PromotionCodeOver, sentence.to_owned()));
        }
        Err(error) => return Err(error.into()),
    }
    sync::promotion_code(app, origin, id).await?;
    get_promotion_code(app, id).await
}
