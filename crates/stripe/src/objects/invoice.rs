//! Invoices: what was asked and what was paid.

use serde::Deserialize;

use super::Ref;
use crate::{
    id::{CustomerId, InvoiceId, SubscriptionId},
    open_enum::open_enum,
};

open_enum! {
    /// From draft to paid, void or uncollectible.
    InvoiceStatus {
        Draft = "draft",
        Open = "open",
        Paid = "paid",
        Uncollectible = "uncollectible",
        Void = "void",
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Invoice {
    pub id: InvoiceId,
    #[serde(default)]
    pub customer: Option<Ref<CustomerId>>,
    #[serde(default)]
    pub status: Option<InvoiceStatus>,
    /// None until finalized.
    #[serde(default)]
    pub number: Option<String>,
    pub currency: String,
    /// Amounts are minor units.
    pub amount_due: i64,
    pub amount_paid: i64,
    pub total: i64,
    /// How often a charge was tried.
    #[serde(default)]
    pub attempt_count: i64,
    /// Times are unix seconds.
    pub created: i64,
    #[serde(default)]
    pub due_date: Option<i64>,
    #[serde(default)]
    pub next_payment_attempt: Option<i64>,
    #[serde(default)]
    pub hosted_invoice_url: Option<String>,
    #[serde(default)]
    pub invoice_pdf: Option<String>,
    #[serde(default)]
    parent: Option<Parent>,
}

#[derive(Clone, Debug, Deserialize)]
struct Parent {
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Clone, Debug, Deserialize)]
struct SubscriptionDetails {
    #[serde(default)]
    subscription: Option<Ref<SubscriptionId>>,
}

impl Invoice {
    /// The subscription it bills, if any.
    pub fn subscription(&self) -> Option<&SubscriptionId> {
        let details = self.parent.as_ref()?.subscription_details.as_ref()?;
        details.subscription.as_ref().map(|subscription| &subscription.0)
    }
}
