//! «Something is new»: how those who wait learn that the table has more.
//!
//! A nudge carries no data and may be lost: whoever waits reads the table, and looks again by a timer.

use tokio::sync::broadcast;
use tollhouse_domain::id::TenantId;

/// Nudges that can wait for a slow listener; more are dropped, and the listener then reads once for all.
const BACKLOG: usize = 1024;

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudge {
    /// A tenant has new events, written by this process.
    Events(TenantId),
    /// A tenant has new events, written by another instance.
    EventsElsewhere(TenantId),
    /// Events got their places in the order of all tenants, by this process.
    EventsPlaced,
    /// Events got their places, by another instance.
    EventsPlacedElsewhere,
    /// Deliveries wait to be worked.
    Deliveries,
    /// A subscription changed, and its add-ons may have to follow.
    Addons,
    /// A comparison with Stripe was asked for.
    Reconcile,
    /// A retention run was asked for.
    Retention,
    /// A webhook endpoint can be told again of what waits for it.
    Outbound,
    /// Stripe is to be told how a tenant stands.
    Tenants,
    /// Revenue changed, and is to be counted.
    Revenue,
    /// Stripe's meters can be told of usage that waited.
    Usage,
}

/// The one place where nudges are sent and listened for in this process.
#[derive(Clone)]
pub struct Nudges(broadcast::Sender<Nudge>);

impl Default for Nudges {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Nudges {
    pub fn send(&self, nudge: Nudge) {
        // An error only says that nobody listens.
        let _ = self.0.send(nudge);
    }

    /// Hears every nudge sent from now on.
    pub fn listen(&self) -> broadcast::Receiver<Nudge> {
        self.0.subscribe()
    }
}
