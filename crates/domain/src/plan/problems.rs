//! What makes a catalog valid, told as the list of what is wrong with it.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use super::{Aggregation, Catalog, Plan, PlanKind};
use crate::price::{Interval, Model, ModelKind, Price, Tier};

/// One thing wrong in a catalog, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Where: «plan `pro`, price 2».
    pub place: String,
    /// What is wrong there.
    pub wrong: String,
    /// What to do next.
    pub remedy: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.wrong, self.remedy)
    }
}

/// Longest trial. Stripe docs: `trial_period_days`.
const TRIAL_DAYS_MAX: u32 = 730;
/// Ten years.
const ROLL_OVER_DAYS_MAX: u32 = 3660;
const CODE_LENGTH_MAX: usize = 40;

/// Whether this can be the code of a plan, a meter or a tier of slots.
pub fn is_code(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=CODE_LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

impl Catalog {
    /// Everything that keeps this catalog from being used; empty when it is valid.
    pub fn problems(&self) -> Vec<Problem> {
        let mut report = Report::default();
        report.repeated("the catalog", "plan", self.plans.iter().map(|plan| &plan.code));
        report.repeated("the catalog", "meter", self.meters.iter().map(|meter| &meter.code));
        if self.plans.iter().filter(|plan| plan.is_free()).count() > 1 {
            report.add(
                "the catalog",
                "more than one base plan has no price",
                "give all but one a price: a tenant who pays nothing has the one free plan",
            );
        }
        for meter in &self.meters {
            let place = format!("meter `{}`", meter.code);
            report.code(&place, &meter.code);
            report.refuse_if(
                meter.credit_weight.is_sign_negative(),
                &place,
                "its `credit_weight` is below zero",
                "use zero where the meter uses no credits",
            );
            report.refuse_if(
                meter.credit_weight.normalize().scale() > 12,
                &place,
                "its `credit_weight` has more than 12 decimals",
                "round it: credits are counted to the twelfth",
            );
            report.refuse_if(
                meter.property.is_some() && meter.aggregation != Aggregation::Unique,
                &place,
                "it names a `property` that it does not count",
                "leave `property` out, or make the meter `unique`",
            );
        }
        for plan in &self.plans {
            report.plan(self, plan);
        }
        report.problems
    }
}

#[derive(Default)]
struct Report {
    problems: Vec<Problem>,
}

impl Report {
    fn add(&mut self, place: &str, wrong: impl Into<String>, remedy: &'static str) {
        self.problems.push(Problem { place: place.to_owned(), wrong: wrong.into(), remedy });
    }

    fn refuse_if(&mut self, is_wrong: bool, place: &str, wrong: &str, remedy: &'static str) {
        if is_wrong {
            self.add(place, wrong, remedy);
        }
    }

    fn code(&mut self, place: &str, code: &str) {
        self.refuse_if(
            !is_code(code),
            place,
            "its code is not one",
            "use 1 to 40 lower-case letters, digits and `_`",
        );
    }

    fn repeated<T>(&mut self, place: &str, what: &str, codes: impl Iterator<Item = T>)
    where
        T: Eq + Hash + fmt::Display + Copy,
    {
        let mut seen = HashSet::new();
        for code in codes.filter(|&code| !seen.insert(code)) {
            self.add(place, format!("{what} `{code}` is there twice"), "rename or remove one");
        }
    }

    fn meter(&mut self, catalog: &Catalog, place: &str, code: &str) {
        if !catalog.meters.iter().any(|meter| meter.code == code) {
            self.add(
                place,
                format!("there is no meter `{code}`"),
                "add it under `[[meter]]`, or use the code of one that is there",
            );
        }
    }

    fn plan(&mut self, catalog: &Catalog, plan: &Plan) {
        let place = format!("plan `{}`", plan.code);
        self.code(&place, &plan.code);
        self.refuse_if(plan.version == 0, &place, "its version is 0", "count versions from 1");
        self.refuse_if(
            plan.name.trim().is_empty(),
            &place,
            "it has no name",
            "write the `name` that people should read",
        );
        self.refuse_if(
            plan.trial_days.is_some_and(|days| days > TRIAL_DAYS_MAX),
            &place,
            "its trial is longer than Stripe allows",
            "use at most 730 `trial_days`",
        );
        self.refuse_if(
            plan.credits.as_ref().is_some_and(|credits| credits.price_per_1k.is_sign_negative()),
            &place,
            "its `price_per_1k` is below zero",
            "use `\"0\"` where credits beyond those included cost nothing",
        );
        self.refuse_if(
            plan.credits
                .as_ref()
                .is_some_and(|credits| credits.roll_over_days > ROLL_OVER_DAYS_MAX),
            &place,
            "its credits roll over for more than ten years",
            "use at most 3660 `roll_over_days`",
        );
        self.addon(catalog, plan, &place);
        self.limits(catalog, plan, &place);
        self.slots(plan, &place);
        self.prices(catalog, plan, &place);
    }

    fn addon(&mut self, catalog: &Catalog, plan: &Plan, place: &str) {
        let is_addon = plan.kind == PlanKind::Addon;
        self.refuse_if(
            is_addon && plan.prices.is_empty(),
            place,
            "it is an add-on without a price",
            "add a `[[plan.price]]`, or make it a feature of its base plan",
        );
        self.refuse_if(
            !is_addon && !plan.addon_of.is_empty(),
            place,
            "it has `addon_of` and is not an add-on",
            "remove `addon_of`, or set `kind = \"addon\"`",
        );
        for code in &plan.addon_of {
            if catalog.plan(code).is_none_or(|base| base.kind != PlanKind::Base) {
                self.add(
                    place,
                    format!("`addon_of` names `{code}`, which is no base plan"),
                    "use the code of a plan of kind `base`",
                );
            }
        }
    }

    fn limits(&mut self, catalog: &Catalog, plan: &Plan, place: &str) {
        let mut seen = HashSet::new();
        for (number, limit) in (1..).zip(&plan.limits) {
            let place = format!("{place}, limit {number}");
            self.meter(catalog, &place, &limit.meter);
            self.refuse_if(
                !seen.insert((&limit.meter, limit.per)),
                &place,
                "the plan already limits this meter over this period",
                "keep one of the two",
            );
        }
    }

    fn slots(&mut self, plan: &Plan, place: &str) {
        let by_the_seat = plan.prices.iter().any(|price| price.model.kind() == ModelKind::PerSeat);
        let mut seen = HashSet::new();
        for (number, slots) in (1..).zip(&plan.slots) {
            let place = format!("{place}, slots {number}");
            self.code(&place, &slots.tier);
            self.refuse_if(
                !seen.insert(&slots.tier),
                &place,
                "the plan already grants slots of this tier",
                "keep one of the two",
            );
            self.refuse_if(
                slots.name.trim().is_empty(),
                &place,
                "the tier has no name",
                "write the `name` that people should read",
            );
            self.refuse_if(
                slots.max == 0,
                &place,
                "its `max` is 0",
                "leave these slots out where the plan grants none",
            );
            self.refuse_if(
                slots.per_seat && !by_the_seat,
                &place,
                "it counts for each seat, and the plan is not sold by the seat",
                "remove `per_seat`, or give the plan a price with `model = \"per_seat\"`",
            );
        }
    }

    fn prices(&mut self, catalog: &Catalog, plan: &Plan, place: &str) {
        let mut seen = HashSet::new();
        for (number, price) in (1..).zip(&plan.prices) {
            let place = format!("{place}, price {number}");
            let key = (price.interval, price.interval_count, price.currency, &price.meter);
            self.refuse_if(
                !seen.insert(key),
                &place,
                "the plan already has a price for this interval, currency and meter",
                "keep one of the two, or raise the plan's version and change its price",
            );
            if let Some(meter) = &price.meter {
                self.meter(catalog, &place, meter);
            }
            self.price(price, &place);
        }
    }

    fn price(&mut self, price: &Price, place: &str) {
        self.refuse_if(
            price.interval_count == 0 || price.interval_count > longest(price.interval),
            place,
            "its period is empty or longer than Stripe allows",
            "use an `interval_count` from 1 up to three years in all",
        );
        self.refuse_if(
            price.meter.is_some() && matches!(price.model, Model::Flat { .. }),
            place,
            "it has a meter, and a flat amount that no count changes",
            "remove `meter`, or use `model = \"per_seat\"` for an amount per counted unit",
        );
        let below_zero = match &price.model {
            Model::Flat { amount } | Model::PerSeat { amount } | Model::Package { amount, .. } => {
                amount.is_sign_negative()
            }
            Model::Graduated { tiers } | Model::Volume { tiers } => {
                self.tiers(tiers, place);
                tiers.iter().any(|tier| {
                    tier.unit_amount.is_sign_negative() || tier.flat_amount.is_sign_negative()
                })
            }
        };
        self.refuse_if(below_zero, place, "it has an amount below zero", "use a discount instead");
    }

    fn tiers(&mut self, tiers: &[Tier], place: &str) {
        let ends: Vec<Option<u64>> = tiers.iter().map(|tier| tier.up_to).collect();
        let ascending = ends
            .windows(2)
            .all(|pair| matches!(pair, [Some(end), next] if next.is_none_or(|next| next > *end)));
        self.refuse_if(
            !ascending || ends.last() != Some(&None) || ends.first() == Some(&Some(0)),
            place,
            "its tiers leave out or repeat a quantity",
            "give each tier a larger `up_to` than the one before, and the last tier none",
        );
    }
}

/// Three years. Stripe docs: `recurring.interval_count`.
const fn longest(interval: Interval) -> u32 {
    match interval {
        Interval::Day => 1095,
        Interval::Week => 156,
        Interval::Month => 36,
        Interval::Year => 3,
    }
}
