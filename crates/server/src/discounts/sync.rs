//! Stripe's coupon or promotion code → our row.

use anyhow::anyhow;
use tollhouse_domain::time::Timestamp;
use tollhouse_stripe::{CouponId, Error as StripeError, Fetched, PromotionCodeId, objects};

use super::queries::{self, Coupon, PromotionCode};
use crate::{
    app::App,
    db::{Json, Tx},
    error::Result,
    record::{Done, Origin, Subject, record_platform},
    sync::{FETCHES_MAX, Synced, Written, contended},
};

/// Fetches a coupon as it is now, and makes our row say the same. One that Stripe has no more is kept as
/// deleted, because discounts that came of it stay.
pub async fn coupon(app: &App, origin: &Origin, id: &CouponId) -> Result<Synced> {
    for _ in 0..FETCHES_MAX {
        let mut conn = app.db.read().await?;
        let seen = queries::find_coupon(&mut conn, id).await?.map(|row| row.version);
        drop(conn);
        let fetched = match app.stripe.retrieve_coupon(id).await {
            Ok(fetched) => Some(fetched),
            Err(StripeError::Missing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if fetched.is_none() && seen.is_none() {
            return Ok(Synced::NotOurs("Stripe does not have it, nor do we"));
        }
        if write_coupon(app, origin, id, fetched, seen).await? == Written::Yes {
            return Ok(Synced::Done);
        }
    }
    Err(contended())
}

async fn write_coupon(
    app: &App,
    origin: &Origin,
    id: &CouponId,
    fetched: Option<Fetched<objects::Coupon>>,
    seen: Option<i64>,
) -> Result<Written> {
    let mut tx = app.db.begin().await?;
    let before = queries::find_coupon(&mut tx, id).await?;
    if before.as_ref().map(|row| row.version) != seen {
        return Ok(Written::TooLate);
    }
    let now = app.clock.now();
    let (after, object) = match (fetched, &before) {
        (Some(fetched), _) => (
            Coupon {
                id: id.clone(),
                deleted: false,
                created_at: Timestamp::from_second(fetched.object.created).unwrap_or(now),
                version: 1,
                stripe_object: Json::from(fetched.raw),
                updated_at: now,
            },
            fetched.object,
        ),
        (None, Some(row)) => {
            let object = row.stripe_object.to()?;
            (Coupon { deleted: true, updated_at: now, ..row.clone() }, object)
        }
        (None, None) => return Ok(Written::Yes),
    };
    if before.is_some() {
        queries::update_coupon(&mut tx, &after).await?;
    } else if !queries::insert_coupon(&mut tx, &after).await? {
        return Ok(Written::TooLate);
    }
    let action = match &before {
        Some(before) if after.deleted => (!before.deleted).then_some("coupon.delete"),
        Some(before) if !before.deleted => {
            let known: objects::Coupon = before.stripe_object.to()?;
            (known.name != object.name).then_some("coupon.change")
        }
        // New; or its id is in use again.
        _ => Some("coupon.create"),
    };
    if let Some(action) = action {
        let data = serde_json::json!({
            "name": object.name,
            "percent_off": object.percent_off,
            "amount_off_minor": object.amount_off,
            "currency": object.currency,
            "duration": object.duration,
        });
        tell(app, origin, &mut tx, action, ("coupon", id.as_str()), &data).await?;
    }
    tx.commit().await?;
    Ok(Written::Yes)
}

/// Fetches a promotion code as it is now, and makes our row say the same.
pub async fn promotion_code(app: &App, origin: &Origin, id: &PromotionCodeId) -> Result<Synced> {
    for _ in 0..FETCHES_MAX {
        let mut conn = app.db.read().await?;
        let seen = queries::find_promotion_code(&mut conn, id).await?.map(|row| row.version);
        drop(conn);
        let fetched = app.stripe.retrieve_promotion_code(id).await?;
        if write_promotion_code(app, origin, fetched, seen).await? == Written::Yes {
            return Ok(Synced::Done);
        }
    }
    Err(contended())
}

async fn write_promotion_code(
    app: &App,
    origin: &Origin,
    fetched: Fetched<objects::PromotionCode>,
    seen: Option<i64>,
) -> Result<Written> {
    let object = fetched.object;
    let mut tx = app.db.begin().await?;
    let before = queries::find_promotion_code(&mut tx, &object.id).await?;
    if before.as_ref().map(|row| row.version) != seen {
        return Ok(Written::TooLate);
    }
    let now = app.clock.now();
    let coupon_id = object.coupon_id();
    let after = PromotionCode {
        id: object.id.clone(),
        code: object.code.to_lowercase(),
        coupon_id: coupon_id.ok_or_else(|| anyhow!("{} is for no coupon", object.id))?,
        created_at: Timestamp::from_second(object.created).unwrap_or(now),
        version: 1,
        stripe_object: Json::from(fetched.raw),
        updated_at: now,
    };
    if before.is_some() {
        queries::update_promotion_code(&mut tx, &after).await?;
    } else if !queries::insert_promotion_code(&mut tx, &after).await? {
        return Ok(Written::TooLate);
    }
    let action = match &before {
        None => Some("promotion_code.create"),
        Some(before) => {
            let known: objects::PromotionCode = before.stripe_object.to()?;
            (known.active != object.active).then_some("promotion_code.change")
        }
    };
    if let Some(action) = action {
        let data = serde_json::json!({
            "code": object.code,
            "coupon": after.coupon_id,
            "active": object.active,
        });
        tell(app, origin, &mut tx, action, ("promotion_code", object.id.as_str()), &data).await?;
    }
    tx.commit().await?;
    Ok(Written::Yes)
}

async fn tell(
    app: &App,
    origin: &Origin,
    tx: &mut Tx,
    action: &'static str,
    (kind, id): (&'static str, &str),
    data: &serde_json::Value,
) -> Result<()> {
    let subject = Subject::new(kind, id);
    let done = Done { action, subject: &subject, data, at: app.clock.now() };
    record_platform(tx, app, origin, done).await
}
