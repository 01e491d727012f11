//! Cards of a tenant that fail or pay: changed at the simulator as a customer would at Stripe.

use anyhow::ensure;
use serde_json::Value;
use tollhouse_domain::id::TenantId;
use tollhouse_stripe::{Call, Gateway, Method};

use super::time_machine::TimeMachine;

/// Can be attached, and declines every charge: 4000 0000 0000 0341.
pub const FAILS: &str = "pm_card_chargeCustomerFail";
/// 4242 4242 4242 4242
pub const PAYS: &str = "pm_card_visa";

/// Has everything of a tenant charged to another card.
pub async fn replace(machine: &TimeMachine, tenant: TenantId, card: &str) -> anyhow::Result<()> {
    let customer = machine.customer(tenant).await?;
    let attach = format!("/v1/payment_methods/{card}/attach");
    let attached = post(machine, &attach, &[("customer", &customer)]).await?;
    let card = text(&attached["id"]);
    let default = [("invoice_settings[default_payment_method]", card.as_str())];
    post(machine, &format!("/v1/customers/{customer}"), &default).await?;
    for subscription in of_customer(machine, "subscription", &customer) {
        if matches!(text(&subscription["status"]).as_str(), "canceled" | "incomplete_expired") {
            continue;
        }
        let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
        post(machine, &path, &[("default_payment_method", &card)]).await?;
    }
    Ok(())
}

/// Pays what is open; whether there was anything.
pub async fn pay_what_is_owed(machine: &TimeMachine, tenant: TenantId) -> anyhow::Result<bool> {
    let customer = machine.customer(tenant).await?;
    let mut open = of_customer(machine, "invoice", &customer);
    open.retain(|invoice| invoice["status"] == "open");
    for invoice in &open {
        post(machine, &format!("/v1/invoices/{}/pay", text(&invoice["id"])), &[]).await?;
    }
    Ok(!open.is_empty())
}

fn of_customer(machine: &TimeMachine, kind: &str, customer: &str) -> Vec<Value> {
    let mut objects = machine.simulator.objects(kind);
    objects.retain(|object| object["customer"] == customer);
    objects
}

async fn post(machine: &TimeMachine, path: &str, params: &[(&str, &str)]) -> anyhow::Result<Value> {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let call = Call {
        method: Method::Post,
        path: path.to_owned(),
        params: params.collect(),
        idempotency_key: None,
    };
    let answer = machine.simulator.gateway().send(&call).await?;
    let body: Value = serde_json::from_slice(&answer.body)?;
    ensure!(answer.status == 200, "the simulator says: {}", text(&body["error"]["message"]));
    Ok(body)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
