//! Invoices, those that are and those that would be.

use crate::{
    client::{Client, Fetched},
    error::Result,
    gateway::IdempotencyKey,
    id::InvoiceId,
    objects::{Invoice, InvoicePreview},
    params,
};

impl Client {
    pub async fn retrieve_invoice(&self, id: &InvoiceId) -> Result<Fetched<Invoice>> {
        self.fetch(format!("/v1/invoices/{id}")).await
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
