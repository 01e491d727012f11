//! Which events an endpoint wants: `*`, `invoice.*`, `invoice.paid`.

use tollhouse_domain::event::EventType;

/// Whether one of the patterns stands for the event.
pub fn wants(patterns: &[String], event: EventType) -> bool {
    patterns.iter().any(|pattern| matches(pattern, event))
}

/// Whether the pattern stands for anything that can happen; one that does not is a typo.
pub fn is_pattern(pattern: &str) -> bool {
    EventType::ALL.iter().any(|event| matches(pattern, *event))
}

fn matches(pattern: &str, event: EventType) -> bool {
    let subject = event.as_str().split_once('.').map(|(subject, _)| subject);
    pattern == "*" || pattern == event.as_str() || pattern.strip_suffix(".*") == subject
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_all_for_a_subject_or_for_one() {
        let cases = [
            ("*", EventType::SlotClaimed, true),
            ("invoice.*", EventType::InvoicePaid, true),
            ("invoice.*", EventType::SlotClaimed, false),
            ("invoice.paid", EventType::InvoicePaid, true),
            ("invoice.paid", EventType::InvoicePaymentFailed, false),
        ];
        for (pattern, event, expected) in cases {
            assert_eq!(wants(&[pattern.to_owned()], event), expected, "{pattern} {event}");
        }
        let several = ["slot.*".to_owned(), "invoice.paid".to_owned()];
        assert!(wants(&several, EventType::InvoicePaid) && wants(&several, EventType::SlotClaimed));
        assert!(!wants(&[], EventType::InvoicePaid));
    }

    #[test]
    fn what_stands_for_nothing_is_no_pattern() {
        for pattern in ["", "**", ".*", "invoice", "invoice.", "inv*", "invoice.payed", "*.paid"] {
            assert!(!is_pattern(pattern), "{pattern}");
        }
        assert!(EventType::ALL.iter().all(|event| is_pattern(event.as_str())));
    }
}
