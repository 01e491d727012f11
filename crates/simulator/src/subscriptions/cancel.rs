//! The end of a subscription: at once, or by time.

use serde_json::Value;

use super::{Cancellation, Status, Subscription, credits_at_end};
use crate::{
    error::{Error, Result},
    invoice_items, invoices,
    params::Params,
    schedules,
    table::Object,
    world::{Request, World},
};

const FEEDBACK: [&str; 8] = [
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];

/// `DELETE /v1/subscriptions/{id}`.
pub fn cancel(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let prorates = params.boolean("prorate")?.unwrap_or(false);
    let invoices_now = params.boolean("invoice_now")?.unwrap_or(false);
    let mut subscription = world.subscriptions.get(&request.id, "id")?.clone();
    if subscription.status.is_ended() {
        return Err(Error::no_such(Subscription::NOUN, &request.id, "id"));
    }
    read_details(&params, &mut subscription.cancellation)?;
    let details = subscription.cancellation.clone();
    world.subscriptions.change(&request.id, |stored| stored.cancellation = details);
    if prorates {
        let mut credits = credits_at_end(world, &subscription, world.now);
        while let Some(credit) = credits.pop() {
            invoice_items::add(world, credit);
        }
    }
    end(world, &request.id, Some("cancellation_requested"));
    if invoices_now {
        super::invoice_pending(world, &request.id);
    }
    super::retrieve(world, request)
}

/// Comment and feedback, where given.
pub fn read_details(params: &Params<'_>, cancellation: &mut Cancellation) -> Result<()> {
    let Some(details) = params.object("cancellation_details")? else { return Ok(()) };
    details.only(&["comment", "feedback"], &["feedback_option"])?;
    details.set_text("comment", &mut cancellation.comment)?;
    details.choice("feedback", &FEEDBACK)?;
    details.set_text("feedback", &mut cancellation.feedback)
}

/// A last invoice may still come after the end.
fn open_invoices(world: &World, id: &str) -> Vec<String> {
    let is_open = |invoice: &&invoices::Invoice| {
        invoice.subscription == id
            && matches!(invoice.status, invoices::Status::Draft | invoices::Status::Open)
    };
    world.invoices.rows().iter().filter(is_open).map(|invoice| invoice.id.clone()).collect()
}

/// Ends it now. Open invoices stay, but are no longer collected.
pub fn end(world: &mut World, id: &str, reason: Option<&'static str>) {
    let now = world.now;
    world.subscriptions.change(id, |subscription| {
        if subscription.status == Status::Paused {
            // What was used during the pause is nobody's to bill.
            subscription.items.iter_mut().for_each(|item| item.unbilled_from = now);
        }
        subscription.status = Status::Canceled;
        subscription.canceled_at.get_or_insert(now);
        subscription.ended_at = Some(now);
        subscription.cancellation.reason = reason;
    });
    let schedule = world.subscriptions.find(id).and_then(|stored| stored.schedule.clone());
    if let Some(schedule) = schedule {
        schedules::drop_with_subscription(world, &schedule, reason == Some("payment_failed"));
    }
    for invoice in open_invoices(world, id) {
        invoices::stop_collecting(world, &invoice);
    }
    if let Some(shown) = world.subscriptions.find(id).map(|stored| stored.render(world)) {
        world.emit("customer.subscription.deleted", &shown);
    }
}

/// What deleting a customer does to their subscriptions.
pub fn cancel_all_of(world: &mut World, customer: &str) {
    let theirs = |subscription: &&Subscription| {
        subscription.customer == customer && !subscription.status.is_ended()
    };
    let rows = world.subscriptions.rows().iter().filter(theirs);
    let ids: Vec<String> = rows.map(|subscription| subscription.id.clone()).collect();
    for id in ids {
        end(world, &id, Some("cancellation_requested"));
    }
}
