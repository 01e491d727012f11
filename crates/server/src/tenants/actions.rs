//! Creating a tenant, finding one, and giving it its customer.

use anyhow::anyhow;
use tollhouse_domain::{event::EventType, id::TenantId, refusal::Refusal};
use tollhouse_stripe::{CustomerId, Error as StripeError, IdempotencyKey, params};

use super::{
    TENANT_ID,
    queries::{self, Tenant},
    sync,
};
use crate::{
    app::App,
    db::Tx,
    error::{Conflict, Error, Result, not_found},
    nudge::Nudge,
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
        if known.says_the_same(&new)? {
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
    if new.settle_at.is_some() {
        tx.nudge_after_commit(Nudge::Tenants);
    }
    tx.commit().await?;
    Ok(new)
}

/// Writes a tenant down that has its customer already. Where the id is known, the customer is linked to that
/// tenant, unless it has another one; answers the customer the tenant has.
pub async fn adopt(app: &App, origin: &Origin, new: Tenant) -> Result<CustomerId> {
    let Some(customer) = new.stripe_customer_id.clone() else {
        return Err(Error::Internal(anyhow!("tenant {} is to be made of no customer", new.id)));
    };
    let mut tx = app.db.begin().await?;
    if !queries::insert(&mut tx, &new).await? {
        drop(tx);
        return sync::link(app, origin, new.id, &customer).await;
    }
    let subject = Subject::new("tenant", new.id);
    let created = Happened {
        tenant: new.id,
        event: EventType::TenantCreated,
        audit: Some("tenant.create"),
        subject: &subject,
        summary: format!("{} was taken over from Stripe", new.name),
        data: &serde_json::json!({ "name": new.name }),
        at: new.created_at,
    };
    record(&mut tx, app, origin, created).await?;
    let linked = Happened {
        tenant: new.id,
        event: EventType::TenantCustomerLinked,
        audit: None,
        subject: &subject,
        summary: "The billing account was opened".to_owned(),
        data: &serde_json::json!({ "stripe_customer_id": customer.as_str() }),
        at: new.created_at,
    };
    record(&mut tx, app, origin, linked).await?;
    tx.commit().await?;
    Ok(customer)
}

/// Tells a customer whose it is, in its metadata.
pub async fn mark_customer(app: &App, tenant: TenantId, customer: &CustomerId) -> Result<()> {
    let metadata = [(TENANT_ID.to_owned(), tenant.to_string())].into();
    let key = IdempotencyKey::new("mark-customer", tenant);
    app.stripe.set_customer_metadata(customer, &metadata, &key).await?;
    Ok(())
}

/// # Errors
/// `NotFound`
pub async fn get(app: &App, id: TenantId) -> Result<Tenant> {
    let mut conn = app.db.read().await?;
    queries::find(&mut conn, id).await?.ok_or_else(|| not_found("tenant", id))
}

/// A tenant that may buy, and change what it has.
///
/// # Errors
/// `NotFound`; `TenantNotActive` where it is suspended or terminated.
pub async fn get_active(app: &App, id: TenantId) -> Result<Tenant> {
    let tenant = get(app, id).await?;
    if tenant.status.is_in_good_standing() {
        return Ok(tenant);
    }
    Err(Refusal::TenantNotActive.into())
}

/// Changes what is said of a tenant; `change` answers the names of what it changed. Stripe is told what it
/// has to know of it, by whoever settles the tenant.
///
/// # Errors
/// `NotFound`; what `change` refuses.
pub async fn update(
    app: &App,
    origin: &Origin,
    id: TenantId,
    change: impl FnOnce(&mut Tenant) -> Result<Vec<&'static str>>,
) -> Result<Tenant> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let found = queries::find_locked(&mut tx, id).await?;
    let mut tenant = found.ok_or_else(|| not_found("tenant", id))?;
    let changed = change(&mut tenant)?;
    if changed.is_empty() {
        return Ok(tenant);
    }
    let at_stripe = changed.iter().any(|field| AT_STRIPE.contains(field));
    if at_stripe {
        tenant.customer_named = false;
    }
    tenant.updated_at = now;
    queries::update(&mut tx, &tenant).await?;
    if at_stripe && tenant.stripe_customer_id.is_some() {
        ask_to_settle(&mut tx, app, id).await?;
    }
    let happened = Happened {
        tenant: id,
        event: EventType::TenantUpdated,
        audit: Some("tenant.update"),
        subject: &Subject::new("tenant", id),
        summary: format!("{} was changed: {}", tenant.name, changed.join(", ")),
        data: &serde_json::json!({ "changed": changed }),
        at: now,
    };
    record(&mut tx, app, origin, happened).await?;
    let tenant = queries::find(&mut tx, id).await?.ok_or_else(|| not_found("tenant", id))?;
    tx.commit().await?;
    Ok(tenant)
}

/// What Stripe's customer says, too.
const AT_STRIPE: [&str; 4] = ["name", "email", "billing_email", "phone"];

/// Sends invoices to another address from now on, and tells Stripe where there is a customer already.
pub async fn set_billing_email(
    app: &App,
    origin: &Origin,
    id: TenantId,
    email: &str,
) -> Result<Tenant> {
    let tenant = update(app, origin, id, |tenant| {
        let old = tenant.billing_email.replace(email.to_owned());
        Ok(if old == tenant.billing_email { Vec::new() } else { vec!["billing_email"] })
    })
    .await?;
    if let Some(customer) = &tenant.stripe_customer_id {
        name_customer(app, &tenant, customer).await?;
    }
    Ok(tenant)
}

/// Has Stripe told about a tenant, in the transaction of what there is to tell.
pub async fn ask_to_settle(tx: &mut Tx, app: &App, id: TenantId) -> Result<()> {
    queries::ask_to_settle(tx, id, app.clock.now()).await?;
    tx.nudge_after_commit(Nudge::Tenants);
    Ok(())
}

/// The tenant's customer: the linked one, else made now, once, whoever else asks at the same moment.
///
/// What the customer is made of never changes (the tenant's id), so that the key always finds the same
/// one; name and e-mail follow in a second call. If we die between Stripe's answer and our write, the
/// same key or the `customer.created` webhook links it, and the next call names it.
pub async fn ensure_customer(app: &App, origin: &Origin, tenant: &Tenant) -> Result<CustomerId> {
    let customer = match &tenant.stripe_customer_id {
        Some(customer) => customer.clone(),
        None => create_customer(app, origin, tenant.id).await?,
    };
    if !tenant.customer_named {
        name_customer(app, tenant, &customer).await?;
    }
    Ok(customer)
}

async fn create_customer(app: &App, origin: &Origin, tenant: TenantId) -> Result<CustomerId> {
    let metadata = [(TENANT_ID.to_owned(), tenant.to_string())].into();
    let key = IdempotencyKey::new("create-customer", tenant);
    let customer = app.stripe.create_customer(&params::CreateCustomer { metadata }, &key).await?;
    sync::link(app, origin, tenant, &customer.id).await
}

/// Tells Stripe the name and the address. An address that Stripe refuses stops nobody from paying.
async fn name_customer(app: &App, tenant: &Tenant, customer: &CustomerId) -> Result<()> {
    let details = params::UpdateCustomer {
        email: Some(tenant.email().to_owned()),
        name: Some(tenant.name.clone()),
        // Empty unsets.
        phone: Some(tenant.phone.clone().unwrap_or_default()),
        invoice_settings: None,
    };
    let key = IdempotencyKey::new("name-customer", app.clock.new_id());
    match app.stripe.update_customer(customer, &details, &key).await {
        Ok(_) => {
            let mut tx = app.db.begin().await?;
            queries::mark_named(&mut tx, tenant).await?;
            Ok(tx.commit().await?)
        }
        Err(error @ StripeError::Invalid { .. }) => {
            tracing::warn!(tenant.id = %tenant.id, error.cause = %error, "Stripe refuses the customer's name or address");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
