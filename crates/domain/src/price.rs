//! Flat, per seat, graduated, volume, package: quantity in, money out.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::decimal::{plus, times};
use crate::money::{Currency, Money, MoneyError};
use crate::rounding::half_away_from_zero;
use crate::text::words;

mod file;

/// What a plan, or what is counted by a meter, costs per interval in one currency.
///
/// In a file and in JSON amounts are text in major units: `amount = "29.00"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "file::PriceFile", into = "file::PriceFile")]
pub struct Price {
    pub interval: Interval,
    /// How many intervals one period has: 3 months is a quarter.
    pub interval_count: u32,
    pub currency: Currency,
    pub model: Model,
    /// The code of the meter whose count is the quantity; `None` for what is paid in advance.
    pub meter: Option<String>,
}

words! {
    /// What a billing period is counted in.
    pub enum Interval, "an interval" {
        Day = "day",
        Week = "week",
        Month = "month",
        Year = "year",
    }
}

/// How a quantity becomes an amount. Amounts are exact decimals of minor units.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// The same, whatever the quantity.
    Flat { amount: Decimal },
    /// For each unit: a seat, or one of what the meter counts.
    PerSeat { amount: Decimal },
    /// Each unit at the price of the tier it falls in.
    Graduated { tiers: Vec<Tier> },
    /// All units at the price of the tier that the total falls in.
    Volume { tiers: Vec<Tier> },
    /// For each package of `size` units, begun ones included.
    Package { amount: Decimal, size: u64 },
}

words! {
    /// The word for a [`Model`] in a file and in an answer.
    pub enum ModelKind, "a price model" {
        Flat = "flat",
        PerSeat = "per_seat",
        Graduated = "graduated",
        Volume = "volume",
        Package = "package",
    }
}

/// One step of a tiered price.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tier {
    /// The last unit in this tier; `None` in the last tier, which is open in any case.
    pub up_to: Option<u64>,
    /// For each unit, in minor units.
    pub unit_amount: Decimal,
    /// Once, when the tier is reached, in minor units.
    pub flat_amount: Decimal,
}

impl Price {
    /// What `quantity` costs, rounded once. `MoneyError::Overflow` where it fits no amount.
    pub fn amount_for(&self, quantity: u64) -> Result<Money, MoneyError> {
        self.model
            .exact_amount(quantity)
            .and_then(half_away_from_zero)
            .map(|minor| Money::new(minor, self.currency))
            .ok_or(MoneyError::Overflow)
    }

    /// The one amount that a price list can show: a flat price, or one seat, where it is whole.
    pub fn unit_amount(&self) -> Option<Money> {
        let (Model::Flat { amount } | Model::PerSeat { amount }) = &self.model else {
            return None;
        };
        let minor = amount.normalize();
        if minor.scale() > 0 {
            return None;
        }
        minor.to_i64().map(|minor| Money::new(minor, self.currency))
    }

    /// The name under which Stripe keeps this price: `pro_v1_month_usd`, `pro_v1_3month_usd`, and
    /// with the meter's code where there is one, `pro_v1_month_usd_api_calls`.
    pub fn lookup_key(&self, plan_code: &str, plan_version: u32) -> String {
        let count = match self.interval_count {
            1 => String::new(),
            count => count.to_string(),
        };
        let meter = self.meter.as_ref().map(|meter| format!("_{meter}")).unwrap_or_default();
        let (interval, currency) = (self.interval, self.currency);
        format!("{plan_code}_v{plan_version}_{count}{interval}_{currency}{meter}")
    }
}

impl Model {
    /// Which of the five it is.
    pub const fn kind(&self) -> ModelKind {
        match self {
            Self::Flat { .. } => ModelKind::Flat,
            Self::PerSeat { .. } => ModelKind::PerSeat,
            Self::Graduated { .. } => ModelKind::Graduated,
            Self::Volume { .. } => ModelKind::Volume,
            Self::Package { .. } => ModelKind::Package,
        }
    }

    fn exact_amount(&self, quantity: u64) -> Option<Decimal> {
        match self {
            Self::Flat { amount } => Some(*amount),
            Self::PerSeat { amount } => times(*amount, quantity),
            Self::Graduated { tiers } => graduated(tiers, quantity),
            Self::Volume { tiers } => volume(tiers, quantity),
            Self::Package { amount, size } => times(*amount, quantity.div_ceil((*size).max(1))),
        }
    }
}

/// Each tier's units at its price, and the flat amount of every tier reached. The first tier is
/// always reached, even by nothing (Stripe docs: Tiered pricing).
fn graduated(tiers: &[Tier], quantity: u64) -> Option<Decimal> {
    let mut total = Decimal::ZERO;
    let mut counted = 0;
    for (position, tier) in tiers.iter().enumerate() {
        if position > 0 && counted == quantity {
            break;
        }
        let is_last = position + 1 == tiers.len();
        let end = tier.up_to.filter(|_| !is_last).map_or(quantity, |up_to| up_to.min(quantity));
        let units = end.saturating_sub(counted);
        total = plus(total, plus(times(tier.unit_amount, units)?, tier.flat_amount)?)?;
        counted += units;
    }
    Some(total)
}

/// All units at the price of one tier, and its flat amount (Stripe docs: Tiered pricing).
fn volume(tiers: &[Tier], quantity: u64) -> Option<Decimal> {
    let reached = |tier: &&Tier| tier.up_to.is_none_or(|up_to| quantity <= up_to);
    let Some(tier) = tiers.iter().find(reached).or(tiers.last()) else {
        return Some(Decimal::ZERO);
    };
    plus(times(tier.unit_amount, quantity)?, tier.flat_amount)
}

#[cfg(test)]
mod tests;
