//! Amounts as people read them.

/// Currencies without a smaller unit (Stripe docs: currencies).
const ZERO_DECIMAL: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];

use crate::catalog::amount::Decimal;

/// `$29.00`, `€9.90`, `29.00 CHF`, `2900 JPY`.
pub fn show(amount: i64, currency: &str) -> String {
    show_unit(Decimal::from_integer(amount), currency)
}

/// A unit price, which may be below a cent: `$0.002`.
pub fn show_unit(amount: Decimal, currency: &str) -> String {
    let zero_decimal = ZERO_DECIMAL.contains(&currency);
    let text = if zero_decimal { amount } else { amount.hundredth() }.to_string();
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let number = match (zero_decimal, fraction) {
        (true, "") => whole.to_owned(),
        (true, fraction) => format!("{whole}.{fraction}"),
        (false, fraction) => format!("{whole}.{fraction:0<2}"),
    };
    match currency {
        "usd" => format!("{sign}${number}"),
        "eur" => format!("{sign}€{number}"),
        "gbp" => format!("{sign}£{number}"),
        _ => format!("{sign}{number} {}", currency.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::{show, show_unit};

    #[test]
    fn amounts_are_written_in_their_currency() {
        for (amount, currency, expected) in [
            (2900, "usd", "$29.00"),
            (-5, "eur", "-€0.05"),
            (2900, "jpy", "2900 JPY"),
            (990, "chf", "9.90 CHF"),
        ] {
            assert_eq!(show(amount, currency), expected);
        }
        assert_eq!(show_unit("0.2".parse().unwrap(), "usd"), "$0.002");
        assert_eq!(show_unit("12.5".parse().unwrap(), "jpy"), "12.5 JPY");
    }
}
