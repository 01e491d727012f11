//! What was measured: a table for people, a line of JSON for programs, and whether it is enough.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{generator::Measured, start_up::StartUp};

const PER_SECOND_AIM: u128 = 12_000;
const P99_AIM: Duration = Duration::from_millis(20);
const READY_AIM: Duration = Duration::from_millis(300);
const IDLE_KIB_AIM: u64 = 60 * 1024;

/// One run of the generator.
pub struct Row {
    round: u32,
    what: &'static str,
    per_second: u128,
    p50: Duration,
    p99: Duration,
    max: Duration,
}

impl Row {
    /// Says it, too: rounds take a while.
    pub fn of(round: u32, what: &'static str, measured: &Measured) -> Self {
        let latencies = &measured.latencies;
        let at = |percent| latencies.get(latencies.len() * percent / 100).copied();
        let microseconds = measured.elapsed.as_micros().max(1);
        let row = Self {
            round,
            what,
            per_second: latencies.len() as u128 * 1_000_000 / microseconds,
            p50: at(50).unwrap_or_default(),
            p99: at(99).unwrap_or_default(),
            max: latencies.last().copied().unwrap_or_default(),
        };
        say(&row.line());
        row
    }

    fn line(&self) -> String {
        let Self { round, what, per_second, p50, p99, max } = self;
        let [p50, p99, max] = [p50, p99, max].map(|time| milliseconds(*time));
        format!("{round:>5}  {what:<24}{per_second:>10}/s{p50:>12}{p99:>12}{max:>12}")
    }

    fn json(&self) -> Value {
        json!({
            "round": self.round,
            "what": self.what,
            "requests_per_second": self.per_second,
            "p50_us": self.p50.as_micros(),
            "p99_us": self.p99.as_micros(),
            "max_us": self.max.as_micros(),
        })
    }
}

pub fn head() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    say(&format!("{cores} cores; load before: {}\n", load.join(" ")));
    let [round, what, requests, p50, p99, max] = ["round", "what", "requests", "p50", "p99", "max"];
    say(&format!("{round}  {what:<24}{requests:>12}{p50:>12}{p99:>12}{max:>12}"));
}

/// The median round of each `database` beside the limit of its round, the start, and all as JSON.
pub fn verdict(rows: &[Row], databases: &[&'static str], start: &StartUp) {
    say("");
    for database in databases {
        let mut rounds: Vec<&Row> = rows.iter().filter(|row| row.what == *database).collect();
        rounds.sort_by_key(|row| row.per_second);
        let Some(median) = rounds.get(rounds.len() / 2) else { continue };
        let limit = rows.iter().find(|row| row.round == median.round).unwrap_or(median);
        let percent = median.per_second * 100 / limit.per_second.max(1);
        let met = median.per_second >= PER_SECOND_AIM && median.p99 < P99_AIM;
        say(&format!(
            "{}{database}: {}/s, {percent} % of the limit; p99 {} (aim: {PER_SECOND_AIM}/s, under {})",
            mark(met),
            median.per_second,
            milliseconds(median.p99),
            milliseconds(P99_AIM),
        ));
    }
    say(&format!(
        "{}ready after {}, at most {} (aim: under {})",
        mark(start.ready < READY_AIM),
        milliseconds(start.ready),
        milliseconds(start.ready_max),
        milliseconds(READY_AIM),
    ));
    say(&format!(
        "{}{} MiB resident when idle (aim: under {} MiB)",
        mark(start.idle_kib < IDLE_KIB_AIM),
        start.idle_kib / 1024,
        IDLE_KIB_AIM / 1024,
    ));
    let json = json!({
        "runs": rows.iter().map(Row::json).collect::<Vec<_>>(),
        "ready_us": start.ready.as_micros(),
        "ready_max_us": start.ready_max.as_micros(),
        "idle_kib": start.idle_kib,
    });
    say(&format!("\n{json}"));
}

fn mark(met: bool) -> &'static str {
    if met { "aim met     " } else { "aim missed  " }
}

pub fn milliseconds(time: Duration) -> String {
    let microseconds = time.as_micros();
    format!("{}.{:02} ms", microseconds / 1000, microseconds % 1000 / 10)
}

#[expect(clippy::print_stdout, reason = "what a benchmark is run for")]
pub fn say(line: &str) {
    println!("{line}");
}
