//! Schedules: changes of a subscription that wait for their day.

use crate::{
    client::{Client, NO_PARAMS},
    error::Result,
    gateway::IdempotencyKey,
    id::ScheduleId,
    objects::Schedule,
    params,
};

impl Client {
    /// Attaches a schedule to a subscription that runs. An error where it has one.
    pub async fn create_schedule(
        &self,
        params: &params::CreateSchedule,
        key: &IdempotencyKey,
    ) -> Result<Schedule> {
        self.post("/v1/subscription_schedules".into(), params, key).await
    }

    pub async fn retrieve_schedule(&self, id: &ScheduleId) -> Result<Schedule> {
        self.get(format!("/v1/subscription_schedules/{id}"), &NO_PARAMS).await
    }

    pub async fn update_schedule(
        &self,
        id: &ScheduleId,
        params: &params::UpdateSchedule,
        key: &IdempotencyKey,
    ) -> Result<Schedule> {
        self.post(format!("/v1/subscription_schedules/{id}"), params, key).await
    }

    /// Takes the schedule away; the subscription goes on as it is now.
    pub async fn release_schedule(
        &self,
        id: &ScheduleId,
        key: &IdempotencyKey,
    ) -> Result<Schedule> {
        self.post(format!("/v1/subscription_schedules/{id}/release"), &NO_PARAMS, key).await
    }
}
