//! May a tenant use so much of a feature now? One answer, with its reason.
//!
//! A feature is what a plan switches on, or a meter that it limits. Nothing here looks anything up: what the
//! tenant has, how it stands and what is used is handed in.

use std::collections::BTreeMap;

use crate::access::Access;
use crate::plan::{Aggregation, FeatureValue, Limit, LimitPeriod, Plan, features_of, limits_of};
use crate::text::words;
use crate::time::Timestamp;
use crate::usage::Quantity;

words! {
    /// Why a feature may be used, or may not.
    pub enum Reason, "a reason" {
        /// What the tenant has includes it, and does not limit it.
        Included = "included",
        /// Every limit has room.
        WithinLimit = "within_limit",
        /// A soft limit is passed: allowed, and said.
        OverSoftLimit = "over_soft_limit",
        /// A hard limit would be passed.
        LimitReached = "limit_reached",
        /// A hard limit per minute would be passed: soon there is room again.
        RateLimited = "rate_limited",
        /// Nothing that the tenant has includes it.
        NotInPlan = "not_in_plan",
        /// There is no subscription, and no plan without a price.
        NotSubscribed = "not_subscribed",
        /// The subscription grants no access at present.
        NoAccess = "no_access",
        /// The tenant is suspended or terminated.
        TenantNotActive = "tenant_not_active",
    }
}

words! {
    /// What became of a reservation; it holds only while its time is not over, too.
    pub enum ReservationState, "a state of a reservation" {
        /// It counts against limits.
        Held = "held",
        /// What was used of it is counted as usage.
        Settled = "settled",
        /// Given back unused.
        Released = "released",
    }
}

/// What a tenant's plans grant together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    pub features: BTreeMap<String, FeatureValue>,
    pub limits: Vec<Limit>,
}

impl Allowance {
    /// Of the base plan and its add-ons, the base first.
    pub fn of(plans: &[Plan]) -> Self {
        Self { features: features_of(plans), limits: limits_of(plans) }
    }

    /// With what one tenant alone is granted: each in the place of the plans' feature of that name, or limit
    /// of that meter and time.
    #[must_use]
    pub fn overridden(
        mut self,
        features: BTreeMap<String, FeatureValue>,
        limits: Vec<Limit>,
    ) -> Self {
        self.features.extend(features);
        let same = |one: &Limit, other: &Limit| (&one.meter, one.per) == (&other.meter, other.per);
        self.limits.retain(|planned| !limits.iter().any(|own| same(planned, own)));
        self.limits.extend(limits);
        self
    }
}

/// Whether anything is granted at all: the access, or why there is none.
///
/// `subscription` is the access of the base subscription that is not over; without one, the free plan counts.
pub fn standing(
    tenant_in_good_standing: bool,
    subscription: Option<Access>,
    has_free_plan: bool,
) -> Result<Access, Reason> {
    match subscription {
        _ if !tenant_in_good_standing => Err(Reason::TenantNotActive),
        Some(Access::None) => Err(Reason::NoAccess),
        Some(access) => Ok(access),
        None if has_free_plan => Ok(Access::Full),
        None => Err(Reason::NotSubscribed),
    }
}

/// What is used of a meter over one time, beside what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// None where the meter is not limited.
    pub limit: Option<Limit>,
    pub used: Quantity,
    /// Promised to reservations that are still open.
    pub held: Quantity,
    /// When `used` begins anew; never, of a gauge.
    pub resets_at: Option<Timestamp>,
}

impl Tally {
    /// What is left of the limit; 0 beyond it.
    pub fn remaining(&self) -> Option<Quantity> {
        let limit = self.limit.as_ref()?;
        Some(Quantity::from_whole(limit.max).minus(self.used.plus(self.held)).or_zero())
    }

    /// Whether the limit would be passed with so much more.
    fn would_pass(&self, aggregation: Aggregation, quantity: Quantity) -> bool {
        let taken = self.used.plus(self.held);
        let after = match aggregation {
            Aggregation::Max => taken.max(quantity),
            _ => taken.plus(quantity),
        };
        self.limit.as_ref().is_some_and(|limit| after > Quantity::from_whole(limit.max))
    }

    fn is_hard(&self) -> bool {
        self.limit.as_ref().is_some_and(|limit| limit.hard)
    }

    fn is_rate(&self) -> bool {
        self.limit.as_ref().is_some_and(|limit| limit.per == LimitPeriod::Minute)
    }
}

/// A meter that is asked for, and everything counted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    pub aggregation: Aggregation,
    /// One for each limit; where there is none, one that shows what is used.
    pub tallies: Vec<Tally>,
}

/// The answer to «may they?».
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    pub reason: Reason,
    /// What decided; where everything has room, what has the least.
    pub tally: Option<Tally>,
}

/// Whether a tenant that has access may use `quantity` of a feature.
///
/// `value` is what its plans switch the feature to, `metered` what is counted under that name. A number is a
/// ceiling that the application itself counts against: it allows any quantity up to it. A feature that is
/// switched on and counted must have room in every limit. A meter that nothing limits is allowed.
pub fn decide(
    value: Option<&FeatureValue>,
    metered: Option<&Metered>,
    quantity: Quantity,
) -> Decision {
    let refused = |reason| Decision { allowed: false, reason, tally: None };
    let allowed = |reason| Decision { allowed: true, reason, tally: None };
    match (value, metered) {
        (Some(FeatureValue::Switch(false)), _) | (None, None) => refused(Reason::NotInPlan),
        (_, Some(metered)) => decide_by_limits(metered, quantity),
        (Some(FeatureValue::Number(ceiling)), None) => {
            let ceiling = Quantity::from_whole(u64::try_from(*ceiling).unwrap_or(0));
            if quantity > ceiling {
                refused(Reason::LimitReached)
            } else {
                allowed(Reason::WithinLimit)
            }
        }
        (Some(FeatureValue::Switch(true) | FeatureValue::Text(_)), None) => {
            allowed(Reason::Included)
        }
    }
}

fn decide_by_limits(metered: &Metered, quantity: Quantity) -> Decision {
    let limited = metered.tallies.iter().filter(|tally| tally.limit.is_some());
    let (passed, roomy): (Vec<&Tally>, Vec<&Tally>) =
        limited.partition(|tally| tally.would_pass(metered.aggregation, quantity));
    let hard = passed.iter().filter(|tally| tally.is_hard());
    // What is over last decides: until then the answer stays the same. A gauge is never over by itself.
    let latest = |tally: &&&Tally| (tally.resets_at.is_none(), tally.resets_at);
    let (allowed, reason, tally) = if let Some(tally) = hard.max_by_key(latest) {
        let reason = if tally.is_rate() { Reason::RateLimited } else { Reason::LimitReached };
        (false, reason, Some(*tally))
    } else if let Some(tally) = passed.iter().max_by_key(latest) {
        (true, Reason::OverSoftLimit, Some(*tally))
    } else if let Some(tally) = roomy.iter().min_by_key(|tally| tally.remaining()) {
        (true, Reason::WithinLimit, Some(*tally))
    } else {
        (true, Reason::Included, metered.tallies.first())
    };
    Decision { allowed, reason, tally: tally.cloned() }
}

#[cfg(test)]
mod tests;
