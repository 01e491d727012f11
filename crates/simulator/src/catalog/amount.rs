//! What a quantity costs at a price: tiers, packages, fractions of a cent. Whole numbers only.

use std::{fmt, str::FromStr};

use serde_json::Value;

/// Stripe's decimals have at most twelve places.
const SCALE: i128 = 1_000_000_000_000;
const PLACES: usize = 12;

/// An amount in the currency's minor unit, with up to twelve decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Decimal(i128);

impl Decimal {
    pub fn from_integer(amount: i64) -> Self {
        Self(i128::from(amount) * SCALE)
    }

    /// `None` where there are decimals.
    pub fn to_integer(self) -> Option<i64> {
        (self.0 % SCALE == 0).then(|| i64::try_from(self.0 / SCALE).ok()).flatten()
    }

    /// As a number of JSON, which knows one kind only.
    pub fn to_json(self) -> Value {
        serde_json::from_str(&self.to_string()).unwrap_or_default()
    }

    /// From cents to dollars, for showing. Stripe's twelve decimals of a cent lose their last two.
    pub fn hundredth(self) -> Self {
        Self(self.0 / 100)
    }

    /// More than nothing, and no more than a hundred.
    pub fn is_percentage(self) -> bool {
        self.0 > 0 && self.0 <= 100 * SCALE
    }

    /// This many hundredths of an amount, rounded half away from zero.
    pub fn percent_of(self, amount: i64) -> i64 {
        Self(self.0.saturating_mul(i128::from(amount)) / 100).round()
    }

    /// This many thousandths of it, rounded half away from zero.
    pub fn tenths_of_percent(self, thousandths: i64) -> i64 {
        Self(self.0.saturating_mul(i128::from(thousandths)) / 1000).round()
    }

    /// The part of an amount that is these hundredths on top of the rest of it.
    pub fn percent_within(self, amount: i64) -> i64 {
        let whole = self.0.saturating_add(100 * SCALE);
        let (twice, sign) = (2 * self.0.saturating_mul(i128::from(amount.abs())), amount.signum());
        i64::try_from((twice + whole) / (2 * whole)).unwrap_or(i64::MAX) * sign
    }

    /// Half goes away from zero; Stripe documents no rule for ties.
    fn round(self) -> i64 {
        let half = if self.0 < 0 { -SCALE / 2 } else { SCALE / 2 };
        i64::try_from((self.0 + half) / SCALE).unwrap_or(i64::MAX)
    }

    /// What goes beyond twelve decimals of the product is cut off; no rounding to a whole minor unit
    /// comes out differently for it.
    fn times(self, quantity: Self) -> Self {
        let (whole, rest) = (quantity.0 / SCALE, quantity.0 % SCALE);
        let of_rest = self.0.saturating_mul(rest) / SCALE;
        Self(self.0.saturating_mul(whole).saturating_add(of_rest))
    }

    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Its whole part.
    pub fn floor(self) -> i64 {
        i64::try_from(self.0.div_euclid(SCALE)).unwrap_or(i64::MAX)
    }
}

impl FromStr for Decimal {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let whole_fits = (1..=15).contains(&whole.len());
        if !whole_fits || fraction.len() > PLACES || !all_digits(whole) || !all_digits(fraction) {
            return Err(());
        }
        let fraction: i128 = format!("{fraction:0<PLACES$}").parse().map_err(|_| ())?;
        let value = whole.parse::<i128>().map_err(|_| ())? * SCALE + fraction;
        Ok(Self(if negative { -value } else { value }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        let (whole, fraction) = (value / SCALE.unsigned_abs(), value % SCALE.unsigned_abs());
        let fraction = format!("{fraction:0>PLACES$}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

/// One step of a tiered price; `up_to` counts itself in, the last has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    pub up_to: Option<i64>,
    pub unit: Option<Decimal>,
    pub flat: Option<Decimal>,
}

/// How a price turns a quantity into money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    PerUnit(Decimal),
    /// All units at the tier of the total.
    Volume(Vec<Tier>),
    /// Each tier's units at its own price, and the flat fee of every tier reached.
    Graduated(Vec<Tier>),
}

/// Units are billed by the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    pub divide_by: i64,
    pub round_up: bool,
}

impl Tier {
    fn top(&self) -> Option<Decimal> {
        self.up_to.map(Decimal::from_integer)
    }
}

impl Scheme {
    /// The price of one unit, where there is one.
    pub fn unit(&self) -> Option<Decimal> {
        match self {
            Self::PerUnit(unit) => Some(*unit),
            Self::Volume(_) | Self::Graduated(_) => None,
        }
    }

    /// The amount in minor units, rounded once. At quantity zero the first tier's flat fee is due
    /// (Stripe docs: tiered pricing).
    pub fn amount(&self, package: Option<Package>, quantity: Decimal) -> i64 {
        let quantity = package.map_or(quantity, |package| package.count(quantity));
        match self {
            Self::PerUnit(unit) => unit.times(quantity),
            Self::Volume(tiers) => volume(tiers, quantity),
            Self::Graduated(tiers) => graduated(tiers, quantity),
        }
        .round()
    }
}

impl Package {
    fn count(self, quantity: Decimal) -> Decimal {
        let size = i128::from(self.divide_by) * SCALE;
        let rest = quantity.0.rem_euclid(size);
        let whole = quantity.0.div_euclid(size) + i128::from(self.round_up && rest > 0);
        Decimal(whole.saturating_mul(SCALE))
    }
}

fn volume(tiers: &[Tier], quantity: Decimal) -> Decimal {
    let tier = tiers.iter().find(|tier| tier.top().is_none_or(|top| quantity <= top));
    tier.map_or(Decimal::default(), |tier| {
        tier.unit.unwrap_or_default().times(quantity).plus(tier.flat.unwrap_or_default())
    })
}

fn graduated(tiers: &[Tier], quantity: Decimal) -> Decimal {
    let mut total = Decimal::default();
    let mut below = Decimal::default();
    for (index, tier) in tiers.iter().enumerate() {
        if quantity <= below && index > 0 {
            break;
        }
        let top = tier.top().map_or(quantity, |top| top.min(quantity));
        total = total
            .plus(tier.unit.unwrap_or_default().times(top.minus(below)))
            .plus(tier.flat.unwrap_or_default());
        below = top;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tiers(rows: &[(Option<i64>, &str, &str)]) -> Vec<Tier> {
        rows.iter()
            .map(|(up_to, unit, flat)| Tier {
                up_to: *up_to,
                unit: unit.parse().ok(),
                flat: flat.parse().ok(),
            })
            .collect()
    }

    #[test]
    fn tiers_cost_what_stripes_documentation_says() {
        let flats = tiers(&[
            (Some(5), "5", "10"),
            (Some(10), "4", "20"),
            (Some(15), "3", "30"),
            (Some(20), "2", "40"),
            (None, "1", "50"),
        ]);
        let halves = tiers(&[(Some(5), "7", ""), (Some(10), "6.5", ""), (None, "6", "")]);
        let volume = Scheme::Volume;
        let graduated = Scheme::Graduated;
        for (scheme, quantity, expected) in [
            (volume(flats.clone()), 12, 66),
            (graduated(flats.clone()), 12, 111),
            (volume(flats.clone()), 0, 10),
            (graduated(flats), 0, 10),
            (graduated(halves.clone()), 1, 7),
            (graduated(halves.clone()), 5, 35),
            (graduated(halves.clone()), 6, 42),
            (graduated(halves.clone()), 20, 128),
            (graduated(halves.clone()), 25, 158),
            (volume(halves.clone()), 5, 35),
            (volume(halves.clone()), 6, 39),
            (volume(halves.clone()), 20, 120),
            (volume(halves), 25, 150),
        ] {
            let amount = scheme.amount(None, Decimal::from_integer(quantity));
            assert_eq!(amount, expected, "{scheme:?} × {quantity}");
        }
    }

    #[test]
    fn packages_and_fractions() {
        let price = Scheme::PerUnit("100".parse().unwrap());
        let package = |round_up| Some(Package { divide_by: 10, round_up });
        let amount = |scheme: &Scheme, package, quantity: &str| {
            scheme.amount(package, quantity.parse().unwrap())
        };
        assert_eq!(amount(&price, package(true), "11"), 200);
        assert_eq!(amount(&price, package(true), "10.000001"), 200);
        assert_eq!(amount(&price, package(false), "19.999999"), 100);
        let fraction = Scheme::PerUnit("0.05".parse().unwrap());
        assert_eq!(amount(&fraction, None, "9"), 0);
        assert_eq!(amount(&fraction, None, "9.999999999999"), 0);
        assert_eq!(amount(&fraction, None, "10"), 1);
        assert_eq!(amount(&price, None, "0.000123"), 0);
        assert_eq!(amount(&price, None, "2.345"), 235);
    }

    proptest! {
        #[test]
        fn decimals_are_written_as_they_were_read(whole in 0_u64..1_000_000, fraction in "[0-9]{0,11}[1-9]") {
            let text = format!("{whole}.{fraction}");
            prop_assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
        }
    }
}
