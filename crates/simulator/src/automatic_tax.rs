//! Automatic tax: rates by the customer's country, from a table that is empty until a test fills it.
//!
//! A country without a rate is one where nothing is collected. No rate is ever made up.

use serde_json::{Value, json};

use crate::{
    catalog::amount::Decimal,
    customers,
    error::{Error, Result},
    invoices::Line,
    params::Params,
    subscriptions::Subscription,
    tax_rates::{self, Tax},
    world::World,
};

/// Whether tax is worked out automatically.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AutomaticTax {
    pub enabled: bool,
    /// It was switched off, because an invoice was to be finalised for a customer without a country.
    pub lost_location: bool,
}

impl AutomaticTax {
    pub fn on(enabled: bool) -> Self {
        Self { enabled, lost_location: false }
    }

    /// As a subscription shows it.
    pub fn show(self) -> Value {
        json!({
            "disabled_reason": self.lost_location.then_some("requires_location_inputs"),
            "enabled": self.enabled,
            "liability": self.enabled.then(|| json!({ "type": "self" })),
        })
    }

    /// As an invoice shows it; `is_located` is whether the country was known.
    pub fn show_on_invoice(self, is_located: bool) -> Value {
        let status = if is_located { "complete" } else { "requires_location_inputs" };
        json!({
            "disabled_reason":
                self.lost_location.then_some("finalization_requires_location_inputs"),
            "enabled": self.enabled,
            "liability": self.enabled.then(|| json!({ "type": "self" })),
            "provider": self.enabled.then_some("stripe"),
            "status": self.enabled.then_some(status),
        })
    }
}

/// `automatic_tax[enabled]` of a request; none where it says nothing of it.
pub fn read_enabled(params: &Params<'_>) -> Result<Option<bool>> {
    let Some(automatic) = params.object("automatic_tax")? else { return Ok(None) };
    automatic.only(&["enabled"], &["liability"])?;
    let enabled = automatic.boolean("enabled")?;
    enabled.map(Some).ok_or_else(|| Error::parameter_missing(&automatic.name("enabled")))
}

/// Takes over what a request says of a subscription's tax.
///
/// # Errors
/// The customer has no country, or there are tax rates besides.
pub fn read(world: &World, params: &Params<'_>, subscription: &mut Subscription) -> Result<()> {
    if let Some(enabled) = read_enabled(params)? {
        subscription.automatic_tax = AutomaticTax::on(enabled);
        if enabled && customers::country(world, &subscription.customer).is_none() {
            return Err(no_location());
        }
    }
    check_exclusive(subscription)
}

/// # Errors
/// Tax is both automatic and by rates.
pub fn check_exclusive(subscription: &Subscription) -> Result<()> {
    let by_items = subscription.items.iter().any(|item| !item.tax_rates.is_empty());
    let by_rates = by_items || !subscription.default_tax_rates.is_empty();
    if !(subscription.automatic_tax.enabled && by_rates) {
        return Ok(());
    }
    Err(Error::invalid(
        "You cannot set tax rates where automatic tax is enabled. Set `automatic_tax[enabled]` to \
         false, or remove the tax rates.",
    )
    .param("automatic_tax[enabled]"))
}

pub fn no_location() -> Error {
    Error::invalid(
        "The customer's location isn't recognized. Set a valid customer address in order to \
         automatically calculate tax.",
    )
    .code("customer_tax_location_invalid")
    .param("automatic_tax[enabled]")
}

/// Works out the tax of the lines anew. Without a country there is none.
pub fn apply(world: &World, country: Option<&str>, lines: &mut [Line]) {
    for line in lines {
        line.taxes = taxes(world, country, line.price.as_deref(), line.net());
    }
}

/// The tax on an amount of a price. The price says whether it is within the amount; where it does not,
/// the country's entry does.
pub fn taxes(world: &World, country: Option<&str>, price: Option<&str>, net: i64) -> Vec<Tax> {
    let rate = country.and_then(|country| world.settings.tax.get(country));
    let Some(rate) = rate.and_then(|id| world.tax_rates.find(id)) else { return Vec::new() };
    let price = price.and_then(|id| world.prices.find(id));
    let tax = match price.map(|price| price.tax_behavior) {
        Some("inclusive") => rate.tax(net, true),
        Some("exclusive") => rate.tax(net, false),
        _ => rate.tax(net, rate.inclusive()),
    };
    vec![tax]
}

/// Sets what a country's tax is from now on; no percentage takes the country out of the table.
///
/// # Errors
/// A sentence: the country is no code of two letters, or the percentage none from 0 to 100.
pub fn set(
    world: &mut World,
    country: &str,
    percentage: Option<&str>,
    inclusive: bool,
) -> std::result::Result<(), String> {
    let country = country.to_ascii_uppercase();
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err("A country is a code of two letters, such as `DE`.".to_owned());
    }
    let Some(percentage) = percentage else {
        world.settings.tax.remove(&country);
        return Ok(());
    };
    let percentage = percentage.parse::<Decimal>().ok().filter(|found| tax_rates::is_share(*found));
    let percentage = percentage.ok_or("A percentage is a number from 0 to 100, such as `19`.")?;
    let rate = tax_rates::add_automatic(world, &country, percentage, inclusive);
    world.settings.tax.insert(country, rate);
    Ok(())
}
