//! The table: which event type syncs what.
//!
//! An event only says that something changed; the slice fetches the object as it is now. Not here, and so
//! ignored: what we keep no picture of (`entitlements.*`: what a plan grants is ours to say), and what is
//! told by another type as well (`payment_intent.*`, `charge.succeeded`: the invoice).

use tollhouse_stripe::{
    ChargeId, CheckoutSessionId, CouponId, CreditNoteId, CustomerId, DisputeId, EventId, InvoiceId,
    InvoicePaymentId, PaymentMethodId, PromotionCodeId, RefundId, ScheduleId, SubscriptionId,
};

use crate::{
    app::App, checkout, discounts, error::Result, export, invoices, record::Origin, subscriptions,
    sync::Synced, tenants,
};

/// The type of what is signed and cannot be read.
pub const UNREADABLE: &str = "unreadable";

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
    /// Usage that we reported, by the id of the event that tells of it.
    MeterEvents,
}

/// Types of which the event itself is to be fetched: it says more than the object it is about.
pub fn is_about_itself(event_type: &str) -> bool {
    target(event_type) == Some(Target::MeterEvents)
}

/// The event shows the subscription or the invoice itself, not one that is to come, nor a part of it.
pub fn carries_its_target(event_type: &str) -> bool {
    event_type != "invoice.upcoming"
        && ["customer.subscription.", "invoice."].iter().any(|kind| event_type.starts_with(kind))
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
        "billing" => match thin {
            "billing.meter.error_report_triggered" | "billing.meter.no_meter_found" => {
                Some(Target::MeterEvents)
            }
            _ => None,
        },
        _ if thin == "invoice.upcoming" => None,
        _ => target_of_snapshot(thin),
    }
}

/// The type under which an event is counted: strangers' words would be labels without end.
pub fn counted_as(event_type: &str) -> &'static str {
    let plain = event_type.strip_prefix("v1.").unwrap_or(event_type);
    let known = TYPES.iter().find(|(known, _)| *known == plain).map(|(known, _)| *known);
    known.unwrap_or(if event_type == UNREADABLE { UNREADABLE } else { "other" })
}

/// Every type that concerns us, and what it syncs: what a webhook endpoint has to be registered for.
pub const TYPES: &[(&str, Target)] = &[
    ("customer.created", Target::Customer),
    ("customer.updated", Target::Customer),
    ("customer.deleted", Target::Customer),
    ("payment_method.attached", Target::Cards),
    ("payment_method.detached", Target::Cards),
    ("payment_method.updated", Target::Cards),
    ("payment_method.automatically_updated", Target::Cards),
    ("setup_intent.succeeded", Target::Cards),
    ("checkout.session.completed", Target::Checkout),
    ("checkout.session.expired", Target::Checkout),
    ("checkout.session.async_payment_succeeded", Target::Checkout),
    ("checkout.session.async_payment_failed", Target::Checkout),
    ("customer.subscription.created", Target::Subscription),
    ("customer.subscription.updated", Target::Subscription),
    ("customer.subscription.deleted", Target::Subscription),
    ("customer.subscription.paused", Target::Subscription),
    ("customer.subscription.resumed", Target::Subscription),
    ("customer.subscription.trial_will_end", Target::Subscription),
    ("customer.subscription.pending_update_applied", Target::Subscription),
    ("customer.subscription.pending_update_expired", Target::Subscription),
    ("invoice.upcoming", Target::Subscription),
    ("subscription_schedule.created", Target::Schedule),
    ("subscription_schedule.updated", Target::Schedule),
    ("subscription_schedule.released", Target::Schedule),
    ("subscription_schedule.completed", Target::Schedule),
    ("subscription_schedule.canceled", Target::Schedule),
    ("subscription_schedule.aborted", Target::Schedule),
    ("invoice.created", Target::Invoice),
    ("invoice.updated", Target::Invoice),
    ("invoice.finalized", Target::Invoice),
    ("invoice.finalization_failed", Target::Invoice),
    ("invoice.paid", Target::Invoice),
    ("invoice.payment_succeeded", Target::Invoice),
    ("invoice.payment_failed", Target::Invoice),
    ("invoice.payment_action_required", Target::Invoice),
    ("invoice.overdue", Target::Invoice),
    ("invoice.overpaid", Target::Invoice),
    ("invoice.payment_attempt_required", Target::Invoice),
    ("invoice.sent", Target::Invoice),
    ("invoice.will_be_due", Target::Invoice),
    ("invoice.voided", Target::Invoice),
    ("invoice.marked_uncollectible", Target::Invoice),
    ("invoice.deleted", Target::Invoice),
    ("invoice_payment.paid", Target::Invoice),
    ("credit_note.created", Target::Invoice),
    ("credit_note.updated", Target::Invoice),
    ("credit_note.voided", Target::Invoice),
    ("charge.refunded", Target::Charge),
    ("charge.refund.updated", Target::Refund),
    ("refund.created", Target::Refund),
    ("refund.updated", Target::Refund),
    ("refund.failed", Target::Refund),
    ("charge.dispute.created", Target::Dispute),
    ("charge.dispute.updated", Target::Dispute),
    ("charge.dispute.closed", Target::Dispute),
    ("charge.dispute.funds_withdrawn", Target::Dispute),
    ("charge.dispute.funds_reinstated", Target::Dispute),
    ("coupon.created", Target::Coupon),
    ("coupon.updated", Target::Coupon),
    ("coupon.deleted", Target::Coupon),
    ("promotion_code.created", Target::PromotionCode),
    ("promotion_code.updated", Target::PromotionCode),
];

fn target_of_snapshot(event_type: &str) -> Option<Target> {
    TYPES.iter().find(|(known, _)| *known == event_type).map(|(_, target)| *target)
}

/// Takes in the object as it is now.
pub async fn sync(app: &App, target: Target, id: &str) -> Result<Synced> {
    let origin = Origin::stripe();
    match target {
        Target::Customer => match tenants::sync::tenant_of(app, &CustomerId::new(id)).await? {
            Some(tenant) => {
                subscriptions::sync::sync_charged_to_customer(app, &origin, tenant.id).await?;
                Ok(Synced::Done)
            }
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
        Target::MeterEvents => export::sync::error_report(app, &EventId::new(id)).await,
    }
}

async fn sync_card(app: &App, origin: &Origin, id: &PaymentMethodId) -> Result<Synced> {
    match app.stripe.retrieve_payment_method(id).await?.customer {
        Some(customer) => subscriptions::sync::sync_of_customer(app, origin, &customer.0).await,
        None => Ok(Synced::NotOurs("the card belongs to no customer")),
    }
}
