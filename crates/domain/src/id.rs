//! Our ids: time-ordered UUIDs, one type each, so that a tenant is never passed for an invoice.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::{Builder, Uuid};

/// A UUID of version 7: ordered by the moment it was made, to the millisecond.
///
/// `unix_millis` is cut to the 48 bits the format has, enough until the year 10889.
pub const fn v7(unix_millis: u64, random: [u8; 10]) -> Uuid {
    Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid()
}

/// The text is not a UUID.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not an id; an id looks like `018f2f9a-7c00-7000-8000-000000000000`")]
pub struct InvalidId(pub String);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id that this UUID stands for.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::from_str(text).map(Self).map_err(|_| InvalidId(text.to_owned()))
            }
        }
    )+};
}

ids! {
    /// A customer of the application: an account there, a tenant here.
    TenantId,
    /// One attempt to send a tenant to pay.
    CheckoutId,
    /// A subscription, whatever Stripe calls it.
    SubscriptionId,
    /// An invoice, whatever Stripe calls it.
    InvoiceId,
    /// One slot that a resource holds.
    SlotId,
    /// One report of usage from the application.
    UsageEventId,
    /// A quantity that is held for somebody.
    ReservationId,
    /// Credits that an operator has given.
    CreditGrantId,
    /// Something to be told of when so much is used.
    UsageAlertId,
    /// One report of ours to a meter of Stripe's.
    MeterEventId,
    /// One webhook received from Stripe.
    DeliveryId,
    /// A URL of the application that events are posted to.
    WebhookEndpointId,
    /// A thing recorded as having happened.
    EventId,
    /// One row of the audit trail.
    AuditId,
    /// One comparison of our tables with Stripe.
    RunId,
    /// One look at what was kept long enough.
    RetentionRunId,
    /// One thing that differed from Stripe.
    DriftId,
    /// A key that opens our API to a program.
    ApiKeyId,
    /// A person's time at a browser, between logging in and out.
    SessionId,
    /// One request to us, in logs and answers.
    RequestId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_and_json_are_the_plain_uuid() {
        let id = TenantId::from_uuid(v7(1_789_000_000_000, [7; 10]));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        assert_eq!("cus_123".parse::<TenantId>(), Err(InvalidId("cus_123".to_owned())));
    }

    proptest! {
        #[test]
        fn later_ids_sort_later(
            millis in 0_u64..(1 << 47),
            more in 1_u64..1_000,
            a: [u8; 10],
            b: [u8; 10],
        ) {
            let (early, late) = (v7(millis, a), v7(millis + more, b));
            prop_assert!(early < late);
            prop_assert!(early.to_string() < late.to_string());
            prop_assert_eq!(early.get_version_num(), 7);
        }
    }
}
