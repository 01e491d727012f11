//! Whether a tenant may use what it has bought.

use crate::text::words;

words! {
    /// How a tenant stands with us, whatever its subscription says.
    pub enum TenantStatus, "a tenant status" {
        /// As it should be.
        Active = "active",
        /// Halted by an operator, until reactivated.
        Suspended = "suspended",
        /// Over, for good.
        Terminated = "terminated",
    }
}

impl TenantStatus {
    /// Whether access is granted at all.
    pub const fn is_in_good_standing(self) -> bool {
        matches!(self, Self::Active)
    }
}
