//! What an operator looks for across tenants and subscriptions.

use tollhouse_domain::{id::TenantId, tenant::TenantStatus};

use crate::{
    db::{Conn, DbResult},
    tenants::queries::Tenant,
};

/// Which tenants are looked for; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<TenantStatus>,
    /// The code of the base plan it has.
    pub plan: Option<String>,
    /// In its name or addresses, in whatever case.
    pub text: Option<String>,
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    before: Option<TenantId>,
    limit: i64,
) -> DbResult<Vec<Tenant>> {
    let text = filter.text.as_deref().map(pattern);
    conn.query("SELECT * FROM tenants WHERE 1 = 1")
        .filter(" AND id < ?", before)
        .filter(" AND status = ?", filter.status)
        .filter(r" AND search_text LIKE ? ESCAPE '\'", text)
        .filter(
            " AND EXISTS (SELECT 1 FROM subscriptions
                  WHERE subscriptions.tenant_id = tenants.id AND subscriptions.kind = 'base'
                      AND subscriptions.status NOT IN ('canceled', 'incomplete_expired')
                      AND subscriptions.plan_code = ?)",
            filter.plan.as_deref(),
        )
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// What `LIKE` finds the text by, and nothing but the text.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
