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
mod noticed;
mod process;
mod script;
mod shrink;
mod usage;
mod world;

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use self::{
    script::{Step, script},
    shrink::shrink,
    world::World,
};
use crate::harness::Kind;

/// So long is a story, in steps.
const STEPS: usize = 80;
/// Worlds that may be spent on finding out which steps matter.
const TRIES: usize = 60;
/// Those that every run plays; among them are those that once failed.
const SEEDS: std::ops::Range<u64> = 1..5;

/// What happens in the stories of the fixed seeds together.
const HAPPENS: [&str; 10] = [
    "checkout.completed",
    "credits.granted",
    "invoice.paid",
    "invoice.payment_failed",
    "subscription.canceled",
    "subscription.plan_changed",
    "subscription.past_due",
    "subscription.renewed",
    "tenant.suspended",
    "slot.claimed",
];

/// What a world told: every answer, and every event of every tenant.
#[derive(Debug, Default, PartialEq)]
struct Told {
    answers: Vec<String>,
    events: Vec<String>,
    deaths: usize,
}

/// Plays a story to its end and checks the books, perhaps telling it. The error is what a check said.
fn play(kind: Kind, story: &[Step], is_narrated: bool) -> Result<Told, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // One thread: everything happens in one order.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Box::pin(async {
            let mut world = World::new(kind).await;
            for step in story {
                let answered = world.answers.len();
                world.play(*step).await;
                if is_narrated {
                    let answers = &world.answers[answered..];
                    say(&format!("{} {step:?}: {answers:?}", world.now()));
                }
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
        Err(panic) => panic
            .downcast::<&str>()
            .map_or_else(|_| "a panic".to_owned(), |text| (*text).to_owned()),
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
    Told { answers: world.answers.clone(), events, deaths: world.deaths }
}

/// Plays the story of a seed; where it fails, says which steps it takes.
fn play_seed(kind: Kind, seed: u64) -> Told {
    let story = script(seed, STEPS);
    let is_narrated = asked("SEED").is_some() && asked("MINUTES").is_none();
    let said = match play(kind, &story, is_narrated) {
        Ok(told) => return told,
        Err(said) => said,
    };
    let fails_so =
        |story: &[Step]| play(kind, story, false).is_err_and(|now| is_alike(&now, &said));
    let shrunk = shrink(&story, TRIES, fails_so);
    let said_now = play(kind, &shrunk, false).err().unwrap_or_default();
    let steps: Vec<String> = shrunk.iter().map(|step| format!("    {step:?},")).collect();
    let database = if kind == Kind::Sqlite { "sqlite" } else { "postgres" };
    panic!(
        "seed {seed} fails: {said}\n\nThese steps of {} are enough: {said_now}\n{}\n\nAgain: cargo xtask \
         simulate --seed {seed} --database {database}",
        story.len(),
        steps.join("\n")
    );
}

/// Whether two failures are of the same check, whatever the figures.
fn is_alike(one: &str, other: &str) -> bool {
    let words = |text: &str| -> String {
        let beginning = text.lines().next().unwrap_or_default().split('{').next();
        beginning.unwrap_or_default().chars().filter(|char| !char.is_ascii_digit()).collect()
    };
    words(one) == words(other)
}

/// Says a line to whoever looks on.
fn say(line: &str) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{line}");
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
        (None, None) => assert_much_happened(SEEDS.map(|seed| play_seed(kind, seed))),
        (Some(seed), None) => {
            play_seed(kind, seed);
        }
        (first, Some(minutes)) => {
            let began = std::time::Instant::now();
            let mut seed = first.unwrap_or_else(|| fastrand::u64(1_000..1_000_000_000));
            while began.elapsed().as_secs() < minutes * 60 {
                say(&format!("seed {seed}"));
                play_seed(kind, seed);
                seed += 1;
            }
        }
    }
}

/// Stories in which nothing happens would prove nothing.
fn assert_much_happened(told: impl Iterator<Item = Told>) {
    let mut all = Told::default();
    for one in told {
        all.answers.extend(one.answers);
        all.events.extend(one.events);
        all.deaths += one.deaths;
    }
    assert!(all.deaths > 5, "{} deaths", all.deaths);
    let done = all.answers.iter().filter(|answer| answer.contains(" 20")).count();
    assert!(done * 2 > all.answers.len(), "{done} of {}", all.answers.len());
    for word in HAPPENS {
        let times = all.events.iter().filter(|event| event.contains(word)).count();
        assert!(times > 0, "no {word} in {} events", all.events.len());
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
    let story = script(7, STEPS);
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let first = play(kind, &story, false).unwrap();
        assert!(first.events.len() > 30, "{}", first.events.len());
        assert_eq!(first, play(kind, &story, false).unwrap());
    }
}
