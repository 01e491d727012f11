//! The verbs of a subscription: one file each.
//!
//! Each asks Stripe for the change under a key of the request's own id, then lets `sync` write what Stripe
//! now says. Whoever dies in between has changed nothing here; the webhook, or the same request again,
//! brings it in.

mod cancel;

pub use cancel::{At, Cancel, cancel, renew};
