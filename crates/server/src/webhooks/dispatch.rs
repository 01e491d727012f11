//! The table: which event type syncs what.
//!
//! An event only says that something changed; the slice fetches the object as it is now. Not here, and so
//! ignored: what we keep no picture of (`entitlements.*`: what a plan grants is ours to say), and what is
//! told by another type as well (`payment_intent.*`, `charge.succeeded`: the invoice).

use tollhouse_stripe::{
    ChargeId, CheckoutSessionId, CouponId, CreditNoteId, CustomerId, DisputeId, InvoiceId,
    InvoicePaymentId, PaymentMethodId, PromotionCodeId, RefundId, ScheduleId, SubscriptionId,
};

use crate::{
    app::App, checkout, discounts, error::Result, invoices, record::Origin, subscriptions,
    sync::Synced, tenants,
};

/// The kind of object an event is about, for those that concern us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Customer,
    /// All cards of a customer, by the customer's id.
    Cards,
    Card,
    Checkout,
    Subscription,
    Schedule,
    Invoice,
    InvoicePayment,
    CreditNote,
    Charge,
    Refund,
    Dispute,
    Coupon,
    PromotionCode,
}

/// Types that no fetch can settle, and what they mean for the person who sees them.
pub fn for_a_person(event_type: &str) -> Option<&'static str> {
    match event_type {
        "v1.billing.meter.error_report_triggered" => {
            Some("Stripe refused usage that was reported for this meter: its dashboard says which")
        }
        "v1.billing.meter.no_meter_found" => {
            Some("usage was reported to Stripe for a meter that is not there")
        }
        _ => None,
    }
}

/// What an event type syncs; `None` for the types we keep and ignore.
pub fn target(event_type: &str) -> Option<Target> {
    // A thin notification bears the snapshot's type after `v1.`, and names a part itself, not its whole.
    let Some(thin) = event_type.strip_prefix("v1.") else { return target_of_snapshot(event_type) };
    match thin.split_once('.')?.0 {
        "invoice_payment" => Some(Target::InvoicePayment),
        "credit_note" => Some(Target::CreditNote),
        "payment_method" => Some(Target::Card),
        "setup_intent" => None,
        _ if thin == "invoice.upcoming" => None,
        _ => target_of_snapshot(thin),
    }
}

fn target_of_snapshot(event_type: &str) -> Option<Target> {
    Some(match event_type {
        "customer.created" | "customer.updated" | "customer.deleted" => Target::Customer,
        "payment_method.attached"
        | "payment_method.detached"
        | "payment_method.updated"
        | "payment_method.automatically_updated"
        | "setup_intent.succeeded" => Target::Cards,
        "checkout.session.completed"
        | "checkout.session.expired"
        | "checkout.session.async_payment_succeeded"
        | "checkout.session.async_payment_failed" => Target::Checkout,
        "customer.subscription.created"
        | "customer.subscription.updated"
        | "customer.subscription.deleted"
        | "customer.subscription.paused"
        | "customer.subscription.resumed"
        | "customer.subscription.trial_will_end"
        | "customer.subscription.pending_update_applied"
        | "customer.subscription.pending_update_expired"
        | "invoice.upcoming" => Target::Subscription,
        "subscription_schedule.created"
        | "subscription_schedule.updated"
        | "subscription_schedule.released"
        | "subscription_schedule.completed"
        | "subscription_schedule.canceled"
        | "subscription_schedule.aborted" => Target::Schedule,
        "invoice.created"
        | "invoice.updated"
        | "invoice.finalized"
        | "invoice.finalization_failed"
        | "invoice.paid"
        | "invoice.payment_succeeded"
        | "invoice.payment_failed"
        | "invoice.payment_action_required"
        | "invoice.overdue"
        | "invoice.overpaid"
        | "invoice.payment_attempt_required"
        | "invoice.sent"
        | "invoice.will_be_due"
        | "invoice.voided"
        | "invoice.marked_uncollectible"
        | "invoice.deleted"
        | "invoice_payment.paid"
        | "credit_note.created"
        | "credit_note.updated"
        | "credit_note.voided" => Target::Invoice,
        "charge.refunded" => Target::Charge,
        "charge.refund.updated" | "refund.created" | "refund.updated" | "refund.failed" => {
            Target::Refund
        }
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.closed"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated" => Target::Dispute,
        "coupon.created" | "coupon.updated" | "coupon.deleted" => Target::Coupon,
        "promotion_code.created" | "promotion_code.updated" => Target::PromotionCode,
        _ => return None,
    })
}

/// Takes in the object as it is now.
pub async fn sync(app: &App, target: Target, id: &str) -> Result<Synced> {
    let origin = Origin::stripe();
    match target {
        Target::Customer => match tenants::sync::tenant_of(app, &CustomerId::new(id)).await? {
            Some(_) => Ok(Synced::Done),
            None => Ok(Synced::NotOurs("the customer belongs to no tenant")),
        },
        Target::Cards => {
            subscriptions::sync::sync_of_customer(app, &origin, &CustomerId::new(id)).await
        }
        Target::Card => sync_card(app, &origin, &PaymentMethodId::new(id)).await,
        Target::Checkout => checkout::sync::sync(app, &origin, &CheckoutSessionId::new(id)).await,
        Target::Subscription => {
            subscriptions::sync::sync(app, &origin, &SubscriptionId::new(id)).await
        }
        Target::Schedule => {
            subscriptions::sync::sync_schedule(app, &origin, &ScheduleId::new(id)).await
        }
        Target::Invoice => invoices::sync::sync(app, &origin, &InvoiceId::new(id)).await,
        Target::InvoicePayment => {
            let id = InvoicePaymentId::new(id);
            let payment = app.stripe.retrieve_invoice_payment(&id).await?;
            invoices::sync::sync(app, &origin, &payment.invoice.0).await
        }
        Target::CreditNote => {
            let note = app.stripe.retrieve_credit_note(&CreditNoteId::new(id)).await?;
            invoices::sync::sync(app, &origin, &note.invoice.0).await
        }
        Target::Charge => invoices::paid_with::sync_charge(app, &origin, &ChargeId::new(id)).await,
        Target::Refund => invoices::paid_with::sync_refund(app, &origin, &RefundId::new(id)).await,
        Target::Dispute => {
            invoices::paid_with::sync_dispute(app, &origin, &DisputeId::new(id)).await
        }
        Target::Coupon => discounts::sync::coupon(app, &origin, &CouponId::new(id)).await,
        Target::PromotionCode => {
            discounts::sync::promotion_code(app, &origin, &PromotionCodeId::new(id)).await
        }
    }
}

async fn sync_card(app: &App, origin: &Origin, id: &PaymentMethodId) -> Result<Synced> {
    match app.stripe.retrieve_payment_method(id).await?.customer {
        Some(customer) => subscriptions::sync::sync_of_customer(app, origin, &customer.0).await,
        None => Ok(Synced::NotOurs("the card belongs to no customer")),
    }
}
