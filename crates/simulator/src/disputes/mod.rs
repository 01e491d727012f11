//! Disputes: a customer's bank takes a payment back, or asks about it first.

mod operations;

use serde_json::{Map, Value, json};

pub use operations::{close, list, retrieve, update};

use crate::{
    balance_transactions::{self, Kind},
    params::Metadata,
    payments,
    table::{Object, Table},
    world::{World, with_nulls},
};

const DAY: i64 = 86_400;
/// How long evidence can be given.
const ANSWER_SECONDS: i64 = 9 * DAY;

#[derive(Clone)]
pub struct Dispute {
    pub id: String,
    created: i64,
    pub charge: String,
    pub payment_intent: String,
    amount: i64,
    currency: String,
    brand: &'static str,
    reason: &'static str,
    /// The bank asks only; no money has gone.
    is_inquiry: bool,
    status: Status,
    evidence: Map<String, Value>,
    submissions: usize,
    balance_transactions: Vec<String>,
    metadata: Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

impl Dispute {
    fn word(&self) -> &'static str {
        match (self.status, self.is_inquiry) {
            (Status::NeedsResponse, false) => "needs_response",
            (Status::NeedsResponse, true) => "warning_needs_response",
            (Status::UnderReview, false) => "under_review",
            (Status::UnderReview, true) => "warning_under_review",
            (_, true) => "warning_closed",
            (Status::Won, false) => "won",
            (Status::Lost, false) => "lost",
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.status, Status::Won | Status::Lost)
    }
}

impl Object for Dispute {
    const NOUN: &'static str = "dispute";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        let transactions = self.balance_transactions.iter();
        let transactions = transactions.filter_map(|id| world.balance_transactions.find(id));
        let mut evidence = Value::Object(self.evidence.clone());
        evidence["enhanced_evidence"] = json!({});
        json!({
            "id": self.id,
            "object": "dispute",
            "amount": self.amount,
            "balance_transactions":
                transactions.map(|found| found.render(world)).collect::<Vec<_>>(),
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "enhanced_eligibility_types": [],
            "evidence": with_nulls(evidence, EVIDENCE),
            "evidence_details": {
                "due_by": self.created + ANSWER_SECONDS,
                "enhanced_eligibility": {},
                "has_evidence": !self.evidence.is_empty(),
                "past_due": false,
                "submission_count": self.submissions,
                "submission_method": if self.submissions > 0 { "manual" } else { "not_submitted" },
            },
            "intended_submission_method": null,
            "is_charge_refundable": self.is_inquiry && !self.is_closed(),
            "livemode": false,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "payment_method_details": {
                "card": {
                    "brand": self.brand,
                    "case_type": if self.is_inquiry { "inquiry" } else { "chargeback" },
                    "network": self.brand,
                    "network_reason_code": null,
                },
                "type": "card",
            },
            "reason": self.reason,
            "status": self.word(),
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.disputes
    }
}

/// The parts evidence can have.
const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// The bank of the card that was just charged objects.
pub fn open(world: &mut World, charge: &str, reason: &'static str, is_inquiry: bool) {
    let Some(charge) = world.charges.find(charge).cloned() else { return };
    let mut dispute = Dispute {
        id: world.ids.id("du_"),
        created: world.now,
        charge: charge.id().to_owned(),
        payment_intent: charge.payment_intent.clone(),
        amount: charge.left_to_refund(),
        currency: charge.currency.clone(),
        brand: charge.brand(),
        reason,
        is_inquiry,
        status: Status::NeedsResponse,
        evidence: Map::new(),
        submissions: 0,
        balance_transactions: Vec::new(),
        metadata: Metadata::new(),
    };
    if !is_inquiry {
        let taken = book(world, &dispute, Kind::Dispute, -dispute.amount);
        dispute.balance_transactions.push(taken);
    }
    payments::set_disputed(world, charge.id());
    let shown = dispute.render(world);
    world.disputes.put(dispute);
    world.emit("charge.dispute.created", &shown);
    if !is_inquiry {
        world.emit("charge.dispute.funds_withdrawn", &shown);
    }
}

fn book(world: &mut World, dispute: &Dispute, kind: Kind, amount: i64) -> String {
    let description = format!("Chargeback for {}", dispute.charge);
    let (id, currency) = (&dispute.id, &dispute.currency);
    balance_transactions::add(world, kind, amount, currency, id, Some(&description))
}

/// Whether a charge's money is with its bank, or was lost to it.
pub fn takes_back(world: &World, charge: &str) -> bool {
    let mut disputes = world.disputes.rows().iter();
    disputes.any(|found| found.charge == charge && !found.is_inquiry && found.status != Status::Won)
}

/// The bank has decided.
fn decide(world: &mut World, id: &str, status: Status) {
    let Some(mut dispute) = world.disputes.find(id).cloned() else { return };
    dispute.status = status;
    let is_returned = status == Status::Won && !dispute.is_inquiry;
    if is_returned {
        let returned = book(world, &dispute, Kind::DisputeReversal, dispute.amount);
        dispute.balance_transactions.push(returned);
    }
    let shown = dispute.render(world);
    world.disputes.put(dispute);
    world.emit("charge.dispute.closed", &shown);
    if is_returned {
        world.emit("charge.dispute.funds_reinstated", &shown);
    }
}
