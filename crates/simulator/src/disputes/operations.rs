//! What the API does with disputes.

use serde_json::{Value, json};

use super::{Dispute, EVIDENCE, Status, decide};
use crate::{
    error::{Error, Result},
    lists,
    table::Object,
    world::{Request, World},
};

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.disputes.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
    lists::list::<Dispute>(world, request, |dispute| {
        charge.is_none_or(|charge| dispute.charge == charge)
            && intent.is_none_or(|intent| dispute.payment_intent == intent)
    })
}

/// `POST /v1/disputes/{id}`: evidence, submitted unless `submit` is false. Its `uncategorized_text`
/// decides, as in Stripe's test mode: `winning_evidence` and `losing_evidence`.
pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut dispute = world.disputes.get(&request.id, "id")?.clone();
    let before = dispute.render(world);
    let evidence = params.object("evidence")?;
    if evidence.is_some() && dispute.status != Status::NeedsResponse {
        return Err(not_open(&dispute));
    }
    if let Some(evidence) = &evidence {
        evidence.only(EVIDENCE, &["appeal", "enhanced_evidence"])?;
        for field in evidence.fields() {
            match evidence.text(field)? {
                Some(text) => drop(dispute.evidence.insert(field.to_owned(), json!(text))),
                None => drop(dispute.evidence.remove(field)),
            }
        }
    }
    let submits = evidence.is_some() && params.boolean("submit")?.unwrap_or(true);
    if submits || (params.boolean("submit")? == Some(true) && !dispute.evidence.is_empty()) {
        dispute.submissions += 1;
        dispute.status = Status::UnderReview;
    }
    params.merge_metadata(&mut dispute.metadata)?;
    let verdict = match dispute.evidence.get("uncategorized_text").and_then(Value::as_str) {
        Some("winning_evidence") => Some(Status::Won),
        Some("losing_evidence") => Some(Status::Lost),
        _ => None,
    };
    let is_reviewed = dispute.status == Status::UnderReview;
    let after = dispute.render(world);
    world.disputes.put(dispute);
    world.emit_update("charge.dispute.updated", &before, &after);
    if let Some(verdict) = verdict.filter(|_| is_reviewed) {
        decide(world, &request.id, verdict);
    }
    retrieve(world, request)
}

/// `POST /v1/disputes/{id}/close`: giving in.
pub fn close(world: &mut World, request: &Request) -> Result<Value> {
    let dispute = world.disputes.get(&request.id, "id")?;
    if dispute.is_closed() {
        return Err(not_open(dispute));
    }
    decide(world, &request.id, Status::Lost);
    retrieve(world, request)
}

fn not_open(dispute: &Dispute) -> Error {
    Error::invalid(format!("This dispute is {}, so it takes no answer.", dispute.word()))
}
