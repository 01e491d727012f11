//! Two clocks, one of them ours.

use tollhouse_domain::time::Timestamp;

use super::Finding;

/// What an answer may take on its way.
const OK_SECONDS: u64 = 5;
/// Webhooks are refused from five minutes on.
const WARNING_SECONDS: u64 = 60;

/// `whose` clock says `theirs` while ours says `ours`.
pub fn compare(check: &'static str, whose: &str, theirs: Timestamp, ours: Timestamp) -> Finding {
    let off = ours.seconds_since(theirs);
    let direction = if off < 0 { "behind" } else { "ahead of" };
    let means = format!("This machine's clock is {} s {direction} {whose}.", off.unsigned_abs());
    let remedy =
        "Let the machine keep time by NTP: webhooks that seem five minutes old are refused.";
    match off.unsigned_abs() {
        off if off <= OK_SECONDS => {
            Finding::ok(check, format!("This machine's clock and {whose} agree."))
        }
        off if off <= WARNING_SECONDS => Finding::warning(check, means, remedy),
        _ => Finding::problem(check, means, remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok, Problem, Warning};

    #[test]
    fn clocks_that_differ_are_told() {
        let theirs: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (off, verdict, word) in [
            (0, Ok, "agree"),
            (-5, Ok, "agree"),
            (6, Warning, "6 s ahead of Stripe's"),
            (-60, Warning, "60 s behind Stripe's"),
            (61, Problem, "61 s ahead"),
            (-86_400, Problem, "86400 s behind"),
        ] {
            let finding = compare("clock", "Stripe's", theirs, theirs.plus_seconds(off));
            assert_eq!(finding.verdict, verdict, "{off}");
            assert!(finding.means.contains(word), "{}", finding.means);
        }
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let read = Timestamp::from_http_date("Sat, 21 Nov 2026 12:00:00 GMT").unwrap();
        assert_eq!(read.to_string(), "2026-11-21T12:00:00Z");
        assert_eq!(Timestamp::from_http_date("yesterday"), None);
    }
}
