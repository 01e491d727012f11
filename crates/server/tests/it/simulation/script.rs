//! What happens in a world: steps, made from a seed. Each says all about itself, so that a story goes on
//! making sense when steps are taken out of it.

use fastrand::Rng;

pub const TENANTS: usize = 3;

/// One thing that happens to one tenant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub tenant: usize,
    pub deed: Deed,
}

/// As a line of Rust, so that what a failure prints can be kept as a test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deed {
    // The application asks for its customer.
    Checkout {
        plan: &'static str,
        interval: &'static str,
        card: Option<&'static str>,
    },
    CardOnFile {
        card: &'static str,
    },
    Start {
        plan: &'static str,
        interval: &'static str,
        seats: u32,
        trial_days: u32,
    },
    ChangePlan {
        plan: &'static str,
        interval: &'static str,
        seats: u32,
        when: &'static str,
    },
    Seats {
        seats: u32,
    },
    AutoRenew {
        on: bool,
    },
    Cancel {
        at: &'static str,
    },
    Resume,
    Pause,
    DropPending,
    BuyAddon,
    EndAddon,
    Claim {
        resource: u32,
    },
    GiveBack {
        resource: u32,
    },
    /// The same report so many times, perhaps of a day ago.
    Report {
        meter: &'static str,
        quantity: u32,
        times: u32,
        hours_ago: u32,
    },
    /// Reports in one body, each of them twice.
    Batch {
        meter: &'static str,
        quantity: u32,
        count: u32,
    },
    Track {
        quantity: u32,
    },
    Reserve {
        quantity: u32,
        seconds: u32,
    },
    Settle {
        used: u32,
    },
    Release,
    Check {
        quantity: u32,
    },
    // An operator decides.
    Suspend,
    Reactivate,
    Terminate,
    Limit {
        max: u32,
    },
    Grant {
        amount: u32,
        days: u32,
    },
    Replay,
    Reconcile {
        full: bool,
    },
    // Stripe and the world go on.
    CardFails,
    CardRecovers,
    Discount {
        coupon: &'static str,
    },
    Refund {
        amount: u32,
    },
    CreditNote {
        amount: u32,
    },
    EndAtStripe,
    Wait {
        hours: u32,
    },
    // Trouble.
    Faults {
        kind: &'static str,
        times: u32,
    },
    Strays {
        kind: &'static str,
        times: u32,
    },
    Storm {
        seed: u64,
        percent: u8,
    },
    Calm,
    /// The process dies at its so many-eth call to Stripe from now, before or after Stripe did the work.
    DiesAtCall {
        call: u32,
        worked: bool,
    },
    /// The process dies after so many more commits that somebody is nudged of.
    DiesAtCommit {
        commit: u32,
    },
    Restart,
}

const PLANS: [&str; 2] = ["pro", "enterprise"];
const INTERVALS: [&str; 3] = ["month", "month", "year"];
const METERS: [&str; 2] = ["api_calls", "embedding"];

/// The story of a seed.
pub fn script(seed: u64, steps: usize) -> Vec<Step> {
    let mut chance = Rng::with_seed(seed);
    let mut story = Vec::new();
    for tenant in 0..TENANTS {
        let (plan, interval) = (of(&mut chance, &PLANS), of(&mut chance, &INTERVALS));
        if chance.bool() {
            let deed = Deed::Checkout { plan, interval, card: Some("pm_card_visa") };
            story.push(Step { tenant, deed });
        } else {
            story.push(Step { tenant, deed: Deed::CardOnFile { card: "pm_card_visa" } });
            let deed = Deed::Start { plan, interval, seats: 1, trial_days: 0 };
            story.push(Step { tenant, deed });
        }
    }
    while story.len() < steps {
        let tenant = chance.usize(..TENANTS);
        let deed = match chance.u32(..100) {
            0..22 => Deed::Wait { hours: span(&mut chance) },
            22..40 => uses(&mut chance),
            40..64 => decides(&mut chance),
            64..72 => operates(&mut chance),
            72..82 => befalls(&mut chance),
            _ => goes_wrong(&mut chance),
        };
        story.push(Step { tenant, deed });
    }
    story
}

fn of(chance: &mut Rng, words: &[&'static str]) -> &'static str {
    words[chance.usize(..words.len())]
}

/// Hours mostly, days sometimes, a month now and then.
fn span(chance: &mut Rng) -> u32 {
    match chance.u32(..10) {
        0..4 => chance.u32(1..12),
        4..7 => chance.u32(12..96),
        7 | 8 => chance.u32(96..240),
        _ => 31 * 24,
    }
}

fn uses(chance: &mut Rng) -> Deed {
    let meter = of(chance, &METERS);
    let quantity = chance.u32(1..400);
    match chance.u32(..10) {
        0..3 => Deed::Report { meter, quantity, times: chance.u32(1..3), hours_ago: 0 },
        3 => Deed::Report { meter, quantity, times: 1, hours_ago: chance.u32(1..600) },
        4 => Deed::Batch { meter, quantity, count: chance.u32(1..6) },
        5 => Deed::Track { quantity },
        6 | 7 => Deed::Reserve { quantity: chance.u32(1..30), seconds: chance.u32(60..7200) },
        8 => Deed::Settle { used: chance.u32(0..30) },
        _ => match chance.u32(..4) {
            0 => Deed::Release,
            1 => Deed::Check { quantity: chance.u32(0..200) },
            2 => Deed::Claim { resource: chance.u32(..6) },
            _ => Deed::GiveBack { resource: chance.u32(..6) },
        },
    }
}

fn decides(chance: &mut Rng) -> Deed {
    let (plan, interval) = (of(chance, &PLANS), of(chance, &INTERVALS));
    let seats = if plan == "enterprise" { chance.u32(1..6) } else { 1 };
    match chance.u32(..22) {
        0..4 => {
            let when = of(chance, &["now", "now", "period_end"]);
            Deed::ChangePlan { plan, interval, seats, when }
        }
        4 | 5 => Deed::Seats { seats: chance.u32(1..6) },
        6 => Deed::AutoRenew { on: chance.bool() },
        7 | 8 => Deed::Cancel { at: of(chance, &["now", "period_end"]) },
        9 | 10 => Deed::Resume,
        11 => Deed::Pause,
        12 => Deed::DropPending,
        13 | 14 => Deed::BuyAddon,
        15 => Deed::EndAddon,
        16 | 17 => {
            let card = match chance.u32(..6) {
                0 => None,
                1 => Some("pm_card_chargeDeclined"),
                2 => Some("pm_card_createDispute"),
                _ => Some("pm_card_visa"),
            };
            Deed::Checkout { plan, interval, card }
        }
        18 => Deed::CardOnFile { card: "pm_card_visa" },
        _ => {
            let trial_days = if chance.u32(..4) == 0 { 5 } else { 0 };
            Deed::Start { plan, interval, seats, trial_days }
        }
    }
}

fn operates(chance: &mut Rng) -> Deed {
    match chance.u32(..16) {
        0 | 1 => Deed::Suspend,
        2..5 => Deed::Reactivate,
        5 if chance.u32(..3) == 0 => Deed::Terminate,
        5..8 => Deed::Limit { max: chance.u32(10..80) },
        8..11 => Deed::Grant { amount: chance.u32(1..500), days: chance.u32(0..60) },
        11 | 12 => Deed::Replay,
        _ => Deed::Reconcile { full: chance.bool() },
    }
}

fn befalls(chance: &mut Rng) -> Deed {
    match chance.u32(..12) {
        0..3 => Deed::CardFails,
        3..6 => Deed::CardRecovers,
        6 | 7 => Deed::Discount { coupon: of(chance, &["TENTH", "ONCE"]) },
        8 | 9 => Deed::Refund { amount: chance.u32(100..2000) },
        10 => Deed::CreditNote { amount: chance.u32(50..200) },
        _ => Deed::EndAtStripe,
    }
}

fn goes_wrong(chance: &mut Rng) -> Deed {
    match chance.u32(..20) {
        0..4 => {
            let kinds = ["error_500", "error_429", "error_409", "unreachable", "unanswered"];
            Deed::Faults { kind: of(chance, &kinds), times: chance.u32(1..5) }
        }
        4..7 => {
            let kinds = ["duplicate", "drop", "reverse", "delay", "unknown_status"];
            Deed::Strays { kind: of(chance, &kinds), times: chance.u32(1..6) }
        }
        7 => Deed::Storm { seed: chance.u64(..1000), percent: chance.u8(5..30) },
        8 => Deed::Calm,
        9..14 => Deed::DiesAtCall { call: chance.u32(1..5), worked: chance.bool() },
        14..19 => Deed::DiesAtCommit { commit: chance.u32(1..6) },
        _ => Deed::Restart,
    }
}
