//! An operator gives a tenant credits.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::CreditGrantId,
    time::Timestamp,
    usage::{Quantity, QuantityError},
};
use utoipa::ToSchema;

use crate::{
    app::App,
    credits::{
        actions::{self, parts},
        queries::GrantRow,
    },
    error::{Error, FieldProblem, Problem, Result},
    http::{
        Work,
        auth::Caller,
        extract::{Digits, JsonBody, TenantPath},
    },
    tenants::actions as tenants,
};

const REASON_LENGTH_MAX: usize = 500;

/// Credits to be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantCredits {
    /// Above zero.
    #[schema(value_type = f64, example = 100)]
    amount: Digits,
    /// Never where absent.
    expires_at: Option<String>,
    /// For people; up to 500 bytes.
    #[serde(default)]
    reason: String,
}

/// Credits that an operator has given.
#[derive(Serialize, ToSchema)]
pub struct CreditGrant {
    #[schema(value_type = String)]
    id: CreditGrantId,
    #[schema(value_type = f64)]
    amount: Quantity,
    reason: String,
    granted_by: String,
    #[schema(value_type = String)]
    granted_at: Timestamp,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// Grant a tenant credits
///
/// They cover usage of the open billing period, that before the grant too, and of those that follow, until they
/// expire.
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/credits/grants", tag = "credits",
    params(("tenant_id" = String, Path)), request_body = GrantCredits,
    responses((status = 201, body = CreditGrant), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn grant(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<CreditGrant>)> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageTenants)?).await?;
    let (amount, expires_at, reason) = checked(body.read()?, app.clock.now())?;
    let (whole, trillionths) = parts(amount)?;
    let origin = caller.origin();
    let row = GrantRow {
        id: CreditGrantId::from_uuid(work.0),
        tenant_id: tenant.id,
        whole,
        trillionths,
        reason,
        granted_by: origin.actor.name(),
        granted_at: app.clock.now(),
        expires_at,
    };
    let row = actions::grant(&app, &origin, row).await?;
    let shown = CreditGrant {
        id: row.id,
        amount,
        reason: row.reason,
        granted_by: row.granted_by,
        granted_at: row.granted_at,
        expires_at: row.expires_at,
    };
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Amount, expiry and reason, or every problem at once.
fn checked(request: GrantCredits, now: Timestamp) -> Result<(Quantity, Option<Timestamp>, String)> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: String| {
        problems.push(FieldProblem { field: field.to_owned(), message });
    };
    let amount = Quantity::parse(&request.amount.0).unwrap_or_else(|error: QuantityError| {
        refuse("amount", error.to_string());
        Quantity::ONE
    });
    if amount <= Quantity::ZERO {
        refuse("amount", "must be above zero".to_owned());
    }
    let expires_at = match request.expires_at.as_deref().map(str::parse::<Timestamp>) {
        None => None,
        Some(Ok(moment)) if moment > now => Some(moment),
        Some(_) => {
            refuse("expires_at", "must be a moment to come, as `2027-09-08T00:00:00Z`".to_owned());
            None
        }
    };
    if request.reason.len() > REASON_LENGTH_MAX {
        refuse("reason", "must be at most 500 bytes".to_owned());
    }
    if problems.is_empty() {
        Ok((amount, expires_at, request.reason))
    } else {
        Err(Error::Invalid(problems))
    }
}
