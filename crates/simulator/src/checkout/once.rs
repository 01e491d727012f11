//! Mode `payment`: a checkout that is paid once, and leaves a payment intent.

use serde_json::Value;

use super::{Session, SessionLine, Status, Submission};
use crate::{
    customers::{self, Customer},
    error::{Error, Result},
    params::{Metadata, Params},
    payments::{self, PaymentIntent},
    subscriptions,
    table::Object as _,
    tax_rates,
    world::World,
};

/// The order in which Stripe tells of a paid checkout.
pub const ORDER: &[&str] = &[
    "customer.created",
    "payment_intent.created",
    "payment_method.attached",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
];

/// What the payment intent takes over.
#[derive(Clone, Default)]
pub struct PaymentData {
    pub description: Option<String>,
    pub creates_customer: bool,
    metadata: Metadata,
    receipt_email: Option<String>,
    setup_future_usage: Option<&'static str>,
    shipping: Value,
}

/// `payment_intent_data` and `customer_creation`.
pub fn read(params: &Params<'_>, payment: &mut PaymentData) -> Result<()> {
    for field in ["allow_promotion_codes", "discounts", "subscription_data"] {
        if params.has(field) {
            return Err(Error::not_simulated(format!(
                "The simulator does not know `{field}` in `payment` mode."
            ))
            .param(field));
        }
    }
    let creation = params.choice("customer_creation", &["always", "if_required"])?;
    payment.creates_customer = creation == Some("always");
    let Some(data) = params.object("payment_intent_data")? else { return Ok(()) };
    data.only(
        &["description", "metadata", "receipt_email", "setup_future_usage", "shipping"],
        &[
            "application_fee_amount",
            "capture_method",
            "on_behalf_of",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
        ],
    )?;
    data.set_text("description", &mut payment.description)?;
    data.set_text("receipt_email", &mut payment.receipt_email)?;
    data.merge_metadata(&mut payment.metadata)?;
    payment.shipping = payments::read_shipping(&data)?;
    payment.setup_future_usage =
        data.choice("setup_future_usage", &["off_session", "on_session"])?;
    Ok(())
}

/// Each at a price that is paid once, all in one currency.
pub fn lines(world: &World, params: &Params<'_>) -> Result<(Vec<SessionLine>, String)> {
    let mut lines = Vec::new();
    let mut common: Option<String> = None;
    for line in params.objects("line_items")? {
        line.only(
            &["price", "quantity", "tax_rates"],
            &["adjustable_quantity", "dynamic_tax_rates", "metadata", "price_data"],
        )?;
        let id = line.required_text("price")?;
        subscriptions::check_for_sale(world, id, &line.name("price"))?;
        let price = world.prices.get(id, &line.name("price"))?;
        if price.recurring.is_some() {
            let message = "You specified `payment` mode but passed a recurring price. Either switch to \
                           `subscription` mode or use only one-time prices.";
            return Err(line.wrong("price", message));
        }
        let currency = common.get_or_insert_with(|| price.currency.clone());
        if *currency != price.currency {
            let message = "All prices on a Checkout session must be in the same currency.";
            return Err(line.wrong("price", message));
        }
        let quantity = line.integer("quantity")?.filter(|quantity| *quantity > 0);
        lines.push(SessionLine {
            id: String::new(),
            price: id.to_owned(),
            quantity: Some(
                quantity.ok_or_else(|| Error::parameter_missing(&line.name("quantity")))?,
            ),
            tax_rates: tax_rates::read(world, &line, "tax_rates")?.unwrap_or_default(),
        });
    }
    let currency = common.ok_or_else(|| Error::parameter_missing("line_items"))?;
    Ok((lines, currency))
}

/// The card is good for it: the money is taken, and the session complete.
pub fn fulfil(world: &mut World, session: &Session, submission: Submission) {
    let mut method = submission.method;
    let name = method.name.clone();
    let email = submission.email.or_else(|| session.email(world)).or(method.email.clone());
    method.email.clone_from(&email);
    let customer = customer(world, session, email.clone(), name.clone());
    let method_id = method.id.clone();
    world.payment_methods.put(method);
    let amount = session.amount(world);
    let intent = (amount > 0).then(|| {
        let intent = payments::announce_new(
            world,
            PaymentIntent {
                amount,
                currency: session.currency.clone(),
                customer: customer.clone(),
                description: session.payment.description.clone(),
                metadata: session.payment.metadata.clone(),
                receipt_email: session.payment.receipt_email.clone(),
                setup_future_usage: session.payment.setup_future_usage,
                shipping: session.payment.shipping.clone(),
                ..PaymentIntent::blank()
            },
        );
        payments::attempt(world, &intent, &method_id, submission.presence);
        intent
    });
    let completed = Session {
        status: Status::Complete,
        customer,
        payment_intent: intent,
        payer_email: email,
        payer_name: name,
        authenticating: None,
        ..session.clone()
    };
    let shown = completed.render(world);
    world.sessions.put(completed);
    world.emit("checkout.session.completed", &shown);
}

/// Who pays: known before, or made now where somebody is to be charged again.
fn customer(
    world: &mut World,
    session: &Session,
    email: Option<String>,
    name: Option<String>,
) -> Option<String> {
    let payment = &session.payment;
    let wanted = payment.creates_customer || payment.setup_future_usage.is_some();
    let known = session.customer.clone();
    known.or_else(|| {
        let address = session.country.as_deref().map(customers::address_in).unwrap_or_default();
        wanted.then(|| {
            customers::add(world, Customer { email, name, address, ..Customer::default() })
        })
    })
}
