//! Which parts of Stripe's objects say who somebody is, and an object without them.

use serde_json::{Value, value::RawValue};

/// Wherever they stand in an object. Amounts, ids, states and times are none of them.
const PERSONAL: [&str; 19] = [
    "account_name",
    "address",
    "billing_details",
    "custom_fields",
    "customer_address",
    "customer_details",
    "customer_email",
    "customer_name",
    "customer_phone",
    "customer_shipping",
    "default_payment_method",
    "default_source",
    "email",
    "hosted_invoice_url",
    "invoice_pdf",
    "phone",
    "receipt_email",
    "shipping",
    "shipping_details",
];
/// A list of tax ids; where none is left, Stripe shows an empty one.
const TAX_IDS: &str = "customer_tax_ids";
/// What Stripe shows as an id, or, where it was asked to, as the whole of it.
const CUSTOMER: &str = "customer";

/// The object without what is personal: its name is kept, its value is `null`. Doing it again changes nothing.
///
/// # Errors
/// When it is not JSON.
pub fn without_personal_data(object: &str) -> serde_json::Result<Box<RawValue>> {
    let mut value: Value = serde_json::from_str(object)?;
    erase(&mut value);
    serde_json::value::to_raw_value(&value)
}

fn erase(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(erase),
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    TAX_IDS => *value = Value::Array(Vec::new()),
                    CUSTOMER if value.is_object() => *value = value["id"].take(),
                    name if PERSONAL.contains(&name) => *value = Value::Null,
                    _ => erase(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn erased(object: &Value) -> Value {
        let once = without_personal_data(&object.to_string()).unwrap();
        let twice = without_personal_data(once.get()).unwrap();
        assert_eq!(once.get(), twice.get());
        serde_json::from_str(once.get()).unwrap()
    }

    #[test]
    fn figures_stay_and_people_go() {
        let invoice = json!({
            "id": "in_1", "total": 4900, "customer": {"id": "cus_1", "email": "ada@acme.example"},
            "customer_name": "Ada", "customer_email": "ada@acme.example", "customer_phone": "+44 20 7946 0000",
            "customer_address": {"line1": "1 Main Street", "city": "London"},
            "customer_tax_ids": [{"type": "gb_vat", "value": "GB123456789"}],
            "hosted_invoice_url": "https://invoice.stripe.com/i/1",
            "lines": {"data": [{"amount": 4900, "metadata": {"plan": "pro"}}]},
            "payments": {"data": [{"amount_paid": 4900, "payment": {"charge": {"billing_details": {"name": "Ada"},
                "receipt_email": "ada@acme.example", "amount": 4900}}}]},
        });
        let left = erased(&invoice);
        assert_eq!(left["customer"], "cus_1");
        assert_eq!(
            (&left["total"], &left["lines"]["data"][0]["amount"]),
            (&json!(4900), &json!(4900))
        );
        assert_eq!(left["payments"]["data"][0]["payment"]["charge"]["amount"], 4900);
        assert_eq!(left["lines"]["data"][0]["metadata"]["plan"], "pro");
        let text = left.to_string();
        for personal in ["Ada", "ada@", "7946", "Main", "London", "GB123", "invoice.stripe.com"] {
            assert!(!text.contains(personal), "{personal}: {text}");
        }
    }

    #[test]
    fn what_is_erased_can_still_be_read() {
        let subscription = json!({"id": "sub_1", "customer": "cus_1", "status": "canceled",
            "items": {"data": []}, "metadata": {"tenant_id": "1"},
            "default_payment_method": {"id": "pm_1", "card": {"last4": "4242"}}});
        let left = erased(&subscription);
        let read: crate::objects::Subscription = serde_json::from_value(left.clone()).unwrap();
        assert_eq!(read.id.as_str(), "sub_1");
        assert!(!left.to_string().contains("4242"));
    }
}
