//! The words of comparing ourselves with Stripe.

use crate::text::words;

words! {
    /// What a run compares.
    pub enum RunKind, "a kind of run" {
        /// Webhooks that never came.
        Events = "events",
        /// These, and every object.
        Full = "full",
        /// The same, and every customer of Stripe's becomes a tenant.
        Import = "import",
    }
}

words! {
    /// Where a run stands.
    pub enum RunState, "a state of a run" {
        /// Begun and not ended, whether or not somebody works at it now.
        Running = "running",
        /// Everything was compared.
        Done = "done",
        /// Given up after many failures; the next run begins anew.
        Failed = "failed",
    }
}

words! {
    /// What a run compares, one after another.
    pub enum Stage, "a stage of a run" {
        /// Webhooks that never came.
        Events = "events",
        /// Whose they are.
        Customers = "customers",
        /// All that Stripe has, over or not.
        Subscriptions = "subscriptions",
        /// Those made lately.
        Invoices = "invoices",
        /// Those of ours that are not settled, however old.
        UnsettledInvoices = "unsettled_invoices",
        /// Pages to pay on whose end nobody told us.
        Checkouts = "checkouts",
        /// All that Stripe has.
        Coupons = "coupons",
        /// All that Stripe has.
        PromotionCodes = "promotion_codes",
        /// What Stripe's meters come to.
        Usage = "usage",
    }
}

words! {
    /// What became of a difference.
    pub enum DriftState, "a state of drift" {
        /// Our row says again what Stripe has.
        Healed = "healed",
        /// It cannot be healed before a person has done something.
        NeedsPerson = "needs_person",
        /// A person said that it is settled.
        Resolved = "resolved",
    }
}

impl Stage {
    /// What comes after it, where everything is compared.
    pub fn next(self) -> Option<Self> {
        let place = Self::ALL.iter().position(|stage| *stage == self)?;
        Self::ALL.get(place + 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_comes_once_and_whose_things_are_before_the_things() {
        let mut walked = vec![Stage::Events];
        while let Some(next) = walked.last().and_then(|stage| stage.next()) {
            walked.push(next);
        }
        assert_eq!(walked, Stage::ALL);
        assert!(Stage::Customers < Stage::Subscriptions && Stage::Coupons < Stage::PromotionCodes);
    }
}
