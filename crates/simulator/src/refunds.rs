//! Refunds: money back for a charge, all of it or in parts.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    payments::Charge,
    table::{Object, Table},
    world::{Request, World, with_nulls},
};

#[derive(Clone)]
pub struct Refund {
    id: String,
    created: i64,
    pub amount: i64,
    pub charge: String,
    currency: String,
    pub customer: Option<String>,
    payment_intent: String,
    reason: Option<&'static str>,
    metadata: Metadata,
}

impl Object for Refund {
    const NOUN: &'static str = "refund";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        let shown = json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "status": "succeeded",
        });
        with_nulls(shown, NULLS)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.refunds
    }
}

const NULLS: &[&str] = &[
    "balance_transaction",
    "customer_account",
    "payment_method",
    "receipt_number",
    "source_transfer_reversal",
    "transfer_reversal",
];

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let charge = charge(world, &params)?.clone();
    let left = charge.left_to_refund();
    if left == 0 {
        return Err(Error::invalid(format!("Charge {} has already been refunded.", charge.id()))
            .code("charge_already_refunded"));
    }
    let amount = params.integer("amount")?.unwrap_or(left);
    if amount <= 0 || amount > left {
        let message = format!(
            "Refund amount ({amount}) must be above zero and at most what is left of the charge \
             ({left})."
        );
        return Err(params.wrong("amount", &message));
    }
    let reason = params.choice("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let mut metadata = Metadata::new();
    params.merge_metadata(&mut metadata)?;
    let id = give_back(world, &charge, amount, reason, metadata);
    Ok(world.refunds.get(&id, "id")?.render(world))
}

/// Refunds `amount` of a charge, at most what is left of it, and says so. Answers the refund's id.
pub fn give_back(
    world: &mut World,
    charge: &Charge,
    amount: i64,
    reason: Option<&'static str>,
    metadata: Metadata,
) -> String {
    let refund = Refund {
        id: world.ids.id("re_"),
        created: world.now,
        amount,
        charge: charge.id().to_owned(),
        currency: charge.currency.clone(),
        customer: charge.customer.clone(),
        payment_intent: charge.payment_intent.clone(),
        reason,
        metadata,
    };
    let (id, shown) = (refund.id.clone(), refund.render(world));
    world.refunds.put(refund);
    world.emit("refund.created", &shown);
    let before = charge.render(world);
    world.charges.change(charge.id(), |charge| charge.amount_refunded += amount);
    if let Some(after) = world.charges.find(charge.id()).map(|charge| charge.render(world)) {
        world.emit_update("charge.refunded", &before, &after);
    }
    id
}

/// The charge named, or the one that paid the intent named.
fn charge<'a>(world: &'a World, params: &Params<'_>) -> Result<&'a Charge> {
    let id = match (params.text("charge")?, params.text("payment_intent")?) {
        (Some(id), None) => id.to_owned(),
        (None, Some(intent)) => {
            let found = world.payment_intents.get(intent, "payment_intent")?;
            let paid = found.latest_charge.clone().filter(|_| found.status == "succeeded");
            paid.ok_or_else(|| {
                Error::invalid("This PaymentIntent does not have a successful charge to refund.")
                    .param("payment_intent")
            })?
        }
        _ => {
            return Err(Error::invalid(
                "One of the following params should be provided for this request: payment_intent \
                 or charge.",
            ));
        }
    };
    let charge = world.charges.get(&id, "charge")?;
    if charge.is_paid() {
        return Ok(charge);
    }
    Err(Error::invalid(format!("Charge {id} has failed, so it cannot be refunded."))
        .param("charge"))
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let mut refund = world.refunds.get(&request.id, "id")?.clone();
    let before = refund.render(world);
    request.params().merge_metadata(&mut refund.metadata)?;
    let after = refund.render(world);
    world.refunds.put(refund);
    world.emit_update("refund.updated", &before, &after);
    Ok(after)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.refunds.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
    lists::list::<Refund>(world, request, |refund| {
        charge.is_none_or(|charge| refund.charge == charge)
            && intent.is_none_or(|intent| refund.payment_intent == intent)
    })
}
