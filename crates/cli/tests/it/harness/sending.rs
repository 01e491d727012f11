//! Webhooks on their way: each twice, in any order, to any instance, until one of them has taken it.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};
use tollhouse_server::Clock;
use tollhouse_stripe::signature::sign;

use super::{Http, Instance, WEBHOOK_SECRET};

const SENDERS: usize = 4;

/// A small generator of numbers, enough to choose moments and orders.
pub struct Numbers(u64);

impl Numbers {
    /// Others each time, to be shared.
    pub fn any() -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self(Clock::real().seed() | 1)))
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }
}

/// Sends each event twice, in any order, until an instance acknowledges it. Who gets no answer turns to the next.
pub async fn send(
    to: &[&Instance],
    events: &[Value],
    numbers: &Arc<Mutex<Numbers>>,
) -> JoinSet<()> {
    let mut bodies: Vec<String> = events.iter().map(Value::to_string).collect();
    bodies.extend(bodies.clone());
    numbers.lock().await.shuffle(&mut bodies);
    let http = Arc::new(Http::new());
    let urls: Vec<_> = to.iter().map(|instance| instance.url.subscribe()).collect();
    let mut sending = JoinSet::new();
    for share in bodies.chunks(bodies.len().div_ceil(SENDERS)) {
        let (share, urls, http) = (share.to_vec(), urls.clone(), Arc::clone(&http));
        let mut to = usize::try_from(numbers.lock().await.below(urls.len() as u64)).unwrap();
        sending.spawn(async move {
            for body in share {
                while !is_taken(&http, &urls[to], &body).await {
                    to = (to + 1) % urls.len();
                    pass(Duration::from_millis(20)).await;
                }
            }
        });
    }
    sending
}

async fn is_taken(http: &Http, url: &watch::Receiver<String>, body: &str) -> bool {
    let to = format!("{}/webhook/stripe", *url.borrow());
    let signature = sign(WEBHOOK_SECRET, Clock::real().now().as_second(), body.as_bytes());
    http.webhook(&to, &signature, body).await == Some(200)
}

/// Lets time pass for another process, which tells nothing that could be waited for.
#[expect(clippy::disallowed_methods, reason = "another process is not ours to hear")]
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
