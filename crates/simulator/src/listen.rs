//! `stripe listen`: the command line of Stripe hears of events by a socket, and hands them on.
//!
//! Each session is a webhook endpoint that the API does not list, and that listens while its socket is open.

use std::collections::HashMap;

use axum::{
    Router,
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tollhouse_stripe::API_VERSION;

use crate::{
    Outgoing, Simulator,
    error::Result,
    webhook_endpoints,
    world::{Request, World},
};

/// How the address of a session's endpoint begins; the rest is its id.
const SCHEME: &str = "listen:";
/// The command line connects anew after so long.
const RECONNECT_SECONDS: i64 = 3600;

/// The sockets that are open, by session.
#[derive(Default)]
pub struct Sockets(HashMap<String, UnboundedSender<Outgoing>>);

impl Sockets {
    /// Hands a delivery to the socket it is for; gives it back where it is for none.
    pub fn hand(&self, outgoing: Outgoing) -> Option<Outgoing> {
        let Some(session) = outgoing.url.strip_prefix(SCHEME) else { return Some(outgoing) };
        if let Some(socket) = self.0.get(session) {
            // A socket that has just closed is told by its own task.
            let _ = socket.send(outgoing);
        }
        None
    }
}

/// `POST /v1/stripecli/sessions`.
pub fn open_session(world: &mut World, request: &Request) -> Result<Value> {
    let features = request.params().texts("websocket_features")?;
    let feature = features.first().copied().unwrap_or("webhooks").to_owned();
    let id = world.ids.id("cliws_");
    if world.listen_secret.is_empty() {
        world.listen_secret = world.ids.webhook_secret();
    }
    let secret = world.listen_secret.clone();
    webhook_endpoints::add_session(world, &id, format!("{SCHEME}{id}"), secret.clone());
    let address = world.base_url.replacen("http", "ws", 1);
    Ok(json!({
        "websocket_id": id,
        "websocket_url": format!("{address}/_listen/{id}"),
        "websocket_authorized_feature": feature,
        "secret": secret,
        "reconnect_delay": RECONNECT_SECONDS,
        "default_version": API_VERSION,
        "latest_version": API_VERSION,
        "display_connect_filter_warning": false,
    }))
}

pub fn router(simulator: Simulator) -> Router {
    Router::new().route("/_listen/{session}", get(connect)).with_state(simulator)
}

async fn connect(
    State(simulator): State<Simulator>,
    Path(session): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !simulator.with(|world| webhook_endpoints::set_listening(world, &session, true)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    upgrade.on_upgrade(|socket| async move {
        let (sender, deliveries) = unbounded_channel();
        simulator.sockets().0.insert(session.clone(), sender);
        serve(&simulator, socket, deliveries).await;
        simulator.sockets().0.remove(&session);
        simulator.with(|world| webhook_endpoints::set_listening(world, &session, false));
    })
}

async fn serve(
    simulator: &Simulator,
    mut socket: WebSocket,
    mut deliveries: UnboundedReceiver<Outgoing>,
) {
    loop {
        tokio::select! {
            delivery = deliveries.recv() => {
                let Some(delivery) = delivery else { return };
                let text = show(&delivery).to_string();
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => hear(simulator, &text),
                // Pings are answered by the socket itself.
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        }
    }
}

fn show(delivery: &Outgoing) -> Value {
    let headers = delivery.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
    json!({
        "type": "webhook_event",
        "webhook_id": delivery.id,
        "webhook_conversation_id": delivery.id,
        // Another version would make the command line drop the event.
        "endpoint": { "api_version": null },
        "event_payload": String::from_utf8_lossy(&delivery.body),
        "http_headers": headers.collect::<serde_json::Map<_, _>>(),
    })
}

/// What the endpoint behind the command line has answered.
fn hear(simulator: &Simulator, text: &str) {
    let message: Value = serde_json::from_str(text).unwrap_or_default();
    if message["type"] == "webhook_response"
        && let Some(id) = message["webhook_id"].as_str()
    {
        let status = message["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        simulator.delivery_answered(id, status);
    }
}
