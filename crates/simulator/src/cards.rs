//! Stripe's test cards: their numbers, the ids that stand for them, and what each does when charged.

use crate::error::{Error, Result};

/// Why a bank says no, in Stripe's codes.
#[derive(Debug, PartialEq, Eq)]
pub struct Decline {
    pub code: &'static str,
    /// Stripe's `decline_code`.
    pub reason: &'static str,
    pub message: &'static str,
}

/// One test card.
#[derive(Debug)]
pub struct Card {
    pub number: &'static str,
    /// After `pm_card_` and `tok_`.
    pub name: &'static str,
    pub brand: &'static str,
    pub behaviour: Behaviour,
}

#[derive(Clone, Copy, Debug)]
pub enum Behaviour {
    Succeeds,
    /// Also refuses to be attached to a customer.
    Declines(&'static Decline),
    /// Attaches, and then fails each charge.
    DeclinesCharges(&'static Decline),
    /// Is charged, and then its bank objects.
    Disputed {
        reason: &'static str,
        /// It asks only, and takes nothing back.
        is_inquiry: bool,
    },
    /// Is charged; a refund of it waits, and then succeeds.
    RefundsLate,
    /// Is charged; a refund of it succeeds, and then fails.
    FailsRefunds,
    /// Is charged, and the money is there at once.
    SettlesAtOnce,
    /// Asks for 3-D Secure until it was done once in a checkout.
    AuthenticatesOnce,
    /// Asks for 3-D Secure each time; then may still be declined.
    AuthenticatesAlways(Option<&'static Decline>),
}

/// Whether the customer has just passed 3-D Secure, or is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Authenticated,
    Absent,
}

/// What becomes of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Paid,
    Declined(&'static Decline),
    NeedsAction,
}

pub static GENERIC: Decline = Decline {
    code: "card_declined",
    reason: "generic_decline",
    message: "Your card was declined.",
};
static INSUFFICIENT_FUNDS: Decline = Decline {
    code: "card_declined",
    reason: "insufficient_funds",
    message: "Your card has insufficient funds.",
};
static LOST: Decline =
    Decline { code: "card_declined", reason: "lost_card", message: "Your card was declined." };
static STOLEN: Decline =
    Decline { code: "card_declined", reason: "stolen_card", message: "Your card was declined." };
static VELOCITY: Decline = Decline {
    code: "card_declined",
    reason: "card_velocity_exceeded",
    message: "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
};
static EXPIRED: Decline =
    Decline { code: "expired_card", reason: "expired_card", message: "Your card has expired." };
static CVC: Decline = Decline {
    code: "incorrect_cvc",
    reason: "incorrect_cvc",
    message: "Your card's security code is incorrect.",
};
static PROCESSING: Decline = Decline {
    code: "processing_error",
    reason: "processing_error",
    message: "An error occurred while processing your card. Try again in a little bit.",
};
pub static AUTHENTICATION_REQUIRED: Decline = Decline {
    code: "authentication_required",
    reason: "authentication_required",
    message: "Your card was declined. This transaction requires authentication.",
};
pub static AUTHENTICATION_FAILED: Decline = Decline {
    code: "payment_intent_authentication_failure",
    reason: "authentication_required",
    message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
};

const fn card(
    number: &'static str,
    name: &'static str,
    brand: &'static str,
    behaviour: Behaviour,
) -> Card {
    Card { number, name, brand, behaviour }
}

/// Stripe docs: testing.
pub static CARDS: &[Card] = &[
    card("4242424242424242", "visa", "visa", Behaviour::Succeeds),
    card("5555555555554444", "mastercard", "mastercard", Behaviour::Succeeds),
    card("378282246310005", "amex", "amex", Behaviour::Succeeds),
    card("4000000000000002", "visa_chargeDeclined", "visa", Behaviour::Declines(&GENERIC)),
    card(
        "4000000000009995",
        "visa_chargeDeclinedInsufficientFunds",
        "visa",
        Behaviour::Declines(&INSUFFICIENT_FUNDS),
    ),
    card("4000000000009987", "visa_chargeDeclinedLostCard", "visa", Behaviour::Declines(&LOST)),
    card("4000000000009979", "visa_chargeDeclinedStolenCard", "visa", Behaviour::Declines(&STOLEN)),
    card("4000000000000069", "chargeDeclinedExpiredCard", "visa", Behaviour::Declines(&EXPIRED)),
    card("4000000000000127", "chargeDeclinedIncorrectCvc", "visa", Behaviour::Declines(&CVC)),
    card(
        "4000000000000119",
        "chargeDeclinedProcessingError",
        "visa",
        Behaviour::Declines(&PROCESSING),
    ),
    card(
        "4000000000006975",
        "visa_chargeDeclinedVelocityLimitExceeded",
        "visa",
        Behaviour::Declines(&VELOCITY),
    ),
    card("4000000000000341", "chargeCustomerFail", "visa", Behaviour::DeclinesCharges(&GENERIC)),
    card("4000002500003155", "authenticationRequiredOnSetup", "visa", Behaviour::AuthenticatesOnce),
    card(
        "4000002760003184",
        "authenticationRequired",
        "visa",
        Behaviour::AuthenticatesAlways(None),
    ),
    card(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "visa",
        Behaviour::AuthenticatesAlways(Some(&INSUFFICIENT_FUNDS)),
    ),
    card("4000000000003220", "threeDSecure2Required", "visa", Behaviour::AuthenticatesAlways(None)),
    card(
        "4000000000000259",
        "createDispute",
        "visa",
        Behaviour::Disputed { reason: "fraudulent", is_inquiry: false },
    ),
    card(
        "4000000000002685",
        "createDisputeProductNotReceived",
        "visa",
        Behaviour::Disputed { reason: "product_not_received", is_inquiry: false },
    ),
    card(
        "4000000000001976",
        "createDisputeInquiry",
        "visa",
        Behaviour::Disputed { reason: "fraudulent", is_inquiry: true },
    ),
    card("4000000000000077", "bypassPending", "visa", Behaviour::SettlesAtOnce),
    card("4000000000007726", "pendingRefund", "visa", Behaviour::RefundsLate),
    card("4000000000005126", "refundFail", "visa", Behaviour::FailsRefunds),
];

impl Card {
    /// The card with this number, typed with or without spaces.
    ///
    /// # Errors
    /// A number no card can have, or one that is none of Stripe's test cards.
    pub fn by_number(number: &str) -> Result<&'static Card> {
        let digits: String = number.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if let Some(card) = CARDS.iter().find(|card| card.number == digits) {
            return Ok(card);
        }
        if !passes_luhn(&digits) {
            return Err(Error::card(&Decline {
                code: "incorrect_number",
                reason: "incorrect_number",
                message: "Your card number is incorrect.",
            })
            .param("number"));
        }
        Err(Error::card(&Decline {
            message: "Your card was declined. The simulator does not know this test card; it knows \
                      those of Stripe's testing page, such as 4242 4242 4242 4242.",
            ..GENERIC
        }))
    }

    /// The card behind a ready-made id: `pm_card_visa`, `tok_visa`.
    pub fn by_test_id(id: &str) -> Option<&'static Card> {
        let name = id.strip_prefix("pm_card_").or_else(|| id.strip_prefix("tok_"))?;
        // Stripe has some names with and without `visa_`.
        let is_called =
            |card: &&Card| card.name == name || card.name.strip_prefix("visa_") == Some(name);
        CARDS.iter().find(is_called)
    }

    pub fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }

    /// What a charge comes to; `authenticated` is whether 3-D Secure was passed with this card before.
    pub fn charge(&self, authenticated: bool, presence: Presence) -> Outcome {
        match (self.behaviour, presence) {
            (Behaviour::Declines(decline) | Behaviour::DeclinesCharges(decline), _)
            | (Behaviour::AuthenticatesAlways(Some(decline)), Presence::Authenticated) => {
                Outcome::Declined(decline)
            }
            (Behaviour::AuthenticatesOnce, Presence::Absent) if !authenticated => {
                Outcome::NeedsAction
            }
            (Behaviour::AuthenticatesAlways(_), Presence::Absent) => Outcome::NeedsAction,
            _ => Outcome::Paid,
        }
    }

    /// What saving the card without charging it comes to.
    pub fn save(&self, presence: Presence) -> Outcome {
        match self.behaviour {
            Behaviour::DeclinesCharges(_) => Outcome::Paid,
            Behaviour::AuthenticatesAlways(_) if presence == Presence::Authenticated => {
                Outcome::Paid
            }
            _ => self.charge(false, presence),
        }
    }
}

/// The check digit every card number ends in.
fn passes_luhn(digits: &str) -> bool {
    if !(12..=19).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit @ 0..=4) => digit * 2,
                (_, digit) => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_one_a_card_can_have() {
        for card in CARDS {
            assert!(passes_luhn(card.number), "{}", card.number);
            assert_eq!(
                Card::by_test_id(&format!("pm_card_{}", card.name)).unwrap().number,
                card.number
            );
        }
        assert!(!passes_luhn("4242424242424241"));
    }

    #[test]
    fn numbers_are_found_or_refused_with_the_reason() {
        assert_eq!(Card::by_number("4242 4242 4242 4242").unwrap().name, "visa");
        let code = |number| Card::by_number(number).unwrap_err().body()["error"]["code"].clone();
        assert_eq!(code("4242424242424241"), "incorrect_number");
        assert_eq!(code("4000056655665556"), "card_declined");
        assert!(Card::by_test_id("pm_card_chargeDeclined").is_some(), "short name");
        assert!(Card::by_test_id("pm_123").is_none());
    }

    #[test]
    fn three_d_secure_follows_the_documentation() {
        use Presence::{Absent, Authenticated};
        let charge = |name: &str, authenticated, presence| {
            Card::by_test_id(&format!("pm_card_{name}")).unwrap().charge(authenticated, presence)
        };
        assert_eq!(charge("authenticationRequiredOnSetup", false, Absent), Outcome::NeedsAction);
        assert_eq!(charge("authenticationRequiredOnSetup", true, Absent), Outcome::Paid);
        assert_eq!(charge("authenticationRequired", true, Absent), Outcome::NeedsAction);
        assert_eq!(charge("authenticationRequired", false, Authenticated), Outcome::Paid);
        let funds = "authenticationRequiredChargeDeclinedInsufficientFunds";
        assert_eq!(charge(funds, false, Authenticated), Outcome::Declined(&INSUFFICIENT_FUNDS));
        let fail = Card::by_test_id("pm_card_chargeCustomerFail").unwrap();
        assert_eq!(fail.save(Absent), Outcome::Paid);
        assert_eq!(fail.charge(false, Absent), Outcome::Declined(&GENERIC));
    }
}
