//! Creating a tenant, finding one, and giving it its customer.

use tollhouse_domain::{event::EventType, id::TenantId};
use tollhouse_stripe::{CustomerId, IdempotencyKey, params};

use super::{
    queries::{self, Tenant},
    sync,
};
use crate::{
    app::App,
    error::{Conflict, Error, Result, not_found},
    record::{Happened, Origin, Subject, record},
};

/// Writes a new tenant down. Repeating it with the same id and the same data gives the same tenant.
///
/// # Errors
/// `Conflict` where the id belongs to a tenant with other data.
pub async fn create(app: &App, origin: &Origin, new: Tenant) -> Result<Tenant> {
    let mut tx = app.db.begin().await?;
    if !queries::insert(&mut tx, &new).await? {
        let known =
            queries::find(&mut tx, new.id).await?.ok_or_else(|| not_found("tenant", new.id))?;
        if known.name == new.name && known.contact_email == new.contact_email {
            return Ok(known);
        }
        let sentence = format!("The id `{}` belongs to another tenant: leave `id` out.", new.id);
        return Err(Error::Conflict(Conflict::TenantExists, sentence));
    }
    let happened = Happened {
        tenant: new.id,
        event: EventType::TenantCreated,
        audit: Some("tenant.create"),
        subject: &Subject::new("tenant", new.id),
        summary: format!("{} was created", new.name),
        data: &serde_json::json!({ "name": new.name }),
        at: new.created_at,
    };
    record(&mut tx, app, origin, happened).await?;
    tx.commit().await?;
    Ok(new)
}

/// # Errors
/// `NotFound`
pub async fn get(app: &App, id: TenantId) -> Result<Tenant> {
    let mut conn = app.db.read().await?;
    queries::find(&mut conn, id).await?.ok_or_else(|| not_found("tenant", id))
}

/// The tenant's customer: the linked one, else made now, once, whoever else asks at the same moment.
///
/// What the customer is made of never changes (the tenant's id), so that the key always finds the same
/// one; name and e-mail follow in a second call. If we die between Stripe's answer and our write, the
/// same key or the `customer.created` webhook links it.
pub async fn ensure_customer(app: &App, origin: &Origin, tenant: &Tenant) -> Result<CustomerId> {
    if let Some(customer) = &tenant.stripe_customer_id {
        return Ok(customer.clone());
    }
    let params = params::CreateCustomer {
        metadata: [("tenant_id".to_owned(), tenant.id.to_string())].into(),
    };
    let key = IdempotencyKey::new("create-customer", tenant.id);
    let customer = app.stripe.create_customer(&params, &key).await?;
    let details = params::UpdateCustomer {
        email: Some(tenant.email().to_owned()),
        name: Some(tenant.name.clone()),
    };
    let key = IdempotencyKey::new(
        "name-customer",
        format_args!("{}-{}", tenant.id, tenant.updated_at.as_microsecond()),
    );
    app.stripe.update_customer(&customer.id, &details, &key).await?;
    sync::link(app, origin, tenant.id, &customer.id).await
}
