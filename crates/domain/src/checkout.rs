//! How far a tenant got on the page it was sent to.

use crate::text::words;

words! {
    /// Where a checkout stands. It only ever goes forward.
    pub enum CheckoutState, "a checkout state" {
        /// Written down by us; Stripe has not answered yet.
        Preparing = "preparing",
        /// The page can be paid.
        Open = "open",
        /// Paid. Over.
        Complete = "complete",
        /// Left unpaid, or closed. Over.
        Expired = "expired",
    }
}
