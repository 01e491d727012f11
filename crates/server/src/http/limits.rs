//! How much may be asked at once, by all and from one address, and how long it may take. The body's size is
//! bounded by the router, how often one caller may ask by `rates.rs`.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::body::{Body as _, Frame};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{
    address::network_of,
    shares::{Share, Shares},
};
use crate::{app::App, error::Error};

/// The places for requests.
#[derive(Clone)]
pub(super) struct Places {
    app: Arc<App>,
    all: Arc<Semaphore>,
    by_address: Option<Shares>,
}

/// A place, until it is dropped.
struct Place {
    _of_address: Option<Share>,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    pub fn of(app: &Arc<App>) -> Self {
        Self {
            app: Arc::clone(app),
            all: Arc::new(Semaphore::new(app.config.server.requests_at_once_max)),
            by_address: Shares::of(app.config.limits.address_at_once),
        }
    }

    /// Nothing, where all are taken, or all that one address may have: whoever is slow is slow for themselves.
    fn take(&self, address: Option<IpAddr>) -> Option<Place> {
        let of_address = match (&self.by_address, address) {
            (Some(shares), Some(address)) => Some(shares.take(address)?),
            _ => None,
        };
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place { _of_address: of_address, _of_all: of_all })
    }
}

/// Turns requests away when too many run, and stops waiting for one that takes too long.
///
/// What was begun is finished all the same, also when the client hangs up: a handler dropped between
/// Stripe's answer and our write would leave work for the webhook to repair. Only a body that has not come by
/// then is not waited for: it would hold the place. A stream counts only until its first byte;
/// `events::Streams` bounds what follows.
pub(super) async fn bound(State(places): State<Places>, request: Request, next: Next) -> Response {
    let server = &places.app.config.server;
    let Some(place) = places.take(network_of(&request, server.trusted_proxies)) else {
        return Error::Limited { retry_after_seconds: 1 }.into_response();
    };
    let limit = Duration::from_secs(server.request_timeout_seconds);
    let over = CancellationToken::new();
    let request = request.map(|body| timely(body, &over));
    let work = places.app.requests.spawn(async move {
        let response = next.run(request).await;
        drop(place);
        response
    });
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(response)) => response,
        // A bug of ours: the request fails alone, the service goes on.
        Ok(Err(panic)) => Error::Internal(panic.into()).into_response(),
        Err(_) => {
            over.cancel();
            Error::TimedOut.into_response()
        }
    }
}

/// A body that breaks off when the time is over.
struct Timely {
    body: Body,
    over: Pin<Box<WaitForCancellationFutureOwned>>,
}

fn timely(body: Body, over: &CancellationToken) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Timely { body, over: Box::pin(over.clone().cancelled_owned()) })
}

impl hyper::body::Body for Timely {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        ready!(self.over.as_mut().poll(context));
        Poll::Ready(Some(Err(axum::Error::new("the body did not come in time"))))
    }
}
