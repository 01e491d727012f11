//! Many subscriptions at once, by a few calls to Stripe.

use std::collections::{BTreeMap, HashMap};

use tollhouse_stripe::SubscriptionId;

use super::{
    queries::{self, Seen},
    sync::Fetch,
};
use crate::{app::App, error::Result, sync::list_many};

/// Fetches of these subscriptions, each named with the second its period began, where that was told; not always
/// of all.
///
/// # Errors
/// What Stripe or the database says.
pub async fn look_at(
    app: &App,
    wanted: &BTreeMap<String, Option<i64>>,
) -> Result<HashMap<SubscriptionId, Fetch>> {
    let ids: Vec<SubscriptionId> = wanted.keys().map(SubscriptionId::new).collect();
    // Read before Stripe is asked: what was written in between is fetched once more.
    let mut conn = app.db.read().await?;
    let seen = queries::list_seen(&mut conn, &ids).await?;
    drop(conn);
    let seen: HashMap<SubscriptionId, Seen> =
        seen.into_iter().map(|row| (row.stripe_subscription_id.clone(), row)).collect();
    let begun =
        |id: &str| seen.get(&SubscriptionId::new(id)).map(|row| row.period_start.as_second());
    let dated = wanted
        .iter()
        .filter_map(|(id, told)| Some((id.clone(), told.or_else(|| begun(id))?)))
        .collect();
    let page = |begun, after: Option<String>| async move {
        app.stripe.list_subscriptions_begun(begun, after.as_deref()).await
    };
    let found = list_many(dated, |row| row.id.as_str(), page).await?;
    let fetches = found.into_iter().map(|fetched| {
        let id = fetched.object.id.clone();
        (id.clone(), Fetch { seen: seen.get(&id).map(|row| row.version), fetched })
    });
    Ok(fetches.collect())
}
