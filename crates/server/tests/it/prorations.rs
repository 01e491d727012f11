//! What a change costs, computed twice: by `domain`, and by the simulator that knows nothing of it.

use serde_json::{Value, json};
use tollhouse_domain::{
    actor::Role,
    id::TenantId,
    money::Money,
    period::Period,
    plan::Catalog,
    price::{Interval, Price},
    proration::{Cost, prorate},
    time::Timestamp,
};
use tollhouse_server::catalog::{actions::load, file, push::push};

use crate::harness::{CHECKOUT, TestApp, on_both_databases, order};

/// Three plans by the seat, one of them in tenths of a cent.
const PLANS: [(&str, &str); 3] = [("small", "7.01"), ("middle", "19.999"), ("large", "333.33")];
const TENANTS: usize = 12;
const CHANGES_EACH: usize = 4;

fn catalog() -> Catalog {
    let plans = PLANS.map(|(code, amount)| {
        format!(
            "[[plan]]\ncode = \"{code}\"\nkind = \"base\"\nname = \"{code}\"\ntrial_days = 0\n\
             [[plan.price]]\ninterval = \"month\"\ncurrency = \"usd\"\nmodel = \"per_seat\"\namount = \"{amount}\"\n"
        )
    });
    file::parse(&plans.concat()).unwrap()
}

fn price<'a>(catalog: &'a Catalog, code: &str) -> &'a Price {
    let plan = catalog.plans.iter().find(|plan| plan.code == code).unwrap();
    plan.find_price(Interval::Month, "usd".parse().unwrap()).unwrap()
}

/// As the API shows it, read back as a test reads it.
fn shown(money: Money) -> Value {
    json!(money.to_major().parse::<f64>().unwrap())
}

async fn ask(app: &TestApp, tenant: TenantId, verb: &str, body: &Value) -> Value {
    let path = format!("/api/v1/billing/tenants/{tenant}/{verb}");
    app.post(&path).bearer(&app.token(Role::Admin, tenant)).json(body).await.expect(200)
}

/// Pays for a plan with so many seats; what was charged, and for when.
async fn subscribe(app: &TestApp, tenant: TenantId, plan: &str, seats: u64, price: &Price) -> Cost {
    let owner = app.token(Role::Owner, tenant);
    let mut wanted = order(plan);
    wanted["quantity"] = json!(seats);
    let page = app.post(CHECKOUT).bearer(&owner).json(&wanted).await.expect(200);
    let session = page["session_id"].as_str().unwrap();
    app.simulator.complete_checkout(session, "pm_card_visa").unwrap();
    app.settle().await;
    let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
    let subscription = app.get(&path).bearer(&owner).await.expect(200);
    let time =
        |field: &str| -> Timestamp { subscription[field].as_str().unwrap().parse().unwrap() };
    let period = Period { start: time("current_period_start"), end: time("current_period_end") };
    let amount = price.amount_for(seats).unwrap();
    assert_eq!(subscription["amount"], shown(amount));
    Cost { amount, period }
}

on_both_databases! {
    async fn a_change_costs_what_the_rules_say(app: &TestApp) {
        let catalog = catalog();
        load(&app.app, &catalog, &[].into()).await.unwrap();
        push(&app.app).await.unwrap();
        let mut dice = fastrand::Rng::with_seed(1_596_749_288);
        for number in 0..TENANTS {
            let tenant = app.tenant(&format!("T{number}")).await;
            let (first, _) = PLANS[dice.usize(..PLANS.len())];
            let mut held = (first, dice.u64(1..=20));
            let mut charged = subscribe(app, tenant, held.0, held.1, price(&catalog, held.0)).await;
            let whole = charged.period;
            for _ in 0..CHANGES_EACH {
                app.advance(dice.i64(1..7 * 86_400)).await;
                let wanted = (PLANS[dice.usize(..PLANS.len())].0, dice.u64(1..=20));
                if wanted == held {
                    continue;
                }
                let mut body = json!({"plan": wanted.0, "seats": wanted.1});
                let preview = ask(app, tenant, "upcoming-invoice", &body).await;
                let amount = price(&catalog, wanted.0).amount_for(wanted.1).unwrap();
                let moment = app.app.clock.now();
                let change = prorate(charged, Cost { amount, period: whole }, moment).unwrap();
                let lines = json!([shown(change.debit.amount), shown(change.credit.amount)]);
                let found: Vec<&Value> =
                    preview["lines"].as_array().unwrap().iter().map(|line| &line["amount"]).collect();
                assert_eq!(json!(found), lines, "from {held:?} to {wanted:?} at {moment}");
                assert_eq!(preview["total"], shown(change.total().unwrap()));
                // Some only look.
                if dice.bool() {
                    body["preview_token"] = preview["preview_token"].clone();
                    ask(app, tenant, "subscription/plan", &body).await;
                    (held, charged) = (wanted, change.debit);
                }
            }
        }
    }
}
