//! Each book notices what is wrong: a check that cannot fail would prove nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    books,
    script::{Deed, Step},
    world::World,
};
use crate::harness::Kind;

/// What is written into our tables behind the service's back, how it is taken back, and what notices it.
const WRONG: [[&str; 3]; 9] = [
    [
        "UPDATE subscriptions SET quantity = quantity + 1",
        "UPDATE subscriptions SET quantity = quantity - 1",
        "the projection of subscriptions",
    ],
    [
        "UPDATE invoices SET amount_paid = amount_paid + 1",
        "UPDATE invoices SET amount_paid = amount_paid - 1",
        "the projection of invoices",
    ],
    [
        "UPDATE usage_rollups SET whole = whole + 1 WHERE per = 'day'",
        "UPDATE usage_rollups SET whole = whole - 1 WHERE per = 'day'",
        "usage",
    ],
    [
        "UPDATE credit_grants SET whole = whole + 1",
        "UPDATE credit_grants SET whole = whole - 1",
        "credits",
    ],
    ["UPDATE tenants SET status = 'suspended'", "UPDATE tenants SET status = 'active'", "access"],
    [
        "UPDATE deliveries SET state = 'failed' WHERE state = 'ignored'",
        "UPDATE deliveries SET state = 'ignored' WHERE state = 'failed'",
        "deliveries",
    ],
    [
        "UPDATE recurring_revenue SET mrr = mrr + 1",
        "UPDATE recurring_revenue SET mrr = mrr - 1",
        "revenue now",
    ],
    [
        "UPDATE revenue_days SET amount = amount + 1 WHERE fact = 'new'",
        "UPDATE revenue_days SET amount = amount - 1 WHERE fact = 'new'",
        "the movements of revenue",
    ],
    [
        "UPDATE events SET sequence = sequence + 1000 WHERE type = 'invoice.paid'",
        "UPDATE events SET sequence = sequence - 1000 WHERE type = 'invoice.paid'",
        "the numbers of events",
    ],
];

const STORY: [Deed; 4] = [
    Deed::Checkout { plan: "pro", interval: "month", card: Some("pm_card_visa") },
    Deed::Report { meter: "embedding", quantity: 25, times: 2, hours_ago: 0 },
    Deed::Grant { amount: 40, days: 0 },
    Deed::Wait { hours: 48 },
];

async fn write(world: &World, sql: &'static str) {
    let mut tx = world.app.app.db.begin().await.unwrap();
    tx.query(sql).execute().await.unwrap();
    tx.commit().await.unwrap();
}

#[test]
fn whatever_is_wrong_is_noticed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut world = runtime.block_on(World::new(Kind::Sqlite));
    for deed in STORY {
        runtime.block_on(world.play(Step { tenant: 0, deed }));
    }
    runtime.block_on(world.calm());
    let is_in_order = |world: &World| {
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(books::check(world)))).is_ok()
    };
    assert!(is_in_order(&world));
    for [wrong, right, book] in WRONG {
        runtime.block_on(write(&world, wrong));
        assert!(!is_in_order(&world), "nobody noticed in {book}: {wrong}");
        runtime.block_on(write(&world, right));
        assert!(is_in_order(&world), "not taken back: {wrong}");
    }
    // A report that was acknowledged, and is not counted.
    let lost = ("embedding", "lost".to_owned());
    world.told[0].used.insert(lost.clone(), 1);
    assert!(!is_in_order(&world), "nobody noticed what is lost");
    world.told[0].used.remove(&lost);
    runtime.block_on(world.app.finish());
}
