//! Revenue at this moment: how much recurs, what moved it this month, who left, what could not be collected.

use maud::{Markup, html};
use tollhouse_domain::{
    money::{Currency, Money},
    revenue::Fact,
    time::Timestamp,
    usage::Window,
};

use crate::{
    analytics::series::{Point, Rate, read},
    app::App,
    error::Result,
    pages::{plot, show},
    revenue::days::queries::{Span, Sums},
};

/// Days that are plotted, this month's among them.
const DAYS: i64 = 90;
const FAILED_DAYS: i64 = 30;

/// A part for each currency: they are never added up.
pub async fn revenue(app: &App) -> Result<Markup> {
    let now = app.clock.now();
    let today = Window::Day.start(now);
    let span = Span {
        from: today.plus_days(1 - DAYS),
        to: today.plus_days(1),
        by: Window::Day,
        currency: None,
        plan: None,
    };
    let series = read(app, &span).await?;
    Ok(html! {
        @if series.is_empty() { h2 { "Revenue" } p.quiet { "Nothing was earned yet." } }
        @for (currency, points) in &series { (of_currency(*currency, points, now)) }
    })
}

fn of_currency(currency: Currency, points: &[Point], now: Timestamp) -> Markup {
    let money = |minor: i64| show::money(Money::new(minor, currency));
    let since = |start: Timestamp| points.iter().filter(move |point| point.from >= start);
    let closing = points.last().map(|point| point.closing).unwrap_or_default();
    let month: Vec<&Point> = since(Window::Month.start(now)).collect();
    let opening = month.first().map(|point| point.opening).unwrap_or_default();
    let moved = |fact: Fact| sum(month.iter().copied(), fact);
    let lost = moved(Fact::Churn).amount + moved(Fact::Contraction).amount;
    let recent = Window::Day.start(now).plus_days(1 - FAILED_DAYS);
    let failed = sum(since(recent), Fact::PaymentFailed);
    let recovered = sum(since(recent), Fact::PaymentRecovered);
    let days: Vec<(Timestamp, Money)> =
        points.iter().map(|point| (point.from, Money::new(point.closing.mrr, currency))).collect();
    html! {
        h2 { "Revenue in " (currency.code().to_uppercase()) }
        ul.figures.six {
            (figure(&money(closing.mrr), "MRR", "recurs each month"))
            (figure(&money(closing.mrr * 12), "ARR", "twelve times as much"))
            (figure(&show::count(closing.tenants), "Paying tenants", "at this moment"))
            (figure(&rate(-moved(Fact::Churn).tenants, opening.tenants), "Logo churn", "tenants lost this month"))
            (figure(&rate(-lost, opening.mrr), "Revenue churn", "MRR lost this month"))
            (figure(
                &show::count(failed.facts),
                "Failed payments",
                &format!("{} in {FAILED_DAYS} days, {} came after all", money(failed.amount), money(recovered.amount)),
            ))
        }
        div.plots {
            (plot::of_amounts("MRR", &days))
            div.card {
                h3 { "This month" }
                dl.sums {
                    div { dt { "At its start" } dd { (money(opening.mrr)) } }
                    @for (name, fact) in MOVEMENTS {
                        div { dt { (name) } dd { (signed(Money::new(moved(*fact).amount, currency))) } }
                    }
                    div.due { dt { "Now" } dd { (money(closing.mrr)) } }
                }
            }
        }
    }
}

const MOVEMENTS: &[(&str, Fact)] = &[
    ("New", Fact::New),
    ("Expansion", Fact::Expansion),
    ("Reactivation", Fact::Reactivation),
    ("Contraction", Fact::Contraction),
    ("Churn", Fact::Churn),
];

fn sum<'p>(points: impl Iterator<Item = &'p Point>, fact: Fact) -> Sums {
    points.map(|point| point.sums(fact)).fold(Sums::default(), |all, of| Sums {
        facts: all.facts + of.facts,
        amount: all.amount + of.amount,
        tenants: all.tenants + of.tenants,
        subscriptions: all.subscriptions + of.subscriptions,
    })
}

/// A share of what there was at the start of the month.
fn rate(part: i64, whole: i64) -> String {
    Rate::of(part, whole).map_or_else(|| "–".to_owned(), |rate| rate.to_string())
}

fn signed(moved: Money) -> String {
    let sign = if moved.minor() > 0 { "+" } else { "" };
    format!("{sign}{}", show::money(moved))
}

fn figure(number: &str, name: &str, about: &str) -> Markup {
    html! { li.figure { strong { (number) } span { (name) } span.quiet { (about) } } }
}
