//! The contract of `tollhouse_stripe`, kept by every gateway we have here.

use std::sync::Arc;

use tokio::net::TcpListener;
use tollhouse_simulator::{Options, Simulator};
use tollhouse_stripe::{
    Client, CustomerId, Error, Gateway, contract, http::HttpGateway, unconfigured::Unconfigured,
};

const KEY: &str = "sk_test_contract";

fn simulator() -> Simulator {
    Simulator::new(Options {
        seed: 3,
        secret_key: KEY.to_owned(),
        base_url: "http://simulator.test".to_owned(),
        wall_clock: Arc::new(|| 1_795_176_000),
    })
}

async fn keeps_the_contract(gateway: impl Gateway + 'static) {
    contract::all(&Client::new(Arc::new(gateway), 1), "run_1").await.unwrap();
}

#[tokio::test]
async fn the_simulator_in_process() {
    keeps_the_contract(simulator().gateway()).await;
}

#[tokio::test]
async fn the_simulator_over_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = simulator().router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    keeps_the_contract(HttpGateway::new(&base, KEY, None).unwrap()).await;
}

#[tokio::test]
async fn nobody_listens() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(Arc::new(HttpGateway::new(&base, KEY, None).unwrap()), 1);
    let outcome = client.retrieve_customer(&CustomerId::new("cus_1")).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn nothing_is_configured() {
    let client = Client::new(Arc::new(Unconfigured), 1);
    let outcome = client.retrieve_customer(&CustomerId::new("cus_1")).await;
    assert!(matches!(outcome, Err(Error::Unconfigured)), "{outcome:?}");
}
