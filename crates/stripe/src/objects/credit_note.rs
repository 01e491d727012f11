//! Credit notes: what was taken off an invoice after it was final.

use serde::Deserialize;

use super::Ref;
use crate::id::{CreditNoteId, InvoiceId};

#[derive(Clone, Debug, Deserialize)]
pub struct CreditNote {
    pub id: CreditNoteId,
    pub invoice: Ref<InvoiceId>,
    pub number: String,
    /// `issued` or `void`.
    pub status: String,
    /// Minor units, discounts and tax included.
    pub total: i64,
    /// The part that the invoice asks for no more.
    pub pre_payment_amount: i64,
    /// The part that was paid already, and refunded, credited to the balance or settled elsewhere.
    pub post_payment_amount: i64,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub memo: Option<String>,
    #[serde(default)]
    pub pdf: Option<String>,
    /// Unix seconds.
    pub created: i64,
    #[serde(default)]
    pub voided_at: Option<i64>,
}
