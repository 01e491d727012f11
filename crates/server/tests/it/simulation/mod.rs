//! The whole system at once: a service, a simulator, a few tenants, their operators, and everything that can go
//! wrong between them for some months. Then the trouble stops, and the books are checked.
//!
//! A story is made of a seed (`script.rs`) and played (`world.rs`, `deeds.rs`, `usage.rs`) on a service that may
//! die at any call to Stripe and after any commit (`process.rs`). The same seed is the same story: what fails
//! is repeated by `cargo xtask simulate --seed N`, and shrunk (`shrink.rs`) to the steps that matter.
//!
//! It is a part of this binary, and not one of its own, because it stands on the same harness, and on what the
//! other modules know how to compare.

mod books;
mod credits;
mod deeds;
mod process;
mod script;
mod shrink;
mod usage;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::{
    script::{Step, script},
    shrink::shrink,
    world::World,
};
use crate::harness::Kind;

/// So long is a story, in steps.
const STEPS: usize = 60;
/// Worlds that may be spent on finding out which steps matter.
const TRIES: usize = 60;
/// Those that every run plays; among them are those that once failed.
const SEEDS: std::ops::Range<u64> = 1..5;

/// What a world told: every answer, and every event of every tenant.
#[derive(Debug, PartialEq)]
struct Told {
    answers: Vec<String>,
    events: Vec<String>,
}

/// Plays a story to its end and checks the books. The error is what a check said.
fn play(kind: Kind, story: &[Step]) -> Result<Told, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // One thread: everything happens in one order.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Box::pin(async {
            let mut world = World::new(kind).await;
            for step in story {
                world.play(*step).await;
            }
            world.calm().await;
            books::check(&world).await;
            let told = told(&world).await;
            world.app.finish().await;
            told
        }))
    }));
    outcome.map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "a panic".to_owned(), |text| (*text).to_owned()),
    })
}

async fn told(world: &World) -> Told {
    let mut events = Vec::new();
    for tenant in &world.tenants {
        for event in crate::convergence::history(&world.app, *tenant).await {
            let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
            events.push(format!("{} {} {}", text("occurred_at"), text("type"), text("summary")));
        }
    }
    Told { answers: world.answers.clone(), events }
}

/// Plays the story of a seed; where it fails, says which steps it takes.
fn play_seed(kind: Kind, seed: u64) {
    let story = script(seed, STEPS);
    let Err(said) = play(kind, &story) else { return };
    let shrunk = shrink(&story, TRIES, |story| play(kind, story).is_err());
    let said_now = play(kind, &shrunk).err().unwrap_or_default();
    let steps: Vec<String> = shrunk.iter().map(|step| format!("    {step:?},")).collect();
    let database = if kind == Kind::Sqlite { "sqlite" } else { "postgres" };
    panic!(
        "seed {seed} fails: {said}\n\nThese steps of {} are enough: {said_now}\n{}\n\nAgain: cargo xtask \
         simulate --seed {seed} --database {database}",
        story.len(),
        steps.join("\n")
    );
}

/// What the command asks for, if it asks.
#[expect(clippy::disallowed_methods, reason = "`cargo xtask simulate` says what is to be played")]
fn asked(name: &str) -> Option<u64> {
    let value = std::env::var(format!("SIMULATE_{name}")).ok()?;
    Some(value.parse().expect("a number"))
}

/// The fixed seeds; or the one that was asked for, or fresh ones for so many minutes.
#[expect(clippy::disallowed_methods, reason = "a run of so many minutes is measured by the wall")]
fn simulate(kind: Kind) {
    match (asked("SEED"), asked("MINUTES")) {
        (None, None) => SEEDS.for_each(|seed| play_seed(kind, seed)),
        (Some(seed), None) => play_seed(kind, seed),
        (first, Some(minutes)) => {
            let began = std::time::Instant::now();
            let mut seed = first.unwrap_or_else(|| fastrand::u64(1_000..1_000_000_000));
            while began.elapsed().as_secs() < minutes * 60 {
                eprintln!("seed {seed}");
                play_seed(kind, seed);
                seed += 1;
            }
        }
    }
}

#[test]
fn on_sqlite() {
    simulate(Kind::Sqlite);
}

#[test]
fn on_postgres() {
    simulate(Kind::Postgres);
}

#[test]
fn the_same_seed_is_the_same_story() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let story = script(7, STEPS);
        let (first, second) = (play(kind, &story).unwrap(), play(kind, &story).unwrap());
        assert!(first.events.len() > 50, "{}", first.events.len());
        assert_eq!(first, second);
    }
}
