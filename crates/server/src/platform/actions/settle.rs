//! Making Stripe follow: the customer, the plan to begin with, and how the tenant stands.

use tollhouse_domain::{id::TenantId, tenant::TenantStatus, time::Timestamp};

use super::begin::{Beginning, begin};
use crate::{
    app::App,
    checkout::actions::close_all,
    error::{Error, Result},
    record::Origin,
    subscriptions::{
        actions::{At, Cancel, end, hold, release},
        queries::{self as subscriptions, Subscription},
    },
    tenants::{
        Opening, actions as tenants,
        queries::{self, Tenant},
    },
};

/// After this long another instance may take over what one has in hand.
const CLAIM_SECONDS: i64 = 300;
const BACKOFF_SECONDS_MAX: i64 = 6 * 3600;

/// Makes Stripe follow what is written of a tenant. What fails is tried again by the task, until it works.
///
/// # Errors
/// Only the database's.
pub async fn settle(app: &App, origin: &Origin, id: TenantId) -> Result<()> {
    let now = app.clock.now();
    let until = now.plus_seconds(CLAIM_SECONDS);
    let mut tx = app.db.begin().await?;
    let claimed = queries::claim(&mut tx, id, now, until).await?;
    let tenant = queries::find(&mut tx, id).await?;
    tx.commit().await?;
    // Where somebody else has it in hand, they or the task see what was asked for meanwhile.
    let Some(tenant) = tenant.filter(|_| claimed) else { return Ok(()) };
    let next = match Box::pin(follow(app, origin, &tenant)).await {
        Ok(()) => None,
        Err(error) => Some(next_attempt(app, &tenant, &error)),
    };
    let mut tx = app.db.begin().await?;
    queries::put_down(&mut tx, &tenant, until, next).await?;
    Ok(tx.commit().await?)
}

/// A minute, two, four … up to six hours.
fn next_attempt(app: &App, tenant: &Tenant, error: &Error) -> Timestamp {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(tenant.id = %tenant.id, error.cause = cause, "Stripe does not follow how a tenant stands yet: {error}");
    let seconds = 30_i64 << tenant.settle_attempts.clamp(1, 10);
    app.clock.now().plus_seconds(seconds.min(BACKOFF_SECONDS_MAX))
}

async fn follow(app: &App, origin: &Origin, tenant: &Tenant) -> Result<()> {
    match tenant.status {
        TenantStatus::Active => {
            tenants::ensure_customer(app, origin, tenant).await?;
            for row in list_live(app, tenant.id).await? {
                release(app, origin, &row).await?;
            }
            Box::pin(open(app, origin, tenant)).await
        }
        TenantStatus::Suspended => {
            take_in(app, origin, tenant).await?;
            for row in list_live(app, tenant.id).await? {
                hold(app, origin, &row).await?;
            }
            Ok(())
        }
        TenantStatus::Terminated => {
            take_in(app, origin, tenant).await?;
            for row in list_live(app, tenant.id).await? {
                let now = Cancel { at: At::Now, reason: None, comment: None };
                end(app, origin, row, app.clock.new_id(), now).await?;
            }
            Ok(())
        }
    }
}

/// Nothing more can be bought, and everything that was is known.
async fn take_in(app: &App, origin: &Origin, tenant: &Tenant) -> Result<()> {
    match &tenant.stripe_customer_id {
        Some(customer) => close_all(app, origin, tenant.id, customer).await,
        None => Ok(()),
    }
}

async fn list_live(app: &App, tenant: TenantId) -> Result<Vec<Subscription>> {
    let mut conn = app.db.read().await?;
    Ok(subscriptions::list_live(&mut conn, tenant).await?)
}

/// Begins the plan that the tenant was created with, once.
async fn open(app: &App, origin: &Origin, tenant: &Tenant) -> Result<()> {
    let Some(opening) = tenant.opening.as_ref().filter(|_| !tenant.opened) else { return Ok(()) };
    let opening: Opening = opening.to()?;
    match begin(app, origin, tenant.id, &Beginning::of(opening)).await {
        Ok(()) => {}
        // By what the rules say it cannot be begun any more: the tenant has a plan already, or it is not sold.
        Err(Error::Refused(refusal)) => {
            tracing::warn!(tenant.id = %tenant.id, "the plan that a tenant was created with is not begun: {refusal}");
        }
        Err(error) => return Err(error),
    }
    let mut tx = app.db.begin().await?;
    queries::mark_opened(&mut tx, tenant.id).await?;
    Ok(tx.commit().await?)
}
