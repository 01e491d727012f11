//! Invoice items: amounts that wait for the next invoice, prorations above all.

mod operations;

use serde_json::{Value, json};

pub use operations::{create, delete, list, retrieve, update};

use crate::{
    catalog::amount::Decimal,
    invoices::Line,
    params::Metadata,
    subscriptions::{Proration, Subscription},
    table::{Object, Table},
    tax_rates,
    test_clocks::clock_of,
    world::{World, with_nulls},
};

#[derive(Clone)]
pub struct InvoiceItem {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub currency: String,
    pub subscription: Option<String>,
    pub subscription_item: Option<String>,
    pub price: Option<String>,
    pub unit_amount_decimal: Option<String>,
    pub description: Option<String>,
    pub amount: i64,
    pub quantity: Decimal,
    /// Start and end.
    pub period: (i64, i64),
    pub proration: bool,
    pub discountable: bool,
    /// Its own, instead of the invoice's.
    pub tax_rates: Vec<String>,
    /// The invoice that took it up; none while it waits.
    pub invoice: Option<String>,
    pub metadata: Metadata,
    pub deleted: bool,
}

impl Object for InvoiceItem {
    const NOUN: &'static str = "invoiceitem";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn is_deleted(&self) -> bool {
        self.deleted
    }

    fn render(&self, world: &World) -> Value {
        let product = self.price.as_ref().and_then(|id| world.prices.find(id)).map(|p| &p.product);
        let pricing = self.price.as_ref().map(|price| {
            json!({
                "price_details": { "price": price, "product": product },
                "type": "price_details",
                "unit_amount_decimal": self.unit_amount_decimal,
            })
        });
        let mut shown = json!({
            "id": self.id,
            "object": "invoiceitem",
            "amount": self.amount,
            "currency": self.currency,
            "customer": self.customer,
            "date": self.created,
            "description": self.description,
            "discountable": self.discountable,
            "discounts": [],
            "invoice": self.invoice,
            "livemode": false,
            "metadata": self.metadata,
            "net_amount": self.amount,
            "parent": self.parent(),
            "period": { "end": self.period.1, "start": self.period.0 },
            "pricing": pricing,
            "proration": self.proration,
            // The schema has whole numbers only; the exact one is beside it.
            "quantity": self.quantity.floor(),
            "quantity_decimal": self.quantity.to_string(),
            "test_clock": clock_of(world, &self.customer),
            "tax_rates": tax_rates::show(world, &self.tax_rates),
        });
        if self.proration {
            shown["proration_details"] = json!({ "credited_items": null, "discount_amounts": [] });
        }
        with_nulls(shown, &["customer_account"])
    }

    fn table(world: &World) -> &Table<Self> {
        &world.invoice_items
    }
}

impl InvoiceItem {
    fn parent(&self) -> Value {
        let Some(subscription) = &self.subscription else { return Value::Null };
        let mut details = json!({ "subscription": subscription });
        if let Some(item) = &self.subscription_item {
            details["subscription_item"] = json!(item);
        }
        json!({ "subscription_details": details, "type": "subscription_details" })
    }

    /// What a change of a subscription credits or debits, not yet kept.
    pub fn of_proration(world: &World, subscription: &str, proration: &Proration) -> Self {
        let stored = world.subscriptions.find(subscription);
        let price = world.prices.find(&proration.price);
        Self {
            id: String::new(),
            created: world.now,
            customer: stored.map_or_else(String::new, |stored| stored.customer.clone()),
            currency: price.map_or_else(String::new, |price| price.currency.clone()),
            subscription: Some(subscription.to_owned()),
            subscription_item: Some(proration.item.clone()),
            price: Some(proration.price.clone()),
            unit_amount_decimal: price.and_then(|price| price.scheme.unit()).map(|u| u.to_string()),
            description: Some(proration.description(world)),
            amount: proration.amount,
            quantity: Decimal::from_integer(proration.quantity),
            period: proration.period,
            proration: true,
            discountable: false,
            tax_rates: proration.tax_rates.clone(),
            invoice: None,
            metadata: Metadata::new(),
            deleted: false,
        }
    }
}

impl InvoiceItem {
    /// Usage that is billed before its period ends, not yet kept.
    pub fn of_usage(subscription: &Subscription, line: Line, now: i64) -> Self {
        Self {
            id: String::new(),
            created: now,
            customer: subscription.customer.clone(),
            currency: subscription.currency.clone(),
            subscription: Some(subscription.id.clone()),
            subscription_item: line.subscription_item,
            price: line.price,
            unit_amount_decimal: line.unit_amount_decimal,
            description: Some(line.description),
            amount: line.amount,
            quantity: line.quantity,
            period: line.period,
            proration: false,
            discountable: line.discountable,
            tax_rates: line.tax_rates,
            invoice: None,
            metadata: Metadata::new(),
            deleted: false,
        }
    }
}

/// Keeps an item that has no id yet, and says so.
pub fn add(world: &mut World, item: InvoiceItem) -> String {
    let id = world.ids.id("ii_");
    let item = InvoiceItem { id: id.clone(), ..item };
    let shown = item.render(world);
    world.invoice_items.put(item);
    world.emit("invoiceitem.created", &shown);
    id
}

/// What waits for the next invoice of a subscription: its own items and those of no subscription,
/// newest first.
pub fn pending(world: &World, customer: &str, subscription: &str) -> Vec<InvoiceItem> {
    let waits = |item: &&InvoiceItem| {
        item.invoice.is_none()
            && !item.deleted
            && item.customer == customer
            && item.subscription.as_deref().is_none_or(|id| id == subscription)
    };
    world.invoice_items.rows().iter().rev().filter(waits).cloned().collect()
}
