//! The closed list of things that can happen.

use crate::text::words;

/// The documentation of a variant is also what [`EventType::sentence`] says, so one line each.
macro_rules! events {
    ($(#[doc = $sentence:literal] $variant:ident = $word:literal,)+) => {
        words! {
            /// What kind of thing happened. The word before the point is the thing it happened to.
            pub enum EventType, "an event type" {
                $(#[doc = $sentence] $variant = $word,)+
            }
        }

        impl EventType {
            /// What it means that this happened, in one sentence for the documentation.
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence.trim_ascii_start(),)+
                }
            }
        }
    };
}

events! {
    /// A tenant was created.
    TenantCreated = "tenant.created",
    /// What we know of a tenant was changed.
    TenantUpdated = "tenant.updated",
    /// A tenant was moved to another plan by an operator.
    TenantPlanChanged = "tenant.plan_changed",
    /// A tenant was suspended: it has no access, and nothing is collected from it.
    TenantSuspended = "tenant.suspended",
    /// A suspended tenant was let go on.
    TenantReactivated = "tenant.reactivated",
    /// A tenant was terminated: what it had is ended, for good.
    TenantTerminated = "tenant.terminated",
    /// A tenant was linked to its customer at Stripe.
    TenantCustomerLinked = "tenant.customer_linked",
    /// A tenant was sent to pay.
    CheckoutStarted = "checkout.started",
    /// A tenant went through with a checkout; the subscription follows.
    CheckoutCompleted = "checkout.completed",
    /// A checkout was left until it could no longer be used.
    CheckoutExpired = "checkout.expired",
    /// A tenant was sent to manage what it has.
    PortalOpened = "portal.opened",
    /// A subscription was seen for the first time.
    SubscriptionCreated = "subscription.created",
    /// A trial began; nothing is charged until it ends.
    SubscriptionTrialStarted = "subscription.trial_started",
    /// A trial is over, whatever followed it.
    SubscriptionTrialEnded = "subscription.trial_ended",
    /// A subscription became active: it is paid, or there is nothing to pay.
    SubscriptionActivated = "subscription.activated",
    /// A new billing period began.
    SubscriptionRenewed = "subscription.renewed",
    /// A subscription moved to another plan, another version of it, or another of its prices.
    SubscriptionPlanChanged = "subscription.plan_changed",
    /// The number of seats changed.
    SubscriptionQuantityChanged = "subscription.quantity_changed",
    /// A payment failed; access goes on until the grace days are over.
    SubscriptionPastDue = "subscription.past_due",
    /// A payment that had failed came after all.
    SubscriptionRecovered = "subscription.recovered",
    /// Every attempt to collect a payment failed; invoices are no longer charged.
    SubscriptionUnpaid = "subscription.unpaid",
    /// A subscription was halted; it grants nothing until it is resumed.
    SubscriptionPaused = "subscription.paused",
    /// A subscription that was halted goes on.
    SubscriptionResumed = "subscription.resumed",
    /// The end of a subscription was set, or moved to another day.
    SubscriptionCancelScheduled = "subscription.cancel_scheduled",
    /// A subscription that was to end goes on.
    SubscriptionCancelRevoked = "subscription.cancel_revoked",
    /// A change of the plan or the seats was put off to the end of the period.
    SubscriptionChangeScheduled = "subscription.change_scheduled",
    /// A change that was put off will not come.
    SubscriptionChangeDropped = "subscription.change_dropped",
    /// A trial ends in three days, or sooner where it is shorter.
    SubscriptionTrialEnding = "subscription.trial_ending",
    /// The days of grace are over without a payment; access is taken, nothing is deleted.
    SubscriptionGraceEnded = "subscription.grace_ended",
    /// A subscription ended.
    SubscriptionCanceled = "subscription.canceled",
    /// The first payment of a subscription never came, and it is over.
    SubscriptionExpired = "subscription.expired",
    /// Another card is charged from now on.
    PaymentMethodDefaultChanged = "payment_method.default_changed",
    /// A card was removed, for good.
    PaymentMethodRemoved = "payment_method.removed",
    /// A resource took a slot.
    SlotClaimed = "slot.claimed",
    /// A resource gave its slot back.
    SlotReleased = "slot.released",
    /// So much is used as somebody wanted to be told of.
    UsageAlert = "usage.alert",
    /// An operator gave a tenant credits.
    CreditsGranted = "credits.granted",
    /// An invoice was drawn up; it may still change.
    InvoiceCreated = "invoice.created",
    /// An invoice became final and due.
    InvoiceFinalized = "invoice.finalized",
    /// An invoice was paid.
    InvoicePaid = "invoice.paid",
    /// An attempt to collect an invoice failed.
    InvoicePaymentFailed = "invoice.payment_failed",
    /// An invoice was withdrawn.
    InvoiceVoided = "invoice.voided",
    /// An invoice was given up as a loss.
    InvoiceUncollectible = "invoice.uncollectible",
    /// A draft was deleted before it became an invoice.
    InvoiceDeleted = "invoice.deleted",
    /// A credit note was issued: less is asked, or something is given back.
    InvoiceCredited = "invoice.credited",
    /// A credit note was withdrawn.
    InvoiceCreditVoided = "invoice.credit_voided",
    /// Money that was paid was given back, all of it or a part.
    InvoiceRefunded = "invoice.refunded",
    /// Money could not be given back, or came back to us.
    InvoiceRefundFailed = "invoice.refund_failed",
    /// The customer's bank takes a payment back, or asks about it first.
    DisputeOpened = "dispute.opened",
    /// A dispute went on: evidence was given, or the money moved.
    DisputeUpdated = "dispute.updated",
    /// A dispute is over: won, lost, or come to nothing.
    DisputeClosed = "dispute.closed",
    /// Stripe refused usage that was counted: it is not billed before an operator has done something.
    UsageExportRefused = "usage.export_refused",
    /// Whether Stripe has some usage cannot be found out any more: an operator has to look.
    UsageExportUnclear = "usage.export_unclear",
    /// The tenant's own webhook endpoint is no longer told of events: it failed for days, or said it is gone.
    WebhookEndpointDisabled = "webhook_endpoint.disabled",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_its_own_word_and_sentence() {
        for (position, event) in EventType::ALL.iter().enumerate() {
            let sentence = event.sentence();
            assert!(
                sentence.starts_with(char::is_uppercase) && sentence.ends_with('.'),
                "{sentence}"
            );
            assert_eq!(event.as_str().split('.').count(), 2, "{event}");
            for other in &EventType::ALL[..position] {
                assert_ne!(event.as_str(), other.as_str());
                assert_ne!(sentence, other.sentence());
            }
        }
    }
}
