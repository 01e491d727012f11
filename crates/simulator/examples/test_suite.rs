//! The simulator inside a test suite: a Stripe of one's own, a clock that obeys, trouble by order.
//!
//! `cargo run -p tollhouse-simulator --example test_suite`

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::net::TcpListener;
use tollhouse_simulator::{Fault, FaultKind, Options, Simulator};

/// 1 January 2027, 00:00 UTC.
const START: i64 = 1_798_761_600;
const KEY: &str = "sk_test_mine";

#[tokio::main]
pub async fn main() -> Result<()> {
    // The same seed and the same calls give the same ids, every time.
    let simulator = Simulator::new(Options {
        seed: 7,
        secret_key: KEY.to_owned(),
        base_url: String::new(),
        wall_clock: Arc::new(|| START),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    simulator.set_base_url(url.clone());
    let router = simulator.router();
    tokio::spawn(async move { axum::serve(listener, router).await });

    // What is tested would make these calls, with any client of Stripe's.
    let price = post(
        &url,
        "/v1/prices",
        "currency=usd&unit_amount=900&recurring[interval]=month&product_data[name]=Pro",
    )
    .await?;
    let customer = post(&url, "/v1/customers", "email=ann@example.com&source=tok_visa").await?;
    let form = format!("customer={}&items[0][price]={}", id(&customer)?, id(&price)?);
    let subscription = post(&url, "/v1/subscriptions", &form).await?;
    ensure!(subscription["status"] == "active");

    // A month passes, and what it brings has happened.
    simulator.advance(31 * 86_400 + 2 * 3600);
    let invoices = simulator.objects("invoice");
    ensure!(invoices.len() == 2 && invoices.iter().all(|invoice| invoice["status"] == "paid"));

    // The next call fails once, and only it.
    let kind = FaultKind::Error500;
    simulator.add_fault(Fault { kind, times: 1, method: None, path: None });
    ensure!(post(&url, "/v1/customers", "").await.is_err());
    post(&url, "/v1/customers", "").await?;
    Ok(())
}

async fn post(url: &str, path: &str, form: &str) -> Result<Value> {
    // Fails only where a provider was chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("{url}{path}")).bearer_auth(KEY);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form.to_owned()).send().await?.error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}

fn id(object: &Value) -> Result<&str> {
    object["id"].as_str().context("an object without id")
}
