//! Reports line by line, counted while they are read: however long the body is, memory stays the same.
//!
//! Only lines that were refused are answered, by number. A client that sends everything before it reads
//! anything would otherwise wait for us, and we for it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use super::{
    batch::read_report,
    report::{CountedReport, RefusedReport},
};
use crate::{
    app::App,
    error::{Error, Result, invalid},
    http::{Work, auth::Caller},
    usage::{actions::Report, intake::Submission},
};

/// Lines counted in one go.
const PORTION: usize = 1000;
const LINE_LENGTH_MAX: usize = 64 * 1024;
/// Answers that may wait for a slow client; then reading waits too.
const SEND_AHEAD: usize = 16;

type Answer = mpsc::Sender<Result<Bytes, Infallible>>;

/// A line that was not counted.
#[derive(Serialize)]
struct RefusedLine {
    /// From 1.
    line: u64,
    #[serde(flatten)]
    why: RefusedReport,
}

/// The last line of the answer.
#[derive(Default, Serialize)]
struct Sums {
    /// Every line that was read, but for empty ones.
    lines: u64,
    counted: u64,
    duplicates: u64,
    refused: u64,
    /// Whether the body was read to its end. Where not, the rest of it is to be sent again.
    complete: bool,
}

/// Answers at once, and counts while the client sends.
///
/// # Errors
/// `Limited`, where too many bodies are read already.
pub(super) fn count(app: Arc<App>, caller: Caller, work: Work, body: Body) -> Result<Response> {
    let permit = app.usage.begin_lines().ok_or(Error::Limited { retry_after_seconds: 1 })?;
    let (answer, answers) = mpsc::channel(SEND_AHEAD);
    let tracker = app.requests.clone();
    let upload = Upload { app, caller, work, number: 0, read: Vec::new(), sums: Sums::default() };
    tracker.spawn(upload.run(body, answer, permit));
    let head = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((head, Body::from_stream(ReceiverStream::new(answers))).into_response())
}

/// One body under way.
struct Upload {
    app: Arc<App>,
    caller: Caller,
    work: Work,
    /// Of the last line.
    number: u64,
    /// Lines that wait to be counted, with their numbers.
    read: Vec<(u64, Result<Report>)>,
    sums: Sums,
}

/// The client is gone: nobody hears an answer any more.
struct Gone;

impl Upload {
    async fn run(mut self, body: Body, answer: Answer, _permit: OwnedSemaphorePermit) {
        if let Ok(complete) = self.read_body(body, &answer).await {
            self.sums.complete = complete;
            // A client that has left needs no sums.
            let _ = say(&answer, &[&self.sums]).await;
        }
    }

    /// Whether the body was read to its end.
    async fn read_body(&mut self, body: Body, answer: &Answer) -> Result<bool, Gone> {
        let patience = Duration::from_secs(self.app.config.server.request_timeout_seconds);
        let mut chunks = body.into_data_stream();
        let mut line = Vec::new();
        let complete = loop {
            // A client that falls silent does not hold its place for ever; a stop ends the reading.
            let next = tokio::select! {
                next = tokio::time::timeout(patience, chunks.next()) => next,
                () = self.app.stop.cancelled() => break false,
            };
            let chunk = match next {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(None) => break true,
                Ok(Some(Err(_))) | Err(_) => break false,
            };
            let mut parts = chunk.split(|byte| *byte == b'\n').peekable();
            while let Some(part) = parts.next() {
                // One byte more than allowed is enough to know that the line is too long.
                let room = (LINE_LENGTH_MAX + 1).saturating_sub(line.len());
                line.extend_from_slice(&part[..part.len().min(room)]);
                if parts.peek().is_some() {
                    self.take(&line);
                    line.clear();
                    if self.read.len() >= PORTION {
                        self.count_read(answer).await?;
                    }
                }
            }
        };
        // Without its end, the last line may be half of one.
        if complete {
            self.take(&line);
        }
        self.count_read(answer).await?;
        Ok(complete)
    }

    fn take(&mut self, line: &[u8]) {
        self.number += 1;
        if line.trim_ascii().is_empty() {
            return;
        }
        let number = self.number;
        let report = if line.len() > LINE_LENGTH_MAX {
            Err(invalid("", "must be at most 65536 bytes a line"))
        } else {
            read_report(&self.app, &self.caller, line, || format!("{}:{number}", self.work.0))
        };
        self.sums.lines += 1;
        self.read.push((number, report));
    }

    /// Counts what was read, and says which lines were refused.
    async fn count_read(&mut self, answer: &Answer) -> Result<(), Gone> {
        let (mut reports, mut numbers, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (number, report) in self.read.drain(..) {
            match report {
                Ok(report) => {
                    reports.push(report);
                    numbers.push(number);
                }
                Err(error) => refused.push((number, RefusedReport::of(&error))),
            }
        }
        let origin = self.caller.origin();
        let outcomes = if reports.is_empty() {
            Ok(Vec::new())
        } else {
            self.app.usage.submit(Submission { origin, reports }).await
        };
        match outcomes {
            Ok(outcomes) => {
                for (number, outcome) in numbers.into_iter().zip(outcomes) {
                    match CountedReport::of(outcome) {
                        Ok(CountedReport { duplicate: true, .. }) => self.sums.duplicates += 1,
                        Ok(_) => self.sums.counted += 1,
                        Err(error) => refused.push((number, RefusedReport::of(&error))),
                    }
                }
            }
            Err(error) => {
                refused
                    .extend(numbers.into_iter().map(|number| (number, RefusedReport::of(&error))));
            }
        }
        self.sums.refused += refused.len() as u64;
        refused.sort_by_key(|(number, _)| *number);
        let lines: Vec<RefusedLine> =
            refused.into_iter().map(|(line, why)| RefusedLine { line, why }).collect();
        say(answer, &lines).await
    }
}

async fn say(answer: &Answer, lines: &[impl Serialize]) -> Result<(), Gone> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut text = Vec::new();
    for line in lines {
        // Text, numbers and booleans always have a JSON form.
        let _ = serde_json::to_writer(&mut text, line);
        text.push(b'\n');
    }
    answer.send(Ok(Bytes::from(text))).await.map_err(|_| Gone)
}
