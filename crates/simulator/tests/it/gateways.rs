//! Tollhouse's own client against the simulator: in process, and over a socket with live deliveries.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tollhouse_stripe::{Client, contract, http::HttpGateway, signature};

use crate::harness::{START, Stripe};

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn the_gateway_in_process_keeps_the_contract() {
    let stripe = Stripe::new();
    let client = Client::new(Arc::new(stripe.simulator.gateway()), 1);
    contract::all(&client, "in_process").await.unwrap();
}

#[tokio::test]
async fn the_gateway_over_a_socket_keeps_the_contract() {
    let stripe = Stripe::new();
    let address = serve(stripe.simulator.router()).await;
    let gateway = HttpGateway::new(&format!("http://{address}"), "sk_test_other", None).unwrap();
    contract::all(&Client::new(Arc::new(gateway), 1), "socket").await.unwrap();
}

#[tokio::test]
async fn events_arrive_in_order_signed_while_they_happen() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let keep = |State(sender): State<mpsc::UnboundedSender<_>>, headers: HeaderMap, body: Bytes| async move {
        sender.send((headers, body)).unwrap();
    };
    let listener = serve(Router::new().route("/hook", post(keep)).with_state(sender)).await;
    let stripe = Stripe::new();
    let form = format!("url=http://{listener}/hook&enabled_events[]=*");
    let endpoint = stripe.post("/v1/webhook_endpoints", &form);
    let stop = CancellationToken::new();
    let deliverer = tokio::spawn(stripe.simulator.clone().deliver(stop.clone()));
    let session = stripe.session(&stripe.price(""), "customer_email=ann@example.com");
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    let expected: Vec<String> = stripe.types_after(0);
    for kind in expected {
        let (headers, body) = received.recv().await.unwrap();
        let event: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(event["type"], kind.as_str());
        let signed = headers["stripe-signature"].to_str().unwrap();
        let secret = endpoint["secret"].as_str().unwrap();
        assert_eq!(signature::verify(&body, signed, &[secret], START), Ok(START));
    }
    stop.cancel();
    deliverer.await.unwrap();
}
