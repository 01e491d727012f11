//! Amounts, times, states and lists as people read them.

use std::time::Duration;

use maud::{Markup, html};
use tollhouse_domain::{money::Money, time::Timestamp, usage::Quantity};

/// `$1,029.00`, `€9.90`, `29.00 CHF`, `2,900 JPY`.
pub fn money(money: Money) -> String {
    let text = money.to_major();
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => ("−", number),
        None => ("", text.as_str()),
    };
    let number = grouped(number);
    match money.currency().code() {
        "usd" => format!("{sign}${number}"),
        "eur" => format!("{sign}€{number}"),
        "gbp" => format!("{sign}£{number}"),
        code => format!("{sign}{number} {}", code.to_uppercase()),
    }
}

/// `1,250.5`
pub fn quantity(quantity: Quantity) -> String {
    let text = quantity.to_string();
    match text.strip_prefix('-') {
        Some(number) => format!("−{}", grouped(number)),
        None => grouped(&text),
    }
}

/// `1,250`
pub fn count(number: impl ToString) -> String {
    grouped(&number.to_string())
}

/// Digits in threes before the point.
fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

/// To the minute, in UTC.
pub fn moment(at: Timestamp) -> Markup {
    let exact = at.fixed_width();
    let shown = exact.get(..16).unwrap_or(&exact).replace('T', " ");
    html! { time datetime=(at) title={ (at) } { (shown) " UTC" } }
}

pub fn day(at: Timestamp) -> Markup {
    html! { time datetime=(at) title={ (at) } { (at.date()) } }
}

/// A day, or a dash where there is none.
pub fn day_if_any(at: Option<Timestamp>) -> Markup {
    html! { @match at { Some(at) => (day(at)), None => "–" } }
}

/// `a month`, `every 3 months`
pub fn every(interval: &str, count: i64) -> String {
    match count {
        1 => format!("a {interval}"),
        count => format!("every {count} {interval}s"),
    }
}

/// `once`, `3 times`
pub fn times(count: i64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// `2 s`, `10 min`, `1 h`
pub fn length(length: Duration) -> String {
    match length.as_secs() {
        seconds if seconds >= 3600 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// A state as a word, in the colour of what it means: fine, to be watched, wrong, or over.
pub fn state(word: &str) -> Markup {
    let tone = match word {
        "active" | "paid" | "done" | "full" | "healed" | "resolved" | "ok" => "good",
        "trialing" | "open" | "grace" | "suspended" | "failed" | "incomplete" | "paused"
        | "past_due" | "received" | "working" | "warning" => "watch",
        "unpaid" | "dead" | "uncollectible" | "none" | "needs_person" | "exceeded" | "problem" => {
            "bad"
        }
        _ => "over",
    };
    html! { span.state.(tone) { (word.replace('_', " ")) } }
}

/// A sentence in which `words` between backticks are to be typed or compared letter by letter.
pub fn sentence(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Names and what they are, side by side.
pub fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, fact) in facts { div { dt { (name) } dd { (fact) } } } } }
}

/// A column of a table, by the word above it. Numbers stand to the right, so that their places meet.
#[derive(Clone, Copy)]
pub enum Column {
    Words(&'static str),
    Numbers(&'static str),
}

impl Column {
    const fn head(self) -> &'static str {
        match self {
            Self::Words(head) | Self::Numbers(head) => head,
        }
    }

    fn class(self) -> Option<&'static str> {
        matches!(self, Self::Numbers(_)).then_some("number")
    }
}

/// A table that scrolls by itself where the screen is narrow; a sentence where it is empty.
pub fn table(name: &str, columns: &[Column], rows: &[Vec<Markup>], empty: &str) -> Markup {
    if rows.is_empty() {
        return html! { p.quiet { (empty) } };
    }
    html! {
        div.table role="region" aria-label=(name) tabindex="0" {
            table {
                thead { tr { @for column in columns { th scope="col" class=[column.class()] { (column.head()) } } } }
                tbody {
                    @for row in rows {
                        tr { @for (cell, column) in row.iter().zip(columns) { td class=[column.class()] { (cell) } } }
                    }
                }
            }
        }
    }
}

/// How much of a limit is used, as a bar; its words stand beside it.
pub fn bar(name: &str, used: Quantity, max: u64) -> Markup {
    let limit = Quantity::from_whole(max);
    let exceeded = used > limit;
    let per_mille = if max == 0 && exceeded { 1000 } else { used.per_mille_of(limit) };
    let label = format!("{name}: {} of {}", quantity(used), count(max));
    let tone = if exceeded {
        "bad"
    } else if per_mille >= 800 {
        "watch"
    } else {
        "good"
    };
    html! {
        svg.bar viewBox="0 0 1000 8" preserveAspectRatio="none" role="img" aria-label=(label) {
            rect.track width="1000" height="8" {}
            rect.(tone) width=(per_mille) height="8" {}
        }
    }
}

/// JSON on many lines, otherwise letter for letter as it is.
pub fn indented(json: &str) -> String {
    let mut shown = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for letter in json.chars() {
        if in_text {
            shown.push(letter);
            in_text = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                in_text = true;
                shown.push(letter);
            }
            '{' | '[' => {
                depth += 1;
                shown.push(letter);
                begin_line(&mut shown, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                close(&mut shown, depth);
                shown.push(letter);
            }
            ',' => {
                shown.push(letter);
                begin_line(&mut shown, depth);
            }
            ':' => shown.push_str(": "),
            _ if letter.is_whitespace() => {}
            _ => shown.push(letter),
        }
    }
    shown
}

fn begin_line(shown: &mut String, depth: usize) {
    shown.push('\n');
    shown.extend(std::iter::repeat_n("  ", depth));
}

/// Before a closing bracket; nothing stands within an empty pair.
fn close(shown: &mut String, depth: usize) {
    let kept = shown.trim_end().len();
    shown.truncate(kept);
    if !shown.ends_with(['{', '[']) {
        begin_line(shown, depth);
    }
}

/// The way to what comes after a full page of a list.
pub fn more(path: &str, cursor: Option<&String>) -> Markup {
    let mark = if path.contains('?') { '&' } else { '?' };
    html! {
        @if let Some(cursor) = cursor {
            p { a.button href={ (path) (mark) "cursor=" (cursor) } { "Older" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use tollhouse_domain::money::Currency;

    use super::*;

    #[test]
    fn amounts_are_written_for_people() {
        for (minor, currency, expected) in [
            (0, "usd", "$0.00"),
            (2_900, "usd", "$29.00"),
            (123_456_789, "eur", "€1,234,567.89"),
            (-5, "usd", "−$0.05"),
            (100_000, "gbp", "£1,000.00"),
            (2_900, "jpy", "2,900 JPY"),
            (99_999, "chf", "999.99 CHF"),
        ] {
            let currency = Currency::new(currency).unwrap();
            assert_eq!(money(Money::new(minor, currency)), expected);
        }
    }

    #[test]
    fn quantities_are_grouped_and_exact() {
        for (text, expected) in
            [("0", "0"), ("999", "999"), ("1000", "1,000"), ("-1234567.25", "−1,234,567.25")]
        {
            assert_eq!(quantity(Quantity::parse(text).unwrap()), expected);
        }
    }

    #[test]
    fn json_keeps_its_letters() {
        for (json, expected) in [
            ("{}", "{}"),
            ("[ ]", "[]"),
            (r#"{"a":1.10,"b":[]}"#, "{\n  \"a\": 1.10,\n  \"b\": []\n}"),
            (r#"["x, {y}: \\", "\""]"#, "[\n  \"x, {y}: \\\\\",\n  \"\\\"\"\n]"),
        ] {
            assert_eq!(indented(json), expected, "{json}");
        }
    }

    #[test]
    fn what_is_to_be_typed_stands_apart() {
        for (text, expected) in [
            ("All is well.", "All is well."),
            ("Run `a <b>`, then `c`.", "Run <code>a &lt;b&gt;</code>, then <code>c</code>."),
        ] {
            assert_eq!(sentence(text).into_string(), expected);
        }
    }

    #[test]
    fn lengths_are_in_their_largest_whole_unit() {
        for (seconds, expected) in
            [(0, "0 s"), (2, "2 s"), (60, "1 min"), (90, "90 s"), (600, "10 min"), (3600, "1 h")]
        {
            assert_eq!(length(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn times_are_to_the_minute() {
        let at: Timestamp = "2026-09-08T07:06:05.123456Z".parse().unwrap();
        assert!(moment(at).into_string().contains(">2026-09-08 07:06 UTC<"));
    }
}
