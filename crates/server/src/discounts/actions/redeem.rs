//! From the words that somebody typed to the promotion code that Stripe will take.

use tollhouse_domain::{discount::PromotionCodeState, refusal::Refusal, time::Timestamp};
use tollhouse_stripe::{Error as StripeError, PromotionCodeId, objects};

use crate::{
    app::App,
    discounts::{
        queries::{self, Filter, PromotionCode},
        sync,
    },
    error::{Error, Result},
    invoices::queries::has_paid,
    record::Origin,
    tenants::queries::Tenant,
};

/// Stripe allows no longer ones.
const CODE_LENGTH_MAX: usize = 500;
/// Codes that read the same: one that works, those before it, and those for single customers.
const ALIKE_MAX: i64 = 100;

/// The promotion code that reads so and that this tenant can redeem now. Large and small letters are the same.
///
/// It is looked up with us, then at Stripe, where it may have been made a moment ago; and whether it can
/// still be redeemed is asked of Stripe in either case.
///
/// # Errors
/// `UnknownPromotionCode`, `PromotionCodeInactive`, `PromotionCodeExpired`, `PromotionCodeUsedUp`,
/// `PromotionCodeNotApplicable`; or what Stripe says.
pub async fn find_promotion_code(
    app: &App,
    tenant: &Tenant,
    code: &str,
) -> Result<PromotionCodeId> {
    if !is_code(code) {
        return Err(Refusal::UnknownPromotionCode.into());
    }
    if let Ok(known) = judge(app, tenant, code).await? {
        sync::promotion_code(app, &Origin::stripe(), &known).await?;
    }
    if let Ok(fresh) = judge(app, tenant, code).await? {
        return Ok(fresh);
    }
    for found in app.stripe.list_promotion_codes(code).await?.data {
        sync::promotion_code(app, &Origin::stripe(), &found.id).await?;
    }
    Ok(judge(app, tenant, code).await??)
}

/// Whether this can be a promotion code at all.
pub fn is_code(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=CODE_LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// The newest of our codes that reads so and can be redeemed; else why the newest cannot.
async fn judge(app: &App, tenant: &Tenant, code: &str) -> Result<Result<PromotionCodeId, Refusal>> {
    let filter = Filter { code: Some(code.to_lowercase()), ..Filter::default() };
    let mut conn = app.db.read().await?;
    let rows = queries::list_promotion_codes(&mut conn, &filter, ALIKE_MAX).await?;
    let has_paid = has_paid(&mut conn, tenant.id).await?;
    let mut refusal = None;
    for row in rows {
        match state(&row, tenant, has_paid)?.check(app.clock.now()) {
            Ok(()) => return Ok(Ok(row.id)),
            Err(why) => refusal = refusal.or(Some(why)),
        }
    }
    Ok(Err(refusal.unwrap_or(Refusal::UnknownPromotionCode)))
}

fn state(row: &PromotionCode, tenant: &Tenant, has_paid: bool) -> Result<PromotionCodeState> {
    let code: objects::PromotionCode = row.stripe_object.to()?;
    let coupon = code.coupon();
    let ends = [code.expires_at, coupon.and_then(|coupon| coupon.redeem_by)];
    let used_up = |most: Option<i64>, times: i64| most.is_some_and(|most| times >= most);
    let is_its_own = code
        .customer
        .as_ref()
        .is_none_or(|customer| Some(&customer.0) == tenant.stripe_customer_id.as_ref());
    Ok(PromotionCodeState {
        active: code.active,
        expires_at: ends.into_iter().flatten().min().and_then(Timestamp::from_second),
        is_used_up: used_up(code.max_redemptions, code.times_redeemed)
            || coupon.is_some_and(|it| used_up(it.max_redemptions, it.times_redeemed)),
        is_meant: is_its_own && !(code.is_for_first_payments() && has_paid),
    })
}

/// What Stripe says against a code that we took for good: it knows what the code is not for.
pub fn not_applicable(error: StripeError) -> Error {
    match &error {
        StripeError::Invalid { param, .. } if param.starts_with("discounts") => {
            Refusal::PromotionCodeNotApplicable.into()
        }
        _ => error.into(),
    }
}
