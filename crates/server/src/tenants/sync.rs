//! Stripe's customer → the tenant it belongs to.

use anyhow::anyhow;
use tollhouse_domain::{event::EventType, id::TenantId};
use tollhouse_stripe::CustomerId;

use super::{
    TENANT_ID,
    queries::{self, Tenant},
};
use crate::{
    app::App,
    error::{Result, not_found},
    nudge::Nudge,
    record::{Happened, Origin, Subject, record},
    usage::billable::queries as billable,
};

/// The tenant of a customer. A customer we do not know is asked for the tenant it was made for; `None`
/// where it was made for none of ours (several products may share one Stripe account).
pub async fn tenant_of(app: &App, customer: &CustomerId) -> Result<Option<Tenant>> {
    let mut conn = app.db.read().await?;
    if let Some(tenant) = queries::find_by_customer(&mut conn, customer).await? {
        return Ok(Some(tenant));
    }
    drop(conn);
    let fetched = app.stripe.retrieve_customer(customer).await?.object;
    let Some(id) = fetched.metadata.get(TENANT_ID).and_then(|id| id.parse::<TenantId>().ok())
    else {
        return Ok(None);
    };
    let mut conn = app.db.read().await?;
    if queries::find(&mut conn, id).await?.is_none() {
        return Ok(None);
    }
    drop(conn);
    let linked = link(app, &Origin::stripe(), id, customer).await?;
    if linked != *customer {
        // Money may have come to the wrong one: not to be passed over.
        let error =
            anyhow!("customer {customer} says it is tenant {id}, whose customer is {linked}");
        return Err(error.into());
    }
    let mut conn = app.db.read().await?;
    Ok(queries::find_by_customer(&mut conn, customer).await?)
}

/// Links the customer, where the tenant has none yet; answers the customer it has.
pub async fn link(
    app: &App,
    origin: &Origin,
    id: TenantId,
    customer: &CustomerId,
) -> Result<CustomerId> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if queries::link_customer(&mut tx, id, customer, now).await? {
        billable::wake(&mut tx, id, now).await?;
        tx.nudge_after_commit(Nudge::Usage);
        let happened = Happened {
            tenant: id,
            event: EventType::TenantCustomerLinked,
            audit: None,
            subject: &Subject::new("tenant", id),
            summary: "The billing account was opened".to_owned(),
            data: &serde_json::json!({ "stripe_customer_id": customer.as_str() }),
            at: now,
        };
        record(&mut tx, app, origin, happened).await?;
        tx.commit().await?;
        return Ok(customer.clone());
    }
    let tenant = queries::find(&mut tx, id).await?.ok_or_else(|| not_found("tenant", id))?;
    Ok(tenant.stripe_customer_id.unwrap_or_else(|| customer.clone()))
}
