//! The closed list of reasons a rule says no.

use std::fmt;

use crate::text::closed_list;

/// The list: what each is, its code, and the sentence for people.
macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $code:literal: $sentence:literal,)+) => {
        closed_list! {
            /// Why a rule refuses. `code` is for programs and stays; `Display` is a sentence for people.
            pub enum Refusal, code {
                $($(#[$doc])* $variant = $code,)+
            }
        }

        impl fmt::Display for Refusal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $sentence,)+
                })
            }
        }
    };
}

refusals! {
    /// A tenant has at most one live base subscription.
    AlreadySubscribed = "already_subscribed":
        "This tenant already has a subscription. Change its plan instead of buying another.",
    /// The tenant has no live base subscription to change.
    NotSubscribed = "not_subscribed":
        "This tenant has no subscription to change. Start one first.",
    /// The first payment of a subscription still waits for its customer's confirmation.
    FirstPaymentPending = "first_payment_pending":
        "The first payment of a subscription still waits for a confirmation. Confirm it, or end the \
         subscription, then start again.",
    /// There is nothing to charge.
    NoPaymentMethod = "no_payment_method":
        "There is no card to charge. Add one through a setup intent or Checkout first, or name one \
         in `payment_method`.",
    /// Stripe Tax does not know where the customer lives.
    TaxLocationMissing = "tax_location_missing":
        "The tax cannot be worked out: Stripe does not know where this customer lives. Send them to \
         Checkout, which asks, or let them set their address in the portal.",
    /// The plan is an add-on, and cannot stand alone.
    IsAddon = "is_addon":
        "This plan is an add-on: it joins a base plan and cannot stand alone. Buy it as an add-on.",
    /// The plan is no add-on.
    NotAnAddon = "not_an_addon":
        "This plan is no add-on. Start it as a subscription, or change the plan to it.",
    /// The add-on does not join the plan that the tenant has.
    AddonDoesNotFit = "addon_does_not_fit":
        "This add-on cannot join the plan that this tenant has. The list of plans shows the add-ons \
         of each.",
    /// The tenant has this add-on already.
    AddonAlreadyBought = "addon_already_bought":
        "This tenant has this add-on already. End that one first to buy it differently.",
    /// A change waits for the end of the period.
    ChangePending = "change_pending":
        "A change waits for the end of the period. Drop it first, or let it come.",
    /// The tenant has no customer at Stripe yet.
    NoBillingAccount = "no_billing_account":
        "This tenant has no billing account yet. It gets one with its first checkout; start that \
         first.",
    /// The only card of a subscription that goes on.
    LastPaymentMethod = "last_payment_method":
        "This is the only card of a subscription that goes on. Add another one first, or end the \
         subscription.",
    /// No plan has this code.
    UnknownPlan = "unknown_plan":
        "There is no plan of this code. Ask for the list of plans and use one of its codes.",
    /// The plan has no price for this interval and currency.
    PlanNotSold = "plan_not_sold":
        "This plan has no price for that interval and currency. Choose one of the prices that the \
         list of plans shows for it.",
    /// No plan has this price.
    UnknownPrice = "unknown_price":
        "No plan is sold at this price. Ask for the list of plans and use one of its prices.",
    /// The tenant is suspended or terminated.
    TenantNotActive = "tenant_not_active":
        "This tenant is suspended or terminated. An operator must reactivate it first.",
    /// One trial per tenant, ever.
    TrialAlreadyUsed = "trial_already_used":
        "This tenant has had its one trial. Subscribe without a trial.",
    /// No promotion code reads so.
    UnknownPromotionCode = "unknown_promotion_code":
        "There is no such promotion code. Check its spelling, or leave it out.",
    /// The promotion code, or its coupon, was switched off.
    PromotionCodeInactive = "promotion_code_inactive":
        "This promotion code cannot be redeemed at present. Use another one, or leave it out.",
    /// The promotion code's time, or its coupon's, is over.
    PromotionCodeExpired = "promotion_code_expired":
        "The time of this promotion code is over. Use another one, or leave it out.",
    /// The promotion code was redeemed as often as it can be.
    PromotionCodeUsedUp = "promotion_code_used_up":
        "This promotion code was redeemed as often as it can be. Use another one, or leave it out.",
    /// The promotion code is for others, or for other things.
    PromotionCodeNotApplicable = "promotion_code_not_applicable":
        "This promotion code is not for this tenant, or not for what it wants to buy. Use another \
         one, or leave it out.",
    /// The tenant's subscription grants nothing at present.
    NoAccess = "no_access":
        "This tenant's subscription grants no access at present: what exists stays, and nothing is \
         added. Pay what is due, or resume it.",
    /// Nothing that the tenant has includes the feature.
    NotInPlan = "not_in_plan":
        "Nothing this tenant has includes this feature. Choose a plan or an add-on that does.",
    /// Nothing that the tenant has grants slots of this tier.
    SlotTierNotGranted = "slot_tier_not_granted":
        "Nothing this tenant has grants slots of this tier. Choose a plan or an add-on that does.",
    /// Every slot of the tier is taken.
    SlotLimitReached = "slot_limit_reached":
        "Every slot of this tier is taken. Release one, or choose a plan or an add-on with more.",
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
