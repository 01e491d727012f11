//! The real listener on a real socket, before clients that are slow, endless or many.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tollhouse_server::{Config, serve};

use crate::harness::{Database, Kind, TestApp};

/// Longer than any answer takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const GOOD: &str = "127.0.0.2";
const BAD: &str = "127.0.0.1";

struct Served {
    app: TestApp,
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Served {
    async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::start_with(Database::create(Kind::Sqlite).await, change).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let running = tokio::spawn(serve(app.app.clone(), Some(listener)));
        Self { app, address, running }
    }

    /// A connection that comes from this address of the machine itself.
    async fn connect(&self, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Connects and sends this, and no more.
    async fn begin(&self, from: &str, text: &str) -> TcpStream {
        let mut connection = self.connect(from).await;
        connection.write_all(text.as_bytes()).await.unwrap();
        connection
    }

    /// The status of an ordinary request.
    async fn ask(&self, from: &str) -> u16 {
        let request = "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        status(self.begin(from, request).await).await
    }

    async fn stop(self) {
        self.app.app.stop.cancel();
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }
}

/// What is read until the other side closes; `""` where it closes without a word.
async fn answer(mut connection: TcpStream) -> String {
    let mut read = Vec::new();
    // A reset after the answer takes nothing of what was read.
    let _ = timeout(PATIENCE, connection.read_to_end(&mut read)).await.expect("it stays open");
    String::from_utf8_lossy(&read).into_owned()
}

async fn status(connection: TcpStream) -> u16 {
    let answer = answer(connection).await;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// Sends a piece every tenth of a second, until the other side has had enough; whether it had.
async fn dribble(mut connection: TcpStream, piece: &str) -> TcpStream {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut byte = [0];
    loop {
        tokio::select! {
            _ = connection.peek(&mut byte) => return connection,
            _ = tick.tick() => {
                if connection.write_all(piece.as_bytes()).await.is_err() {
                    return connection;
                }
            }
        }
    }
}

#[tokio::test]
async fn heads_that_never_end_are_cut_off_and_harm_nobody() {
    let served = Served::start(|config| config.server.header_timeout_seconds = 1).await;
    let mut slow = Vec::new();
    for number in 0..200 {
        let head = if number % 2 == 0 { "" } else { "GET /health/live HTTP/1.1\r\nHost: a\r\n" };
        slow.push(served.begin(BAD, head).await);
    }
    assert_eq!((served.ask(GOOD).await, served.ask(BAD).await), (200, 200));
    let dribbling: Vec<_> = slow
        .into_iter()
        .map(|connection| tokio::spawn(dribble(connection, "X-A: b\r\n")))
        .collect();
    for connection in dribbling {
        let connection = timeout(PATIENCE, connection).await.expect("cut off").unwrap();
        let answer = answer(connection).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(served.ask(GOOD).await, 200);
    served.stop().await;
}

#[tokio::test]
async fn bodies_that_never_end_hold_places_of_their_own_address_only_and_not_for_long() {
    let served = Served::start(|config| {
        config.server.request_timeout_seconds = 5;
        config.server.requests_at_once_max = 8;
        config.limits.address_at_once = 4;
    })
    .await;
    let head = "POST /webhook/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{";
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(tokio::spawn(dribble(served.begin(BAD, head).await, " ")));
    }
    // Until all four have their places.
    let mut asked = 0;
    while served.ask(BAD).await == 200 {
        asked += 1;
        assert!(asked < 1000, "slow bodies hold no places");
    }
    assert_eq!(served.ask(GOOD).await, 200, "others are served");
    for connection in slow {
        let connection = timeout(PATIENCE, connection).await.expect("answered").unwrap();
        assert_eq!(status(connection).await, 503);
    }
    // The places are free again, although nobody ever sent the rest.
    let mut asked = 0;
    while served.ask(BAD).await != 200 {
        asked += 1;
        assert!(asked < 1000, "the places are never given back");
    }
    served.stop().await;
}

#[tokio::test]
async fn floods_of_headers_and_endless_bodies_are_refused() {
    let served = Served::start(|config| config.server.body_bytes_max = 100_000).await;
    let many = "X-Flood: a\r\n".repeat(200);
    let long = format!("X-Flood: {}\r\n", "a".repeat(200_000));
    let target = "a".repeat(200_000);
    for head in [
        format!("GET /health/live HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
        format!("GET /health/live HTTP/1.1\r\nHost: a\r\n{long}\r\n"),
        format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let mut connection = served.connect(BAD).await;
        // It may be closed before all is sent.
        let _ = connection.write_all(head.as_bytes()).await;
        let answer = answer(connection).await;
        let refused = ["HTTP/1.1 431", "HTTP/1.1 414", "HTTP/1.1 400"];
        let is_refused = refused.iter().any(|status| answer.starts_with(status));
        assert!(answer.is_empty() || is_refused, "{answer}");
    }
    for head in [
        "POST /webhook/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
        "POST /webhook/stripe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let mut connection = served.begin(BAD, head).await;
        let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
        let mut sent = 0;
        // Ends only because the other side has had enough.
        while timeout(PATIENCE, connection.write_all(chunk.as_bytes())).await.unwrap().is_ok() {
            sent += chunk.len();
            assert!(sent < 100_000_000, "it takes everything");
        }
    }
    assert_eq!(served.ask(GOOD).await, 200);
    served.stop().await;
}

#[tokio::test]
async fn an_endless_body_is_answered_413() {
    let served = Served::start(|config| config.server.body_bytes_max = 1000).await;
    let body = "a".repeat(2000);
    let request = format!(
        "POST /webhook/stripe HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n{body}"
    );
    assert_eq!(status(served.begin(BAD, &request).await).await, 413);
    served.stop().await;
}

#[tokio::test]
async fn more_connections_than_there_are_places_wait_their_turn() {
    let served = Served::start(|config| config.server.connections_max = 2).await;
    let (one, two) = (served.connect(BAD).await, served.connect(BAD).await);
    let request = "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut third = served.begin(GOOD, request).await;
    let mut byte = [0];
    let early = timeout(Duration::from_millis(300), third.read(&mut byte)).await;
    assert!(early.is_err(), "it was served beside the others");
    drop(one);
    assert_eq!(timeout(PATIENCE, third.read(&mut byte)).await.unwrap().unwrap(), 1);
    drop(two);
    served.stop().await;
}

#[tokio::test]
async fn one_address_cannot_have_all_connections() {
    let served = Served::start(|config| {
        config.server.connections_max = 4;
        config.limits.address_connections = 2;
    })
    .await;
    let held = (served.connect(BAD).await, served.connect(BAD).await);
    let third = served.connect(BAD).await;
    assert_eq!(answer(third).await, "", "closed at once");
    assert_eq!(served.ask(GOOD).await, 200);
    drop(held);
    served.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_nobody_who_asks_for_nothing() {
    let served = Served::start(|_| {}).await;
    let idle = served.begin(BAD, "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let silent = served.connect(BAD).await;
    assert_eq!(served.ask(GOOD).await, 200);
    served.stop().await;
    assert!(answer(idle).await.starts_with("HTTP/1.1 200"));
    assert_eq!(answer(silent).await, "");
}
