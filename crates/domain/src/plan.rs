//! What can be bought: plans with features, limits, slots, credits and prices, and the meters they
//! count.
//!
//! The types are the catalog file itself: `[[meter]]`, `[[plan]]`, `[plan.features]`,
//! `[[plan.limit]]`, `[[plan.slots]]`, `[plan.credits]`, `[[plan.price]]`. An unknown key is an error there; what is
//! well written and still makes no sense is told by [`Catalog::problems`].

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::price::{Interval, Price};
use crate::text::words;

mod problems;

pub use problems::{Problem, is_code};

/// All plans and meters of an installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    #[serde(default, rename = "plan")]
    pub plans: Vec<Plan>,
    #[serde(default, rename = "meter")]
    pub meters: Vec<Meter>,
}

/// One version of something that can be bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Our stable name for it, in URLs and in Stripe's metadata.
    pub code: String,
    /// Raised when the terms change; who has an older version keeps its terms.
    #[serde(default = "first_version")]
    pub version: u32,
    pub kind: PlanKind,
    /// The name for people.
    pub name: String,
    /// The rank that plans may share, such as `pro`; the plan's code where absent. See
    /// [`Plan::tier`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    #[serde(default)]
    pub description: String,
    /// Days of trial; the installation's own number where absent, 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_days: Option<u32>,
    /// What the plan switches on, by the feature's name.
    #[serde(default)]
    pub features: BTreeMap<String, FeatureValue>,
    #[serde(default, rename = "limit")]
    pub limits: Vec<Limit>,
    /// How many resources may be held at once, by the slots' tier.
    #[serde(default)]
    pub slots: Vec<Slots>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    #[serde(default, rename = "price")]
    pub prices: Vec<Price>,
    /// Codes of the base plans that an add-on may join; any, where empty.
    #[serde(default)]
    pub addon_of: Vec<String>,
}

words! {
    /// Whether a plan stands alone.
    pub enum PlanKind, "a kind of plan" {
        /// What a tenant has at most one of.
        Base = "base",
        /// What joins a base plan and ends with it.
        Addon = "addon",
    }
}

/// What a feature is switched to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FeatureValue {
    Switch(bool),
    Number(i64),
    Text(String),
}

/// How much of a meter a plan allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The code of the meter.
    pub meter: String,
    pub per: LimitPeriod,
    pub max: u64,
    /// Whether more is refused; otherwise it is allowed, and said.
    #[serde(default)]
    pub hard: bool,
}

/// What several plans limit together: limits of one meter over the same time add up, and are hard where
/// one of them is.
pub fn limits_of<'a>(plans: impl IntoIterator<Item = &'a Plan>) -> Vec<Limit> {
    let mut together: Vec<Limit> = Vec::new();
    for limit in plans.into_iter().flat_map(|plan| &plan.limits) {
        let same = |known: &&mut Limit| known.meter == limit.meter && known.per == limit.per;
        if let Some(known) = together.iter_mut().find(same) {
            known.max = known.max.saturating_add(limit.max);
            known.hard |= limit.hard;
        } else {
            together.push(limit.clone());
        }
    }
    together
}

/// What several plans, the base first, switch on together: a switch is on where one of them has it on,
/// numbers add up, and of texts the first one stands. Of values of different kinds the first one stands, too.
pub fn features_of<'a>(
    plans: impl IntoIterator<Item = &'a Plan>,
) -> BTreeMap<String, FeatureValue> {
    let mut together: BTreeMap<String, FeatureValue> = BTreeMap::new();
    for (name, value) in plans.into_iter().flat_map(|plan| &plan.features) {
        match (together.get_mut(name), value) {
            (None, value) => {
                together.insert(name.clone(), value.clone());
            }
            (Some(FeatureValue::Switch(on)), FeatureValue::Switch(more)) => *on |= more,
            (Some(FeatureValue::Number(sum)), FeatureValue::Number(more)) => {
                *sum = sum.saturating_add(*more);
            }
            (Some(_), _) => {}
        }
    }
    together
}

words! {
    /// The time over which a limit counts.
    pub enum LimitPeriod, "a period of a limit" {
        Minute = "minute",
        /// A day in UTC.
        Day = "day",
        /// A calendar month in UTC.
        Month = "month",
        /// The subscription's billing period.
        Period = "period",
        /// No time: a ceiling on the present value.
        Gauge = "gauge",
    }
}

/// How many slots of one tier a plan grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// The code of the tier; plans that use the same one grant slots of the same tier.
    pub tier: String,
    /// The tier's name for people.
    pub name: String,
    /// What to call the slots on a page; the tier's name where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// For the whole subscription, or for each of its seats.
    pub max: u64,
    /// Whether `max` counts for each seat.
    #[serde(default)]
    pub per_seat: bool,
}

impl Slots {
    /// What to call the slots on a page.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.name)
    }

    /// How many slots a subscription with so many seats grants.
    pub fn granted(&self, seats: u64) -> u64 {
        if self.per_seat { self.max.saturating_mul(seats) } else { self.max }
    }
}

/// Usage that a plan includes, and the price of what goes beyond.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credits {
    /// Credits in each billing period.
    pub included: u64,
    /// Days for which those left over may still be used after their period; none where 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub roll_over_days: u32,
    /// For a thousand credits beyond, in major units as the file writes it.
    #[serde(with = "crate::decimal")]
    pub price_per_1k: Decimal,
    pub currency: Currency,
}

/// Something counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    pub code: String,
    /// The name for people.
    pub name: String,
    pub aggregation: Aggregation,
    /// Credits that one counted unit uses.
    #[serde(default = "one_credit", with = "crate::decimal")]
    pub credit_weight: Decimal,
    /// Of a `unique` meter: the property of a report whose different values are counted; `value` where
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Whether it is counted at Stripe, too, where no price counts by it.
    #[serde(default)]
    pub export: bool,
}

words! {
    /// How the reports of a meter add up.
    pub enum Aggregation, "an aggregation" {
        /// The sum of the quantities.
        Sum = "sum",
        /// The number of reports.
        Count = "count",
        /// The largest quantity.
        Max = "max",
        /// The latest quantity: a gauge.
        Last = "last",
        /// The number of different values.
        Unique = "unique",
    }
}

fn first_version() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_zero(days: &u32) -> bool {
    *days == 0
}

fn one_credit() -> Decimal {
    Decimal::ONE
}

impl Catalog {
    /// The plan of this code.
    pub fn plan(&self, code: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.code == code)
    }

    /// The plan of a tenant without a live subscription.
    pub fn free_plan(&self) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.is_free())
    }
}

impl Plan {
    /// The rank of the plan: its own, or its code.
    pub fn tier(&self) -> &str {
        self.tier.as_deref().unwrap_or(&self.code)
    }

    /// Whether nobody pays for it: a base plan without a price.
    pub fn is_free(&self) -> bool {
        self.kind == PlanKind::Base && self.prices.is_empty()
    }

    /// The price of the same rhythm as one that is held; else the one to sell the plan at.
    pub fn find_price_like(
        &self,
        interval: Interval,
        count: u32,
        currency: Currency,
    ) -> Option<&Price> {
        let alike = |price: &&Price| {
            price.meter.is_none()
                && (price.interval, price.interval_count, price.currency)
                    == (interval, count, currency)
        };
        self.prices.iter().find(alike).or_else(|| self.find_price(interval, currency))
    }

    /// The price to sell the plan at. Where several fit: the one paid in advance before one by a
    /// meter, and the shortest period.
    pub fn find_price(&self, interval: Interval, currency: Currency) -> Option<&Price> {
        self.prices
            .iter()
            .filter(|price| price.interval == interval && price.currency == currency)
            .min_by_key(|price| (price.meter.is_some(), price.interval_count))
    }
}

#[cfg(test)]
mod tests;
