//! The one error: a code, a status, a sentence for whoever asked, and a cause that stays private.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tollhouse_domain::refusal::Refusal;
use utoipa::ToSchema;

use crate::db::DbError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request did not get what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("There is no {what} `{id}`: check the id, and that the credential belongs to it.")]
    NotFound { what: &'static str, id: String },
    #[error("The request could not be read: {0}")]
    Malformed(String),
    #[error("The request is well-formed but not valid: see `errors`.")]
    Invalid(Vec<FieldProblem>),
    #[error("{0}")]
    Refused(Refusal),
    #[error("{1}")]
    Conflict(Conflict, String),
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("{0}")]
    Forbidden(String),
    #[error("The request came by a cookie, and is not known to come from a page of ours: {0}.")]
    CrossSite(&'static str),
    #[error("The delivery is not believed: {0}")]
    InvalidSignature(tollhouse_stripe::signature::SignatureError),
    #[error("The body is larger than {limit_bytes} bytes: send less at once.")]
    TooLarge { limit_bytes: usize },
    #[error("Too many requests at once: wait and try again.")]
    Limited { retry_after_seconds: u64 },
    #[error("{sentence}")]
    RateLimitReached { sentence: String, retry_after_seconds: u64 },
    #[error("The method is not one of this path's: see `/docs`.")]
    MethodNotAllowed,
    #[error("The payment was declined: {message}")]
    Declined { message: String, decline_code: String },
    #[error("This `Idempotency-Key` was used with another request: use a new key for new work.")]
    IdempotencyKeyReused,
    #[error("Stripe is not configured here: set `STRIPE_SECRET_KEY` to use billing.")]
    NotConfigured,
    #[error(
        "Stripe cannot be reached now: send the same request again shortly, with the same `Idempotency-Key`."
    )]
    StripeUnavailable(#[source] tollhouse_stripe::Error),
    #[error("Stripe refused the request: the log has the details under this request id.")]
    StripeFailed(#[source] tollhouse_stripe::Error),
    #[error("The request took longer than it may: try again, or ask for less.")]
    TimedOut,
    #[error("The service is not ready: {0}")]
    Unavailable(&'static str),
    #[error("Something went wrong on our side: the log has the details under this request id.")]
    Internal(#[source] anyhow::Error),
}

/// What a request stands against, where no rule of billing refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The id belongs to a tenant with other data.
    TenantExists,
    /// The tenant is terminated.
    TenantTerminated,
    /// A request with the same key is still running.
    IdempotencyKeyInUse,
    /// The plan has no price in Stripe yet.
    PlanNotPushed,
    /// A preview's token is of another change, or too old.
    PreviewOutdated,
    /// Stripe's price is not what the catalog says.
    PriceDiffers,
    /// Stripe's meter counts in another way than the catalog's.
    MeterDiffers,
    /// The meter event is not one that waits for a person.
    MeterEventSettled,
    /// Another page is being opened for the tenant.
    CheckoutInProgress,
    /// The page of a repeated request was paid or closed meanwhile.
    CheckoutOver,
    /// The subscription is in a state in which this makes no sense.
    SubscriptionState,
    /// Another coupon has the id.
    CouponExists,
    /// The request made its API key before, which cannot be shown again.
    ApiKeyExists,
    /// Another promotion code that can be redeemed reads the same.
    PromotionCodeExists,
    /// A promotion code cannot be switched on again.
    PromotionCodeOver,
    /// Stripe is being compared with our tables.
    ReconcileRunning,
    /// A retention run of the other kind is under way.
    RetentionRunning,
    /// There are as many webhook endpoints as there may be.
    WebhookEndpointsUsedUp,
    /// The event is being sent at this moment.
    OutboundDeliveryInProgress,
    /// A worker has the delivery that was to be replayed.
    DeliveryAtWork,
    /// A hard limit would be passed.
    LimitReached,
    /// The reservation was settled or released, or its time is over.
    ReservationOver,
    /// There are as many usage alerts as there may be.
    UsageAlertsUsedUp,
    /// The body of the delivery is no longer kept.
    DeliveryEmptied,
}

impl Conflict {
    pub const ALL: [Self; 24] = [
        Self::TenantExists,
        Self::TenantTerminated,
        Self::IdempotencyKeyInUse,
        Self::PlanNotPushed,
        Self::PreviewOutdated,
        Self::PriceDiffers,
        Self::MeterDiffers,
        Self::MeterEventSettled,
        Self::CheckoutInProgress,
        Self::CheckoutOver,
        Self::SubscriptionState,
        Self::CouponExists,
        Self::ApiKeyExists,
        Self::PromotionCodeExists,
        Self::PromotionCodeOver,
        Self::ReconcileRunning,
        Self::RetentionRunning,
        Self::WebhookEndpointsUsedUp,
        Self::OutboundDeliveryInProgress,
        Self::DeliveryAtWork,
        Self::LimitReached,
        Self::ReservationOver,
        Self::UsageAlertsUsedUp,
        Self::DeliveryEmptied,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::TenantExists => "tenant_exists",
            Self::TenantTerminated => "tenant_terminated",
            Self::IdempotencyKeyInUse => "idempotency_key_in_use",
            Self::PlanNotPushed => "plan_not_pushed",
            Self::PreviewOutdated => "preview_outdated",
            Self::PriceDiffers => "price_differs",
            Self::MeterDiffers => "meter_differs",
            Self::MeterEventSettled => "meter_event_settled",
            Self::CheckoutInProgress => "checkout_in_progress",
            Self::CheckoutOver => "checkout_over",
            Self::SubscriptionState => "subscription_state",
            Self::CouponExists => "coupon_exists",
            Self::ApiKeyExists => "api_key_exists",
            Self::PromotionCodeExists => "promotion_code_exists",
            Self::PromotionCodeOver => "promotion_code_over",
            Self::ReconcileRunning => "reconcile_running",
            Self::RetentionRunning => "retention_running",
            Self::WebhookEndpointsUsedUp => "webhook_endpoints_used_up",
            Self::OutboundDeliveryInProgress => "outbound_delivery_in_progress",
            Self::DeliveryAtWork => "delivery_at_work",
            Self::LimitReached => "limit_reached",
            Self::ReservationOver => "reservation_over",
            Self::UsageAlertsUsedUp => "usage_alerts_used_up",
            Self::DeliveryEmptied => "delivery_emptied",
        }
    }
}

/// One field of a request, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The field's name, or `""` for the whole body.
    pub field: String,
    pub message: String,
}

/// What a client gets instead of an answer: RFC 9457 with a stable `code`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:tollhouse:error:` and the code.
    pub r#type: String,
    pub title: &'static str,
    pub status: u16,
    pub detail: String,
    /// Stable; listed in `docs/reference/errors.md`.
    pub code: &'static str,
    pub request_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Stripe's reason, where a card was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<String>,
}

/// `not_found("plan", code)`
pub fn not_found(what: &'static str, id: impl ToString) -> Error {
    Error::NotFound { what, id: id.to_string() }
}

/// `invalid("success_url", "…")`
pub fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::Invalid(vec![FieldProblem { field: field.to_owned(), message: message.into() }])
}

impl Error {
    /// The status, the stable code and the title of each error.
    pub fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::NotFound { .. } => (S::NOT_FOUND, "not_found", "Not found"),
            Self::Malformed(_) => (S::BAD_REQUEST, "malformed_request", "Malformed request"),
            Self::Invalid(_) => (S::UNPROCESSABLE_ENTITY, "invalid_request", "Invalid request"),
            Self::Refused(refusal) => (refusal_status(*refusal), refusal.code(), "Refused"),
            Self::Conflict(conflict, _) => (S::CONFLICT, conflict.code(), "Conflict"),
            Self::Unauthenticated(_) => (S::UNAUTHORIZED, "unauthenticated", "Not authenticated"),
            Self::Forbidden(_) => (S::FORBIDDEN, "forbidden", "Not allowed"),
            Self::CrossSite(_) => (S::FORBIDDEN, "cross_site", "From another site"),
            Self::InvalidSignature(_) => (S::BAD_REQUEST, "invalid_signature", "Invalid signature"),
            Self::TooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "payload_too_large", "Too large"),
            Self::Limited { .. } => (S::TOO_MANY_REQUESTS, "rate_limited", "Too many requests"),
            Self::RateLimitReached { .. } => {
                (S::TOO_MANY_REQUESTS, "rate_limit_reached", "Too much in a minute")
            }
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
            }
            Self::Declined { .. } => (S::PAYMENT_REQUIRED, "payment_failed", "Payment failed"),
            Self::IdempotencyKeyReused => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key reused")
            }
            Self::NotConfigured => {
                (S::SERVICE_UNAVAILABLE, "billing_not_configured", "Billing is not configured")
            }
            Self::StripeUnavailable(_) => {
                (S::SERVICE_UNAVAILABLE, "stripe_unavailable", "Stripe is unavailable")
            }
            Self::StripeFailed(_) => (S::BAD_GATEWAY, "stripe_failed", "Stripe failed"),
            Self::TimedOut => (S::SERVICE_UNAVAILABLE, "timed_out", "Timed out"),
            Self::Unavailable(_) => (S::SERVICE_UNAVAILABLE, "not_ready", "Not ready"),
            Self::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal_error", "Internal error"),
        }
    }

    /// What is sent: everything but the cause, and the request's id.
    pub fn problem(&self) -> Problem {
        let (status, code, title) = self.kind();
        Problem {
            r#type: format!("urn:tollhouse:error:{code}"),
            title,
            status: status.as_u16(),
            detail: self.to_string(),
            code,
            request_id: String::new(),
            errors: if let Self::Invalid(errors) = self { errors.clone() } else { Vec::new() },
            decline_code: match self {
                Self::Declined { decline_code, .. } => Some(decline_code.clone()),
                _ => None,
            },
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Limited { retry_after_seconds }
            | Self::RateLimitReached { retry_after_seconds, .. } => Some(*retry_after_seconds),
            Self::StripeUnavailable(_) | Self::Unavailable(_) | Self::TimedOut => Some(1),
            _ => None,
        }
    }
}

fn refusal_status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::NoBillingAccount => StatusCode::BAD_REQUEST,
        Refusal::UnknownPlan
        | Refusal::UnknownPrice
        | Refusal::PlanNotSold
        | Refusal::IsAddon
        | Refusal::NotAnAddon
        | Refusal::UnknownPromotionCode => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        match error {
            DbError::PoolTimedOut | DbError::Io(_) => {
                tracing::error!(error.cause = %error, "the database does not answer");
                Self::Unavailable("the database does not answer")
            }
            _ => Self::Internal(error.into()),
        }
    }
}

impl From<serde_json::Error> for Error {
    /// Of JSON of our own making; a request's JSON is read by `http::extract`.
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<tollhouse_stripe::Error> for Error {
    fn from(error: tollhouse_stripe::Error) -> Self {
        use tollhouse_stripe::Error as Stripe;
        match error {
            Stripe::Unconfigured => Self::NotConfigured,
            Stripe::Declined { message, decline_code } => Self::Declined { message, decline_code },
            Stripe::Limited(_) | Stripe::Unavailable(_) => Self::StripeUnavailable(error),
            _ => Self::StripeFailed(error),
        }
    }
}

/// A problem on its way out, and its cause for the log; `http::request_log` writes both.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub problem: Problem,
    pub cause: Option<String>,
    /// Whether the answer says it already, as a page for people.
    pub rendered: bool,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let cause = std::error::Error::source(&self).map(|cause| match &self {
            Self::Internal(cause) => format!("{cause:?}"),
            _ => cause.to_string(),
        });
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Failed { problem, cause, rendered: false });
        response
    }
}

/// Every code with its status and a sentence, for the reference: one line each.
pub fn reference() -> Vec<(u16, &'static str, String)> {
    use tollhouse_stripe::{Error as Stripe, signature::SignatureError};
    let some = || Stripe::Unavailable(String::new());
    let text = || "…".to_owned();
    let mut errors = vec![
        Error::Malformed(text()),
        Error::InvalidSignature(SignatureError::Mismatch),
        Error::Unauthenticated("No credential was given, or it is not valid here."),
        Error::Declined { message: text(), decline_code: String::new() },
        Error::Forbidden("The role may not do this.".to_owned()),
        Error::CrossSite("the detail says what is missing"),
        Error::NotFound { what: "tenant", id: text() },
        Error::MethodNotAllowed,
        Error::TooLarge { limit_bytes: 1_048_576 },
        Error::Invalid(Vec::new()),
        Error::IdempotencyKeyReused,
        Error::Limited { retry_after_seconds: 1 },
        Error::RateLimitReached {
            sentence: "The detail says which limit per minute is reached, and when there is room."
                .to_owned(),
            retry_after_seconds: 1,
        },
        Error::Internal(anyhow::anyhow!("")),
        Error::StripeFailed(some()),
        Error::NotConfigured,
        Error::StripeUnavailable(some()),
        Error::TimedOut,
        Error::Unavailable("…"),
    ];
    errors.extend(Refusal::ALL.iter().copied().map(Error::Refused));
    errors.extend(Conflict::ALL.map(|conflict| {
        Error::Conflict(conflict, "The detail says what stands against it.".to_owned())
    }));
    let mut lines: Vec<_> = errors
        .iter()
        .map(|error| (error.kind().0.as_u16(), error.kind().1, error.to_string()))
        .collect();
    lines.sort();
    lines
}
