//! The live loop: posts what is due, one after another to each endpoint.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{Outgoing, Simulator};

/// How long an endpoint may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often repeats are looked for; new events are sent at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Simulator {
    /// Sends webhooks until `stop` is cancelled.
    pub async fn deliver(self, stop: CancellationToken) {
        // Fails only where another part of the process has chosen a provider already: just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(ANSWER_TIMEOUT)
            // Whom it tells is on this machine or beside it: a proxy would not find them.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let client = match client {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "no webhooks are sent: the HTTP client cannot be set up");
                return;
            }
        };
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.shared.stirred.notified() => {}
                _ = ticks.tick() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.send_due(&client) => {}
            }
        }
    }

    async fn send_due(&self, client: &reqwest::Client) {
        let mut by_endpoint: BTreeMap<String, Vec<Outgoing>> = BTreeMap::new();
        let due = self.due_deliveries();
        let by_post = due.into_iter().filter_map(|outgoing| self.sockets().hand(outgoing));
        for outgoing in by_post {
            by_endpoint.entry(outgoing.url.clone()).or_default().push(outgoing);
        }
        let mut endpoints = JoinSet::new();
        for (_, batch) in by_endpoint {
            let (simulator, client) = (self.clone(), client.clone());
            endpoints.spawn(async move {
                for outgoing in batch {
                    let status = post(&client, &outgoing).await;
                    simulator.delivery_answered(&outgoing.id, status);
                }
            });
        }
        endpoints.join_all().await;
    }
}

async fn post(client: &reqwest::Client, outgoing: &Outgoing) -> Option<u16> {
    let mut request = client.post(&outgoing.url).body(outgoing.body.clone());
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(response) => Some(response.status().as_u16()),
        Err(error) => {
            tracing::info!(
                event.id = outgoing.event_id,
                event.type = outgoing.event_type,
                %error,
                "a webhook endpoint did not answer; the delivery is repeated later"
            );
            None
        }
    }
}
