//! Opening a checkout session, checked as Stripe checks it.

use serde_json::Value;

use super::{CustomerUpdate, Mode, PaymentData, Session, SessionLine, Status, Trial, once};
use crate::{
    automatic_tax,
    catalog::Price,
    clock::Due,
    discounts::{self, Redemption},
    error::{Error, Result},
    params::{self, Metadata, Params},
    subscriptions::{self, Billing, ItemDraft},
    table::Object,
    tax_rates,
    world::{Request, World},
};

const HOUR: i64 = 3600;
const EXPIRY_DEFAULT: i64 = 24 * HOUR;
const EXPIRY_MIN: i64 = HOUR / 2;
/// A trial by date must still have this long to run.
const TRIAL_NOTICE: i64 = 48 * HOUR;

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let mut session = read(world, request)?;
    session.id = world.ids.id("cs_test_");
    for line in &mut session.lines {
        line.id = world.ids.id("li_");
    }
    world.agenda.add(session.expires_at, Due::SessionExpiry(session.id.clone()));
    let shown = session.render(world);
    world.sessions.put(session);
    Ok(shown)
}

/// # Errors
/// What [`create`] would answer, without doing it.
pub fn check(world: &World, request: &Request) -> Result<()> {
    read(world, request).map(|_| ())
}

fn read(world: &World, request: &Request) -> Result<Session> {
    let params = request.params();
    let mode = mode(&params)?;
    let (lines, currency) = match mode {
        Mode::Subscription => lines(world, &params)?,
        Mode::Payment => once::lines(world, &params)?,
    };
    let success_url =
        params.url("success_url")?.ok_or_else(|| Error::parameter_missing("success_url"))?;
    let mut session = Session {
        id: String::new(),
        created: world.now,
        mode,
        expires_at: expires_at(world.now, &params)?,
        status: Status::Open,
        success_url: success_url.to_owned(),
        cancel_url: params.url("cancel_url")?.map(str::to_owned),
        client_reference_id: params.text("client_reference_id")?.map(str::to_owned),
        customer: customer(world, &params)?,
        customer_email: params.text("customer_email")?.map(str::to_owned),
        locale: params.text("locale")?.map(str::to_owned),
        metadata: Metadata::new(),
        lines,
        currency,
        trial: Trial::None,
        anchor: None,
        prorates: true,
        subscription_description: None,
        discount: None,
        allow_promotion_codes: params.boolean("allow_promotion_codes")?.unwrap_or(false),
        billing: Billing::default(),
        subscription_metadata: Metadata::new(),
        default_tax_rates: Vec::new(),
        automatic_tax: false,
        customer_update: CustomerUpdate::default(),
        country: None,
        taxes: None,
        payment: PaymentData::default(),
        payment_intent: None,
        payment_link: None,
        subscription: None,
        invoice: None,
        payer_email: None,
        payer_name: None,
        authenticating: None,
    };
    params.merge_metadata(&mut session.metadata)?;
    if mode == Mode::Payment {
        once::read(&params, &mut session.payment)?;
    } else if let Some(field) = ONLY_ONCE.iter().find(|field| params.has(field)) {
        let message = format!("You can not pass `{field}` in `subscription` mode.");
        return Err(params.wrong(field, &message));
    }
    session.discount = discount(world, &params, &session)?;
    if let Some(data) = params.object("subscription_data")? {
        read_subscription_data(world, &data, &mut session)?;
    }
    read_tax(world, &params, &mut session)?;
    Ok(session)
}

/// Parameters of a single payment.
const ONLY_ONCE: [&str; 2] = ["customer_creation", "payment_intent_data"];

/// Refuses the modes and options the simulator does not do, instead of ignoring them.
fn mode(params: &Params<'_>) -> Result<Mode> {
    let mode = params.choice("mode", &["payment", "setup", "subscription"])?;
    let mode = match mode {
        Some("payment") => Mode::Payment,
        Some("subscription") => Mode::Subscription,
        Some(mode) => {
            return Err(Error::not_simulated(format!(
                "The simulator's Checkout does not know `mode={mode}`."
            ))
            .param("mode"));
        }
        None => return Err(Error::parameter_missing("mode")),
    };
    for (field, only) in [("ui_mode", "hosted_page"), ("payment_method_collection", "always")] {
        if params.text(field)?.is_some_and(|value| value != only) {
            return Err(params::not_simulated(field));
        }
    }
    Ok(mode)
}

/// `automatic_tax`, and what the page may change of a customer that is known.
///
/// # Errors
/// Nobody would say where the customer lives, or there are tax rates besides.
fn read_tax(world: &World, params: &Params<'_>, session: &mut Session) -> Result<()> {
    session.automatic_tax = automatic_tax::read_enabled(params)?.unwrap_or_default();
    if let Some(update) = params.object("customer_update")? {
        update.only(&["address", "name"], &["shipping"])?;
        if session.customer.is_none() {
            let message = "`customer_update` can only be used with `customer`.";
            return Err(params.wrong("customer_update", message));
        }
        let keeps = |field: &str| Ok(update.choice(field, &["auto", "never"])? == Some("auto"));
        session.customer_update =
            CustomerUpdate { address: keeps("address")?, name: keeps("name")? };
    }
    if !session.automatic_tax {
        return Ok(());
    }
    let by_lines = session.lines.iter().any(|line| !line.tax_rates.is_empty());
    if by_lines || !session.default_tax_rates.is_empty() {
        let message = "You cannot set tax rates where automatic tax is enabled.";
        return Err(params.wrong("automatic_tax[enabled]", message));
    }
    if session.asks_for_country() || session.country(world).is_some() {
        return Ok(());
    }
    Err(Error::invalid(
        "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid \
         address to the Customer or set `customer_update[address]` to 'auto' to save the address \
         entered in Checkout to the Customer.",
    )
    .code("customer_tax_location_invalid"))
}

fn lines(world: &World, params: &Params<'_>) -> Result<(Vec<SessionLine>, String)> {
    let mut items = Vec::new();
    for line in params.objects("line_items")? {
        line.only(
            &["price", "quantity", "tax_rates"],
            &["adjustable_quantity", "dynamic_tax_rates", "metadata", "price_data"],
        )?;
        subscriptions::check_for_sale(world, line.required_text("price")?, &line.name("price"))?;
        items.push(ItemDraft {
            price: line.required_text("price")?.to_owned(),
            quantity: line.integer("quantity")?,
            intervals: 1,
            tax_rates: tax_rates::read(world, &line, "tax_rates")?.unwrap_or_default(),
            metadata: Metadata::new(),
        });
    }
    if items.is_empty() {
        return Err(Error::parameter_missing("line_items"));
    }
    for (index, item) in items.iter().enumerate() {
        let metered = world.prices.find(&item.price).is_some_and(Price::is_metered);
        if item.quantity.is_none_or(|quantity| quantity == 0) && !metered {
            let name = format!("line_items[{index}][quantity]");
            let message = format!("Quantity is required. Add `quantity` to `line_items[{index}]`");
            return Err(Error::invalid(message).code("parameter_missing").param(&name));
        }
    }
    let (_, currency) = subscriptions::check_items(world, &mut items, "line_items")?;
    let lines = items.into_iter().map(|item| SessionLine {
        id: String::new(),
        price: item.price,
        quantity: item.quantity,
        tax_rates: item.tax_rates,
    });
    Ok((lines.collect(), currency))
}

fn customer(world: &World, params: &Params<'_>) -> Result<Option<String>> {
    let Some(customer) = params.text("customer")? else { return Ok(None) };
    if params.text("customer_email")?.is_some() {
        return Err(Error::invalid(
            "You may only specify one of these parameters: customer, customer_email.",
        )
        .code("parameters_exclusive"));
    }
    Ok(Some(world.customers.get(customer, "customer")?.id.clone()))
}

/// At most one, and not where the page asks for one.
fn discount(world: &World, params: &Params<'_>, session: &Session) -> Result<Option<Redemption>> {
    let Some(mut wanted) = discounts::read(world, params, session.customer.as_deref())? else {
        return Ok(None);
    };
    if params.has("allow_promotion_codes") {
        return Err(Error::invalid(
            "You may only specify one of these parameters: allow_promotion_codes, discounts.",
        )
        .code("parameters_exclusive"));
    }
    if wanted.len() > 1 {
        return Err(params.wrong("discounts", "A Checkout Session takes one discount at most."));
    }
    Ok(wanted.pop())
}

fn expires_at(now: i64, params: &Params<'_>) -> Result<i64> {
    let Some(moment) = params.integer("expires_at")? else { return Ok(now + EXPIRY_DEFAULT) };
    if (now + EXPIRY_MIN..=now + EXPIRY_DEFAULT).contains(&moment) {
        return Ok(moment);
    }
    let message = "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours \
                   from Checkout Session creation.";
    Err(params.wrong("expires_at", message))
}

fn read_subscription_data(world: &World, data: &Params<'_>, session: &mut Session) -> Result<()> {
    data.only(
        &[
            "billing_cycle_anchor",
            "billing_cycle_anchor_config",
            "billing_mode",
            "default_tax_rates",
            "description",
            "metadata",
            "proration_behavior",
            "trial_end",
            "trial_period_days",
            "trial_settings",
        ],
        &[
            "application_fee_percent",
            "invoice_settings",
            "on_behalf_of",
            "pending_invoice_item_interval",
            "transfer_data",
        ],
    )?;
    if let Some(mode) = data.object("billing_mode")?
        && mode.text("type")?.is_some_and(|mode| mode != "flexible")
    {
        return Err(params::not_simulated("subscription_data[billing_mode][type]"));
    }
    data.set_text("description", &mut session.subscription_description)?;
    session.billing.read_trial_settings(data)?;
    data.merge_metadata(&mut session.subscription_metadata)?;
    session.anchor = subscriptions::read_anchor(world.now, data)?;
    session.prorates = subscriptions::read_prorates(data)?;
    if session.anchor.is_some() && (data.has("trial_end") || data.has("trial_period_days")) {
        return Err(subscriptions::trial_and_anchor());
    }
    if let Some(rates) = tax_rates::read(world, data, "default_tax_rates")? {
        session.default_tax_rates = rates;
    }
    let end = subscriptions::trial_end(world.now, data)?;
    if let Some(days) = data.integer("trial_period_days")? {
        session.trial = Trial::Days(days);
    } else if let Some(end) = end {
        if end < world.now + TRIAL_NOTICE {
            let message = "The `trial_end` date has to be at least 2 days in the future.";
            return Err(data.wrong("trial_end", message));
        }
        session.trial = Trial::Until(end);
    }
    Ok(())
}
