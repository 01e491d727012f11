//! Invoices, those that are and those that would be.

use crate::{
    client::{Client, Fetched, NO_PARAMS},
    error::Result,
    gateway::IdempotencyKey,
    id::InvoiceId,
    objects::{Invoice, InvoiceLine, InvoicePreview},
    params,
};

/// Lines of one invoice that are taken in.
const LINES_MAX: usize = 5000;

impl Client {
    /// An invoice, with the first few of its lines and of its payments.
    pub async fn retrieve_invoice(&self, id: &InvoiceId) -> Result<Fetched<Invoice>> {
        self.fetch_expanded(format!("/v1/invoices/{id}"), &["payments"]).await
    }

    /// Every line of an invoice, in the order of the invoice.
    pub async fn list_invoice_lines(&self, id: &InvoiceId) -> Result<Vec<InvoiceLine>> {
        let path = format!("/v1/invoices/{id}/lines");
        self.list_all(&path, &NO_PARAMS, LINES_MAX).await
    }

    /// What would be asked; nothing is changed, so that any key will do.
    pub async fn preview_invoice(
        &self,
        params: &params::PreviewInvoice,
        key: &IdempotencyKey,
    ) -> Result<InvoicePreview> {
        self.post("/v1/invoices/create_preview".into(), params, key).await
    }
}
