//! How fast the simulator is, each figure with its limit: `cargo xtask bench simulator`.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    task::JoinSet,
};
use tollhouse_simulator::{Options, SimGateway, Simulator};
use tollhouse_stripe::{Call, Gateway as _, IdempotencyKey, Method, form};

/// 1 January 2027, 00:00 UTC.
const START: i64 = 1_798_761_600;
const MONTH: i64 = 31 * 86_400;
const HOUR: i64 = 3600;

const SUBSCRIPTIONS: usize = 10_000;
const WORLDS: u64 = 1_000;
const REQUESTS: usize = 30_000;
const CONNECTIONS: usize = 16;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool> {
    let runtime = Runtime::new()?;
    let renewed = runtime.block_on(renew())?;
    let lived = runtime.block_on(live())?;
    let asked = runtime.block_on(ask())?;
    let per_second = f64::from(u32::try_from(REQUESTS)?) / asked.as_secs_f64();
    let lines = [
        (
            renewed < Duration::from_secs(5),
            format!(
                "{SUBSCRIPTIONS} subscriptions renewed by one advance: {renewed:.1?} (limit 5 s)"
            ),
        ),
        (
            lived < Duration::from_mins(1),
            format!(
                "{WORLDS} worlds of a business month, without sockets: {lived:.1?} (limit 60 s)"
            ),
        ),
        (
            per_second > 3000.0,
            format!("requests over HTTP: {per_second:.0} per second (limit 3000)"),
        ),
    ];
    for (good, line) in &lines {
        say(&format!("{} {line}", if *good { "ok  " } else { "SLOW" }));
    }
    Ok(lines.iter().all(|(good, _)| *good))
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn world(seed: u64) -> Simulator {
    Simulator::new(Options {
        seed,
        secret_key: "sk_test_bench".to_owned(),
        base_url: "http://127.0.0.1:12111".to_owned(),
        wall_clock: Arc::new(|| START),
    })
}

/// Calls of one world, without sockets.
struct Caller {
    gateway: SimGateway,
    calls: u64,
}

impl Caller {
    fn new(simulator: &Simulator) -> Self {
        Self { gateway: simulator.gateway(), calls: 0 }
    }

    async fn post(&mut self, path: &str, fields: &str) -> Result<Value> {
        self.calls += 1;
        let call = Call {
            method: Method::Post,
            path: path.to_owned(),
            params: form::decode(fields),
            idempotency_key: Some(IdempotencyKey::new("bench", self.calls)),
        };
        let answer = self.gateway.send(&call).await?;
        let body: Value = serde_json::from_slice(&answer.body)?;
        ensure!(answer.status == 200, "POST {path} {fields}: {body}");
        Ok(body)
    }

    async fn price(&mut self, amount: u32) -> Result<String> {
        let form = format!(
            "currency=usd&unit_amount={amount}&recurring[interval]=month&product_data[name]=Pro"
        );
        id(&self.post("/v1/prices", &form).await?)
    }

    /// A customer with a card who pays monthly; answers the subscription.
    async fn subscribe(&mut self, price: &str) -> Result<Value> {
        let customer = id(&self.post("/v1/customers", "source=tok_visa").await?)?;
        let form = format!("customer={customer}&items[0][price]={price}");
        self.post("/v1/subscriptions", &form).await
    }
}

fn id(object: &Value) -> Result<String> {
    Ok(object["id"].as_str().context("an object without id")?.to_owned())
}

/// One move of the clock renews them all, and charges their invoices.
async fn renew() -> Result<Duration> {
    let simulator = world(1);
    let mut caller = Caller::new(&simulator);
    let price = caller.price(2900).await?;
    for _ in 0..SUBSCRIPTIONS {
        caller.subscribe(&price).await?;
    }
    let began = now();
    simulator.advance(MONTH + 2 * HOUR);
    let took = began.elapsed();
    let paid = simulator.objects("invoice");
    let paid = paid.iter().filter(|invoice| invoice["status"] == "paid").count();
    ensure!(paid == 2 * SUBSCRIPTIONS, "{paid} invoices were paid");
    Ok(took)
}

/// A month of a small business, over and over: sales, a change, a renewal, an end.
async fn live() -> Result<Duration> {
    let began = now();
    for seed in 0..WORLDS {
        let simulator = world(seed);
        let mut caller = Caller::new(&simulator);
        let (small, large) = (caller.price(900).await?, caller.price(2900).await?);
        let mut sold = Vec::new();
        for _ in 0..3 {
            sold.push(caller.subscribe(&small).await?);
        }
        simulator.advance(10 * 86_400);
        let item = id(&sold[0]["items"]["data"][0])?;
        let form = format!("items[0][id]={item}&items[0][price]={large}");
        caller.post(&format!("/v1/subscriptions/{}", id(&sold[0])?), &form).await?;
        let path = format!("/v1/subscriptions/{}", id(&sold[1])?);
        caller.post(&path, "cancel_at_period_end=true").await?;
        simulator.advance(MONTH);
        let paid = simulator.objects("invoice").len();
        ensure!(paid == 5, "{paid} invoices, with seed {seed}");
    }
    Ok(began.elapsed())
}

/// Requests over connections that are kept.
async fn ask() -> Result<Duration> {
    let simulator = world(1);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = simulator.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let began = now();
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        connections.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            ask_again(stream, REQUESTS / CONNECTIONS).await
        });
    }
    while let Some(done) = connections.join_next().await {
        done??;
    }
    Ok(began.elapsed())
}

const REQUEST: &[u8] = b"POST /v1/customers HTTP/1.1\r\nHost: 127.0.0.1\r\n\
Authorization: Bearer sk_test_bench\r\nContent-Type: application/x-www-form-urlencoded\r\n\
Content-Length: 21\r\n\r\nemail=ann@example.com";

async fn ask_again(mut stream: TcpStream, times: usize) -> Result<()> {
    let mut buffer = vec![0; 8192];
    for _ in 0..times {
        stream.write_all(REQUEST).await?;
        let mut filled = 0;
        while !is_whole(&buffer[..filled]) {
            let read = stream.read(&mut buffer[filled..]).await?;
            ensure!(read > 0, "the simulator hung up");
            filled += read;
        }
        ensure!(buffer.starts_with(b"HTTP/1.1 200"), "a request was refused");
    }
    Ok(())
}

/// Whether an answer has come to its end.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| body.len() >= length)
}
