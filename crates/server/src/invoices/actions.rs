//! Finding the invoice that a path names.

use tollhouse_domain::id::TenantId;

use super::queries::{self, Invoice};
use crate::{
    db::Conn,
    error::{Result, not_found},
};

/// A tenant's invoice by our id, or by Stripe's.
///
/// # Errors
/// `NotFound`
pub async fn get_named(conn: &mut Conn, tenant: TenantId, id: &str) -> Result<Invoice> {
    let row = match id.parse() {
        Ok(id) => queries::find(conn, tenant, id).await?,
        Err(_) => queries::find_by_stripe_id(conn, tenant, id).await?,
    };
    row.ok_or_else(|| not_found("invoice", id))
}
