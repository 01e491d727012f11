//! Asking: all that a tenant has, or one feature and so much of it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    access::Access,
    actor::Permission,
    entitlement::{Reason, Tally},
    id::TenantId,
    plan::FeatureValue,
    time::Timestamp,
    usage::Quantity,
};
use utoipa::ToSchema;

use crate::{
    app::App,
    entitlements::actions::{self, Answer},
    error::{Problem, Result, invalid, not_found},
    http::{
        auth::Caller,
        extract::{Digits, JsonBody, TenantPath},
    },
};

/// What a tenant is entitled to at this moment.
#[derive(Serialize, ToSchema)]
pub struct Entitlements {
    /// `full`, `grace` or `none`
    access: &'static str,
    /// Of `grace`: until when.
    #[schema(value_type = Option<String>)]
    access_until: Option<Timestamp>,
    /// Why there is no access: `not_subscribed`, `no_access` or `tenant_not_active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Every feature that the plans name, and every meter; as if one more were asked for.
    features: Vec<Entitlement>,
}

/// The answer to «may they?».
#[derive(Serialize, ToSchema)]
pub struct Entitlement {
    feature: String,
    allowed: bool,
    /// `included`, `within_limit` or `over_soft_limit` where it is allowed; else `limit_reached`,
    /// `rate_limited`, `not_in_plan`, `not_subscribed`, `no_access` or `tenant_not_active`.
    reason: &'static str,
    /// What the plans switch the feature to; null where they do not name it.
    #[schema(value_type = serde_json::Value)]
    value: Option<FeatureValue>,
    /// Of the limit that decided; of a number, the number. Null where nothing limits it.
    limit: Option<u64>,
    /// `minute`, `day`, `month`, `period` or `gauge`.
    per: Option<&'static str>,
    /// Whether the limit refuses, or only says.
    hard: Option<bool>,
    /// In the time of the limit; without one, in the billing period. Null of what is not counted here.
    #[schema(value_type = Option<f64>)]
    used: Option<Quantity>,
    /// What reservations hold beside it.
    #[schema(value_type = Option<f64>)]
    held: Option<Quantity>,
    #[schema(value_type = Option<f64>)]
    remaining: Option<Quantity>,
    /// When `used` begins anew; null for a present value.
    #[schema(value_type = Option<String>)]
    resets_at: Option<Timestamp>,
    /// `full`, `grace` or `none`
    access: &'static str,
}

impl From<Answer> for Entitlement {
    fn from(answer: Answer) -> Self {
        let Answer { feature, value, access, decision, metered } = answer;
        let ceiling = match (&value, &metered) {
            (Some(FeatureValue::Number(ceiling)), None) if access != Access::None => {
                Some(u64::try_from(*ceiling).unwrap_or(0))
            }
            _ => None,
        };
        let tally = decision.tally;
        let limit = tally.as_ref().and_then(|tally| tally.limit.as_ref());
        Self {
            feature,
            allowed: decision.allowed,
            reason: decision.reason.as_str(),
            value,
            limit: limit.map(|limit| limit.max).or(ceiling),
            per: limit.map(|limit| limit.per.as_str()),
            hard: limit.map(|limit| limit.hard),
            used: tally.as_ref().map(|tally| tally.used),
            held: tally.as_ref().map(|tally| tally.held),
            remaining: tally.as_ref().and_then(Tally::remaining),
            resets_at: tally.as_ref().and_then(|tally| tally.resets_at),
            access: access.as_str(),
        }
    }
}

/// Everything a tenant is entitled to
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/entitlements", tag = "entitlements",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = Entitlements), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
) -> Result<Json<Entitlements>> {
    let tenant = caller.tenant(tenant, Permission::ReadEntitlements)?;
    let (entitled, answers) = actions::list(&app, tenant).await?;
    let access = entitled.access.unwrap_or(Access::None);
    Ok(Json(Entitlements {
        access: access.as_str(),
        access_until: match access {
            Access::Grace { until } => Some(until),
            Access::Full | Access::None => None,
        },
        reason: entitled.access.err().map(Reason::as_str),
        features: answers.into_iter().map(Entitlement::from).collect(),
    }))
}

/// How much of a feature is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckFeature {
    /// 1 where absent. Of a gauge, so much more than at present; of a feature that is a number, in all.
    #[schema(value_type = Option<f64>, example = 1)]
    quantity: Option<Digits>,
}

/// Ask whether a tenant may use so much of a feature
///
/// A feature is one that the plans name, or a meter. Nothing is held by asking: where more must never be used
/// than is allowed, reserve it.
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/entitlements/{feature}/check",
    tag = "entitlements", params(("tenant_id" = String, Path), ("feature" = String, Path)),
    request_body = CheckFeature,
    responses((status = 200, body = Entitlement), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn check(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    body: JsonBody,
) -> Result<Json<Entitlement>> {
    let (tenant, feature) = tenant_and_feature(path)?;
    let tenant = caller.tenant(tenant, Permission::ReadEntitlements)?;
    let request: CheckFeature = body.read()?;
    let quantity = positive("quantity", request.quantity.as_ref())?.unwrap_or(Quantity::ONE);
    Ok(Json(actions::check(&app, tenant, &feature, quantity).await?.into()))
}

/// The two names in a path. What cannot be read is nowhere.
pub(super) fn tenant_and_feature(
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(TenantId, String)> {
    let Path((tenant, feature)) = path.map_err(|_| not_found("feature", "(not readable)"))?;
    let id = tenant.parse().map_err(|_| not_found("tenant", &tenant))?;
    // Postgres keeps no text with it, and no feature is called so.
    if feature.contains('\0') {
        return Err(not_found("feature", "(not readable)"));
    }
    Ok((id, feature))
}

/// A quantity that is not below zero.
pub(super) fn positive(field: &str, digits: Option<&Digits>) -> Result<Option<Quantity>> {
    let Some(digits) = digits else { return Ok(None) };
    let quantity = Quantity::parse(&digits.0).map_err(|error| invalid(field, error.to_string()))?;
    if quantity.is_negative() {
        return Err(invalid(field, "must not be below zero"));
    }
    Ok(Some(quantity))
}
