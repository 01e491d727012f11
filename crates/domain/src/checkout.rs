//! How far a tenant got on the page it was sent to.

use crate::text::words;

words! {
    /// Where a checkout stands.
    pub enum CheckoutState, "a checkout state" {
        /// Written down by us; Stripe is being asked for a page.
        Preparing = "preparing",
        /// Stripe did not answer; the same request may go on.
        Interrupted = "interrupted",
        /// The page can be paid.
        Open = "open",
        /// Paid. Over.
        Complete = "complete",
        /// Left unpaid, or closed. Over.
        Expired = "expired",
    }
}
