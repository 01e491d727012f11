//! Stripe's ids, one type each, so that a customer is never passed where a price is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(id: &str) -> Result<Self, Self::Err> {
                Ok(Self(id.to_owned()))
            }
        }
    )+};
}

ids! {
    /// `cus_…`
    CustomerId,
    /// `prod_…`, or an id of our choice.
    ProductId,
    /// `price_…`
    PriceId,
    /// `cs_test_…`, `cs_live_…`
    CheckoutSessionId,
    /// `sub_…`
    SubscriptionId,
    /// `si_…`
    SubscriptionItemId,
    /// `sub_sched_…`
    ScheduleId,
    /// Of eight letters, or an id of our choice.
    CouponId,
    /// `promo_…`
    PromotionCodeId,
    /// `di_…`
    DiscountId,
    /// `in_…`
    InvoiceId,
    /// `il_…`
    InvoiceLineId,
    /// `inpay_…`
    InvoicePaymentId,
    /// `pi_…`
    PaymentIntentId,
    /// `ch_…`
    ChargeId,
    /// `re_…`
    RefundId,
    /// `du_…`, or `dp_…` for older ones.
    DisputeId,
    /// `cn_…`
    CreditNoteId,
    /// `pm_…`
    PaymentMethodId,
    /// `evt_…`
    EventId,
    /// `we_…`
    WebhookEndpointId,
}
