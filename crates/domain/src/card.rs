//! Cards: until when one can be charged.

use crate::time::Timestamp;

/// When a card is no longer good: it can be charged until the end of the month that is printed on it. `None`
/// where that is no month of the calendar.
pub fn card_expires(year: i64, month: i64) -> Option<Timestamp> {
    let printed: Timestamp = format!("{year:04}-{month:02}-01T00:00:00Z").parse().ok()?;
    printed.plus_months(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::at;

    #[test]
    fn good_until_the_end_of_its_month() {
        assert_eq!(card_expires(2026, 11), Some(at("2026-12-01T00:00:00Z")));
        assert_eq!(card_expires(2027, 12), Some(at("2028-01-01T00:00:00Z")));
        assert_eq!(card_expires(2027, 13), None);
        assert_eq!(card_expires(0, 0), None);
    }
}
