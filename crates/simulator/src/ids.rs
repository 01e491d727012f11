//! Seeded ids that look like Stripe's: the same seed and the same requests give the same ids.

use fastrand::Rng;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// An object's id after its prefix; long enough that two never meet.
const ID_CHARS: usize = 24;
const CUSTOMER_CHARS: usize = 14;
const CHECKOUT_CHARS: usize = 58;

/// The source of everything random in one world.
#[derive(Clone)]
pub struct Ids {
    rng: Rng,
}

/// Of a world without a seed of its own; never left to chance.
impl Default for Ids {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed) }
    }

    /// `prefix` with its underscore: `sub_`.
    pub fn id(&mut self, prefix: &str) -> String {
        let chars = match prefix {
            "cus_" | "prod_" | "si_" | "req_" => CUSTOMER_CHARS,
            "cs_test_" => CHECKOUT_CHARS,
            _ => ID_CHARS,
        };
        self.text(prefix, chars)
    }

    /// A client secret, made of the id it belongs to.
    pub fn client_secret(&mut self, id: &str) -> String {
        self.text(&format!("{id}_secret_"), 25)
    }

    pub fn webhook_secret(&mut self) -> String {
        self.text("whsec_", 32)
    }

    /// Eight capital letters and digits, the front of a customer's invoice numbers.
    pub fn invoice_prefix(&mut self) -> String {
        (0..8).map(|_| char::from(ALPHANUMERIC[self.rng.usize(..26)])).collect()
    }

    /// A coupon's id, where none was chosen.
    pub fn coupon(&mut self) -> String {
        self.text("", 8)
    }

    /// What tells one card from another, as Stripe shows it.
    pub fn fingerprint(&mut self) -> String {
        self.text("", 16)
    }

    fn text(&mut self, prefix: &str, chars: usize) -> String {
        let mut text = String::with_capacity(prefix.len() + chars);
        text.push_str(prefix);
        for _ in 0..chars {
            text.push(char::from(ALPHANUMERIC[self.rng.usize(..ALPHANUMERIC.len())]));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_differs_from_others() {
        let ids = |seed| {
            let mut ids = Ids::new(seed);
            [ids.id("cus_"), ids.id("sub_"), ids.webhook_secret()]
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
        assert!(ids(7)[0].starts_with("cus_") && ids(7)[0].len() == 18);
    }
}
