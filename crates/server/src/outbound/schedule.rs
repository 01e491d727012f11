//! When an event that was not taken is sent again, and when no more.

use tollhouse_domain::time::Timestamp;

/// Seconds to wait after the first failed attempt, the second …; the last one repeats.
const WAITS: [i64; 6] = [5, 30, 120, 600, 1800, 3600];
/// After this long without success an event is given up.
const DAYS_MAX: i64 = 3;

/// The next attempt after `attempts` that failed since `since`; `None` where it is given up.
///
/// An endpoint that `asked` for a longer wait gets it, up to the longest of ours. `chance` makes each wait up to a fifth longer, so that those who failed together do not come back together.
pub fn next_attempt(
    since: Timestamp,
    now: Timestamp,
    attempts: i64,
    asked: Option<i64>,
    chance: u64,
) -> Option<Timestamp> {
    let last = since.plus_days(DAYS_MAX);
    if now >= last {
        return None;
    }
    let position = usize::try_from(attempts - 1).unwrap_or(0).min(WAITS.len() - 1);
    let longest = WAITS[WAITS.len() - 1];
    let wait = WAITS[position].max(asked.unwrap_or(0).min(longest));
    let longer = i64::try_from(chance % 1000).unwrap_or(0) * wait / 5000;
    Some(now.plus_seconds(wait + longer).min(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_end_after_three_days() {
        let start = Timestamp::from_second(1_795_176_000).unwrap();
        let (mut now, mut waits) = (start, Vec::new());
        for attempts in 1.. {
            let Some(next) = next_attempt(start, now, attempts, None, 0) else { break };
            waits.push(next.seconds_since(now));
            now = next;
        }
        assert_eq!(waits[..8], [5, 30, 120, 600, 1800, 3600, 3600, 3600]);
        assert_eq!(now, start.plus_days(3), "the last attempt comes when the time is over");
        assert_eq!(waits.len(), 77);
    }

    #[test]
    fn an_endpoint_may_ask_for_a_longer_wait_up_to_an_hour() {
        let start = Timestamp::from_second(1_795_176_000).unwrap();
        for (attempts, asked, waited) in [
            (1, None, 5),
            (1, Some(0), 5),
            (1, Some(900), 900),
            (5, Some(900), 1800),
            (1, Some(86_400), 3600),
        ] {
            let next = next_attempt(start, start, attempts, asked, 0).unwrap();
            assert_eq!(next.seconds_since(start), waited, "{asked:?} after {attempts}");
        }
    }

    #[test]
    fn chance_adds_a_fifth_at_most() {
        let start = Timestamp::from_second(1_795_176_000).unwrap();
        let wait =
            |chance| next_attempt(start, start, 6, None, chance).unwrap().seconds_since(start);
        assert_eq!((wait(0), wait(500), wait(999)), (3600, 3960, 4319));
    }
}
