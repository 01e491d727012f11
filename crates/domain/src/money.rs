//! Whole minor units and a currency; arithmetic that refuses instead of overflowing.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::decimal;
use crate::text::text_serde;

/// An amount of money: whole minor units (cents, or yen) of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount could not be read or computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    #[error("`{0}` is not a currency; use a three-letter code such as `usd`")]
    UnknownCurrency(String),
    #[error("`{0}` is not an amount; write digits and at most one point, such as `29.00`")]
    NotAnAmount(String),
    #[error("`{text}` has too many decimals; `{currency}` has at most {decimals} here")]
    TooManyDecimals { text: String, currency: Currency, decimals: u32 },
    #[error("the amount is larger than an amount can be; check price and quantity")]
    Overflow,
    #[error("`{0}` and `{1}` are different currencies; keep one sum for each")]
    DifferentCurrencies(Currency, Currency),
}

impl Money {
    /// So many minor units of a currency.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, of a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Whole minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency the minor units are of.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Reads major units exactly: `49.00` or `49` usd are 4900, `4900` jpy are 4900.
    pub fn parse_major(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let exact = currency.parse_major(text)?;
        if exact.scale() > 0 {
            return Err(MoneyError::TooManyDecimals {
                text: text.to_owned(),
                currency,
                decimals: currency.decimals(),
            });
        }
        exact.to_i64().map(|minor| Self::new(minor, currency)).ok_or(MoneyError::Overflow)
    }

    /// Major units with exactly the currency's decimals: `49.00`, `-0.05`, `4900` for jpy.
    pub fn to_major(self) -> String {
        self.currency.to_major(Decimal::from(self.minor))
    }

    /// The sum, of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_add(other.minor))
    }

    /// The difference, of one currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_sub(other.minor))
    }

    /// So many times the amount.
    pub fn checked_mul(self, times: i64) -> Result<Self, MoneyError> {
        self.with(self.minor.checked_mul(times))
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::DifferentCurrencies(self.currency, other.currency))
        }
    }

    fn with(self, minor: Option<i64>) -> Result<Self, MoneyError> {
        minor.map(|minor| Self::new(minor, self.currency)).ok_or(MoneyError::Overflow)
    }
}

/// Money as the API writes it: a JSON number in major units, digit by digit (`49.00`), no float.
///
/// The digits survive `serde_json::to_string` and the like; through a `serde_json::Value` they
/// would become a float. A `currency` belongs beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount(pub Money);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_major())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// A currency by its ISO 4217 code, in lower case as Stripe writes it: `usd`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// Most decimals a price may have below the minor unit. Stripe docs: `unit_amount_decimal`.
const DECIMALS_BELOW_MINOR_MAX: u32 = 12;

impl Currency {
    /// The currency of this code, in either case. Metals, funds' units and test codes are none.
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(&code.to_ascii_uppercase())
            .filter(|known| !known.is_special())
            .and_then(|_| <[u8; 3]>::try_from(code.to_ascii_lowercase().as_bytes()).ok())
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.to_owned()))
    }

    /// The code in lower case.
    pub fn code(&self) -> &str {
        // Always three ASCII letters: `new` is the only way in.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Decimals of the minor unit, by Stripe's rule and not ISO's (Stripe docs: Currencies). For
    /// Stripe `ugx` and `isk` have two, always `00`.
    pub fn decimals(&self) -> u32 {
        match self.code() {
            "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf"
            | "vnd" | "vuv" | "xaf" | "xof" | "xpf" => 0,
            "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
            _ => 2,
        }
    }

    /// Reads major units as an exact decimal of minor units, up to twelve places of them.
    pub(crate) fn parse_major(self, text: &str) -> Result<Decimal, MoneyError> {
        let major = decimal::parse(text).ok_or_else(|| MoneyError::NotAnAmount(text.to_owned()))?;
        let minor = decimal::shift(major, self.decimals()).ok_or(MoneyError::Overflow)?;
        if minor.scale() > DECIMALS_BELOW_MINOR_MAX {
            return Err(MoneyError::TooManyDecimals {
                text: text.to_owned(),
                currency: self,
                decimals: self.decimals() + DECIMALS_BELOW_MINOR_MAX,
            });
        }
        Ok(minor)
    }

    /// Writes a decimal of minor units in major units, with at least the currency's decimals.
    pub(crate) fn to_major(self, minor: Decimal) -> String {
        let places = self.decimals();
        let major = (minor * Decimal::new(1, places)).normalize();
        if major.scale() < places {
            format!("{major:.*}", places as usize)
        } else {
            major.to_string()
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::new(code)
    }
}

text_serde!(Currency);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn currency(code: &str) -> Currency {
        Currency::new(code).unwrap()
    }

    fn currencies() -> impl Strategy<Value = Currency> {
        prop::sample::select(vec!["usd", "jpy", "kwd", "eur", "isk"]).prop_map(currency)
    }

    #[test]
    fn major_units_are_read_exactly_or_refused() {
        let cases = [
            ("49.00", "usd", Some(4900)),
            ("49", "usd", Some(4900)),
            ("49.5", "usd", Some(4950)),
            ("49.000", "usd", Some(4900)),
            ("-0.05", "usd", Some(-5)),
            ("4900", "jpy", Some(4900)),
            ("1.234", "kwd", Some(1234)),
            ("92233720368547758.07", "usd", Some(i64::MAX)),
            ("92233720368547758.08", "usd", None),
            ("49.001", "usd", None),
            ("49.5", "jpy", None),
            ("4e2", "usd", None),
            ("+49", "usd", None),
            ("", "usd", None),
        ];
        for (text, code, minor) in cases {
            let read = Money::parse_major(text, currency(code));
            assert_eq!(read.ok().map(Money::minor), minor, "{text} {code}");
        }
    }

    #[test]
    fn amounts_are_json_numbers_with_the_currencys_decimals() {
        for (minor, code, json) in [
            (4900, "usd", "49.00"),
            (-5, "usd", "-0.05"),
            (4900, "jpy", "4900"),
            (1, "kwd", "0.001"),
        ] {
            let amount = Amount(Money::new(minor, currency(code)));
            assert_eq!(serde_json::to_string(&amount).unwrap(), json);
        }
    }

    #[test]
    fn currencies_are_real_ones_in_lower_case() {
        assert_eq!(currency("USD").code(), "usd");
        assert_eq!((currency("ugx").decimals(), currency("isk").decimals()), (2, 2));
        for code in ["", "us", "usdx", "abc", "xau", "xxx", "ñsd"] {
            assert_eq!(Currency::new(code), Err(MoneyError::UnknownCurrency(code.to_owned())));
        }
    }

    #[test]
    fn arithmetic_refuses() {
        let (usd, eur) = (Money::new(i64::MAX, currency("usd")), Money::zero(currency("eur")));
        assert_eq!(usd.checked_add(Money::new(1, usd.currency())), Err(MoneyError::Overflow));
        assert_eq!(usd.checked_mul(2), Err(MoneyError::Overflow));
        assert_eq!(
            usd.checked_sub(eur).unwrap_err().to_string(),
            "`usd` and `eur` are different currencies; keep one sum for each"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(minor: i64, currency in currencies()) {
            let money = Money::new(minor, currency);
            prop_assert_eq!(Money::parse_major(&money.to_major(), currency), Ok(money));
        }

        #[test]
        fn subtracting_undoes_adding(a: i32, b: i32, currency in currencies()) {
            let (a, b) = (Money::new(a.into(), currency), Money::new(b.into(), currency));
            prop_assert_eq!(a.checked_add(b).and_then(|sum| sum.checked_sub(b)), Ok(a));
        }
    }
}
