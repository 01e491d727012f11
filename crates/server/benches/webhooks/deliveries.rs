//! Requests as Stripe sends them, built and signed before the clock starts.

use axum::body::Bytes;
use tollhouse_server::Clock;
use tollhouse_stripe::signature;

pub const SECRET: &str = "whsec_of_the_benchmark";

/// As many requests, each with an event of its own.
pub fn requests(count: usize) -> Vec<Bytes> {
    let signed_at = Clock::real().now().as_second();
    (0..count).map(|number| request(EVENT, number, signed_at)).collect()
}

/// As many requests about so many customers in turn.
pub fn of_customers(count: usize, customers: usize) -> Vec<Bytes> {
    let signed_at = Clock::real().now().as_second();
    let of = |number| CUSTOMER_EVENT.replace("WHO", &customer(number % customers));
    (0..count).map(|number| request(&of(number), number, signed_at)).collect()
}

/// The id of a customer.
pub fn customer(number: usize) -> String {
    format!("cus_bench00{number:08}")
}

/// A whole HTTP/1.1 request.
fn request(event: &str, number: usize, signed_at: i64) -> Bytes {
    let body =
        event.replace("NUMBER", &format!("{number:08}")).replace("CREATED", &signed_at.to_string());
    let signature = signature::sign(SECRET, signed_at, body.as_bytes());
    let head = format!(
        "POST /webhook/stripe HTTP/1.1\r\n\
         host: billing.example.com\r\n\
         user-agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n\
         accept: */*; q=0.5, application/xml\r\n\
         content-type: application/json; charset=utf-8\r\n\
         content-length: {}\r\n\
         stripe-signature: {signature}\r\n\r\n",
        body.len()
    );
    Bytes::from(head + &body)
}

/// A renewed subscription, about 1 kB.
const EVENT: &str = r#"{
  "id": "evt_1bench00NUMBER", "object": "event", "api_version": "2026-10-28.endive",
  "created": CREATED, "livemode": false, "pending_webhooks": 1,
  "type": "customer.subscription.updated",
  "request": {"id": null, "idempotency_key": null},
  "data": {
    "object": {
      "id": "sub_1bench00NUMBER", "object": "subscription", "customer": "cus_bench00NUMBER",
      "status": "active", "currency": "usd", "collection_method": "charge_automatically",
      "cancel_at_period_end": false, "canceled_at": null, "trial_end": null,
      "items": {"object": "list", "has_more": false, "total_count": 1, "data": [{
        "id": "si_bench00NUMBER", "object": "subscription_item", "quantity": 1,
        "current_period_start": CREATED, "current_period_end": CREATED,
        "price": {"id": "price_1bench", "object": "price", "unit_amount": 2900, "currency": "usd",
          "lookup_key": "pro_v1_month_usd", "recurring": {"interval": "month", "interval_count": 1}}
      }]},
      "metadata": {"tenant_id": "0199d2a0-0000-7000-8000-0000NUMBER"}
    },
    "previous_attributes": {"latest_invoice": "in_1bench00NUMBER"}
  }
}"#;

/// A customer whose address was changed, about 1 kB.
const CUSTOMER_EVENT: &str = r#"{
  "id": "evt_1bench00NUMBER", "object": "event", "api_version": "2026-10-28.endive",
  "created": CREATED, "livemode": false, "pending_webhooks": 1,
  "type": "customer.updated",
  "request": {"id": "req_bench00NUMBER", "idempotency_key": null},
  "data": {
    "object": {
      "id": "WHO", "object": "customer", "created": CREATED, "currency": "usd", "balance": 0,
      "name": "A customer of the benchmark", "email": "someone@example.com", "phone": null,
      "address": {"line1": "1 Long Road", "line2": null, "city": "Springfield", "state": "IL",
        "postal_code": "62701", "country": "US"},
      "shipping": null, "delinquent": false, "default_source": null, "discount": null,
      "invoice_prefix": "BENCH", "next_invoice_sequence": 12, "preferred_locales": [],
      "invoice_settings": {"custom_fields": null, "default_payment_method": null, "footer": null},
      "tax_exempt": "none", "test_clock": null, "livemode": false, "description": null,
      "metadata": {"tenant_id": "0199d2a0-0000-7000-8000-000000000000"}
    },
    "previous_attributes": {"address": {"line1": "2 Short Road", "line2": null, "city": "Springfield",
      "state": "IL", "postal_code": "62701", "country": "US"}}
  }
}"#;
