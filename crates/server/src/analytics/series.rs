//! Figures over time: the span that was asked for, and what each currency did in each part of it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use tollhouse_domain::{
    money::{Amount, Currency, Money},
    revenue::Fact,
    rounding::fraction_of,
    time::Timestamp,
    usage::Window,
};
use utoipa::IntoParams;

use crate::{
    app::App,
    error::{Result, invalid},
    http::extract::moment,
    revenue::days::queries::{self as days, Level, Part, Span, Sums},
};

/// Parts of one answer: more than a year by day.
const PARTS_MAX: usize = 400;

/// What a series is asked of.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SeriesQuery {
    /// The first moment, such as `2026-01-01T00:00:00Z`, brought back to the start of its day or month; eleven
    /// months before this one where absent
    pub from: Option<String>,
    /// The first moment after it, brought forward to the end of its day or month; now where absent
    pub to: Option<String>,
    /// `day` or `month` (in UTC); `month` where absent
    pub group: Option<String>,
    /// One currency alone
    pub currency: Option<String>,
    /// One plan alone, by its code
    pub plan: Option<String>,
}

/// One day or month, in one currency.
pub struct Point {
    pub from: Timestamp,
    pub to: Timestamp,
    pub opening: Level,
    pub closing: Level,
    facts: BTreeMap<Fact, Sums>,
}

impl Point {
    /// What the facts of a kind come to.
    pub fn sums(&self, fact: Fact) -> Sums {
        self.facts.get(&fact).copied().unwrap_or_default()
    }
}

/// What every currency did in every part of a span, gap by gap.
pub type Series = BTreeMap<Currency, Vec<Point>>;

/// A share of a whole, to four decimals: `0.0312`.
#[derive(Clone, Copy)]
pub struct Rate(i64);

impl Rate {
    /// `None` where there is no whole.
    pub fn of(part: i64, whole: i64) -> Option<Self> {
        fraction_of(10_000, part, whole).map(Self)
    }
}

/// For people: `3.12 %`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "−" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        write!(f, "{sign}{whole}.{rest:02} %")
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 10_000, self.0.unsigned_abs() % 10_000);
        RawValue::from_string(format!("{sign}{whole}.{rest:04}"))
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// An amount of one of a series' currencies.
pub fn amount(minor: i64, currency: Currency) -> Amount {
    Amount(Money::new(minor, currency))
}

/// A currency as it was asked for.
///
/// # Errors
/// `Invalid`, where it is none.
pub fn currency(text: Option<&str>) -> Result<Option<Currency>> {
    text.map(|code| code.parse().map_err(|error| invalid("currency", format!("{error}"))))
        .transpose()
}

impl SeriesQuery {
    /// The span that was asked for.
    ///
    /// # Errors
    /// `Invalid`, with the field.
    pub fn span(&self, app: &App) -> Result<Span> {
        let by = match self.group.as_deref() {
            None | Some("month") => Window::Month,
            Some("day") => Window::Day,
            Some(_) => return Err(invalid("group", "must be `day` or `month`")),
        };
        let now = app.clock.now();
        let from = match moment("from", self.from.as_deref())? {
            Some(from) => from,
            None => Window::Month.start(now).plus_months(-11).unwrap_or(now),
        };
        let to = moment("to", self.to.as_deref())?.unwrap_or(now);
        if to < from {
            return Err(invalid("to", "must not be before `from`"));
        }
        let from = by.start(from);
        let end = by.start(to);
        let to = if end == to && end > from { end } else { next(by, end) };
        let span = Span {
            from,
            to,
            by,
            currency: currency(self.currency.as_deref())?,
            plan: self.plan.clone(),
        };
        if starts(&span).len() > PARTS_MAX {
            return Err(invalid("from", format!("must leave at most {PARTS_MAX} days or months")));
        }
        Ok(span)
    }
}

/// The starts of all parts, and one more than it takes to see that they are too many.
fn starts(span: &Span) -> Vec<Timestamp> {
    let following = |start: &Timestamp| Some(next(span.by, *start));
    std::iter::successors(Some(span.from), following)
        .take_while(|start| *start < span.to)
        .take(PARTS_MAX + 1)
        .collect()
}

/// The start of the part after the one that starts there.
fn next(by: Window, start: Timestamp) -> Timestamp {
    match by {
        Window::Month => start.plus_months(1).unwrap_or(Timestamp::MAX),
        _ => start.plus_days(1),
    }
}

/// Reads what happened in a span, as it was at one moment.
///
/// # Errors
/// What the database says.
pub async fn read(app: &App, span: &Span) -> Result<Series> {
    let mut snapshot = app.db.snapshot().await?;
    let openings = days::level_before(&mut snapshot, span, span.from).await?;
    let parts = days::list(&mut snapshot, span).await?;
    drop(snapshot);
    let mut by_currency: BTreeMap<Currency, (Level, Vec<Part>)> = BTreeMap::new();
    for opening in openings {
        by_currency.entry(opening.currency).or_default().0 = opening.level();
    }
    for part in parts {
        by_currency.entry(part.currency).or_default().1.push(part);
    }
    let starts = starts(span);
    Ok(by_currency
        .into_iter()
        .map(|(currency, (opening, parts))| (currency, points(span, &starts, opening, &parts)))
        .collect())
}

fn points(span: &Span, starts: &[Timestamp], opening: Level, parts: &[Part]) -> Vec<Point> {
    let mut level = opening;
    let of_start = |start: Timestamp| {
        let of_it = parts.iter().filter(move |part| part.starts_at == start);
        let facts: BTreeMap<Fact, Sums> = of_it.map(|part| (part.fact, part.sums())).collect();
        let opening = level;
        for (_, sums) in facts.iter().filter(|(fact, _)| fact.is_movement()) {
            level = level.plus(*sums);
        }
        Point { from: start, to: next(span.by, start), opening, closing: level, facts }
    };
    starts.iter().copied().map(of_start).collect()
}
