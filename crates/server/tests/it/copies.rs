//! Events copied to a Redis Stream: each one, in order, whatever becomes of Redis or of who copies.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tollhouse_server::{
    App,
    config::{Config, Secret},
    events::copy,
};

use crate::harness::{Database, Kind, TestApp, redis_url};

/// A stream of this test's own on the Redis of all tests.
struct Stream {
    key: String,
    redis: redis::aio::MultiplexedConnection,
}

impl Stream {
    async fn new() -> Self {
        let client = redis::Client::open(redis_url()).unwrap();
        let redis = client.get_multiplexed_async_connection().await.unwrap();
        Self { key: format!("events-{}", fastrand::u64(..)), redis }
    }

    fn configure(&self, url: &str) -> impl Fn(&mut Config) + use<> {
        let (key, url) = (self.key.clone(), url.to_owned());
        move |config| {
            config.redis.events_url = Some(Secret::new(url.clone()));
            config.redis.events_key.clone_from(&key);
        }
    }

    /// The positions in the stream, each with the tenant's number and the type.
    async fn entries(&mut self) -> Vec<(String, Vec<String>)> {
        let mut all = redis::cmd("XRANGE");
        all.arg(&self.key).arg("-").arg("+").query_async(&mut self.redis).await.unwrap()
    }

    /// Waits until it holds these positions, and nothing else.
    async fn holds(
        &mut self,
        positions: std::ops::RangeInclusive<i64>,
    ) -> Vec<(String, Vec<String>)> {
        let expected: Vec<String> = positions.map(|position| format!("{position}-0")).collect();
        let mut entries = Vec::new();
        for _ in 0..400 {
            entries = self.entries().await;
            if entries.len() >= expected.len() {
                break;
            }
            pass(Duration::from_millis(25)).await;
        }
        let found: Vec<String> = entries.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(found, expected);
        entries
    }

    async fn delete(&mut self) {
        redis::cmd("DEL").arg(&self.key).exec_async(&mut self.redis).await.unwrap();
    }
}

/// A way to Redis that can be cut.
struct Way {
    url: String,
    running: JoinHandle<()>,
}

impl Way {
    async fn open(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let target = redis_url().trim_start_matches("redis://").trim_end_matches('/').to_owned();
        let running = tokio::spawn(async move {
            let mut ways = tokio::task::JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                let target = target.clone();
                ways.spawn(async move {
                    let mut to = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut from, &mut to).await;
                });
            }
        });
        Self { url, running }
    }

    async fn cut(self) -> String {
        self.running.abort();
        let _ = self.running.await;
        self.url.trim_start_matches("redis://").to_owned()
    }
}

async fn app_with(kind: Kind, configure: impl Fn(&mut Config)) -> TestApp {
    TestApp::start_with(Database::create(kind).await, configure).await
}

/// So many tenants, each with its first event, and all of them placed.
async fn tenants(app: &TestApp, count: usize) {
    for _ in 0..count {
        app.tenant("Acme").await;
    }
    app.settle().await;
}

fn copies(app: &Arc<App>) -> JoinHandle<()> {
    tokio::spawn(copy::run(Arc::clone(app)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_copied_in_order() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut stream = Stream::new().await;
        let app = app_with(kind, stream.configure(&redis_url())).await;
        let running = copies(&app.app);
        let acme = app.subscriber("Acme", "pro").await;
        app.subscriber("Birch", "pro").await;
        app.settle().await;
        let entries = stream.holds(1..=18).await;
        let field = |fields: &[String], name: &str| {
            let at = fields.iter().position(|field| field == name).unwrap();
            fields[at + 1].clone()
        };
        let mut own = Vec::new();
        for (id, fields) in &entries {
            let event: serde_json::Value = serde_json::from_str(&field(fields, "event")).unwrap();
            assert_eq!(format!("{}-0", event["position"]), *id);
            assert_eq!(event["sequence"].to_string(), field(fields, "sequence"));
            assert_eq!(event["type"], field(fields, "type"));
            if field(fields, "tenant_id") == acme.to_string() {
                own.push(field(fields, "type"));
            }
        }
        assert_eq!(own, app.history(acme).await);
        app.app.stop.cancel();
        running.await.unwrap();
        stream.delete().await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_gone_nothing_is_lost() {
    let mut stream = Stream::new().await;
    let way = Way::open("127.0.0.1:0").await;
    let app = app_with(Kind::Sqlite, stream.configure(&way.url)).await;
    let running = copies(&app.app);
    tenants(&app, 3).await;
    stream.holds(1..=3).await;
    let address = way.cut().await;
    tenants(&app, 250).await;
    assert_eq!(stream.entries().await.len(), 3);
    let _way = Way::open(&address).await;
    stream.holds(1..=253).await;
    app.app.stop.cancel();
    running.await.unwrap();
    stream.delete().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_copy_each_event_once() {
    let mut stream = Stream::new().await;
    let app = app_with(Kind::Postgres, stream.configure(&redis_url())).await;
    let other = App::start(app.app.config.clone(), app.app.clock.clone(), None).await.unwrap();
    tenants(&app, 300).await;
    let running = [copies(&app.app), copies(&other)];
    stream.holds(1..=300).await;
    // The one that has the lease dies; when it runs out, the other goes on.
    other.stop.cancel();
    app.app.clock.advance(60);
    tenants(&app, 5).await;
    stream.holds(1..=305).await;
    app.app.stop.cancel();
    for running in running {
        running.await.unwrap();
    }
    stream.delete().await;
    other.db.close().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_lost_is_filled_again_where_that_is_wanted() {
    let mut stream = Stream::new().await;
    for (replay, held) in [(false, 4..=5), (true, 1..=6)] {
        let configure = stream.configure(&redis_url());
        let app = app_with(Kind::Sqlite, |config| {
            configure(config);
            config.redis.events_replay = replay;
        })
        .await;
        let running = copies(&app.app);
        tenants(&app, 3).await;
        stream.holds(1..=3).await;
        stream.delete().await;
        tenants(&app, usize::try_from(held.end() - 3).unwrap()).await;
        stream.holds(held).await;
        app.app.stop.cancel();
        running.await.unwrap();
        stream.delete().await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_somebody_else_is_left_alone() {
    let mut stream = Stream::new().await;
    let mut foreign = redis::cmd("XADD");
    foreign
        .arg(&stream.key)
        .arg("9-0")
        .arg("a")
        .arg("b")
        .exec_async(&mut stream.redis)
        .await
        .unwrap();
    let app = app_with(Kind::Sqlite, stream.configure(&redis_url())).await;
    let running = copies(&app.app);
    tenants(&app, 3).await;
    pass(Duration::from_millis(300)).await;
    stream.holds(9..=9).await;
    app.app.stop.cancel();
    running.await.unwrap();
    stream.delete().await;
    app.finish().await;
}

/// Lets time pass for another connection, which tells nothing that could be waited for.
#[expect(clippy::disallowed_methods, reason = "another connection is not ours to hear")]
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
