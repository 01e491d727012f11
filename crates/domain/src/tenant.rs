//! Whether a tenant may use what it has bought, and what an operator may make of that.

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

    /// Whether a tenant that stands like this may come to stand like `next`. Staying is always possible;
    /// what is terminated stays so.
    pub fn may_become(self, next: Self) -> bool {
        self == next || self != Self::Terminated
    }
}

const EMAIL_LENGTH_MAX: usize = 254;

/// As much as can be known of an address without sending a message.
pub fn looks_like_email(text: &str) -> bool {
    text.len() <= EMAIL_LENGTH_MAX
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.contains('@')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_terminated_is_final() {
        use TenantStatus::{Active, Suspended, Terminated};
        let cases = [
            (Active, [Active, Suspended, Terminated].as_slice()),
            (Suspended, &[Active, Suspended, Terminated]),
            (Terminated, &[Terminated]),
        ];
        for (from, allowed) in cases {
            let possible: Vec<_> =
                TenantStatus::ALL.iter().copied().filter(|to| from.may_become(*to)).collect();
            assert_eq!(possible, allowed, "{from}");
        }
    }

    #[test]
    fn addresses_are_told_from_other_text() {
        let long = format!("{}@example.com", "a".repeat(250));
        for (text, looks) in [
            ("ada@example.com", true),
            ("ada+bills@mail.example.co.uk", true),
            ("ada", false),
            ("@example.com", false),
            ("ada@example", false),
            ("ada@b@example.com", false),
            ("ada love@example.com", false),
            ("ada\u{0}@example.com", false),
            ("", false),
            (long.as_str(), false),
        ] {
            assert_eq!(looks_like_email(text), looks, "{text}");
        }
    }
}
