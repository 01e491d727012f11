//! Billing meters: what metered prices count, and reports to them.

use crate::{
    client::{Client, NO_PARAMS},
    error::Result,
    gateway::IdempotencyKey,
    id::EventId,
    objects::{List, Meter, MeterErrorReport, MeterEvent, MeterEventSummary},
    params,
};

/// Active meters that are taken in; their names are unique.
const METERS_MAX: usize = 10_000;

impl Client {
    pub async fn create_meter(
        &self,
        params: &params::CreateMeter,
        key: &IdempotencyKey,
    ) -> Result<Meter> {
        self.post("/v1/billing/meters".into(), params, key).await
    }

    /// Every active meter.
    pub async fn list_meters(&self) -> Result<Vec<Meter>> {
        let params = params::ListMeters { status: "active" };
        self.list_all("/v1/billing/meters", &params, METERS_MAX).await
    }

    /// Reports what was used. Stripe checks the form now, and the rest later: what it refuses then is told by
    /// an event.
    pub async fn create_meter_event(
        &self,
        params: &params::CreateMeterEvent,
        key: &IdempotencyKey,
    ) -> Result<MeterEvent> {
        self.post("/v1/billing/meter_events".into(), params, key).await
    }

    /// What a customer's reports come to in some minutes, together.
    pub async fn list_meter_event_summaries(
        &self,
        meter: &str,
        params: &params::ListMeterEventSummaries,
    ) -> Result<List<MeterEventSummary>> {
        self.get(format!("/v1/billing/meters/{meter}/event_summaries"), params).await
    }

    /// What was wrong with reports, by the thin event that tells of it.
    pub async fn retrieve_meter_error_report(&self, id: &EventId) -> Result<MeterErrorReport> {
        self.get(format!("/v2/core/events/{id}"), &NO_PARAMS).await
    }
}
