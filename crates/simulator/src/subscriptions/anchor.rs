//! `billing_cycle_anchor` and `billing_cycle_anchor_config`: a subscription that begins on a calendar given.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::Subscription;
use crate::{
    calendar::{self, Cadence},
    error::{Error, Result},
    params::Params,
};

/// From where periods are counted, where that is not the beginning.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    Moment(i64),
    Calendar { month: Option<i64>, day: i64, hour: i64, minute: i64, second: i64 },
}

/// What the `subscription_details` of a preview say of the anchor of a new subscription.
///
/// # Errors
/// A moment that is not ahead.
pub fn read_preview(now: i64, details: &Params<'_>) -> Result<Option<Anchor>> {
    let Some(anchor) = details.object("billing_cycle_anchor")? else { return Ok(None) };
    anchor.only(&["timestamp", "type"], &[])?;
    match anchor.choice("type", &["now", "timestamp", "unchanged"])? {
        Some("timestamp") => {
            let moment = read_moment(now, &anchor, "timestamp")?;
            moment.map(Some).ok_or_else(|| Error::parameter_missing(&anchor.name("timestamp")))
        }
        _ => Ok(None),
    }
}

fn read_moment(now: i64, params: &Params<'_>, field: &str) -> Result<Option<Anchor>> {
    match params.integer(field)? {
        Some(moment) if moment <= now => {
            Err(params.wrong(field, "The anchor must be in the future."))
        }
        moment => Ok(moment.map(Anchor::Moment)),
    }
}

/// What a request says of the anchor.
///
/// # Errors
/// A moment that is not ahead, or a date that no month has.
pub fn read(now: i64, params: &Params<'_>) -> Result<Option<Anchor>> {
    if let Some(anchor) = read_moment(now, params, "billing_cycle_anchor")? {
        return Ok(Some(anchor));
    }
    let Some(config) = params.object("billing_cycle_anchor_config")? else { return Ok(None) };
    config.only(&["day_of_month", "hour", "minute", "month", "second"], &[])?;
    let now = Timestamp::from_second(now).unwrap_or_default().to_zoned(TimeZone::UTC);
    let part = |field: &str, default: i64, range: std::ops::RangeInclusive<i64>| {
        let value = config.integer(field)?.unwrap_or(default);
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(config.wrong(field, "There is no such date or time."))
        }
    };
    let day = config.integer("day_of_month")?;
    let day = day.ok_or_else(|| Error::parameter_missing(&config.name("day_of_month")))?;
    Ok(Some(Anchor::Calendar {
        month: match config.integer("month")? {
            Some(_) => Some(part("month", 1, 1..=12)?),
            None => None,
        },
        day: part("day_of_month", day, 1..=31)?,
        hour: part("hour", i64::from(now.hour()), 0..=23)?,
        minute: part("minute", i64::from(now.minute()), 0..=59)?,
        second: part("second", i64::from(now.second()), 0..=59)?,
    }))
}

impl Subscription {
    /// Begins inside of a period of the calendar: the first one is the part from now on.
    ///
    /// # Errors
    /// An anchor beyond the first whole period, or a date that does not exist.
    pub fn begin_on(&mut self, anchor: Anchor, now: i64) -> Result<()> {
        self.anchor = match anchor {
            Anchor::Moment(moment) if moment <= calendar::period_start(now, self.cadence, 1) => {
                moment
            }
            Anchor::Moment(_) => {
                let message =
                    "The anchor cannot be later than the end of the first period would be.";
                return Err(Error::invalid(message).param("billing_cycle_anchor"));
            }
            Anchor::Calendar { .. } => written_out(anchor, now).ok_or_else(|| {
                Error::invalid("There is no such date.").param("billing_cycle_anchor_config")
            })?,
        };
        let first_end = first_after(self.anchor, self.cadence, now);
        self.begin_period(first_end - 1);
        self.period_start = now;
        self.billing_cycle_anchor = calendar::period_start(self.anchor, self.cadence, first_end);
        Ok(())
    }
}

/// Which period begins first after `now`.
fn first_after(anchor: i64, cadence: Cadence, now: i64) -> i64 {
    let mut k = 0;
    while calendar::period_start(anchor, cadence, k) <= now {
        k += 1;
    }
    while calendar::period_start(anchor, cadence, k - 1) > now {
        k -= 1;
    }
    k
}

/// A moment on the calendar, in a month that has the day: clamping starts from there.
fn written_out(anchor: Anchor, now: i64) -> Option<i64> {
    let Anchor::Calendar { month, day, hour, minute, second } = anchor else { return None };
    let today = Timestamp::from_second(now).ok()?.to_zoned(TimeZone::UTC).date();
    let year = i64::from(today.year());
    let months: Vec<(i64, i64)> = if let Some(month) = month {
        (year..year + 9).map(|year| (year, month)).collect()
    } else {
        let first = year * 12 + i64::from(today.month()) - 1;
        (first..first + 3).map(|month| (month / 12, month % 12 + 1)).collect()
    };
    let small = |value: i64| i8::try_from(value).ok();
    months.into_iter().find_map(|(year, month)| {
        let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
        let moment = date.at(small(hour)?, small(minute)?, small(second)?, 0);
        Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    })
}
