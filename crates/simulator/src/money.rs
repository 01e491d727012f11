//! Amounts as people read them.

/// Currencies without a smaller unit (Stripe docs: currencies).
const ZERO_DECIMAL: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];

/// `$29.00`, `€9.90`, `29.00 CHF`, `2900 JPY`.
pub fn show(amount: i64, currency: &str) -> String {
    let number = if ZERO_DECIMAL.contains(&currency) {
        amount.abs().to_string()
    } else {
        format!("{}.{:02}", amount.abs() / 100, amount.abs() % 100)
    };
    let sign = if amount < 0 { "-" } else { "" };
    match currency {
        "usd" => format!("{sign}${number}"),
        "eur" => format!("{sign}€{number}"),
        "gbp" => format!("{sign}£{number}"),
        _ => format!("{sign}{number} {}", currency.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::show;

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
    }
}
