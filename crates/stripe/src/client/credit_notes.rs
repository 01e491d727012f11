//! Credit notes: what was taken off an invoice after it was final.

use crate::{
    client::{Client, NO_PARAMS},
    error::Result,
    id::{CreditNoteId, InvoiceId},
    objects::CreditNote,
    params::ListCreditNotes,
};

/// Credit notes of one invoice that are taken in.
const CREDIT_NOTES_MAX: usize = 1000;

impl Client {
    pub async fn retrieve_credit_note(&self, id: &CreditNoteId) -> Result<CreditNote> {
        self.get(format!("/v1/credit_notes/{id}"), &NO_PARAMS).await
    }

    /// Newest first, those that were voided included.
    pub async fn list_credit_notes(&self, invoice: &InvoiceId) -> Result<Vec<CreditNote>> {
        let params = ListCreditNotes { invoice: invoice.clone() };
        self.list_all("/v1/credit_notes", &params, CREDIT_NOTES_MAX).await
    }
}
