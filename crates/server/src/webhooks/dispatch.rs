//! The table: which event type syncs what.
//!
//! An event only says that something changed; the slice fetches the object as it is now.

use tollhouse_stripe::{
    CheckoutSessionId, CouponId, CustomerId, InvoiceId, PromotionCodeId, ScheduleId, SubscriptionId,
};

use crate::{
    app::App, checkout, discounts, error::Result, invoices, record::Origin, subscriptions,
    sync::Synced, tenants,
};

/// The kind of object an event is about, for those that concern us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Customer,
    Checkout,
    Subscription,
    Schedule,
    Invoice,
    Coupon,
    PromotionCode,
}

/// What an event type syncs; `None` for the types we keep and ignore.
pub fn target(event_type: &str) -> Option<Target> {
    Some(match event_type {
        "customer.created" | "customer.updated" | "customer.deleted" => Target::Customer,
        "checkout.session.completed"
        | "checkout.session.expired"
        | "checkout.session.async_payment_succeeded"
        | "checkout.session.async_payment_failed" => Target::Checkout,
        "customer.subscription.created"
        | "customer.subscription.updated"
        | "customer.subscription.deleted"
        | "customer.subscription.paused"
        | "customer.subscription.resumed"
        | "customer.subscription.trial_will_end" => Target::Subscription,
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
        | "invoice.overpaid"
        | "invoice.voided"
        | "invoice.marked_uncollectible" => Target::Invoice,
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
        Target::Checkout => checkout::sync::sync(app, &origin, &CheckoutSessionId::new(id)).await,
        Target::Subscription => {
            subscriptions::sync::sync(app, &origin, &SubscriptionId::new(id)).await
        }
        Target::Schedule => {
            subscriptions::sync::sync_schedule(app, &origin, &ScheduleId::new(id)).await
        }
        Target::Invoice => invoices::sync::sync(app, &origin, &InvoiceId::new(id)).await,
        Target::Coupon => discounts::sync::coupon(app, &origin, &CouponId::new(id)).await,
        Target::PromotionCode => {
            discounts::sync::promotion_code(app, &origin, &PromotionCodeId::new(id)).await
        }
    }
}
