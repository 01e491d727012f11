//! Connections, before there is a request: how many, and how long one may take to say what it wants.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::ServiceExt;

use super::{
    address::{Peer, network},
    shares::Shares,
};
use crate::app::App;

/// A longer request line with headers is refused with 431.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;
/// After a failure to accept, such as having no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections for these routes until the service stops, then waits for the answers under way.
pub(crate) async fn listen(listener: TcpListener, router: Router, app: Arc<App>) {
    let server = &app.config.server;
    let places = Arc::new(Semaphore::new(server.connections_max));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // Also how long a connection is kept that asks for nothing more.
        .header_read_timeout(Duration::from_secs(server.header_timeout_seconds))
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    // Behind proxies, theirs are the only addresses there are.
    let shares =
        Shares::of(app.config.limits.address_connections).filter(|_| server.trusted_proxies == 0);
    let open = GracefulShutdown::new();
    loop {
        // Who comes while all places are taken waits in the system's queue.
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let accepted = tokio::select! {
            () = app.stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Some((place, Ok((stream, peer)))) => {
                let share = shares.as_ref().map(|shares| shares.take(network(peer.ip())));
                if matches!(share, Some(None)) {
                    // Dropped, it is closed: an answer would take longer than most attacks deserve.
                    continue;
                }
                let service = answering(router.clone(), Peer(peer.ip()));
                let connection = http.serve_connection(io(stream), service_fn(service));
                let connection = open.watch(connection);
                tokio::spawn(async move {
                    // A connection that breaks is its client's affair.
                    let _ = connection.await;
                    drop((place, share));
                });
            }
            Some((_, Err(error))) => {
                tracing::warn!("a connection could not be taken: {error}");
                let _ = tokio::time::timeout(PAUSE, app.stop.cancelled()).await;
            }
            None => break,
        }
    }
    drop(listener);
    open.shutdown().await;
}

fn io(stream: TcpStream) -> TokioIo<TcpStream> {
    // Where it cannot be set, answers only come a little later.
    let _ = stream.set_nodelay(true);
    TokioIo::new(stream)
}

/// What answers the requests of one connection.
fn answering(router: Router, peer: Peer) -> impl Fn(hyper::Request<Incoming>) -> Answering + Clone {
    move |request| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request)
    }
}

type Answering = tower::util::Oneshot<Router, axum::extract::Request>;
