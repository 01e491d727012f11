//! The closed list of reasons a rule says no.

use std::fmt;

use crate::text::closed_list;

closed_list! {
    /// Why a rule refuses. `code` is for programs and stays; `Display` is a sentence for people.
    pub enum Refusal, code {
        /// A tenant has at most one live base subscription.
        AlreadySubscribed = "already_subscribed",
        /// The tenant has no live base subscription to change.
        NotSubscribed = "not_subscribed",
        /// The tenant has no customer at Stripe yet.
        NoBillingAccount = "no_billing_account",
        /// The only card of a subscription that goes on.
        LastPaymentMethod = "last_payment_method",
        /// No plan has this code.
        UnknownPlan = "unknown_plan",
        /// The plan has no price for this interval and currency.
        PlanNotSold = "plan_not_sold",
        /// No plan has this price.
        UnknownPrice = "unknown_price",
        /// The tenant is suspended or terminated.
        TenantNotActive = "tenant_not_active",
        /// One trial per tenant, ever.
        TrialAlreadyUsed = "trial_already_used",
        /// No promotion code reads so.
        UnknownPromotionCode = "unknown_promotion_code",
        /// The promotion code, or its coupon, was switched off.
        PromotionCodeInactive = "promotion_code_inactive",
        /// The promotion code's time, or its coupon's, is over.
        PromotionCodeExpired = "promotion_code_expired",
        /// The promotion code was redeemed as often as it can be.
        PromotionCodeUsedUp = "promotion_code_used_up",
        /// The promotion code is for others, or for other things.
        PromotionCodeNotApplicable = "promotion_code_not_applicable",
        /// The tenant's subscription grants nothing at present.
        NoAccess = "no_access",
        /// Nothing that the tenant has grants slots of this tier.
        SlotTierNotGranted = "slot_tier_not_granted",
        /// Every slot of the tier is taken.
        SlotLimitReached = "slot_limit_reached",
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadySubscribed => {
                "This tenant already has a subscription. Change its plan instead of buying another."
            }
            Self::NotSubscribed => "This tenant has no subscription to change. Start one first.",
            Self::NoBillingAccount => {
                "This tenant has no billing account yet. It gets one with its first checkout; \
                 start that first."
            }
            Self::LastPaymentMethod => {
                "This is the only card of a subscription that goes on. Add another one first, or end \
                 the subscription."
            }
            Self::UnknownPlan => {
                "There is no plan of this code. Ask for the list of plans and use one of its codes."
            }
            Self::PlanNotSold => {
                "This plan has no price for that interval and currency. Choose one of the prices \
                 that the list of plans shows for it."
            }
            Self::UnknownPrice => {
                "No plan is sold at this price. Ask for the list of plans and use one of its \
                 prices."
            }
            Self::TenantNotActive => {
                "This tenant is suspended or terminated. An operator must reactivate it first."
            }
            Self::TrialAlreadyUsed => {
                "This tenant has had its one trial. Subscribe without a trial."
            }
            Self::UnknownPromotionCode => {
                "There is no such promotion code. Check its spelling, or leave it out."
            }
            Self::PromotionCodeInactive => {
                "This promotion code cannot be redeemed at present. Use another one, or leave it out."
            }
            Self::PromotionCodeExpired => {
                "The time of this promotion code is over. Use another one, or leave it out."
            }
            Self::PromotionCodeUsedUp => {
                "This promotion code was redeemed as often as it can be. Use another one, or leave \
                 it out."
            }
            Self::PromotionCodeNotApplicable => {
                "This promotion code is not for this tenant, or not for what it wants to buy. Use \
                 another one, or leave it out."
            }
            Self::NoAccess => {
                "This tenant's subscription grants no access at present: what exists stays, and \
                 nothing is added. Pay what is due, or resume it."
            }
            Self::SlotTierNotGranted => {
                "Nothing this tenant has grants slots of this tier. Choose a plan or an add-on that \
                 does."
            }
            Self::SlotLimitReached => {
                "Every slot of this tier is taken. Release one, or choose a plan or an add-on with \
                 more."
            }
        })
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_own_code_and_says_what_to_do() {
        for (position, refusal) in Refusal::ALL.iter().enumerate() {
            let sentence = refusal.to_string();
            assert!(sentence.ends_with('.') && sentence.matches(". ").count() == 1, "{sentence}");
            for other in &Refusal::ALL[..position] {
                assert_ne!(refusal.code(), other.code());
                assert_ne!(sentence, other.to_string());
            }
        }
    }
}
