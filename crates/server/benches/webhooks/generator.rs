//! The load: connections that each send a request, wait for the answer, and send the next.

use std::{
    net::SocketAddr,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use axum::body::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// Of the largest answer, with its head.
const ANSWER_BYTES_MAX: usize = 128 * 1024;

/// What a run took.
pub struct Measured {
    pub elapsed: Duration,
    /// From the first byte of each request to the last of its answer; ascending.
    pub latencies: Vec<Duration>,
}

/// Sends the requests of `range`, divided among the connections; every answer must be 2xx.
pub async fn drive(
    address: SocketAddr,
    requests: &Arc<[Bytes]>,
    range: Range<usize>,
    connections: usize,
) -> anyhow::Result<Measured> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let began = now();
    let mut running = JoinSet::new();
    for (first, connection) in opened.into_iter().enumerate() {
        let requests = Arc::clone(requests);
        let numbers = range.clone().skip(first).step_by(connections);
        running.spawn(send_in_turn(connection, requests, numbers));
    }
    let mut latencies = Vec::with_capacity(range.len());
    while let Some(finished) = running.join_next().await {
        latencies.append(&mut finished??);
    }
    let elapsed = began.elapsed();
    latencies.sort_unstable();
    Ok(Measured { elapsed, latencies })
}

async fn send_in_turn(
    mut connection: Connection,
    requests: Arc<[Bytes]>,
    numbers: impl Iterator<Item = usize>,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for number in numbers {
        let began = now();
        connection.send(&requests[number]).await?;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}

/// One connection to the service, kept open.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        Ok(Self { stream, buffer: vec![0; ANSWER_BYTES_MAX] })
    }

    /// Sends a request, and returns when its answer is there, which must be 2xx.
    pub async fn send(&mut self, request: &Bytes) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        let answer = read_answer(&mut self.stream, &mut self.buffer).await?;
        let is_good = answer.starts_with(b"HTTP/1.1 2");
        ensure!(is_good, "a request was refused:\n{}", String::from_utf8_lossy(answer));
        Ok(())
    }
}

/// Head and body of one answer; there is never a second one on its way.
async fn read_answer<'b>(stream: &mut TcpStream, buffer: &'b mut [u8]) -> anyhow::Result<&'b [u8]> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        ensure!(read > 0, "the server closed a connection before its answer was complete");
        filled += read;
        if answer_length(&buffer[..filled])?.is_some_and(|length| length <= filled) {
            return Ok(&buffer[..filled]);
        }
    }
}

/// How long the answer will be, once its head is complete.
fn answer_length(begun: &[u8]) -> anyhow::Result<Option<usize>> {
    const LENGTH: &[u8] = b"content-length: ";
    let Some(head) = begun.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let length = begun[..head]
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(LENGTH))
        .context("an answer has no `content-length`")?;
    let body: usize = std::str::from_utf8(length)?.trim_end().parse()?;
    Ok(Some(head + 4 + body))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn now() -> Instant {
    Instant::now()
}
