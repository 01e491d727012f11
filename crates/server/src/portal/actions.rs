//! Opening the portal, on what the catalog sells.

use sha2::{Digest, Sha256};
use tollhouse_domain::{event::EventType, plan::PlanKind, price::Price, refusal::Refusal};
use tollhouse_stripe::{
    IdempotencyKey, ProductId,
    objects::PortalSession,
    params::{
        CreatePortalConfiguration, CreatePortalSession, Enabled, PortalCancel, PortalFeatures,
        PortalProduct, PortalUpdate,
    },
};
use uuid::Uuid;

use super::queries;
use crate::{
    app::App,
    catalog::{actions::sold, push::product_id},
    error::Result,
    record::{Happened, Origin, Subject, record},
    tenants::queries::Tenant,
};

/// Stripe takes no more products in a portal.
const PRODUCTS_MAX: usize = 10;

/// Opens the portal for a tenant.
///
/// # Errors
/// `NoBillingAccount` before a first checkout; `TenantNotActive`, for the portal changes plans.
pub async fn open(
    app: &App,
    origin: &Origin,
    tenant: &Tenant,
    return_url: String,
    work: Uuid,
) -> Result<PortalSession> {
    if !tenant.status.is_in_good_standing() {
        return Err(Refusal::TenantNotActive.into());
    }
    let customer = tenant.stripe_customer_id.clone().ok_or(Refusal::NoBillingAccount)?;
    let params =
        CreatePortalSession { customer, configuration: configuration(app).await?, return_url };
    let key = IdempotencyKey::new("open-portal", work);
    let session = app.stripe.create_portal_session(&params, &key).await?;
    let mut tx = app.db.begin().await?;
    let happened = Happened {
        tenant: tenant.id,
        event: EventType::PortalOpened,
        audit: Some("portal_session.created"),
        subject: &Subject::new("portal_session", &session.id),
        summary: "The billing portal was opened".to_owned(),
        data: &serde_json::json!({}),
        at: app.clock.now(),
    };
    record(&mut tx, app, origin, happened).await?;
    tx.commit().await?;
    Ok(session)
}

/// The configuration for the catalog that is sold now; made once.
async fn configuration(app: &App) -> Result<String> {
    let features = features(app).await?;
    let fingerprint = hex::encode(Sha256::digest(serde_json::to_vec(&features)?));
    let mut conn = app.db.read().await?;
    let known = queries::find(&mut conn, &fingerprint).await?;
    drop(conn);
    if let Some(id) = known {
        return Ok(id);
    }
    let key = IdempotencyKey::new("create-portal", &fingerprint);
    let params = CreatePortalConfiguration { features };
    let made = app.stripe.create_portal_configuration(&params, &key).await?;
    let mut tx = app.db.begin().await?;
    queries::insert(&mut tx, &fingerprint, &made.id, app.clock.now()).await?;
    tx.commit().await?;
    Ok(made.id)
}

/// Cards, invoices, an end at the period's end, and the base plans that are paid in advance.
async fn features(app: &App) -> Result<PortalFeatures> {
    let mut conn = app.db.read().await?;
    let mut products = Vec::new();
    for (plan, rows) in sold(&mut conn).await? {
        let mut prices = Vec::new();
        for row in rows {
            if row.definition.to::<Price>()?.meter.is_none() {
                prices.extend(row.stripe_price_id);
            }
        }
        if plan.kind == PlanKind::Base && !prices.is_empty() {
            let product: ProductId = product_id(&plan.code);
            products.push(PortalProduct { product, prices });
        }
    }
    products.truncate(PRODUCTS_MAX);
    Ok(PortalFeatures {
        invoice_history: Enabled { enabled: true },
        payment_method_update: Enabled { enabled: true },
        subscription_cancel: PortalCancel { enabled: true, mode: "at_period_end" },
        subscription_update: (!products.is_empty()).then_some(PortalUpdate {
            enabled: true,
            default_allowed_updates: vec!["price", "quantity"],
            proration_behavior: "always_invoice",
            products,
        }),
    })
}
