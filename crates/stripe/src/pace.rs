//! A gateway that takes its time: so many calls a second, however many want to call.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Interval, MissedTickBehavior, interval},
};

use crate::gateway::{Answer, BoxFuture, Call, Failure, Gateway};

/// Lets calls through one by one, evenly spaced. Time nobody used is not saved up.
pub(crate) struct Paced {
    gateway: Arc<dyn Gateway>,
    timer: Mutex<Interval>,
}

impl Paced {
    /// `calls_per_second` above 0.
    pub fn new(gateway: Arc<dyn Gateway>, calls_per_second: u32) -> Self {
        let mut timer = interval(Duration::from_secs(1) / calls_per_second.max(1));
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { gateway, timer: Mutex::new(timer) }
    }
}

impl Gateway for Paced {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            self.timer.lock().await.tick().await;
            self.gateway.send(call).await
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::{gateway::Method, unconfigured::Unconfigured};

    async fn send_six(gateway: &Paced) {
        let call = Call {
            method: Method::Get,
            path: "/v1/prices".to_owned(),
            params: Vec::new(),
            idempotency_key: None,
        };
        for _ in 0..6 {
            assert!(gateway.send(&call).await.is_err(), "nobody is there");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn six_calls_at_ten_a_second_take_half_a_second() {
        for (milliseconds, is_enough) in [(499, false), (501, true)] {
            let gateway = Paced::new(Arc::new(Unconfigured), 10);
            let sent = timeout(Duration::from_millis(milliseconds), send_six(&gateway)).await;
            assert_eq!(sent.is_ok(), is_enough, "{milliseconds}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_not_made_up_for() {
        let gateway = Paced::new(Arc::new(Unconfigured), 10);
        send_six(&gateway).await;
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(timeout(Duration::from_millis(499), send_six(&gateway)).await.is_err());
    }
}
