//! A tenant as an operator sees it.

use serde::Serialize;
use tollhouse_domain::{id::TenantId, tenant::TenantStatus, time::Timestamp};
use utoipa::ToSchema;

use crate::{
    app::App,
    checkout::queries as checkout,
    db::Json as Stored,
    error::Result,
    subscriptions::{
        api::{FullSubscription, full_view},
        queries::{self, Subscription},
    },
    tenants::{
        Overrides, Retention,
        queries::Tenant,
        sso::{Sso, SsoView},
    },
};

/// A tenant.
#[derive(Serialize, ToSchema)]
pub struct TenantView {
    #[schema(value_type = String)]
    id: TenantId,
    name: String,
    email: String,
    billing_email: Option<String>,
    phone: Option<String>,
    /// `active`, `suspended` or `terminated`
    #[schema(value_type = String)]
    status: TenantStatus,
    /// Why it stands so, as it was given.
    status_reason: Option<String>,
    /// Since when; null where that was never changed.
    #[schema(value_type = Option<String>)]
    status_since: Option<Timestamp>,
    /// Whether Stripe has followed: its customer is made and its plan begun; its subscriptions are held, let go
    /// on or ended. Where not, that is tried again until it works.
    settled: bool,
    /// The code of the base plan it has.
    plan: Option<String>,
    /// Stripe's word for that subscription.
    subscription_status: Option<String>,
    support_tier: String,
    sla_level: i64,
    #[schema(value_type = Object)]
    metadata: Stored,
    sso: Option<SsoView>,
    overrides: Option<Overrides>,
    retention: Option<Retention>,
    stripe_customer_id: Option<String>,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

impl TenantView {
    /// # Errors
    /// Where a stored part was not written by this program.
    pub fn of(tenant: Tenant, base: Option<&Subscription>) -> Result<Self> {
        let sso: Option<Sso> = tenant.sso.as_ref().map(Stored::to).transpose()?;
        Ok(Self {
            id: tenant.id,
            settled: tenant.settle_at.is_none(),
            plan: base.map(|base| base.plan_code.clone()),
            subscription_status: base.map(|base| base.status.as_str().to_owned()),
            sso: sso.map(SsoView::from),
            overrides: tenant.overrides.as_ref().map(Stored::to).transpose()?,
            retention: tenant.retention.as_ref().map(Stored::to).transpose()?,
            name: tenant.name,
            email: tenant.contact_email,
            billing_email: tenant.billing_email,
            phone: tenant.phone,
            status: tenant.status,
            status_reason: tenant.status_reason,
            status_since: tenant.status_since,
            support_tier: tenant.support_tier,
            sla_level: tenant.sla_level,
            metadata: tenant.metadata,
            stripe_customer_id: tenant.stripe_customer_id.map(|id| id.to_string()),
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
        })
    }
}

/// A tenant with what it has.
#[derive(Serialize, ToSchema)]
pub struct TenantDetail {
    #[serde(flatten)]
    tenant: TenantView,
    billing: Billing,
    /// Its base subscription with its add-ons, where it has one that is not over.
    subscription: Option<FullSubscription>,
    /// The page on which it can pay for what it was to begin with.
    checkout: Option<OpenPage>,
}

/// Where its money comes from and its invoices go.
#[derive(Serialize, ToSchema)]
pub struct Billing {
    has_billing_account: bool,
    billing_email: String,
}

/// A page to pay on.
#[derive(Serialize, ToSchema)]
pub struct OpenPage {
    url: String,
    /// Stripe's id of the page.
    session_id: String,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// Everything there is to say about a tenant.
///
/// # Errors
/// What the database says.
pub async fn detail(app: &App, tenant: Tenant) -> Result<TenantDetail> {
    let mut conn = app.db.read().await?;
    let base = queries::find_live_base(&mut conn, tenant.id).await?;
    let pages = checkout::other_open(&mut conn, tenant.id, None).await?;
    drop(conn);
    let now = app.clock.now();
    let page = pages.into_iter().find(|page| page.expires_at > Some(now)).and_then(|page| {
        let (url, session) = (page.url?, page.stripe_session_id?);
        Some(OpenPage { url, session_id: session.to_string(), expires_at: page.expires_at })
    });
    let billing = Billing {
        has_billing_account: tenant.stripe_customer_id.is_some(),
        billing_email: tenant.email().to_owned(),
    };
    let view = TenantView::of(tenant.clone(), base.as_ref())?;
    let subscription = match base {
        Some(base) => Some(full_view(app, &tenant, base).await?),
        None => None,
    };
    Ok(TenantDetail { tenant: view, billing, subscription, checkout: page })
}
