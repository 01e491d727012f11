//! Tenants: our customers, and their customer in Stripe.
//!
//! Owns: `tenants`.
//! Does not own: what a tenant has bought, nor who may act for it (`http::auth`), nor what becomes of its
//! subscriptions when it is created, suspended or terminated (`platform`).
//! Invariant: one tenant has at most one customer, and one customer at most one tenant; a customer is
//! made under a key of the tenant's id, so that a race or a crash makes no second one.
//! Invariant: whoever changes what Stripe has to follow writes that down in the same transaction
//! (`settle_at`); it stays until it is done.
//!
//! Beside the usual files: `sso.rs` (how a tenant's people sign in).

/// The metadata key under which a customer bears the id of its tenant.
pub const TENANT_ID: &str = "tenant_id";

pub mod actions;
pub mod queries;
pub mod sso;
pub mod sync;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    entitlement::Allowance,
    money::Currency,
    plan::{FeatureValue, Limit, Plan},
    price::Interval,
    retention::{AUDIT_DAYS_MIN, DAYS_MAX, EVENT_DAYS_MIN, USAGE_EVENT_DAYS_MIN},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// The plan that a tenant is to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The id of the purchase, the same at every attempt.
    pub purchase: Uuid,
    pub plan: String,
    /// None for a plan without a price.
    pub interval: Option<Interval>,
    pub currency: Option<Currency>,
}

/// What a tenant is granted for itself, whatever its plan says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// By the feature's name; a switch, a number or a text.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub features: BTreeMap<String, FeatureValue>,
    /// Each in the place of the plan's limit of the same meter and period.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub limits: Vec<Limit>,
}

impl Overrides {
    /// What plans grant together, with what the tenant alone is granted in their place: the one place where
    /// overrides come in.
    pub fn over(self, plans: &[Plan]) -> Allowance {
        Allowance::of(plans).overridden(self.features, self.limits)
    }
}

/// How long what is personal is kept of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Nothing is deleted while this is on.
    #[serde(default)]
    pub legal_hold: bool,
    /// Days after its termination; the installation's where absent, as with all days here. 0 is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_data_days: Option<u32>,
    /// Bodies and headers of Stripe's webhooks about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_payload_days: Option<u32>,
    /// Its history: 30 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_days: Option<u32>,
    /// Its reports of usage: 36 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_event_days: Option<u32>,
    /// Its audit: 366 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_days: Option<u32>,
}

impl Retention {
    /// What cannot be: each field, and what it must be.
    pub fn problems(&self) -> impl Iterator<Item = (&'static str, String)> {
        let fields = [
            ("retention.personal_data_days", self.personal_data_days, 1),
            ("retention.delivery_payload_days", self.delivery_payload_days, 1),
            ("retention.event_days", self.event_days, EVENT_DAYS_MIN),
            ("retention.usage_event_days", self.usage_event_days, USAGE_EVENT_DAYS_MIN),
            ("retention.audit_days", self.audit_days, AUDIT_DAYS_MIN),
        ];
        fields.into_iter().filter_map(|(field, days, min)| {
            let is_wrong = days.is_some_and(|days| days > 0 && !(min..=DAYS_MAX).contains(&days));
            is_wrong.then(|| (field, format!("must be 0, or from {min} to {DAYS_MAX}")))
        })
    }
}
