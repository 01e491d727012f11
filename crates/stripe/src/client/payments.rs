//! Which payments settle an invoice, and what of them was given back.

use crate::{
    client::{Client, NO_PARAMS},
    error::Result,
    id::{ChargeId, DisputeId, InvoicePaymentId, RefundId},
    objects::{Charge, Dispute, InvoicePayment, Refund},
    params::{ListInvoicePayments, PaidWith},
};

/// Payments of one invoice, or invoices of one payment, that are taken in.
const PAYMENTS_MAX: usize = 1000;
/// Refunds of one payment that are taken in.
const REFUNDS_MAX: usize = 1000;
/// Disputes of one payment that are taken in.
const DISPUTES_MAX: usize = 100;

impl Client {
    /// Newest first.
    pub async fn list_invoice_payments(
        &self,
        params: &ListInvoicePayments,
    ) -> Result<Vec<InvoicePayment>> {
        self.list_all("/v1/invoice_payments", params, PAYMENTS_MAX).await
    }

    pub async fn retrieve_invoice_payment(&self, id: &InvoicePaymentId) -> Result<InvoicePayment> {
        self.get(format!("/v1/invoice_payments/{id}"), &NO_PARAMS).await
    }

    pub async fn retrieve_charge(&self, id: &ChargeId) -> Result<Charge> {
        self.get(format!("/v1/charges/{id}"), &NO_PARAMS).await
    }

    pub async fn retrieve_refund(&self, id: &RefundId) -> Result<Refund> {
        self.get(format!("/v1/refunds/{id}"), &NO_PARAMS).await
    }

    pub async fn retrieve_dispute(&self, id: &DisputeId) -> Result<Dispute> {
        self.get(format!("/v1/disputes/{id}"), &NO_PARAMS).await
    }

    /// Newest first.
    pub async fn list_disputes(&self, of: &PaidWith) -> Result<Vec<Dispute>> {
        self.list_all("/v1/disputes", &of.id(), DISPUTES_MAX).await
    }

    /// Newest first.
    pub async fn list_refunds(&self, of: &PaidWith) -> Result<Vec<Refund>> {
        self.list_all("/v1/refunds", &of.id(), REFUNDS_MAX).await
    }
}
