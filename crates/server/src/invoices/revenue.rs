//! What an invoice says about revenue: usage, and payments that came late.

use tollhouse_domain::{event::EventType, revenue::Fact};

use super::{
    parts::{UsageLine, sum_usage_lines},
    queries::Invoice,
};
use crate::{
    app::App, db::Tx, error::Result, revenue::actions::collect, subscriptions::queries::find_shown,
};

/// Takes note of what happened to an invoice, once its parts are written.
pub(super) async fn note(
    app: &App,
    tx: &mut Tx,
    after: &Invoice,
    told: &[EventType],
) -> Result<()> {
    let had_failed = after.attempt_count > 1;
    let mut plan = None;
    for event in told {
        let (fact, minor) = match event {
            EventType::InvoicePaymentFailed => (Fact::PaymentFailed, after.amount_due),
            EventType::InvoicePaid if had_failed => (Fact::PaymentRecovered, after.amount_paid),
            EventType::InvoiceFinalized => {
                note_usage(app, tx, after).await?;
                continue;
            }
            _ => continue,
        };
        if plan.is_none() {
            plan = Some(plan_of(tx, after).await?);
        }
        let plan = plan.as_deref().unwrap_or_default();
        collect(tx, &app.clock, after.tenant_id, plan, (fact, after.money(minor))).await?;
    }
    Ok(())
}

async fn note_usage(app: &App, tx: &mut Tx, after: &Invoice) -> Result<()> {
    for line in sum_usage_lines(tx, after.id).await? {
        let UsageLine { plan, amount, overage } = line;
        for (fact, minor) in [(Fact::Usage, amount), (Fact::Overage, overage)] {
            if minor != 0 {
                collect(tx, &app.clock, after.tenant_id, &plan, (fact, after.money(minor))).await?;
            }
        }
    }
    Ok(())
}

/// The plan its subscription is on now; empty for an invoice of none.
async fn plan_of(tx: &mut Tx, invoice: &Invoice) -> Result<String> {
    let Some(id) = &invoice.stripe_subscription_id else { return Ok(String::new()) };
    let subscription = find_shown(tx, id).await?;
    Ok(subscription.map(|row| row.plan_code).unwrap_or_default())
}
