//! Which invoices a charge, a refund or a dispute is about.
//!
//! None of them names its invoice: Stripe's list of invoice payments does.

use tollhouse_stripe::{
    ChargeId, DisputeId, RefundId,
    params::{ListInvoicePayments, PaidWith},
};

use super::sync::sync;
use crate::{app::App, error::Result, record::Origin, sync::Synced};

/// Takes in what a charge paid, as it is now.
pub async fn sync_charge(app: &App, origin: &Origin, id: &ChargeId) -> Result<Synced> {
    let charge = app.stripe.retrieve_charge(id).await?;
    sync_paid(app, origin, charge.paid_with()).await
}

/// Takes in what a refund gives back, as it is now.
pub async fn sync_refund(app: &App, origin: &Origin, id: &RefundId) -> Result<Synced> {
    match app.stripe.retrieve_refund(id).await?.paid_with() {
        Some(paid_with) => sync_paid(app, origin, paid_with).await,
        None => Ok(Synced::NotOurs("it gives back no payment")),
    }
}

/// Takes in what a dispute is about, as it is now.
pub async fn sync_dispute(app: &App, origin: &Origin, id: &DisputeId) -> Result<Synced> {
    match app.stripe.retrieve_dispute(id).await?.paid_with() {
        Some(paid_with) => sync_paid(app, origin, paid_with).await,
        None => Ok(Synced::NotOurs("it is about no payment")),
    }
}

async fn sync_paid(app: &App, origin: &Origin, paid_with: PaidWith) -> Result<Synced> {
    let params = ListInvoicePayments { invoice: None, payment: Some(paid_with) };
    let mut outcome = Synced::NotOurs("it paid no invoice");
    for payment in app.stripe.list_invoice_payments(&params).await? {
        let synced = sync(app, origin, &payment.invoice.0).await?;
        // Of several invoices one may be a stranger's.
        if outcome != Synced::Done {
            outcome = synced;
        }
    }
    Ok(outcome)
}
