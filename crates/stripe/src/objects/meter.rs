//! Billing meters: what metered prices count, and what Stripe says of what was reported to them.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Listed;

#[derive(Clone, Debug, Deserialize)]
pub struct Meter {
    /// `mtr_…`
    pub id: String,
    /// The name its events bear; one active meter per name.
    pub event_name: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub default_aggregation: MeterFormula,
    #[serde(default)]
    pub customer_mapping: PayloadKey,
    #[serde(default)]
    pub value_settings: PayloadKey,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct MeterFormula {
    /// `sum`, `count` or `last`.
    #[serde(default)]
    pub formula: String,
}

/// Where in an event's payload a meter looks.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PayloadKey {
    #[serde(default)]
    pub event_payload_key: String,
}

impl Listed for Meter {
    fn id(&self) -> &str {
        &self.id
    }
}

/// A report that Stripe took.
#[derive(Clone, Debug, Deserialize)]
pub struct MeterEvent {
    pub identifier: String,
}

/// What a customer's reports to a meter come to, as Stripe counts them.
#[derive(Clone, Debug, Deserialize)]
pub struct MeterEventSummary {
    /// A number, as it is written.
    pub aggregated_value: Box<RawValue>,
}

/// The thin event that tells what was wrong with reports, fetched in full.
#[derive(Clone, Debug, Deserialize)]
pub struct MeterErrorReport {
    #[serde(default)]
    pub data: MeterErrors,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct MeterErrors {
    #[serde(default)]
    pub reason: MeterErrorReason,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct MeterErrorReason {
    /// How many reports were refused.
    #[serde(default)]
    pub error_count: i64,
    #[serde(default)]
    pub error_types: Vec<MeterErrorType>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct MeterErrorType {
    /// Such as `meter_event_customer_not_found`.
    pub code: String,
    /// Some of them: Stripe does not promise to name all.
    #[serde(default)]
    pub sample_errors: Vec<SampleError>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct SampleError {
    #[serde(default)]
    pub error_message: String,
    #[serde(default)]
    pub request: RefusedRequest,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct RefusedRequest {
    #[serde(default)]
    pub identifier: String,
}
