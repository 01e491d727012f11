//! Refunds: money back for a charge, all of it or in parts.

use serde_json::{Value, json};

use crate::{
    balance_transactions::{self, Kind},
    cards::Behaviour,
    clock::Due,
    disputes,
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    payments::Charge,
    table::{Object, Table},
    world::{Request, World, with_nulls},
};

/// When a refund of some test cards turns out otherwise; Stripe does not say after how long.
const OUTCOME_SECONDS: i64 = 3600;

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
    status: Status,
    balance_transaction: Option<String>,
    failure_balance_transaction: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Pending,
    Succeeded,
    Failed,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
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
        let mut shown = json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "status": self.status.word(),
        });
        if let Some(transaction) = &self.failure_balance_transaction {
            shown["failure_balance_transaction"] = json!(transaction);
            shown["failure_reason"] = json!("unknown");
        }
        with_nulls(shown, NULLS)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.refunds
    }
}

const NULLS: &[&str] = &[
    "customer_account",
    "payment_method",
    "receipt_number",
    "source_transfer_reversal",
    "transfer_reversal",
];

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let charge = charge(world, &params)?.clone();
    if disputes::takes_back(world, charge.id()) {
        let message =
            format!("Charge {} has been charged back; cannot issue a refund.", charge.id());
        return Err(Error::invalid(message).code("charge_disputed"));
    }
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
    let id = world.ids.id("re_");
    let currency = &charge.currency;
    let taken = balance_transactions::add(world, Kind::Refund, -amount, currency, &id, None);
    let waits = matches!(charge.card().behaviour, Behaviour::RefundsLate);
    let refund = Refund {
        id: id.clone(),
        created: world.now,
        amount,
        charge: charge.id().to_owned(),
        currency: charge.currency.clone(),
        customer: charge.customer.clone(),
        payment_intent: charge.payment_intent.clone(),
        reason,
        metadata,
        status: if waits { Status::Pending } else { Status::Succeeded },
        balance_transaction: Some(taken),
        failure_balance_transaction: None,
    };
    if waits || matches!(charge.card().behaviour, Behaviour::FailsRefunds) {
        world.agenda.add(world.now + OUTCOME_SECONDS, Due::RefundOutcome(id.clone()));
    }
    let shown = refund.render(world);
    world.refunds.put(refund);
    world.emit("refund.created", &shown);
    let before = charge.render(world);
    world.charges.change(charge.id(), |charge| charge.amount_refunded += amount);
    if let Some(after) = world.charges.find(charge.id()).map(|charge| charge.render(world)) {
        world.emit_update("charge.refunded", &before, &after);
    }
    id
}

/// A refund that waited has succeeded; one that had succeeded has failed, and the money is back.
pub fn settle(world: &mut World, id: &str) {
    let Some(mut refund) = world.refunds.find(id).cloned() else { return };
    let before = refund.render(world);
    refund.status = match refund.status {
        Status::Pending => Status::Succeeded,
        Status::Succeeded | Status::Failed => Status::Failed,
    };
    let failed = refund.status == Status::Failed;
    if failed {
        let (amount, currency) = (refund.amount, refund.currency.clone());
        refund.failure_balance_transaction = Some(balance_transactions::add(
            world,
            Kind::RefundFailure,
            amount,
            &currency,
            id,
            None,
        ));
        world.charges.change(&refund.charge, |charge| charge.amount_refunded -= amount);
    }
    let after = refund.render(world);
    world.refunds.put(refund);
    world.emit_update("refund.updated", &before, &after);
    world.emit_update("charge.refund.updated", &before, &after);
    if failed {
        world.emit("refund.failed", &after);
    }
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
    world.emit_update("charge.refund.updated", &before, &after);
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
