//! One request to an endpoint: bounded in time and size, to an address that may be called.

use std::{
    error::Error as StdError,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Client, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
};
use url::{Host, Url};

use super::targets::{Refused, Targets};
use crate::config::Outbound;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From looking the name up to the end of the answer.
const TIMEOUT_SECONDS: u64 = 15;
/// Whoever gives an endpoint's URL waits no longer for its name to be looked up.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// Of an answer no more is read; the connection is then not used again.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const IDLE_CONNECTIONS_PER_HOST: usize = 4;
const REASON_LENGTH_MAX: usize = 300;

/// Finds the addresses of a name.
type Lookup = Arc<dyn Fn(String) -> LookingUp + Send + Sync>;
type LookingUp = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Posts messages to endpoints.
#[derive(Clone)]
pub struct Sender {
    targets: Arc<Targets>,
    lookup: Lookup,
    /// Made at the first use: it reads the system's certificates, and not every installation sends.
    client: OnceLock<Result<Client, String>>,
}

/// A message with its signatures, ready to go.
pub(super) struct Signed<'a> {
    pub id: &'a str,
    /// Unix seconds.
    pub timestamp: i64,
    /// `v1,…`, one for each secret, separated by spaces.
    pub signature: String,
    pub body: Vec<u8>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Taken: 2xx.
    Taken,
    /// 410: there is nobody any more, and never will be.
    Gone,
    NotTaken,
}

/// What became of a request, and why.
#[derive(Debug)]
pub(super) struct Answer {
    pub verdict: Verdict,
    /// HTTP's, where there was an answer.
    pub status: Option<u16>,
    /// Why it was not taken.
    pub reason: Option<String>,
    /// How long the endpoint asks us to wait, in seconds.
    pub retry_after: Option<i64>,
}

impl Sender {
    /// # Errors
    /// Where the settings name a target that is none.
    pub fn new(config: &Outbound) -> anyhow::Result<Self> {
        let lookup = Arc::new(|host: String| -> LookingUp {
            Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
        });
        Ok(Self::with_lookup(Targets::read(&config.private_targets)?, lookup))
    }

    fn with_lookup(targets: Targets, lookup: Lookup) -> Self {
        Self { targets: Arc::new(targets), lookup, client: OnceLock::new() }
    }

    /// Whether a URL may be given to an endpoint. A name that leads nowhere yet is taken: attempts will tell.
    pub(super) async fn check(&self, url: &str) -> Result<(), Refused> {
        let url = self.targets.check(url)?;
        let Some(Host::Domain(host)) = url.host() else { return Ok(()) };
        let looked_up = tokio::time::timeout(LOOKUP_TIMEOUT, (self.lookup)(host.to_owned())).await;
        let Ok(Ok(addresses)) = looked_up else { return Ok(()) };
        let is_allowed = |address: &SocketAddr| self.targets.allows(host, address.ip());
        if addresses.is_empty() || addresses.iter().any(is_allowed) {
            Ok(())
        } else {
            Err(Refused::Private)
        }
    }

    /// Posts a message, once.
    pub(super) async fn post(&self, url: &str, message: Signed<'_>) -> Answer {
        let url = match self.targets.check(url) {
            Ok(url) => url,
            Err(why) => return Answer::none(format!("the URL {why}")),
        };
        let client = match self.client.get_or_init(|| self.client()) {
            Ok(client) => client,
            Err(why) => return Answer::none(format!("TLS could not be set up: {why}")),
        };
        match post(client, url, message).await {
            Ok((status, retry_after)) => Answer { retry_after, ..Answer::of(status) },
            Err(error) if error.is_timeout() => {
                Answer::none(format!("gave no answer within {TIMEOUT_SECONDS} seconds"))
            }
            Err(error) => Answer::none(root_cause(&error)),
        }
    }

    fn client(&self) -> Result<Client, String> {
        // Fails only where another part of the process has chosen a provider already: just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let resolver =
            Guard { targets: Arc::clone(&self.targets), lookup: Arc::clone(&self.lookup) };
        Client::builder()
            // A proxy would look the name up itself, behind our back.
            .no_proxy()
            .dns_resolver(Arc::new(resolver))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_secs(TIMEOUT_SECONDS))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
            .user_agent(concat!("Tollhouse/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| root_cause(&error))
    }
}

/// The status, and how long to wait; the answer is read to its end, so that the connection can be used again, but no further than
/// is bearable.
async fn post(
    client: &Client,
    url: Url,
    message: Signed<'_>,
) -> reqwest::Result<(StatusCode, Option<i64>)> {
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", message.id)
        .header("webhook-timestamp", message.timestamp)
        .header("webhook-signature", message.signature)
        .body(message.body);
    let mut response = request.send().await?;
    let retry_after =
        response.headers().get("retry-after").and_then(|value| seconds(value.to_str().ok()?));
    let mut read = 0;
    // What breaks off after the status changes nothing: the status was the answer.
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok((response.status(), retry_after))
}

/// Of a `Retry-After`. One that names a date instead is passed over: our own waits are no shorter than polite.
fn seconds(retry_after: &str) -> Option<i64> {
    retry_after.trim().parse::<u32>().ok().map(i64::from)
}

impl Answer {
    fn of(status: StatusCode) -> Self {
        let verdict = match status {
            status if status.is_success() => Verdict::Taken,
            StatusCode::GONE => Verdict::Gone,
            _ => Verdict::NotTaken,
        };
        let reason = match verdict {
            Verdict::Taken => None,
            _ if status.is_redirection() => {
                Some(format!("answered {}; redirects are not followed", status.as_u16()))
            }
            _ => Some(format!("answered {}", status.as_u16())),
        };
        Self { verdict, status: Some(status.as_u16()), reason, retry_after: None }
    }

    fn none(reason: String) -> Self {
        let reason = reason.chars().filter(|c| !c.is_control()).take(REASON_LENGTH_MAX).collect();
        Self { verdict: Verdict::NotTaken, status: None, reason: Some(reason), retry_after: None }
    }
}

/// The innermost cause says what happened; the outer ones only where, and may hold the URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = match error.source() {
        Some(cause) => cause,
        None => return "the request could not be made".to_owned(),
    };
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Gives a connection only addresses that may be called; it uses these and asks for no others.
struct Guard {
    targets: Arc<Targets>,
    lookup: Lookup,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (targets, lookup) = (Arc::clone(&self.targets), Arc::clone(&self.lookup));
        Box::pin(async move {
            let host = name.as_str();
            let found = lookup(host.to_owned()).await?;
            let allowed: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| targets.allows(host, address.ip()))
                .collect();
            match found.first().map(SocketAddr::ip) {
                Some(address) if allowed.is_empty() => Err(refused(address)),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

fn refused(address: IpAddr) -> Box<dyn StdError + Send + Sync> {
    format!("the name leads to {address}, which is not on the public internet").into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpListener};

    use super::*;

    fn targets(words: &[&str]) -> Targets {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Targets::read(&words).unwrap()
    }

    /// Answers the first question with one address, and all later ones with another.
    fn rebinding(first: &'static str, later: &'static str) -> Lookup {
        let asked = AtomicUsize::new(0);
        Arc::new(move |_| {
            let address = if asked.fetch_add(1, Ordering::SeqCst) == 0 { first } else { later };
            Box::pin(async move { Ok(vec![SocketAddr::new(address.parse().unwrap(), 0)]) })
        })
    }

    fn message() -> Signed<'static> {
        Signed { id: "msg_1", timestamp: 1, signature: "v1,a".to_owned(), body: b"{}".to_vec() }
    }

    #[tokio::test]
    async fn a_name_that_changes_its_address_gains_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sender = Sender::with_lookup(targets(&[]), rebinding("1.1.1.1", "127.0.0.1"));
        let url = format!("https://rebinding.test:{port}/");
        assert_eq!(sender.check(&url).await, Ok(()), "public while it is registered");
        let answer = sender.post(&url, message()).await;
        let reason = answer.reason.unwrap();
        assert_eq!((answer.verdict, answer.status), (Verdict::NotTaken, None));
        assert_eq!(reason, "the name leads to 127.0.0.1, which is not on the public internet");
        tokio::select! {
            biased;
            connection = listener.accept() => panic!("somebody connected: {connection:?}"),
            () = std::future::ready(()) => {}
        }
    }

    #[tokio::test]
    async fn of_several_addresses_only_those_allowed_are_given() {
        let lookup: Lookup = Arc::new(|_| {
            let addresses = ["10.0.0.1", "1.1.1.1", "::1"];
            let parsed = addresses.map(|text| SocketAddr::new(text.parse().unwrap(), 0));
            Box::pin(async move { Ok(parsed.to_vec()) })
        });
        let guard = Guard { targets: Arc::new(targets(&[])), lookup };
        let given: Vec<_> = guard.resolve("a.test".parse().unwrap()).await.unwrap().collect();
        assert_eq!(given, [SocketAddr::new("1.1.1.1".parse().unwrap(), 0)]);
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_given() {
        let inside = || rebinding("192.168.1.1", "192.168.1.1");
        let url = "https://hooks.test/";
        let sender = Sender::with_lookup(targets(&[]), inside());
        assert_eq!(sender.check(url).await, Err(Refused::Private));
        let sender = Sender::with_lookup(targets(&["hooks.test"]), inside());
        assert_eq!(sender.check(url).await, Ok(()));
        let nowhere: Lookup = Arc::new(|_| Box::pin(async { Err(io::Error::other("no")) }));
        assert_eq!(Sender::with_lookup(targets(&[]), nowhere).check(url).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_no_answer_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let sender = Sender::new(&Outbound { private_targets: vec!["127.0.0.1".to_owned()] });
        let answer = sender.unwrap().post(&url, message()).await;
        assert_eq!((answer.verdict, answer.status), (Verdict::NotTaken, None));
        assert_eq!(answer.reason.unwrap(), "gave no answer within 15 seconds");
    }

    #[tokio::test]
    async fn of_a_long_answer_only_so_much_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endless = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = connection.read(&mut request).await.unwrap();
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            connection.write_all(head).await.unwrap();
            let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
            // Ends only because the other side has had enough.
            while connection.write_all(chunk.as_bytes()).await.is_ok() {}
        });
        let sender = Sender::new(&Outbound { private_targets: vec!["127.0.0.1".to_owned()] });
        let url = format!("http://127.0.0.1:{port}/");
        let answer = sender.unwrap().post(&url, message()).await;
        assert_eq!((answer.verdict, answer.status), (Verdict::Taken, Some(200)));
        endless.await.unwrap();
    }
}
