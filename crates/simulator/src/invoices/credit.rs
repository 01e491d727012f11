//! What credit notes do to their invoice.

use super::{
    Invoice, Status, change,
    collect::{Collected, after_attempt, announce_update, settle, settle_silently},
};
use crate::{payments, table::Object, world::World};

/// Takes `pre_payment` off what the invoice still asks for, and notes what was given back after it was
/// paid. An invoice that asks for nothing any more is paid. A voided credit note takes off less.
pub fn take_credit(world: &mut World, id: &str, pre_payment: i64, post_payment: i64) {
    let Some(invoice) = world.invoices.find(id) else { return };
    let before = invoice.render(world);
    change(world, id, |invoice| {
        invoice.pre_payment_credit += pre_payment;
        invoice.post_payment_credit += post_payment;
    });
    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    if pre_payment == 0 || invoice.amount_remaining() > 0 {
        ask_for_the_rest(world, &invoice);
        announce_update(world, id, Some(before));
        return;
    }
    super::payments::settle(world, id, "canceled");
    if let Some(intent) = &invoice.payment_intent {
        payments::cancel(world, intent);
    }
    settle_silently(world, id);
    announce_update(world, id, Some(before));
    settle(world, id);
    after_attempt(world, id, Collected::Paid);
}

/// The intent of an open invoice asks for what is still to be paid.
fn ask_for_the_rest(world: &mut World, invoice: &Invoice) {
    let is_unpaid = matches!(invoice.status, Status::Open | Status::Uncollectible);
    if let Some(intent) = invoice.payment_intent.as_ref().filter(|_| is_unpaid) {
        let amount = invoice.amount_remaining();
        payments::change_amount(world, intent, amount);
        super::payments::change_amount(world, &invoice.id, amount);
    }
}
