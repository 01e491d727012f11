//! The verbs of a subscription: one file each.
//!
//! Each asks Stripe for the change under a key of the request's own id, then lets `sync` write what Stripe
//! now says. Whoever dies in between has changed nothing here; the webhook, or the same request again,
//! brings it in.

pub mod addons;
mod cancel;
mod change;
mod follow;
mod granting;
mod hold;
mod pause;
mod preview;
mod realign;
mod redeem;
mod schedule;

use tollhouse_domain::{id::TenantId, refusal::Refusal};

pub use cancel::{At, Cancel, cancel, cancel_base, end, resume, switch_renewal_on};
pub use change::{Change, change};
pub use follow::{follow_all, follow_due};
pub use granting::{Granting, access_of, granting, plan_of};
pub use hold::{hold, release};
pub use pause::pause;
pub use preview::{Preview, PreviewDiscount, PreviewLine, preview};
pub use schedule::{change_later, drop_change};

use super::queries::{self, Subscription};
use crate::{app::App, error::Result, tenants::actions::get_active};

/// The tenant's base subscription that is not over.
pub async fn live_base(app: &App, tenant: TenantId) -> Result<Subscription> {
    let mut conn = app.db.read().await?;
    let row = queries::find_live_base(&mut conn, tenant).await?;
    Ok(row.ok_or(Refusal::NotSubscribed)?)
}

/// The same, of a tenant that may change what it has.
async fn changeable_base(app: &App, tenant: TenantId) -> Result<Subscription> {
    get_active(app, tenant).await?;
    live_base(app, tenant).await
}

/// The row as the sync has left it.
async fn reread(app: &App, row: &Subscription) -> Result<Subscription> {
    let mut conn = app.db.read().await?;
    let now = queries::find(&mut conn, row.id).await?;
    Ok(now.ok_or(Refusal::NotSubscribed)?)
}
