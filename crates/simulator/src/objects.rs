//! Looking inside: all objects of a kind, for tests and the curious.

use serde_json::Value;

use crate::{
    balance_transactions::BalanceTransaction,
    catalog::{Price, Product},
    checkout::Session,
    credit_notes::CreditNote,
    customers::{self, Customer},
    discounts::{Coupon, Discount, PromotionCode},
    disputes::Dispute,
    entitlements::{ActiveEntitlement, Feature, ProductFeature},
    events::Event,
    funds::{Account, Payout, Reversal, Topup, Transfer},
    invoice_items::InvoiceItem,
    invoices::{Invoice, InvoicePayment},
    payment_links::PaymentLink,
    payment_methods::PaymentMethod,
    payments::{Charge, PaymentIntent},
    portal::{Configuration, PortalSession},
    quotes::Quote,
    refunds::Refund,
    schedules::Schedule,
    setup_intents::SetupIntent,
    subscriptions::Subscription,
    table::Object,
    tax_rates::TaxRate,
    test_clocks::TestClock,
    thin_events::ThinEvent,
    usage::Meter,
    webhook_endpoints::WebhookEndpoint,
    world::World,
};

impl World {
    /// Objects of one kind, as the API shows them, in order of creation.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        match kind {
            "customer" => self.all::<Customer>(),
            "product" => self.all::<Product>(),
            "price" => self.all::<Price>(),
            "billing.meter" => self.all::<Meter>(),
            "entitlements.feature" => self.all::<Feature>(),
            "entitlements.active_entitlement" => self.all::<ActiveEntitlement>(),
            "product_feature" => self.all::<ProductFeature>(),
            "coupon" => self.all::<Coupon>(),
            "promotion_code" => self.all::<PromotionCode>(),
            "discount" => self.all::<Discount>(),
            "tax_rate" => self.all::<TaxRate>(),
            "checkout.session" => self.all::<Session>(),
            "payment_link" => self.all::<PaymentLink>(),
            "quote" => self.all::<Quote>(),
            "payment_method" => self.all::<PaymentMethod>(),
            "payment_intent" => self.all::<PaymentIntent>(),
            "setup_intent" => self.all::<SetupIntent>(),
            "charge" => self.all::<Charge>(),
            "subscription" => self.all::<Subscription>(),
            "billing_portal.configuration" => self.all::<Configuration>(),
            "billing_portal.session" => self.all::<PortalSession>(),
            "dispute" => self.all::<Dispute>(),
            "balance_transaction" => self.all::<BalanceTransaction>(),
            "customer_balance_transaction" => self.all::<customers::BalanceTransaction>(),
            "customer_cash_balance_transaction" => self.all::<customers::CashTransaction>(),
            "account" => self.all::<Account>(),
            "payout" => self.all::<Payout>(),
            "topup" => self.all::<Topup>(),
            "transfer" => self.all::<Transfer>(),
            "transfer_reversal" => self.all::<Reversal>(),
            "refund" => self.all::<Refund>(),
            "subscription_schedule" => self.all::<Schedule>(),
            "invoice" => self.all::<Invoice>(),
            "credit_note" => self.all::<CreditNote>(),
            "invoiceitem" => self.all::<InvoiceItem>(),
            "invoice_payment" => self.all::<InvoicePayment>(),
            "test_helpers.test_clock" => self.all::<TestClock>(),
            "event" => self.all::<Event>(),
            "v2.core.event" => self.all::<ThinEvent>(),
            "webhook_endpoint" => self.all::<WebhookEndpoint>(),
            _ => Vec::new(),
        }
    }

    fn all<T: Object>(&self) -> Vec<Value> {
        T::table(self).rows().iter().map(|row| row.render(self)).collect()
    }
}
