//! What Stripe shows of all that a claim is about, by as few calls as possible.
//!
//! Only a beginning: what is not among the fetches is fetched by itself, and what was written since its fetch
//! was taken, once more.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use tollhouse_domain::id::DeliveryId;
use tollhouse_stripe::{CustomerId, InvoiceId, SubscriptionId, listed_at};

use super::{
    dispatch::{self, Target},
    queries::{self, Claimed},
};
use crate::{
    app::App,
    error::Result,
    invoices,
    record::Origin,
    subscriptions,
    sync::{Synced, WORTH_A_PAGE},
    tenants,
};

/// What is known before a claim is worked. Each fetch is used once.
#[derive(Default)]
pub struct Fetches {
    /// Customers that belong to a tenant, and of whom nothing more is shown: no subscription is charged to theirs.
    customers: HashSet<CustomerId>,
    subscriptions: Mutex<HashMap<SubscriptionId, subscriptions::sync::Fetch>>,
    invoices: Mutex<HashMap<InvoiceId, invoices::sync::Fetch>>,
}

impl Fetches {
    /// Looks at what these deliveries are about. Where something goes wrong with that, each object is asked for
    /// by itself, and meets the same trouble, if it is still there.
    pub async fn take(app: &App, claimed: &[Claimed]) -> Self {
        Self::look(app, claimed).await.unwrap_or_else(|error| {
            tracing::warn!("what the deliveries are about could not be listed: {error}");
            Self::default()
        })
    }

    async fn look(app: &App, claimed: &[Claimed]) -> Result<Self> {
        let mut objects: BTreeMap<Target, BTreeMap<String, DeliveryId>> = BTreeMap::new();
        for delivery in claimed {
            let target = dispatch::target(&delivery.event_type).zip(delivery.object_id.as_ref());
            let Some((target, id)) = target else { continue };
            let told_by = objects.entry(target).or_default();
            // The newest that carries the object: claims are in the order of their ids.
            if dispatch::carries_its_target(&delivery.event_type) {
                told_by.insert(id.clone(), delivery.id);
            } else {
                told_by.entry(id.clone()).or_insert(delivery.id);
            }
        }
        let mut taken = Self::default();
        if let Some(customers) = objects.get(&Target::Customer) {
            let ids: Vec<CustomerId> = customers.keys().map(CustomerId::new).collect();
            let mut conn = app.db.read().await?;
            taken.customers =
                tenants::queries::list_linked(&mut conn, &ids).await?.into_iter().collect();
            for customer in subscriptions::queries::list_charged_customers(&mut conn, &ids).await? {
                taken.customers.remove(&customer);
            }
        }
        if let Some(begun) = told(app, objects.remove(&Target::Subscription)).await? {
            taken.subscriptions = Mutex::new(subscriptions::many::look_at(app, &begun).await?);
        }
        if let Some(made) = told(app, objects.remove(&Target::Invoice)).await? {
            taken.invoices = Mutex::new(invoices::many::look_at(app, &made).await?);
        }
        Ok(taken)
    }

    /// Takes in the object as it is now.
    pub async fn sync(&self, app: &App, target: Target, id: &str) -> Result<Synced> {
        let origin = Origin::stripe();
        match target {
            Target::Customer if self.customers.contains(&CustomerId::new(id)) => Ok(Synced::Done),
            Target::Subscription => {
                let id = SubscriptionId::new(id);
                let fetch = lock(&self.subscriptions).remove(&id);
                subscriptions::sync::sync_fetched(app, &origin, &id, fetch).await
            }
            Target::Invoice => {
                let id = InvoiceId::new(id);
                let fetch = lock(&self.invoices).remove(&id);
                invoices::sync::sync_fetched(app, &origin, &id, fetch).await
            }
            other => dispatch::sync(app, other, id).await,
        }
    }
}

/// The seconds by which Stripe lists these objects, as far as their deliveries say; `None` where they are too
/// few to be listed.
async fn told(
    app: &App,
    objects: Option<BTreeMap<String, DeliveryId>>,
) -> Result<Option<BTreeMap<String, Option<i64>>>> {
    let Some(objects) = objects.filter(|objects| objects.len() >= WORTH_A_PAGE) else {
        return Ok(None);
    };
    let deliveries: Vec<DeliveryId> = objects.values().copied().collect();
    let mut conn = app.db.read().await?;
    let bodies = queries::list_payloads(&mut conn, &deliveries).await?;
    let bodies: HashMap<DeliveryId, Vec<u8>> =
        bodies.into_iter().map(|body| (body.id, body.payload)).collect();
    let dated = objects.into_iter().map(|(id, delivery)| {
        let second = bodies.get(&delivery).and_then(|body| listed_at(body, &id));
        (id, second)
    });
    Ok(Some(dated.collect()))
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
