//! `/api/v1/admin/coupons`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tollhouse_domain::{
    actor::Permission,
    discount::{CouponDuration, Percent},
    money::{Amount, Currency, Money},
    time::Timestamp,
};
use tollhouse_stripe::{CouponId, objects};
use utoipa::{IntoParams, ToSchema};

use super::{IdPath, is_id, time};
use crate::{
    app::App,
    db::Page,
    discounts::{
        actions::{self, Off, WantedCoupon},
        queries::{self, Coupon},
    },
    error::{Error, FieldProblem, Problem, Result, invalid},
    http::{
        Work,
        auth::Caller,
        extract::{Digits, JsonBody, Query, bounded},
    },
};

/// Stripe takes no longer ones.
const NAME_LENGTH_MAX: usize = 40;
const MONTHS_MAX: u32 = 1200;
const PLANS_MAX: usize = 20;

/// What is to be taken off, for how long, and how often.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCoupon {
    /// Letters, digits, `-` and `_`; Stripe's choice where absent.
    id: Option<String>,
    /// For people, on invoices; at most 40 characters.
    name: Option<String>,
    /// Above 0, at most 100; a number, or the same as text. Or else `amount_off`.
    #[schema(value_type = Option<f64>, example = 12.5)]
    percent_off: Option<Digits>,
    /// Major units of `currency`; a number, or the same as text.
    #[schema(value_type = Option<f64>, example = 5.00)]
    amount_off: Option<Digits>,
    /// With `amount_off`.
    currency: Option<String>,
    /// `once` (where absent), `repeating` or `forever`
    duration: Option<String>,
    /// With `repeating`.
    duration_in_months: Option<u32>,
    max_redemptions: Option<u32>,
    /// The last moment at which it can be redeemed.
    #[schema(value_type = Option<String>)]
    redeem_by: Option<String>,
    /// Codes of the plans it is good for; all where absent.
    #[serde(default)]
    plans: Vec<String>,
}

/// A coupon.
#[derive(Serialize, ToSchema)]
pub struct CouponView {
    /// Stripe's.
    id: String,
    name: Option<String>,
    #[schema(value_type = Option<f64>, example = 12.5)]
    percent_off: Option<Box<RawValue>>,
    /// Major units.
    #[schema(value_type = Option<f64>, example = 5.00)]
    amount_off: Option<Amount>,
    currency: Option<String>,
    /// `once`, `repeating` or `forever`
    duration: String,
    duration_in_months: Option<i64>,
    max_redemptions: Option<i64>,
    /// As Stripe counted when we last looked.
    times_redeemed: i64,
    #[schema(value_type = Option<String>)]
    redeem_by: Option<Timestamp>,
    /// Stripe's products it is good for; empty for all.
    products: Vec<String>,
    /// Whether it could still be redeemed when we last looked.
    valid: bool,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

impl CouponView {
    fn of(row: &Coupon) -> Result<Self> {
        let coupon: objects::Coupon = row.stripe_object.to()?;
        let currency = coupon.currency.as_deref().map(Currency::new).transpose();
        let currency = currency.map_err(|error| Error::Internal(error.into()))?;
        let amount = coupon.amount_off.zip(currency);
        Ok(Self {
            id: coupon.id.to_string(),
            percent_off: coupon.percent_off.clone().map(RawValue::from_string).transpose()?,
            amount_off: amount.map(|(minor, currency)| Amount(Money::new(minor, currency))),
            products: coupon.products().iter().map(ToString::to_string).collect(),
            name: coupon.name,
            currency: coupon.currency,
            duration: coupon.duration,
            duration_in_months: coupon.duration_in_months,
            max_redemptions: coupon.max_redemptions,
            times_redeemed: coupon.times_redeemed,
            redeem_by: coupon.redeem_by.map(time),
            valid: coupon.valid && !row.deleted,
            created_at: row.created_at,
        })
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// The coupons, newest first
#[utoipa::path(get, path = "/api/v1/admin/coupons", tag = "discounts", params(ListQuery),
    responses((status = 200, body = Page<CouponView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<CouponView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    if query.cursor.as_deref().is_some_and(|cursor| !is_id(cursor)) {
        return Err(invalid("cursor", "is not one of ours"));
    }
    let after = query.cursor.map(CouponId::new);
    let mut conn = app.db.read().await?;
    let rows = queries::list_coupons(&mut conn, after.as_ref(), limit).await?;
    let page = Page::of(rows, limit, |row| row.id.to_string(), |row| CouponView::of(&row));
    Ok(Json(page.transpose()?))
}

/// Make a coupon in Stripe
#[utoipa::path(post, path = "/api/v1/admin/coupons", tag = "discounts", request_body = CreateCoupon,
    responses((status = 201, body = CouponView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<CouponView>)> {
    caller.require(Permission::Operate)?;
    let wanted = checked(body.read()?, app.clock.now())?;
    let row = actions::create_coupon(&app, &caller.origin(), work.0, wanted).await?;
    Ok((StatusCode::CREATED, Json(CouponView::of(&row)?)))
}

/// Take a coupon away
///
/// Nobody can redeem it any more; discounts that came of it stay.
#[utoipa::path(delete, path = "/api/v1/admin/coupons/{id}", tag = "discounts", params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<IdPath>,
    work: Work,
) -> Result<StatusCode> {
    caller.require(Permission::Operate)?;
    let id = CouponId::new(id?.0);
    actions::delete_coupon(&app, &caller.origin(), work.0, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every problem at once, each at its field.
fn checked(request: CreateCoupon, now: Timestamp) -> Result<WantedCoupon> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: &str| {
        problems.push(FieldProblem { field: field.to_owned(), message: message.to_owned() });
    };
    if request.id.as_deref().is_some_and(|id| !is_id(id)) {
        refuse("id", "must be 1 to 100 letters, digits, `-` and `_`");
    }
    let is_name = |name: &str| !name.trim().is_empty() && name.chars().count() <= NAME_LENGTH_MAX;
    if request.name.as_deref().is_some_and(|name| !is_name(name)) {
        refuse("name", "must be 1 to 40 characters");
    }
    if request.max_redemptions == Some(0) {
        refuse("max_redemptions", "must be 1 at least");
    }
    if request.plans.len() > PLANS_MAX {
        refuse("plans", "must be 20 at most");
    }
    let redeem_by: Option<Timestamp> =
        request.redeem_by.as_deref().and_then(|text| text.parse().ok());
    if request.redeem_by.is_some() && redeem_by.is_none_or(|moment| moment <= now) {
        refuse("redeem_by", "must be a moment ahead, as `2027-01-31T00:00:00Z`");
    }
    let off = off(&request, &mut refuse);
    let duration = duration(&request, &mut refuse);
    match off.zip(duration) {
        Some((off, duration)) if problems.is_empty() => Ok(WantedCoupon {
            id: request.id.map(CouponId::new),
            name: request.name,
            off,
            duration,
            months: request.duration_in_months,
            max_redemptions: request.max_redemptions,
            redeem_by,
            plans: request.plans,
        }),
        _ => Err(Error::Invalid(problems)),
    }
}

fn off(request: &CreateCoupon, refuse: &mut impl FnMut(&str, &str)) -> Option<Off> {
    let currency = request.currency.as_deref().map(str::parse::<Currency>);
    if matches!(currency, Some(Err(_))) {
        refuse("currency", "must be a currency of three letters");
    }
    match (&request.percent_off, &request.amount_off) {
        (Some(percent), None) => {
            if request.currency.is_some() {
                refuse("currency", "goes with `amount_off`; a percentage has none");
            }
            let percent = Percent::parse(&percent.0);
            if percent.is_none() {
                refuse("percent_off", "must be above 0 and at most 100");
            }
            percent.map(Off::Percent)
        }
        (None, Some(amount)) => {
            let Some(Ok(currency)) = currency else {
                if request.currency.is_none() {
                    refuse("currency", "is needed beside `amount_off`");
                }
                return None;
            };
            let amount = Money::parse_major(&amount.0, currency).ok();
            let amount = amount.filter(|amount| amount.minor() > 0);
            if amount.is_none() {
                refuse("amount_off", "must be above 0, in major units of `currency`");
            }
            amount.map(Off::Amount)
        }
        _ => {
            refuse("percent_off", "name either `percent_off`, or `amount_off` and `currency`");
            None
        }
    }
}

fn duration(request: &CreateCoupon, refuse: &mut impl FnMut(&str, &str)) -> Option<CouponDuration> {
    let word = request.duration.as_deref().unwrap_or(CouponDuration::Once.as_str());
    let Ok(duration) = word.parse::<CouponDuration>() else {
        refuse("duration", "must be `once`, `repeating` or `forever`");
        return None;
    };
    let repeats = duration == CouponDuration::Repeating;
    let is_counted = request.duration_in_months.is_some();
    if repeats && !request.duration_in_months.is_some_and(|count| (1..=MONTHS_MAX).contains(&count))
    {
        refuse("duration_in_months", "must be from 1 to 1200 where `duration` is `repeating`");
    } else if is_counted && !repeats {
        refuse("duration_in_months", "goes with `repeating`");
    }
    Some(duration)
}
