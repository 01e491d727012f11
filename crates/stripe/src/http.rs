//! The gateway over HTTPS: real Stripe, or the simulator over a socket.

use std::{net::IpAddr, time::Duration};

use crate::{
    API_VERSION, form,
    gateway::{Answer, BoxFuture, Call, Failure, Gateway, Method},
};

/// Where Stripe lives.
pub const STRIPE_API_BASE: &str = "https://api.stripe.com";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Stripe answers within seconds; what takes longer is treated as unanswered and asked again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// One connection pool to one base URL with one secret key.
pub struct HttpGateway {
    http: reqwest::Client,
    base: String,
    secret_key: String,
    api_version: String,
}

impl HttpGateway {
    /// `base` without a slash at the end: [`STRIPE_API_BASE`], or the simulator's address.
    /// `api_version` is [`API_VERSION`] unless the operator insists on another.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub fn new(base: &str, secret_key: &str, api_version: Option<&str>) -> crate::Result<Self> {
        // Fails only where another part of the process has chosen a provider already: just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder();
        if is_here(base) {
            // A proxy that the environment names would look for the simulator on its own machine.
            http = http.no_proxy();
        }
        let http = http
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("Tollhouse/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| crate::Error::Unavailable(format!("TLS set-up failed: {error}")))?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            secret_key: secret_key.to_owned(),
            api_version: api_version.unwrap_or(API_VERSION).to_owned(),
        })
    }

    async fn attempt(&self, call: &Call) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{}", self.base, call.path);
        let params = form::encode(&call.params);
        let request = match call.method {
            Method::Get if params.is_empty() => self.http.get(url),
            Method::Get => self.http.get(format!("{url}?{params}")),
            Method::Delete if params.is_empty() => self.http.delete(url),
            Method::Delete => self.http.delete(format!("{url}?{params}")),
            Method::Post => self
                .http
                .post(url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(params),
        };
        let request =
            request.bearer_auth(&self.secret_key).header("stripe-version", &self.api_version);
        let request = match &call.idempotency_key {
            Some(key) => request.header("idempotency-key", key.as_str()),
            None => request,
        };
        let response = request.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?,
        })
    }
}

/// Whether a URL names this machine.
fn is_here(url: &str) -> bool {
    let host = url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned));
    host.is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

impl Gateway for HttpGateway {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            // `without_url`: a query may hold an e-mail address.
            self.attempt(call).await.map_err(|error| {
                Failure::Unreachable(format!(
                    "{} {}: {}",
                    call.method.as_str(),
                    call.path,
                    error.without_url()
                ))
            })
        })
    }
}
