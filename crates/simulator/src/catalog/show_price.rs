//! How a price is shown: as a price, and as the `plan` it once was.

use serde_json::{Value, json};

use super::{
    amount::{Decimal, Scheme, Tier},
    prices::Price,
};

pub fn render(price: &Price) -> Value {
    let unit = unit(price);
    let recurring = price.recurring.as_ref().map(|recurring| {
        json!({
            "interval": recurring.cadence.interval.word(),
            "interval_count": recurring.cadence.count,
            "meter": recurring.meter,
            "trial_period_days": recurring.trial_period_days,
            "usage_type": if recurring.meter.is_some() { "metered" } else { "licensed" },
        })
    });
    json!({
        "id": price.id,
        "object": "price",
        "active": price.active,
        "billing_scheme": if unit.is_some() { "per_unit" } else { "tiered" },
        "created": price.created,
        "currency": price.currency,
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": price.lookup_key,
        "metadata": price.metadata,
        "nickname": price.nickname,
        "product": price.product,
        "recurring": recurring,
        "tax_behavior": price.tax_behavior,
        "tiers_mode": tiers(price).map(|(mode, _)| mode),
        "transform_quantity": package(price),
        "type": if price.recurring.is_some() { "recurring" } else { "one_time" },
        "unit_amount": unit.and_then(Decimal::to_integer),
        "unit_amount_decimal": unit.map(|unit| unit.to_string()),
    })
}

/// The same as an object of Stripe's older kind, as subscription items still carry it.
pub fn as_plan(price: &Price) -> Value {
    let unit = unit(price);
    let recurring = price.recurring.as_ref();
    json!({
        "id": price.id,
        "object": "plan",
        "active": price.active,
        "amount": unit.and_then(Decimal::to_integer),
        "amount_decimal": unit.map(|unit| unit.to_string()),
        "billing_scheme": if unit.is_some() { "per_unit" } else { "tiered" },
        "created": price.created,
        "currency": price.currency,
        "interval": recurring.map(|recurring| recurring.cadence.interval.word()),
        "interval_count": recurring.map(|recurring| recurring.cadence.count),
        "livemode": false,
        "metadata": price.metadata,
        "meter": recurring.and_then(|recurring| recurring.meter.as_ref()),
        "nickname": price.nickname,
        "product": price.product,
        "tiers_mode": tiers(price).map(|(mode, _)| mode),
        "transform_usage": package(price),
        "trial_period_days": recurring.and_then(|recurring| recurring.trial_period_days),
        "usage_type": if price.is_metered() { "metered" } else { "licensed" },
    })
}

/// `tiers`, shown only on demand; `null` for a price without any.
pub fn render_tiers(price: &Price) -> Value {
    let Some((_, tiers)) = tiers(price) else { return Value::Null };
    let amount = |amount: Option<Decimal>| amount.and_then(Decimal::to_integer);
    let decimal = |amount: Option<Decimal>| amount.map(|amount| amount.to_string());
    let show = |tier: &Tier| {
        json!({
            "flat_amount": amount(tier.flat),
            "flat_amount_decimal": decimal(tier.flat),
            "unit_amount": amount(tier.unit),
            "unit_amount_decimal": decimal(tier.unit),
            "up_to": tier.up_to,
        })
    };
    Value::Array(tiers.iter().map(show).collect())
}

/// `currency_options`, shown only on demand: the price's own currency.
pub fn render_options(price: &Price) -> Value {
    let shown = render(price);
    json!({ price.currency.as_str(): {
        "custom_unit_amount": null,
        "tax_behavior": shown["tax_behavior"],
        "unit_amount": shown["unit_amount"],
        "unit_amount_decimal": shown["unit_amount_decimal"],
    } })
}

fn unit(price: &Price) -> Option<Decimal> {
    match price.scheme {
        Scheme::PerUnit(unit) => Some(unit),
        Scheme::Volume(_) | Scheme::Graduated(_) => None,
    }
}

fn tiers(price: &Price) -> Option<(&'static str, &[Tier])> {
    match &price.scheme {
        Scheme::PerUnit(_) => None,
        Scheme::Volume(tiers) => Some(("volume", tiers)),
        Scheme::Graduated(tiers) => Some(("graduated", tiers)),
    }
}

fn package(price: &Price) -> Option<Value> {
    price.package.map(|package| {
        json!({
            "divide_by": package.divide_by,
            "round": if package.round_up { "up" } else { "down" },
        })
    })
}
