//! Stripe's invoice → our row.

use anyhow::anyhow;
use tollhouse_domain::{
    event::EventType,
    id::InvoiceId,
    invoice::{InvoiceStatus, changes, may_follow},
    money::Currency,
    time::Timestamp,
};
use tollhouse_stripe::{Fetched, InvoiceId as StripeInvoiceId, objects};

use super::queries::{self, Invoice};
use crate::{
    app::App,
    db::Json,
    error::Result,
    record::{Happened, Origin, Subject, record},
    sync::{FETCHES_MAX, Synced, Written, contended},
    tenants::{self, queries::Tenant},
};

/// Fetches an invoice as it is now, and makes our row say the same.
pub async fn sync(app: &App, origin: &Origin, id: &StripeInvoiceId) -> Result<Synced> {
    for _ in 0..FETCHES_MAX {
        let mut conn = app.db.read().await?;
        let seen = queries::version(&mut conn, id).await?;
        drop(conn);
        let fetched = app.stripe.retrieve_invoice(id).await?;
        let Some(customer) = &fetched.object.customer else {
            return Ok(Synced::NotOurs("it has no customer"));
        };
        let Some(tenant) = tenants::sync::tenant_of(app, &customer.0).await? else {
            return Ok(Synced::NotOurs("its customer belongs to no tenant"));
        };
        if write(app, origin, &tenant, &fetched, seen).await? == Written::Yes {
            return Ok(Synced::Done);
        }
    }
    Err(contended())
}

async fn write(
    app: &App,
    origin: &Origin,
    tenant: &Tenant,
    fetched: &Fetched<objects::Invoice>,
    seen: Option<i64>,
) -> Result<Written> {
    let mut tx = app.db.begin().await?;
    let before = queries::find_by_stripe_id(&mut tx, &fetched.object.id).await?;
    if before.as_ref().map(|row| row.version) != seen {
        return Ok(Written::TooLate);
    }
    let after = row(app, tenant, fetched, before.as_ref())?;
    if before.as_ref().is_some_and(|before| !may_follow(before.status, after.status)) {
        return Ok(Written::Yes);
    }
    if before.is_some() {
        queries::update(&mut tx, &after).await?;
    } else if !queries::insert(&mut tx, &after).await? {
        return Ok(Written::TooLate);
    }
    for event in changes(before.as_ref().map(Invoice::state), after.state()) {
        let happened = Happened {
            tenant: after.tenant_id,
            event,
            audit: (event == EventType::InvoicePaid).then_some("invoice.payment_succeeded"),
            subject: &Subject::new("invoice", after.id),
            summary: sentence(event, &after),
            data: &serde_json::json!({
                "number": after.number,
                "status": after.status,
                "amount_due_minor": after.amount_due,
                "amount_paid_minor": after.amount_paid,
                "currency": after.currency,
                "attempt_count": after.attempt_count,
                "stripe_invoice_id": after.stripe_invoice_id,
            }),
            at: app.clock.now(),
        };
        record(&mut tx, app, origin, happened).await?;
    }
    tx.commit().await?;
    Ok(Written::Yes)
}

fn row(
    app: &App,
    tenant: &Tenant,
    fetched: &Fetched<objects::Invoice>,
    before: Option<&Invoice>,
) -> Result<Invoice> {
    let stripe = &fetched.object;
    let now = app.clock.now();
    let status = stripe.status.as_ref().map_or("draft", objects::InvoiceStatus::as_str);
    let status: InvoiceStatus = status.parse().map_err(|error| anyhow!("{error}"))?;
    let currency: Currency = stripe.currency.parse().map_err(|error| anyhow!("{error}"))?;
    let time = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(now);
    Ok(Invoice {
        id: before.map_or_else(|| InvoiceId::from_uuid(app.clock.new_id()), |before| before.id),
        tenant_id: tenant.id,
        stripe_invoice_id: stripe.id.clone(),
        stripe_subscription_id: stripe.subscription().cloned(),
        number: stripe.number.clone(),
        status,
        currency,
        amount_due: stripe.amount_due,
        amount_paid: stripe.amount_paid,
        total: stripe.total,
        attempt_count: stripe.attempt_count,
        created_at: time(stripe.created),
        due_date: stripe.due_date.map(time),
        hosted_invoice_url: stripe.hosted_invoice_url.clone(),
        invoice_pdf: stripe.invoice_pdf.clone(),
        version: before.map_or(1, |before| before.version),
        stripe_object: Json::from(fetched.raw.clone()),
    })
}

/// What happened, for people.
fn sentence(event: EventType, invoice: &Invoice) -> String {
    let name = invoice.number.as_deref().unwrap_or("without a number");
    let shown = |minor: i64| {
        let money = invoice.money(minor);
        format!("{} {}", money.to_major(), money.currency().code().to_uppercase())
    };
    match event {
        EventType::InvoiceCreated => {
            format!("An invoice over {} was written", shown(invoice.total))
        }
        EventType::InvoiceFinalized => {
            format!("Invoice {name} asks for {}", shown(invoice.amount_due))
        }
        EventType::InvoicePaid => {
            format!("Invoice {name} was paid: {}", shown(invoice.amount_paid))
        }
        EventType::InvoicePaymentFailed => {
            format!("A payment of {} for invoice {name} failed", shown(invoice.amount_due))
        }
        EventType::InvoiceVoided => format!("Invoice {name} was taken back"),
        EventType::InvoiceUncollectible => format!("Invoice {name} was given up"),
        other => other.sentence().to_owned(),
    }
}
