//! Asking the card before anything is made.

use super::Subscription;
use crate::{
    cards::{AUTHENTICATION_REQUIRED, Outcome, Presence},
    error::{Error, Result},
    invoices,
    world::World,
};

/// # Errors
/// There is no card for an amount that is due now; or, where the call `asks_card` first because it
/// wants nothing made when that says no, what the card says.
pub fn check(
    world: &World,
    subscription: &Subscription,
    amount: i64,
    asks_card: bool,
) -> Result<()> {
    if amount == 0 || subscription.billing.is_sent() {
        return Ok(());
    }
    let Some(method) = subscription.payment_method(world) else {
        return Err(invoices::no_payment_method());
    };
    if !asks_card {
        return Ok(());
    }
    let method = world.payment_methods.get(&method, "default_payment_method")?;
    match method.card.charge(method.authenticated, Presence::Absent) {
        Outcome::Paid => Ok(()),
        Outcome::Declined(decline) => Err(Error::card(decline)),
        Outcome::NeedsAction => Err(Error::card(&AUTHENTICATION_REQUIRED)),
    }
}
