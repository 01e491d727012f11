//! What is counted of every meter at present.

use std::collections::BTreeMap;

use tollhouse_domain::usage::{Quantity, Window};

use crate::{
    app::App, catalog::queries as catalog, db::Conn, error::Result, tenants::queries::Tenant,
    usage::queries,
};

/// Every meter's quantity in the window of the calendar that now is in; zero where nothing was reported.
pub async fn at_present(
    app: &App,
    conn: &mut Conn,
    tenant: &Tenant,
    per: Window,
) -> Result<BTreeMap<String, Quantity>> {
    let start = per.start(app.clock.now());
    let meters = catalog::meters(conn).await?;
    let mut quantities: BTreeMap<_, _> =
        meters.into_iter().map(|meter| (meter.code, Quantity::ZERO)).collect();
    for rollup in queries::window(conn, tenant.id, per, start).await? {
        quantities.insert(rollup.meter.clone(), rollup.quantity());
    }
    Ok(quantities)
}
