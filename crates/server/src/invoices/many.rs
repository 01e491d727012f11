//! Many invoices at once, with what belongs to them, by a few calls to Stripe.

use std::collections::{BTreeMap, HashMap};

use tollhouse_stripe::{InvoiceId, Result as StripeResult, objects};

use super::{
    fetch::Shown,
    queries::{self, Known, Seen},
    sync::Fetch,
};
use crate::{app::App, error::Result, sync::list_many};

/// Refunds, disputes or credit notes of as many invoices as one look has; more and each invoice is asked for its own.
const GIVEN_BACK_MAX: usize = 300;

/// Fetches of these invoices, each named with the second it was made, where that is known; not always of all.
///
/// # Errors
/// What Stripe or the database says.
pub async fn look_at(
    app: &App,
    wanted: &BTreeMap<String, Option<i64>>,
) -> Result<HashMap<InvoiceId, Fetch>> {
    let ids: Vec<InvoiceId> = wanted.keys().map(InvoiceId::new).collect();
    // Read before Stripe is asked: what was written in between is fetched once more.
    let mut conn = app.db.read().await?;
    let known = queries::list_known(&mut conn, &ids).await?;
    drop(conn);
    let known: HashMap<InvoiceId, Known> =
        known.into_iter().map(|row| (row.stripe_invoice_id.clone(), row)).collect();
    let made = |id: &str| known.get(&InvoiceId::new(id)).map(|row| row.created_at.as_second());
    let dated = wanted
        .iter()
        .filter_map(|(id, told)| Some((id.clone(), told.or_else(|| made(id))?)))
        .collect();
    let page = |made, after: Option<String>| async move {
        app.stripe.list_invoices_made(made, after.as_deref()).await
    };
    let found = list_many(dated, |row: &objects::Invoice| row.id.as_str(), page).await?;
    let whole = found.into_iter().filter(|row| !row.object.lines.has_more).map(Shown::alone);
    let (drafts, mut finals): (Vec<_>, Vec<_>) = whole.partition(Shown::is_draft);
    finals.retain(|shown| !shown.has_more_payments() && are_its_own(&shown.payments));
    let finals = match add_what_was_given_back(app, finals).await {
        // So many that each is rather asked for its own.
        Err(tollhouse_stripe::Error::TooMany { .. }) => Vec::new(),
        finals => finals?,
    };
    let fetches = drafts.into_iter().chain(finals).map(|shown| {
        let id = shown.invoice.object.id.clone();
        let seen = known.get(&id).map(|row| Seen { id: row.id, version: row.version });
        (id, Fetch { seen, shown })
    });
    Ok(fetches.collect())
}

/// A payment that was attached later may be older than the invoice.
fn are_its_own(payments: &[objects::InvoicePayment]) -> bool {
    payments.iter().all(|payment| payment.is_default)
}

/// What is given back of an invoice's own payments is given back after it was made.
async fn add_what_was_given_back(app: &App, mut finals: Vec<Shown>) -> StripeResult<Vec<Shown>> {
    let Some(oldest) = finals.iter().map(|shown| shown.invoice.object.created).min() else {
        return Ok(finals);
    };
    let notes = app.stripe.list_credit_notes_since(oldest, GIVEN_BACK_MAX).await?;
    for shown in &mut finals {
        let of_it = notes.iter().filter(|note| note.invoice.0 == shown.invoice.object.id);
        shown.credit_notes = of_it.cloned().collect();
    }
    if finals.iter().all(|shown| shown.paid_with().is_empty()) {
        return Ok(finals);
    }
    let disputes = app.stripe.list_disputes_since(oldest, GIVEN_BACK_MAX).await?;
    let refunds = app.stripe.list_refunds_since(oldest, GIVEN_BACK_MAX).await?;
    for shown in &mut finals {
        let means = shown.paid_with();
        let of_it = refunds
            .iter()
            .filter(|refund| refund.paid_with().is_some_and(|of| means.contains(&of)));
        shown.refunds = of_it.cloned().collect();
        let is_of_it =
            |dispute: &&objects::Dispute| dispute.paid_with().is_some_and(|of| means.contains(&of));
        shown.disputes = disputes.iter().filter(is_of_it).cloned().collect();
    }
    Ok(finals)
}
