//! `/api/v1/admin/promotion-codes`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, id::TenantId, time::Timestamp};
use tollhouse_stripe::{CouponId, PromotionCodeId, objects};
use utoipa::{IntoParams, ToSchema};

use super::{IdPath, is_id, time};
use crate::{
    app::App,
    db::Page,
    discounts::{
        actions::{self, WantedCode, is_code},
        queries::{self, Filter, PromotionCode},
    },
    error::{Error, FieldProblem, Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, Query, bounded},
    },
};

/// A word by which people redeem a coupon.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePromotionCode {
    /// The coupon's id.
    coupon: String,
    /// Letters, digits and `-`; large and small letters are the same. Stripe's choice where absent.
    code: Option<String>,
    /// The only tenant that may redeem it.
    #[schema(value_type = Option<String>)]
    tenant_id: Option<String>,
    #[schema(value_type = Option<String>)]
    expires_at: Option<String>,
    max_redemptions: Option<u32>,
    /// Only for those who have paid nothing yet.
    #[serde(default)]
    first_payment_only: bool,
}

/// A promotion code.
#[derive(Serialize, ToSchema)]
pub struct PromotionCodeView {
    /// Stripe's.
    id: String,
    code: String,
    /// The coupon's id.
    coupon: String,
    /// Whether it and its coupon could be redeemed when we last looked.
    active: bool,
    /// Stripe's customer, where it is for one only.
    customer: Option<String>,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    max_redemptions: Option<i64>,
    /// As Stripe counted when we last looked.
    times_redeemed: i64,
    first_payment_only: bool,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

impl PromotionCodeView {
    fn of(row: &PromotionCode) -> Result<Self> {
        let code: objects::PromotionCode = row.stripe_object.to()?;
        Ok(Self {
            id: code.id.to_string(),
            first_payment_only: code.is_for_first_payments(),
            code: code.code,
            coupon: row.coupon_id.to_string(),
            active: code.active,
            customer: code.customer.map(|customer| customer.0.to_string()),
            expires_at: code.expires_at.map(time),
            max_redemptions: code.max_redemptions,
            times_redeemed: code.times_redeemed,
            created_at: row.created_at,
        })
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only those of this coupon
    coupon: Option<String>,
    /// Only those that read so, in large or small letters
    code: Option<String>,
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// The promotion codes, newest first
#[utoipa::path(get, path = "/api/v1/admin/promotion-codes", tag = "discounts", params(ListQuery),
    responses((status = 200, body = Page<PromotionCodeView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<PromotionCodeView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    if query.coupon.as_deref().is_some_and(|id| !is_id(id)) {
        return Err(invalid("coupon", "is not an id of a coupon"));
    }
    if query.code.as_deref().is_some_and(|code| !is_code(code)) {
        return Err(invalid("code", NOT_A_CODE));
    }
    if query.cursor.as_deref().is_some_and(|cursor| !is_id(cursor)) {
        return Err(invalid("cursor", "is not one of ours"));
    }
    let filter = Filter {
        coupon: query.coupon.map(CouponId::new),
        code: query.code.map(|code| code.to_lowercase()),
        after: query.cursor.map(PromotionCodeId::new),
    };
    let mut conn = app.db.read().await?;
    let rows = queries::list_promotion_codes(&mut conn, &filter, limit).await?;
    let page = Page::of(rows, limit, |row| row.id.to_string(), |row| PromotionCodeView::of(&row));
    Ok(Json(page.transpose()?))
}

/// Make a promotion code in Stripe
#[utoipa::path(post, path = "/api/v1/admin/promotion-codes", tag = "discounts",
    request_body = CreatePromotionCode,
    responses((status = 201, body = PromotionCodeView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<PromotionCodeView>)> {
    caller.require(Permission::Operate)?;
    let wanted = checked(body.read()?, app.clock.now())?;
    let row = actions::create_promotion_code(&app, &caller.origin(), work.0, wanted).await?;
    Ok((StatusCode::CREATED, Json(PromotionCodeView::of(&row)?)))
}

const NOT_A_CODE: &str = "must be 1 to 500 letters, digits and `-`";

/// Every problem at once, each at its field.
fn checked(request: CreatePromotionCode, now: Timestamp) -> Result<WantedCode> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: &str| {
        problems.push(FieldProblem { field: field.to_owned(), message: message.to_owned() });
    };
    if !is_id(&request.coupon) {
        refuse("coupon", "must be the id of a coupon");
    }
    if request.code.as_deref().is_some_and(|code| !is_code(code)) {
        refuse("code", NOT_A_CODE);
    }
    if request.max_redemptions == Some(0) {
        refuse("max_redemptions", "must be 1 at least");
    }
    let expires_at: Option<Timestamp> =
        request.expires_at.as_deref().and_then(|text| text.parse().ok());
    if request.expires_at.is_some() && expires_at.is_none_or(|moment| moment <= now) {
        refuse("expires_at", "must be a moment ahead, as `2027-01-31T00:00:00Z`");
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let tenant: Option<TenantId> = match &request.tenant_id {
        Some(id) => Some(id.parse().map_err(|_| not_found("tenant", id))?),
        None => None,
    };
    Ok(WantedCode {
        coupon: CouponId::new(request.coupon),
        code: request.code,
        tenant,
        expires_at,
        max_redemptions: request.max_redemptions,
        first_payment_only: request.first_payment_only,
    })
}

/// What is to be different.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePromotionCode {
    /// Off: nobody can redeem it; discounts that came of it stay.
    active: bool,
}

/// Switch a promotion code off or on
#[utoipa::path(patch, path = "/api/v1/admin/promotion-codes/{id}", tag = "discounts",
    params(("id" = String, Path)), request_body = UpdatePromotionCode,
    responses((status = 200, body = PromotionCodeView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<IdPath>,
    work: Work,
    body: JsonBody,
) -> Result<Json<PromotionCodeView>> {
    caller.require(Permission::Operate)?;
    let id = PromotionCodeId::new(id?.0);
    let request: UpdatePromotionCode = body.read()?;
    let row = actions::set_active(&app, &caller.origin(), work.0, &id, request.active).await?;
    Ok(Json(PromotionCodeView::of(&row)?))
}
