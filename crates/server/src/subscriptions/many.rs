//! Many subscriptions at once, by a few calls to Stripe.

use std::collections::{BTreeMap, HashMap};

use tollhouse_stripe::SubscriptionId;

use super::{queries, sync::Picture};
use crate::{app::App, error::Result, sync::list_many};

/// Pictures of these subscriptions, each named with the second its period began; not always of all.
///
/// # Errors
/// What Stripe or the database says.
pub async fn look_at(
    app: &App,
    wanted: &BTreeMap<String, i64>,
) -> Result<HashMap<SubscriptionId, Picture>> {
    let ids: Vec<SubscriptionId> = wanted.keys().map(SubscriptionId::new).collect();
    // Read before Stripe is asked: what was written in between is fetched once more.
    let mut conn = app.db.read().await?;
    let seen = queries::list_seen(&mut conn, &ids).await?;
    drop(conn);
    let seen: HashMap<SubscriptionId, i64> =
        seen.into_iter().map(|row| (row.stripe_subscription_id, row.version)).collect();
    let page = |begun, after: Option<String>| async move {
        app.stripe.list_subscriptions_begun(begun, after.as_deref()).await
    };
    let found = list_many(wanted.clone(), |row| row.id.as_str(), page).await?;
    let pictures = found.into_iter().map(|fetched| {
        let id = fetched.object.id.clone();
        (id.clone(), Picture { seen: seen.get(&id).copied(), fetched })
    });
    Ok(pictures.collect())
}
