//! What was measured: for people, and as a line of JSON for programs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::generator::Measured;

const PERCENT_AIM: u128 = 70;
const BATCHED_AIM: u128 = 60_000;
const SINGLE_AIMS: [(&str, u128); 2] = [("SQLite", 12_000), ("Postgres", 8_000)];
const P99_AIM: Duration = Duration::from_millis(25);
const GROWN_KIB_AIM: u64 = 16 * 1024;

/// What the service took.
pub struct Counted {
    pub batches: Measured,
    pub singles: Measured,
    /// By how much the process grew from the first tenth of the batches on.
    pub grown_kib: u64,
}

/// One round on one database; events a second.
pub struct Run {
    round: u32,
    database: &'static str,
    yardstick: u128,
    batched: u128,
    single: u128,
    single_p99: Duration,
    grown_kib: u64,
}

impl Run {
    /// Says it, too: rounds take a while.
    pub fn of(
        round: u32,
        database: &'static str,
        events: usize,
        yardstick: Duration,
        counted: &Counted,
    ) -> Self {
        let Counted { batches, singles, grown_kib } = counted;
        let latencies = &singles.latencies;
        let run = Self {
            round,
            database,
            yardstick: per_second(events, yardstick),
            batched: per_second(events, batches.elapsed),
            single: per_second(latencies.len(), singles.elapsed),
            single_p99: latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default(),
            grown_kib: *grown_kib,
        };
        say(&format!(
            "round {round}  {database:<9} bare SQL {:>7}/s   batches {:>7}/s ({:>3} %)   single {:>6}/s, p99 {}   grown {} MiB",
            run.yardstick,
            run.batched,
            run.percent(),
            run.single,
            milliseconds(run.single_p99),
            run.grown_kib / 1024,
        ));
        run
    }

    fn percent(&self) -> u128 {
        self.batched * 100 / self.yardstick.max(1)
    }

    fn json(&self) -> Value {
        json!({
            "round": self.round,
            "database": self.database,
            "bare_sql_per_second": self.yardstick,
            "batched_per_second": self.batched,
            "single_per_second": self.single,
            "single_p99_us": self.single_p99.as_micros(),
            "grown_kib": self.grown_kib,
        })
    }
}

/// The median round of each database beside the aims, and all as JSON.
pub fn verdict(runs: &[Run], databases: &[&'static str]) {
    say("");
    for (database, single_aim) in SINGLE_AIMS {
        if !databases.contains(&database) {
            continue;
        }
        let mut rounds: Vec<&Run> = runs.iter().filter(|run| run.database == database).collect();
        rounds.sort_by_key(|run| run.percent());
        let Some(median) = rounds.get(rounds.len() / 2) else { continue };
        let met = median.percent() >= PERCENT_AIM && median.batched >= BATCHED_AIM;
        say(&format!(
            "{}{database}: {}/s in batches, {} % of bare SQL (aim: {BATCHED_AIM}/s, {PERCENT_AIM} %)",
            mark(met),
            median.batched,
            median.percent(),
        ));
        rounds.sort_by_key(|run| run.single);
        let Some(median) = rounds.get(rounds.len() / 2) else { continue };
        let met = median.single >= single_aim && median.single_p99 < P99_AIM;
        say(&format!(
            "{}{database}: {}/s one by one, p99 {} (aim: {single_aim}/s, under {})",
            mark(met),
            median.single,
            milliseconds(median.single_p99),
            milliseconds(P99_AIM),
        ));
        let grown = rounds.iter().map(|run| run.grown_kib).max().unwrap_or(0);
        say(&format!(
            "{}{database}: grown by {} MiB at most (aim: under {} MiB, however many events)",
            mark(grown < GROWN_KIB_AIM),
            grown / 1024,
            GROWN_KIB_AIM / 1024,
        ));
    }
    say(&format!("\n{}", json!({ "runs": runs.iter().map(Run::json).collect::<Vec<_>>() })));
}

fn per_second(events: usize, elapsed: Duration) -> u128 {
    events as u128 * 1_000_000 / elapsed.as_micros().max(1)
}

fn mark(met: bool) -> &'static str {
    if met { "aim met     " } else { "aim missed  " }
}

fn milliseconds(time: Duration) -> String {
    let microseconds = time.as_micros();
    format!("{}.{:02} ms", microseconds / 1000, microseconds % 1000 / 10)
}

#[expect(clippy::print_stdout, reason = "what a benchmark is run for")]
pub fn say(line: &str) {
    println!("{line}");
}
