//! Credit notes: what was taken off an invoice after it was final.

use crate::{
    client::Client, error::Result, id::InvoiceId, objects::CreditNote, params::ListCreditNotes,
};

/// Credit notes of one invoice that are taken in.
const CREDIT_NOTES_MAX: usize = 1000;

impl Client {
    /// Newest first, those that were voided included.
    pub async fn list_credit_notes(&self, invoice: &InvoiceId) -> Result<Vec<CreditNote>> {
        let params = ListCreditNotes { invoice: invoice.clone() };
        self.list_all("/v1/credit_notes", &params, CREDIT_NOTES_MAX).await
    }
}
