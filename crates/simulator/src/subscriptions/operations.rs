//! Reading subscriptions by the API.

use serde_json::Value;

use super::{Status, Subscription};
use crate::{
    error::Result,
    lists::{self, TimeRange},
    table::Object,
    test_clocks::clock_of,
    world::{Request, World},
};

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.subscriptions.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, price) = (params.text("customer")?, params.text("price")?);
    let clock = params.text("test_clock")?;
    let method = params.choice("collection_method", &["charge_automatically", "send_invoice"])?;
    let status = params.choice(
        "status",
        &[
            "active",
            "all",
            "canceled",
            "ended",
            "incomplete",
            "incomplete_expired",
            "past_due",
            "paused",
            "trialing",
            "unpaid",
        ],
    )?;
    let begins = TimeRange::read(&params, "current_period_start")?;
    let ends = TimeRange::read(&params, "current_period_end")?;
    lists::list::<Subscription>(world, request, |subscription| {
        let has_status = match status {
            None => subscription.status != Status::Canceled,
            Some("all") => true,
            Some("ended") => subscription.status.is_ended(),
            Some(status) => subscription.status.word() == status,
        };
        has_status
            && begins.contains(subscription.period_start)
            && ends.contains(subscription.period_end)
            && (customer.is_some() || clock_of(world, &subscription.customer) == clock)
            && customer.is_none_or(|customer| subscription.customer == customer)
            && method.is_none_or(|method| subscription.billing.collection_method() == method)
            && price.is_none_or(|price| subscription.items.iter().any(|item| item.price == price))
    })
}

/// `customer.subscriptions`, shown only on demand: those not ended.
pub fn of_customer(world: &World, customer: &str) -> Value {
    let theirs = |subscription: &&Subscription| {
        subscription.customer == customer && !subscription.status.is_ended()
    };
    let rows = world.subscriptions.rows().iter().rev().filter(theirs);
    let data = rows.map(|subscription| subscription.render(world)).collect();
    lists::whole(data, &format!("/v1/customers/{customer}/subscriptions"))
}
