//! A tenant's account: its ledger up to this moment; giving credits.

mod present;

use serde_json::json;
use tollhouse_domain::{
    credits::{Entry, Ledger, Reading, Source, ledger},
    event::EventType,
    id::TenantId,
    money::Money,
    time::Timestamp,
    usage::Quantity,
};

pub use present::{Present, parts, present, readings_since};

use super::queries::{self, GrantRow, ReadingRow, Terms};
use crate::{
    app::App,
    db::{Conn, Tx},
    error::{Error, Result},
    record::{Happened, Origin, Subject, record},
    tenants::queries::{self as tenants, Tenant},
};

/// A tenant's credits, at one moment.
pub struct Account {
    pub present: Present,
    pub ledger: Ledger,
    readings: Vec<ReadingRow>,
}

impl Account {
    /// What the plans include in the open billing period.
    pub fn included(&self) -> Quantity {
        let included = self.present.terms.included.values();
        included.fold(Quantity::ZERO, |sum, amount| sum.plus(Quantity::from_whole(*amount)))
    }

    /// What is left of what operators granted.
    pub fn granted(&self) -> Quantity {
        self.left(|source| matches!(source, Source::Grant(_)))
    }

    /// What is left of what plans included in earlier periods.
    pub fn rolled_over(&self) -> Quantity {
        let open = Source::Plan { period: self.present.period.start };
        self.left(|source| matches!(source, Source::Plan { .. }) && source != open)
    }

    fn left(&self, counts: impl Fn(Source) -> bool) -> Quantity {
        let lots = self.ledger.lots.iter().filter(|lot| counts(lot.source));
        lots.fold(Quantity::ZERO, |sum, lot| sum.plus(lot.left))
    }

    /// What the open period's overage costs as it stands, rounded once.
    pub fn overage_cost(&self) -> Result<Money> {
        cost(&self.present.terms, self.ledger.overage())
    }

    /// What the overage of a period that is over costs, by the terms it ended with.
    pub fn cost_of(&self, entry: &Entry) -> Result<Option<Money>> {
        let own = |row: &&ReadingRow| Some(row.period_start) == entry.period;
        let Some(last) = self.readings.iter().rev().find(own) else { return Ok(None) };
        cost(&last.terms.to()?, entry.amount).map(Some)
    }
}

fn cost(terms: &Terms, overage: Quantity) -> Result<Money> {
    terms.beyond.overage_cost(overage).map_err(|error| Error::Internal(error.into()))
}

/// A tenant's account as it is now. Nothing is written.
pub async fn account(conn: &mut Conn, tenant: &Tenant, now: Timestamp) -> Result<Account> {
    let present = present(conn, tenant, now).await?;
    let grants = queries::grants(conn, tenant.id).await?;
    let mut readings = queries::readings(conn, tenant.id).await?;
    let since = readings_since(conn, tenant, readings.last(), &present, now).await?;
    readings.extend(since);
    let grants: Vec<_> = grants.iter().map(GrantRow::grant).collect();
    let read: Vec<Reading> =
        readings.iter().map(ReadingRow::reading).collect::<serde_json::Result<_>>()?;
    Ok(Account { present, ledger: ledger(&grants, &read), readings })
}

/// Gives a tenant credits. Repeating it with the same id gives nothing again.
pub async fn grant(app: &App, origin: &Origin, grant: GrantRow) -> Result<GrantRow> {
    let mut tx = app.db.begin().await?;
    if !queries::insert_grant(&mut tx, &grant).await? {
        return Ok(queries::get_grant(&mut tx, grant.id).await?);
    }
    queries::mark_due(&mut tx, grant.tenant_id, grant.expires_at.unwrap_or(Timestamp::MAX)).await?;
    let amount = grant.grant().amount;
    let happened = Happened {
        tenant: grant.tenant_id,
        event: EventType::CreditsGranted,
        audit: Some("credits.grant"),
        subject: &Subject::new("credit_grant", grant.id),
        summary: format!("{amount} credits were granted"),
        data: &json!({
            "amount": amount, "expires_at": grant.expires_at, "reason": grant.reason,
        }),
        at: grant.granted_at,
    };
    record(&mut tx, app, origin, happened).await?;
    tx.commit().await?;
    Ok(grant)
}

/// A period's last reading is taken so long after its end: by then what was received before is counted.
const SECONDS_AFTER_THE_END: i64 = 60;

/// Where the next period is not known yet, that is looked at again so much later.
const SECONDS_UNTIL_TOLD: i64 = 600;

/// Takes a tenant's reading, where it is due, and says when the next one is.
pub async fn take_reading(app: &App, id: TenantId) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !queries::take_if_due(&mut tx, id, now).await? {
        return Ok(());
    }
    let next = match tenants::find(&mut tx, id).await? {
        Some(tenant) => read_now(&mut tx, &tenant, now).await?,
        None => Timestamp::MAX,
    };
    queries::put_off(&mut tx, id, next).await?;
    Ok(tx.commit().await?)
}

/// Writes the readings that are due, and says when the next one is.
async fn read_now(tx: &mut Tx, tenant: &Tenant, now: Timestamp) -> Result<Timestamp> {
    let written = queries::readings(tx, tenant.id).await?;
    let ended = written.last().map(|last| last.period_end).filter(|end| *end <= now);
    if let Some(end) = ended.filter(|end| now < end.plus_seconds(SECONDS_AFTER_THE_END)) {
        return Ok(end.plus_seconds(SECONDS_AFTER_THE_END));
    }
    let account = account(tx, tenant, now).await?;
    let end = account.present.period.end.plus_seconds(SECONDS_AFTER_THE_END);
    if end <= now {
        // The period is over, and Stripe has not told us of the next one.
        return Ok(now.plus_seconds(SECONDS_UNTIL_TOLD));
    }
    for reading in &account.readings[written.len()..] {
        queries::insert_reading(tx, tenant.id, reading).await?;
    }
    let expiries = account.ledger.lots.iter().filter_map(|lot| lot.expires_at);
    Ok(expiries.filter(|expiry| *expiry > now).fold(end, Timestamp::min))
}
