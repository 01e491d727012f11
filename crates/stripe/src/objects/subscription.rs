//! Subscriptions: what a customer has bought, and until when.

use serde::Deserialize;

use super::{
    Customer, Discount, Expandable, List, Metadata, PaymentMethod, Price, Ref, SetupIntent,
};
use crate::{
    id::{
        CustomerId, DiscountId, InvoiceId, PaymentMethodId, ScheduleId, SubscriptionId,
        SubscriptionItemId,
    },
    open_enum::open_enum,
};

open_enum! {
    /// Stripe's eight words.
    SubscriptionStatus {
        Incomplete = "incomplete",
        IncompleteExpired = "incomplete_expired",
        Trialing = "trialing",
        Active = "active",
        PastDue = "past_due",
        Canceled = "canceled",
        Unpaid = "unpaid",
        Paused = "paused",
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    pub id: SubscriptionId,
    customer: Expandable<Customer>,
    pub status: SubscriptionStatus,
    /// The first ten; each item has its own period.
    pub items: List<SubscriptionItem>,
    /// All times are unix seconds.
    #[serde(default)]
    pub created: i64,
    #[serde(default)]
    pub cancel_at: Option<i64>,
    #[serde(default)]
    pub cancel_at_period_end: bool,
    #[serde(default)]
    pub canceled_at: Option<i64>,
    #[serde(default)]
    pub ended_at: Option<i64>,
    #[serde(default)]
    pub trial_end: Option<i64>,
    /// Charged before the customer's default.
    #[serde(default)]
    default_payment_method: Option<Expandable<PaymentMethod>>,
    #[serde(default)]
    default_source: Option<Ref<String>>,
    /// `charge_automatically` or `send_invoice`.
    #[serde(default)]
    collection_method: String,
    #[serde(default)]
    pub latest_invoice: Option<Ref<InvoiceId>>,
    /// What changes it later.
    #[serde(default)]
    pub schedule: Option<Ref<ScheduleId>>,
    #[serde(default)]
    discounts: Vec<Expandable<Discount>>,
    /// Whether its invoices are not collected at present, and what becomes of them.
    #[serde(default)]
    pub pause_collection: Option<PausedCollection>,
    #[serde(default)]
    default_tax_rates: Option<Vec<Ref<String>>>,
    #[serde(default)]
    automatic_tax: Option<AutomaticTax>,
    #[serde(default)]
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Deserialize)]
struct AutomaticTax {
    #[serde(default)]
    enabled: bool,
}

/// What becomes of invoices that are not collected.
#[derive(Clone, Debug, Deserialize)]
pub struct PausedCollection {
    /// `keep_as_draft`, `mark_uncollectible` or `void`.
    pub behavior: String,
}

/// What the invoices of a subscription are charged to.
#[derive(Clone, Copy, Debug)]
pub enum Charged<'a> {
    To(&'a PaymentMethod),
    /// A card in Stripe's older way, of which nothing more is known.
    ToSource,
    /// They are sent, and paid by whoever reads them.
    ByInvoice,
    ToNothing,
}

/// A subscription that has just begun, with what its customer may still have to confirm.
#[derive(Clone, Debug, Deserialize)]
pub struct StartedSubscription {
    pub id: SubscriptionId,
    pub status: SubscriptionStatus,
    /// Expanded: its first invoice.
    #[serde(default)]
    latest_invoice: Option<FirstInvoice>,
    /// Expanded: asks for a card while nothing is to be paid yet.
    #[serde(default)]
    pending_setup_intent: Option<SetupIntent>,
}

#[derive(Clone, Debug, Deserialize)]
struct FirstInvoice {
    #[serde(default)]
    confirmation_secret: Option<ConfirmationSecret>,
}

#[derive(Clone, Debug, Deserialize)]
struct ConfirmationSecret {
    client_secret: String,
}

impl StartedSubscription {
    /// What [`Self::client_secret`] is read from.
    pub const EXPAND: [&str; 2] = ["latest_invoice.confirmation_secret", "pending_setup_intent"];

    /// With this the customer's page confirms the first payment, or the card where nothing is due yet;
    /// none where nothing is left to confirm.
    pub fn client_secret(&self) -> Option<&str> {
        if self.status == SubscriptionStatus::Incomplete {
            let secret = self.latest_invoice.as_ref()?.confirmation_secret.as_ref()?;
            return Some(&secret.client_secret);
        }
        self.pending_setup_intent.as_ref()?.client_secret.as_deref()
    }
}

impl Subscription {
    /// Whose it is.
    pub fn customer(&self) -> CustomerId {
        match &self.customer {
            Expandable::Id(id) => CustomerId::new(id),
            Expandable::Object(customer) => customer.id.clone(),
        }
    }

    /// What its invoices are charged to, as far as Stripe was asked for it: its own before the customer's.
    pub fn charged_to(&self) -> Charged<'_> {
        if self.collection_method == "send_invoice" {
            return Charged::ByInvoice;
        }
        let customer = self.customer.object();
        let method = self
            .expanded_payment_method()
            .or_else(|| customer.and_then(Customer::expanded_payment_method));
        match method {
            Some(method) => Charged::To(method),
            None if self.default_source.is_some() => Charged::ToSource,
            None if customer.is_some_and(Customer::has_source) => Charged::ToSource,
            None => Charged::ToNothing,
        }
    }

    /// Its own card; none where the customer's default is charged.
    pub fn default_payment_method(&self) -> Option<PaymentMethodId> {
        self.default_payment_method.as_ref().map(|method| match method {
            Expandable::Id(id) => PaymentMethodId::new(id),
            Expandable::Object(method) => method.id.clone(),
        })
    }

    /// Fixed tax rates, `txr_…`.
    pub fn default_tax_rates(&self) -> Vec<String> {
        self.default_tax_rates.iter().flatten().map(|rate| rate.0.clone()).collect()
    }

    /// Whether Stripe Tax works out its tax.
    pub fn has_automatic_tax(&self) -> bool {
        self.automatic_tax.as_ref().is_some_and(|automatic| automatic.enabled)
    }

    /// The same as a whole, where Stripe was asked for it.
    pub fn expanded_payment_method(&self) -> Option<&PaymentMethod> {
        self.default_payment_method.as_ref()?.object()
    }

    /// What is taken off its invoices, where Stripe was asked for it.
    pub fn discounts(&self) -> impl Iterator<Item = &Discount> {
        self.discounts.iter().filter_map(Expandable::object)
    }

    /// The ids of all its discounts.
    pub fn discount_ids(&self) -> impl Iterator<Item = DiscountId> {
        self.discounts.iter().map(|discount| match discount {
            Expandable::Id(id) => DiscountId::new(id),
            Expandable::Object(discount) => discount.id.clone(),
        })
    }

    /// From the latest start to the earliest end of its items, as Stripe's own list filters count it.
    pub fn period(&self) -> Option<(i64, i64)> {
        let start = self.items.data.iter().filter_map(|item| item.current_period_start).max()?;
        let end = self.items.data.iter().filter_map(|item| item.current_period_end).min()?;
        Some((start, end))
    }

    /// When it will end, whichever of Stripe's two ways says so.
    pub fn ends_at(&self) -> Option<i64> {
        self.cancel_at.or_else(|| {
            self.cancel_at_period_end.then(|| self.period().map(|(_, end)| end)).flatten()
        })
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct SubscriptionItem {
    pub id: SubscriptionItemId,
    pub price: Price,
    /// None for metered prices.
    #[serde(default)]
    pub quantity: Option<i64>,
    #[serde(default)]
    pub current_period_start: Option<i64>,
    #[serde(default)]
    pub current_period_end: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_tomorrow_is_kept() {
        let subscription: Subscription = serde_json::from_str(
            r#"{"id": "sub_1", "customer": {"id": "cus_1", "object": "customer"},
                "status": "dormant", "items": {"data": []}}"#,
        )
        .unwrap();
        assert_eq!(subscription.status, SubscriptionStatus::Other("dormant".into()));
        assert_eq!(subscription.customer().as_str(), "cus_1");
        assert_eq!(subscription.period(), None);
    }

    #[test]
    fn discounts_are_ids_or_objects() {
        let json = r#"{"id": "sub_1", "customer": "cus_1", "status": "active", "items": {"data": []},
            "discounts": ["di_1", {"id": "di_2", "promotion_code": null, "end": 7,
                "source": {"type": "coupon", "coupon": {"id": "TEN", "duration": "once",
                    "created": 1, "percent_off": 10.10}}}]}"#;
        let subscription: Subscription = serde_json::from_str(json).unwrap();
        let ids: Vec<String> = subscription.discount_ids().map(|id| id.to_string()).collect();
        assert_eq!(ids, ["di_1", "di_2"]);
        let discount = subscription.discounts().next().unwrap();
        assert_eq!((discount.end, discount.promotion_code()), (Some(7), None));
        assert_eq!(discount.coupon().unwrap().percent_off.as_deref(), Some("10.10"));
    }

    #[test]
    fn both_ways_of_ending_are_seen() {
        let json = |fields: &str| {
            format!(
                r#"{{"id": "sub_1", "customer": "cus_1", "status": "active", {fields}, "items": {{"data": [
                    {{"id": "si_1", "price": {{"id": "price_1", "currency": "usd"}},
                      "current_period_start": 1, "current_period_end": 9}}]}}}}"#
            )
        };
        let ends_at =
            |fields: &str| serde_json::from_str::<Subscription>(&json(fields)).unwrap().ends_at();
        assert_eq!(ends_at(r#""cancel_at": 5"#), Some(5));
        assert_eq!(ends_at(r#""cancel_at_period_end": true"#), Some(9));
        assert_eq!(ends_at(r#""cancel_at": null"#), None);
    }
}
