//! Opening a page to pay on.

use tollhouse_domain::{event::EventType, time::Timestamp};
use tollhouse_stripe::{
    CustomerId, IdempotencyKey,
    objects::{CheckoutSession, Metadata},
    params::{CreateCheckoutSession, CustomerUpdate, Enabled},
};

use super::{
    Purchase, Reserved, Sale, clear_the_way, close_page, find_sale, hold, interrupt, reserve, terms,
};
use crate::{
    app::App,
    checkout::queries::{self, Checkout},
    discounts::actions::not_applicable,
    error::{Error, Result},
    record::{Happened, Origin, Subject, record},
    subscriptions::{CHECKOUT_ID, actions::addons::Way},
    tenants::{actions as tenants, queries::Tenant},
};

/// Stripe keeps no page open for a shorter time.
const OPEN_SECONDS_MIN: i64 = 31 * 60;
/// Nor for a longer one.
const OPEN_SECONDS_MAX: i64 = 24 * 3600 - 60;

/// Where to go after the page.
pub struct Page {
    pub success_url: String,
    pub cancel_url: String,
}

/// Opens a page. The same request again gets the same page; a newer one closes those before it.
///
/// # Errors
/// `Refused` by the rules (already subscribed, unknown plan …), `Conflict` while another purchase is being
/// prepared for the tenant, or what Stripe says.
pub async fn open(app: &App, origin: &Origin, purchase: Purchase, page: Page) -> Result<Checkout> {
    let sale = find_sale(app, &purchase).await?;
    let begun = match reserve(app, &purchase, &sale).await? {
        Reserved::Known(opened) => return Ok(opened),
        Reserved::Mine { begun } => begun,
    };
    let outcome = ask_for_page(app, origin, &purchase, &page, (sale.tenant, begun)).await;
    if outcome.is_err() {
        interrupt(app, purchase.id).await?;
    }
    outcome
}

async fn ask_for_page(
    app: &App,
    origin: &Origin,
    purchase: &Purchase,
    page: &Page,
    (tenant, begun): (Tenant, Timestamp),
) -> Result<Checkout> {
    let customer = clear_the_way(app, origin, purchase, &tenant).await?;
    let sale = find_sale(app, purchase).await?;
    if let Some(session) = find_opened(app, purchase, &customer).await? {
        return write_down(app, origin, purchase, &sale, &session).await;
    }
    let params = session_params(app, purchase, page, &sale, (customer, begun));
    let key = IdempotencyKey::of("create-checkout", purchase.id, &params);
    hold(app, purchase.id).await?;
    let session = app.stripe.create_checkout_session(&params, &key).await;
    let session = session.map_err(not_applicable)?;
    let checkout = write_down(app, origin, purchase, &sale, &session).await?;
    if let Err(refusal) = tenants::get_active(app, purchase.tenant).await {
        // Suspended or terminated while Stripe made the page: whoever closed the others did not see this one.
        close_page(app, origin, purchase.id, &session.id).await?;
        return Err(refusal);
    }
    Ok(checkout)
}

/// The page that an attempt before this one has opened, and died before it could say so.
async fn find_opened(
    app: &App,
    purchase: &Purchase,
    customer: &CustomerId,
) -> Result<Option<CheckoutSession>> {
    let id = purchase.id.to_string();
    let open = app.stripe.list_open_checkout_sessions(customer).await?.data;
    Ok(open.into_iter().find(|session| session.metadata.get(CHECKOUT_ID) == Some(&id)))
}

fn session_params(
    app: &App,
    purchase: &Purchase,
    page: &Page,
    sale: &Sale,
    (customer, begun): (CustomerId, Timestamp),
) -> CreateCheckoutSession {
    // The session's metadata stays on the session; the subscription's must be given apart.
    let metadata: Metadata = [
        ("tenant_id".to_owned(), purchase.tenant.to_string()),
        (CHECKOUT_ID.to_owned(), purchase.id.to_string()),
    ]
    .into();
    let automatic_tax = app.config.billing.automatic_tax;
    CreateCheckoutSession {
        mode: "subscription",
        customer,
        line_items: sale.offer.items.clone(),
        success_url: page.success_url.clone(),
        cancel_url: page.cancel_url.clone(),
        client_reference_id: purchase.tenant.to_string(),
        metadata,
        subscription_data: terms(app, purchase, sale, Way::Page, begun),
        discounts: sale.discounts(),
        customer_update: automatic_tax.then_some(CustomerUpdate { address: "auto" }),
        automatic_tax: automatic_tax.then_some(Enabled { enabled: true }),
        expires_at: sale.base.as_ref().map(|base| last_moment(begun, base.row.period_end)),
    }
}

/// An add-on's page is not left open beyond the period of its base: another one has another price.
fn last_moment(begun: Timestamp, period_end: Timestamp) -> i64 {
    let begun = begun.as_second();
    period_end.as_second().clamp(begun + OPEN_SECONDS_MIN, begun + OPEN_SECONDS_MAX)
}

async fn write_down(
    app: &App,
    origin: &Origin,
    purchase: &Purchase,
    sale: &Sale,
    session: &CheckoutSession,
) -> Result<Checkout> {
    let now = app.clock.now();
    let expires_at = Timestamp::from_second(session.expires_at).unwrap_or(now);
    let url = session.url.as_deref().unwrap_or_default();
    let mut tx = app.db.begin().await?;
    if queries::open(&mut tx, purchase.id, &session.id, url, expires_at, now).await? {
        let happened = Happened {
            tenant: purchase.tenant,
            event: EventType::CheckoutStarted,
            audit: Some("checkout_session.created"),
            subject: &Subject::new("checkout", purchase.id),
            summary: format!("A page to pay for {} was opened", sale.offer.plan.name),
            data: &serde_json::json!({
                "plan": sale.offer.plan.code,
                "price": sale.offer.price.lookup_key,
                "quantity": purchase.quantity,
                "session_id": session.id,
            }),
            at: now,
        };
        record(&mut tx, app, origin, happened).await?;
    }
    let checkout = queries::find(&mut tx, purchase.id).await?;
    tx.commit().await?;
    checkout.ok_or_else(|| Error::Internal(anyhow::anyhow!("checkout {} is gone", purchase.id)))
}
