//! Stripe's invoice, with all its parts → our rows.

use anyhow::anyhow;
use tollhouse_domain::{
    dispute::dispute_changes,
    event::EventType,
    id::{InvoiceId, TenantId},
    invoice::{InvoiceStatus, changes, may_follow},
    money::Currency,
    money_back::{credit_note_changes, refund_changes},
};
use tollhouse_stripe::{Error as StripeError, Fetched, InvoiceId as StripeInvoiceId, objects};

use super::{
    fetch::{self, Parts, Shown, included, sum, time},
    parts::{self, Dispute},
    queries::{self, Invoice, Seen},
    revenue,
    tell::{Cause, tell},
};
use crate::{
    app::App,
    db::{Json, Tx},
    error::Result,
    record::Origin,
    sync::{FETCHES_MAX, Synced, Written, contended},
    tenants,
};

/// An invoice as Stripe shows it, and what our row was before we asked.
pub struct Fetch {
    pub(super) seen: Option<Seen>,
    pub(super) shown: Shown,
}

/// Fetches an invoice as it is now, and makes our rows say the same.
///
/// # Errors
/// What Stripe or the database says; and where a list of it is longer than we take in.
pub async fn sync(app: &App, origin: &Origin, id: &StripeInvoiceId) -> Result<Synced> {
    sync_fetched(app, origin, id, None).await
}

/// The same with a fetch that is there already; fetched anew only where somebody wrote since it was taken.
pub async fn sync_fetched(
    app: &App,
    origin: &Origin,
    id: &StripeInvoiceId,
    mut fetch: Option<Fetch>,
) -> Result<Synced> {
    for _ in 0..FETCHES_MAX {
        let Fetch { seen, shown } = match fetch.take() {
            Some(fetch) => fetch,
            None => match look(app, origin, id).await? {
                Look::Shown(fetch) => *fetch,
                Look::Gone(outcome) => return Ok(outcome),
                Look::Again => continue,
            },
        };
        let Some(customer) = &shown.invoice.object.customer else {
            return Ok(Synced::NotOurs("it has no customer"));
        };
        let Some(tenant) = tenants::sync::tenant_of(app, &customer.0).await? else {
            return Ok(Synced::NotOurs("its customer belongs to no tenant"));
        };
        let row_id = match &seen {
            Some(seen) => seen.id,
            None => InvoiceId::from_uuid(app.clock.new_id()),
        };
        let mut parts = fetch::parts(row_id, &shown)?;
        let mut after = row(row_id, tenant.id, &shown.invoice, &parts)?;
        if tenant.personal_data_erased_at.is_some() {
            after.erase_personal_data()?;
            parts.erase_personal_data();
        }
        match write(app, origin, &after, &parts, seen.as_ref()).await? {
            Written::Yes => return Ok(Synced::Done),
            Written::Never(why) => return Ok(Synced::Kept(why)),
            Written::TooLate => {}
        }
    }
    Err(contended())
}

enum Look {
    Shown(Box<Fetch>),
    /// Stripe has it no more, and we have taken note of it.
    Gone(Synced),
    /// Somebody wrote meanwhile.
    Again,
}

async fn look(app: &App, origin: &Origin, id: &StripeInvoiceId) -> Result<Look> {
    let mut conn = app.db.read().await?;
    let seen = queries::seen(&mut conn, id).await?;
    drop(conn);
    match fetch::one(app, id).await {
        Ok(shown) => Ok(Look::Shown(Box::new(Fetch { seen, shown }))),
        Err(StripeError::Missing(why)) => {
            let outcome = forget(app, origin, seen.as_ref(), why).await?;
            Ok(outcome.map_or(Look::Again, Look::Gone))
        }
        Err(error) => Err(error.into()),
    }
}

/// Stripe has it no more: a draft was deleted. `None` where somebody wrote meanwhile.
///
/// # Errors
/// Where it was final: that cannot be deleted, so rather the key or the account is the wrong one.
async fn forget(
    app: &App,
    origin: &Origin,
    seen: Option<&Seen>,
    why: String,
) -> Result<Option<Synced>> {
    let Some(seen) = seen else {
        return Ok(Some(Synced::NotOurs("Stripe has no such invoice; drafts can be deleted")));
    };
    let mut tx = app.db.begin().await?;
    let before = queries::find_for_update(&mut tx, seen.id).await?;
    let Some(before) = before.filter(|row| row.version == seen.version) else {
        return Ok(None);
    };
    if before.status != InvoiceStatus::Draft {
        return Err(StripeError::Missing(why).into());
    }
    if before.deleted_at.is_none() {
        queries::mark_deleted(&mut tx, before.id, app.clock.now()).await?;
        tell(app, origin, &mut tx, EventType::InvoiceDeleted, &before, Cause::Invoice).await?;
        tx.commit().await?;
    }
    Ok(Some(Synced::Done))
}

async fn write(
    app: &App,
    origin: &Origin,
    after: &Invoice,
    parts: &Parts,
    seen: Option<&Seen>,
) -> Result<Written> {
    let mut tx = app.db.begin().await?;
    let before = queries::find_for_update(&mut tx, after.id).await?;
    if before.as_ref().map(|row| row.version) != seen.map(|seen| seen.version) {
        return Ok(Written::TooLate);
    }
    if before.as_ref().is_some_and(|before| !may_follow(before.status, after.status)) {
        return Ok(Written::Never("Stripe shows an invoice in a state it cannot go back to"));
    }
    if before.is_some() {
        queries::update(&mut tx, after).await?;
    } else if !queries::insert(&mut tx, after).await? {
        return Ok(Written::TooLate);
    }
    let told = changes(before.as_ref().map(Invoice::state), after.state());
    for event in &told {
        tell(app, origin, &mut tx, *event, after, Cause::Invoice).await?;
    }
    tell_of_credit_notes(app, origin, &mut tx, after, parts).await?;
    tell_of_refunds(app, origin, &mut tx, after, parts).await?;
    tell_of_disputes(app, origin, &mut tx, after, parts).await?;
    parts::replace_lines(&mut tx, after.id, &parts.lines).await?;
    parts::replace_payments(&mut tx, after.id, &parts.payments).await?;
    parts::replace_credit_notes(&mut tx, after.id, &parts.credit_notes).await?;
    parts::replace_refunds(&mut tx, after.id, &parts.refunds).await?;
    parts::replace_disputes(&mut tx, after.id, &parts.disputes).await?;
    revenue::note(app, &mut tx, after, &told).await?;
    tx.commit().await?;
    Ok(Written::Yes)
}

/// What is new about credit notes; the rows still say what was known.
async fn tell_of_credit_notes(
    app: &App,
    origin: &Origin,
    tx: &mut Tx,
    after: &Invoice,
    parts: &Parts,
) -> Result<()> {
    let known = parts::credit_notes(tx, after.id).await?;
    // Stripe lists the newest first; a story begins with the oldest.
    for note in parts.credit_notes.iter().rev() {
        let id = &note.stripe_credit_note_id;
        let before = known.iter().find(|known| known.stripe_credit_note_id == *id);
        for event in credit_note_changes(before.map(|before| before.status), note.status) {
            tell(app, origin, tx, event, after, Cause::CreditNote(note)).await?;
        }
    }
    Ok(())
}

/// What is new about refunds; the rows still say what was known.
async fn tell_of_refunds(
    app: &App,
    origin: &Origin,
    tx: &mut Tx,
    after: &Invoice,
    parts: &Parts,
) -> Result<()> {
    let known = parts::refunds(tx, after.id).await?;
    for refund in parts.refunds.iter().rev() {
        let id = &refund.stripe_refund_id;
        let before = known.iter().find(|known| known.stripe_refund_id == *id);
        if let Some(event) = refund_changes(before.map(|before| before.status), refund.status) {
            tell(app, origin, tx, event, after, Cause::Refund(refund)).await?;
        }
    }
    Ok(())
}

/// What is new about disputes; the rows still say what was known.
async fn tell_of_disputes(
    app: &App,
    origin: &Origin,
    tx: &mut Tx,
    after: &Invoice,
    parts: &Parts,
) -> Result<()> {
    let known = parts::disputes(tx, after.id).await?;
    for dispute in parts.disputes.iter().rev() {
        let id = &dispute.stripe_dispute_id;
        let before = known.iter().find(|known| known.stripe_dispute_id == *id);
        for event in dispute_changes(before.map(Dispute::state), dispute.state()) {
            tell(app, origin, tx, event, after, Cause::Dispute(dispute)).await?;
        }
    }
    Ok(())
}

/// The invoice itself, as Stripe has it.
fn row(
    id: InvoiceId,
    tenant: TenantId,
    fetched: &Fetched<objects::Invoice>,
    parts: &Parts,
) -> Result<Invoice> {
    let stripe = &fetched.object;
    let status = stripe.status.as_ref().map_or("draft", objects::InvoiceStatus::as_str);
    let status: InvoiceStatus = status.parse().map_err(|error| anyhow!("{error}"))?;
    let currency: Currency = stripe.currency.parse().map_err(|error| anyhow!("{error}"))?;
    let times = stripe.status_transitions;
    Ok(Invoice {
        id,
        tenant_id: tenant,
        stripe_invoice_id: stripe.id.clone(),
        stripe_subscription_id: stripe.subscription().cloned(),
        number: stripe.number.clone(),
        status,
        currency,
        subtotal: stripe.subtotal,
        discount: sum(stripe.discounts())?,
        tax: sum(stripe.taxes().iter().map(|tax| tax.amount))?,
        tax_included: included(stripe.taxes())?,
        total: stripe.total,
        balance_applied: stripe.balance_applied(),
        amount_due: stripe.amount_due,
        amount_paid: stripe.amount_paid,
        amount_remaining: stripe.amount_remaining,
        credited: parts.credited()?,
        refunded: parts.refunded()?,
        billing_reason: stripe.billing_reason.clone(),
        period_start: Some(time(stripe.period_start)?),
        period_end: Some(time(stripe.period_end)?),
        attempt_count: stripe.attempt_count,
        created_at: time(stripe.created)?,
        due_date: stripe.due_date.map(time).transpose()?,
        finalized_at: times.finalized_at.map(time).transpose()?,
        paid_at: times.paid_at.map(time).transpose()?,
        voided_at: times.voided_at.map(time).transpose()?,
        uncollectible_at: times.marked_uncollectible_at.map(time).transpose()?,
        next_payment_attempt: stripe.next_payment_attempt.map(time).transpose()?,
        deleted_at: None,
        hosted_invoice_url: stripe.hosted_invoice_url.clone(),
        invoice_pdf: stripe.invoice_pdf.clone(),
        version: 1,
        stripe_object: Json::from(fetched.raw.clone()),
    })
}
