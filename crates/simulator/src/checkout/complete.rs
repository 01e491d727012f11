//! Completing a checkout: the card is charged, and what was promised comes into being.

use super::{Mode, Session, Status, once};
use crate::{
    automatic_tax,
    cards::{AUTHENTICATION_REQUIRED, Outcome, Presence},
    customers::{self, Customer},
    error::{Error, Result},
    payment_methods::{self, PaymentMethod},
    payments::{self, Order},
    subscriptions,
    table::Object,
    world::World,
};

/// The order in which Stripe tells of a paid checkout by a new customer.
const ORDER: &[&str] = &[
    "charge.succeeded",
    "payment_method.attached",
    "customer.created",
    "customer.updated",
    "checkout.session.completed",
    "customer.subscription.created",
    "payment_intent.created",
    "payment_intent.succeeded",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
];

/// What the payer hands in.
pub struct Submission {
    pub method: PaymentMethod,
    pub presence: Presence,
    pub email: Option<String>,
}

/// # Errors
/// The session is not open, or a `card_error`: then nothing came into being but the failed charge, and
/// the session stays open.
pub fn complete(world: &mut World, id: &str, submission: Submission) -> Result<()> {
    let mut session = world.sessions.get(id, "session")?.clone();
    if session.status != Status::Open {
        return Err(Error::invalid(format!(
            "This Checkout Session is {} and can no longer be paid.",
            session.status.word()
        )));
    }
    let method = &submission.method;
    if session.asks_for_country() && session.country.is_none() {
        session.country = customers::country_of(&method.address).map(str::to_owned);
    }
    if session.automatic_tax && session.country(world).is_none() {
        return Err(automatic_tax::no_location());
    }
    session.taxes = Some(session.taxes(world));
    let amount = session.amount(world);
    method.check_owner(session.customer.as_deref())?;
    let outcome = match amount {
        0 => method.card.save(submission.presence),
        _ => method.card.charge(method.authenticated, submission.presence),
    };
    match outcome {
        Outcome::Paid if session.mode == Mode::Payment => {
            world.in_order(once::ORDER, |world| once::fulfil(world, &session, submission));
            Ok(())
        }
        Outcome::Paid => {
            let mut order = ORDER.to_vec();
            if session.customer.is_some() {
                // Of a known customer, the checkout is told before their change.
                order.swap(3, 4);
            }
            world.in_order(&order, |world| fulfil(world, &session, submission))
        }
        Outcome::NeedsAction => Err(Error::card(&AUTHENTICATION_REQUIRED)),
        Outcome::Declined(decline) => {
            if amount > 0 {
                record_failure(world, &session, amount, submission)?;
            }
            Err(Error::card(decline))
        }
    }
}

fn record_failure(
    world: &mut World,
    session: &Session,
    amount: i64,
    submission: Submission,
) -> Result<()> {
    const FAILED: &[&str] =
        &["charge.failed", "payment_intent.created", "payment_intent.payment_failed"];
    let method = submission.method.id.clone();
    world.payment_methods.put(submission.method);
    world.in_order(FAILED, |world| {
        let order = Order {
            customer: session.customer.as_deref(),
            amount,
            currency: &session.currency,
            description: match session.mode {
                Mode::Payment => session.payment.description.as_deref().unwrap_or_default(),
                Mode::Subscription => "Subscription creation",
            },
        };
        let intent = payments::open(world, &order);
        payments::attempt(world, &intent, &method, submission.presence);
        Ok(())
    })
}

fn fulfil(world: &mut World, session: &Session, submission: Submission) -> Result<()> {
    let mut method = submission.method;
    let name = method.name.clone();
    let email = submission.email.or_else(|| session.email(world)).or(method.email.clone());
    let address = session.country.as_deref().map(customers::address_in);
    let customer = if let Some(customer) = &session.customer {
        let address = address.filter(|_| session.customer_update.address);
        customers::learn(
            world,
            customer,
            address,
            name.clone().filter(|_| session.customer_update.name),
        );
        world.customers.get(customer, "customer")?.id.clone()
    } else {
        let new = Customer {
            email: email.clone(),
            name: name.clone(),
            address: address.unwrap_or_default(),
            ..Customer::default()
        };
        customers::add(world, new)
    };
    method.email.clone_from(&email);
    method.authenticated |= submission.presence == Presence::Authenticated;
    let method = if method.customer.is_some() {
        let id = method.id.clone();
        world.payment_methods.put(method);
        id
    } else {
        method.customer = Some(customer.clone());
        payment_methods::announce_attached(world, method)
    };
    let mut new = session.draft(world, customer.clone());
    new.default_payment_method = Some(method);
    let subscription = subscriptions::open(world, new, true, submission.presence)?;
    let invoice = world.subscriptions.find(&subscription).and_then(|s| s.latest_invoice.clone());
    let completed = Session {
        status: Status::Complete,
        customer: Some(customer),
        subscription: Some(subscription),
        invoice,
        payer_email: email,
        payer_name: name,
        authenticating: None,
        ..session.clone()
    };
    let shown = completed.render(world);
    world.sessions.put(completed);
    world.emit("checkout.session.completed", &shown);
    Ok(())
}
