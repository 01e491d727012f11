//! Customers against tenants; in an import, tenants of Stripe's customers.
//!
//! A tenant is written down with its customer first, and the customer is told its tenant after. Who dies
//! between the two is found by the next run: the customer is known, and bears no mark.

use std::collections::BTreeMap;

use serde::Serialize;
use tollhouse_domain::{
    id::TenantId,
    reconcile::{DriftState, RunKind},
};
use tollhouse_stripe::{Collection, CustomerId, PriceId, objects::Customer};

use super::{
    drift::{self, Suspect, Verdict, queries as drifts},
    queries::Run,
};
use crate::{
    app::App,
    catalog::queries as catalog,
    db::Conn,
    error::{Error, Result},
    record::Origin,
    tenants::{
        self, TENANT_ID,
        queries::{self as rows, Tenant},
    },
    webhooks::dispatch::Target,
};

/// Compares whose customer it is; an import makes a tenant of a customer that is nobody's.
pub(super) async fn look_at_customer(app: &App, run: &Run, customer: &Customer) -> Result<Verdict> {
    let named: Option<TenantId> = customer.metadata.get(TENANT_ID).and_then(|id| id.parse().ok());
    let mut conn = app.db.read().await?;
    let known = rows::find_by_customer(&mut conn, &customer.id).await?;
    let named_is_ours = match named {
        Some(id) => rows::find(&mut conn, id).await?.is_some(),
        None => false,
    };
    drop(conn);
    let suspect = suspect(run, customer);
    match (known, named) {
        (Some(tenant), Some(named)) if named != tenant.id => {
            let obstacle = format!(
                "customer {} says it is tenant {named}, but it is tenant {}'s: put right `metadata.{TENANT_ID}` in Stripe",
                customer.id, tenant.id
            );
            leave_to_a_person(app, &suspect, Some(tenant.id), &obstacle).await
        }
        (Some(tenant), None) if run.kind == RunKind::Import => {
            mark(app, &suspect, tenant.id, &customer.id).await
        }
        (Some(_), _) => settled(app, customer).await,
        (None, _) if named_is_ours => drift::examine(app, &suspect).await,
        (None, _) if run.kind == RunKind::Import => adopt(app, run, customer, named).await,
        (None, _) => Ok(Verdict::NotOurs),
    }
}

/// Makes a tenant of a customer, or links one that waits for it.
async fn adopt(
    app: &App,
    run: &Run,
    customer: &Customer,
    named: Option<TenantId>,
) -> Result<Verdict> {
    let suspect = suspect(run, customer);
    let Some(id) = tenant_id(app, run.tenant_key.as_deref(), customer, named) else {
        let key = run.tenant_key.as_deref().unwrap_or_default();
        let obstacle = format!("customer {} has no UUID in `metadata.{key}`", customer.id);
        return leave_to_a_person(app, &suspect, None, &obstacle).await;
    };
    let now = app.clock.now();
    let email = customer.email.clone().unwrap_or_default();
    let tenant = Tenant {
        stripe_customer_id: Some(customer.id.clone()),
        customer_named: true,
        ..Tenant::new(id, &name_of(customer), &email, now)?
    };
    let linked = tenants::actions::adopt(app, &Origin::system(), tenant).await?;
    if linked != customer.id {
        let obstacle = format!(
            "customer {} says it is tenant {id}, whose customer is {linked}: one of the two is too many",
            customer.id
        );
        return leave_to_a_person(app, &suspect, Some(id), &obstacle).await;
    }
    match mark(app, &suspect, id, &customer.id).await? {
        Verdict::Changed => Ok(Verdict::TenantMade),
        other => Ok(other),
    }
}

/// Which tenant a customer is to be; `None` where it should say and does not.
fn tenant_id(
    app: &App,
    key: Option<&str>,
    customer: &Customer,
    named: Option<TenantId>,
) -> Option<TenantId> {
    match key {
        Some(key) => customer.metadata.get(key)?.parse().ok(),
        None => Some(named.unwrap_or_else(|| TenantId::from_uuid(app.clock.new_id()))),
    }
}

/// Tells the customer its tenant, so that any Tollhouse on this account knows whose it is.
async fn mark(
    app: &App,
    suspect: &Suspect,
    tenant: TenantId,
    customer: &CustomerId,
) -> Result<Verdict> {
    match tenants::actions::mark_customer(app, tenant, customer).await {
        Ok(()) => Ok(Verdict::Changed),
        Err(Error::StripeFailed(cause)) if !cause.is_transient() => {
            leave_to_a_person(app, suspect, Some(tenant), &cause.to_string()).await
        }
        Err(error) => Err(error),
    }
}

/// What waited for a person about it is settled.
async fn settled(app: &App, customer: &Customer) -> Result<Verdict> {
    let kind = drift::kind(Target::Customer);
    let mut conn = app.db.read().await?;
    let open = drifts::find_open(&mut conn, kind, customer.id.as_str()).await?;
    drop(conn);
    if let Some(open) = open {
        drift::settle(app, &Origin::system(), &open, DriftState::Healed).await?;
    }
    Ok(Verdict::Same)
}

async fn leave_to_a_person(
    app: &App,
    suspect: &Suspect,
    tenant: Option<TenantId>,
    obstacle: &str,
) -> Result<Verdict> {
    let mut conn = app.db.read().await?;
    let open = drifts::find_open(&mut conn, drift::kind(suspect.target), &suspect.id).await?;
    drop(conn);
    drift::leave_to_a_person(app, suspect, tenant, &[], open, obstacle).await?;
    Ok(Verdict::NeedsPerson)
}

fn name_of(customer: &Customer) -> String {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    given(&customer.name)
        .or_else(|| given(&customer.email))
        .unwrap_or_else(|| customer.id.to_string())
}

fn suspect(run: &Run, customer: &Customer) -> Suspect {
    Suspect {
        run: run.id,
        target: Target::Customer,
        id: customer.id.to_string(),
        reason: "it was not linked to its tenant".to_owned(),
        lost: 0,
        is_over: false,
        is_drift: run.kind != RunKind::Import,
    }
}

/// As the sync of subscriptions looks for it: by Stripe's id, else by its lookup key.
async fn is_in_catalog(conn: &mut Conn, price: &PriceId, lookup_key: Option<&str>) -> Result<bool> {
    if catalog::find_price_by_stripe_id(conn, price).await?.is_some() {
        return Ok(true);
    }
    match lookup_key {
        Some(key) => Ok(catalog::find_price(conn, key).await?.is_some()),
        None => Ok(false),
    }
}

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Customers of which tenants would be made.
    pub customers_to_take_over: u64,
    /// Customers that are linked to a tenant already.
    pub customers_known: u64,
    /// Customers that have no UUID under the given key.
    pub customers_without_tenant: u64,
    /// Subscriptions, over or not.
    pub subscriptions: u64,
    /// Those none of whose prices is in the catalog; they would be reported.
    pub subscriptions_not_in_catalog: u64,
    /// The prices of these, and how often they are sold.
    pub prices_not_in_catalog: BTreeMap<String, u64>,
}

/// Looks through customers and subscriptions, and changes nothing.
pub async fn preview(app: &App, tenant_key: Option<&str>) -> Result<Preview> {
    let stripe = app.stripe.paced(app.config.reconcile.calls_per_second);
    let app = &*app.with_stripe(stripe);
    let mut preview = Preview::default();
    let mut cursor: Option<String> = None;
    loop {
        let page = app.stripe.walk_customers(cursor.as_deref()).await?;
        for customer in &page.data {
            let mut conn = app.db.read().await?;
            if rows::find_by_customer(&mut conn, &customer.id).await?.is_some() {
                preview.customers_known += 1;
            } else if tenant_id(app, tenant_key, customer, None).is_none() {
                preview.customers_without_tenant += 1;
            } else {
                preview.customers_to_take_over += 1;
            }
        }
        cursor = page.data.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        if cursor.is_none() {
            break;
        }
    }
    loop {
        let page =
            app.stripe.walk_entries(Collection::Subscriptions, None, cursor.as_deref()).await?;
        for subscription in &page.data {
            preview.subscriptions += 1;
            let mut unknown = Vec::new();
            let mut is_sold = false;
            for (price, lookup_key) in subscription.prices() {
                let mut conn = app.db.read().await?;
                if is_in_catalog(&mut conn, price, lookup_key).await? {
                    is_sold = true;
                } else {
                    unknown.push(price.to_string());
                }
            }
            if !is_sold {
                preview.subscriptions_not_in_catalog += 1;
                for price in unknown {
                    *preview.prices_not_in_catalog.entry(price).or_default() += 1;
                }
            }
        }
        cursor = page.data.last().filter(|_| page.has_more).map(|last| last.id.clone());
        if cursor.is_none() {
            return Ok(preview);
        }
    }
}
