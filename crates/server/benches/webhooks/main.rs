//! Benchmarks, on `SQLite` and on Postgres, each beside a limit measured in the same run.
//!
//! `cargo xtask bench [SCENARIO]` runs one: none for accepting webhooks (`acceptance.rs`), `work`
//! (`work.rs`), `renewal-night [SUBSCRIPTIONS]` (`renewal_night.rs`), `streams [LISTENERS]` (`streams.rs`).
//! A slow machine fails nothing here; a wrong answer or a missing row does.

mod acceptance;
mod database;
mod deliveries;
mod generator;
mod installation;
mod limit;
mod renewal_night;
mod report;
mod start_up;
mod streams;
mod work;

use anyhow::{Context, bail};

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    // Cargo says `--bench` to every benchmark.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse().with_context(|| format!("`{word}` is no number"));
    match words.as_slice() {
        [] => acceptance::measure().await,
        ["work"] => work::measure().await,
        ["renewal-night"] => renewal_night::measure(renewal_night::SUBSCRIPTIONS).await,
        ["renewal-night", subscriptions] => renewal_night::measure(number(subscriptions)?).await,
        ["streams"] => streams::measure(streams::LISTENERS).await,
        ["streams", listeners] => streams::measure(number(listeners)?).await,
        _ => bail!("`{}` is no scenario: work, renewal-night or streams", words.join(" ")),
    }
}
