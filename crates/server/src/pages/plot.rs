//! Small plots of something day by day, drawn here as SVG: they need no script and follow the page's colours.

use maud::{Markup, html};
use tollhouse_domain::{money::Money, time::Timestamp, usage::Quantity};

use super::show;

const WIDTH: u64 = 600;
const HEIGHT: u64 = 120;

/// One bar of a plot.
struct Bar {
    day: Timestamp,
    /// Of `HEIGHT`.
    height: u64,
    words: String,
}

/// What was used day by day.
pub fn of_quantities(name: &str, days: &[(Timestamp, Quantity)]) -> Markup {
    let max = days.iter().map(|(_, quantity)| *quantity).max().unwrap_or_default();
    let bars = days.iter().map(|(day, quantity)| Bar {
        day: *day,
        height: height(*quantity, max),
        words: show::quantity(*quantity),
    });
    plot(name, &format!("at most {} a day", show::quantity(max)), true, &bars.collect::<Vec<_>>())
}

/// What an amount came to at the end of each day; below zero it is shown as nothing.
pub fn of_amounts(name: &str, days: &[(Timestamp, Money)]) -> Markup {
    let whole = |money: &Money| Quantity::from_whole(u64::try_from(money.minor()).unwrap_or(0));
    let max = days.iter().map(|(_, money)| money).max_by_key(|money| money.minor());
    let Some(max) = max else { return html! {} };
    let bars = days.iter().map(|(day, money)| Bar {
        day: *day,
        height: height(whole(money), whole(max)),
        words: show::money(*money),
    });
    plot(name, &format!("at most {}", show::money(*max)), false, &bars.collect::<Vec<_>>())
}

/// Bars side by side, apart or as one area, the highest as high as the plot. The words below say what its ends are; each bar says its
/// own day and value to whoever points at it.
fn plot(name: &str, most: &str, stand_apart: bool, bars: &[Bar]) -> Markup {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return html! {} };
    let count = u64::try_from(bars.len()).unwrap_or(1);
    let label = format!("{name} from {} to {}, {most}", first.day.date(), last.day.date());
    let places = (0_u64..).map(|index| (index * WIDTH / count, (index + 1) * WIDTH / count));
    html! {
        figure.plot {
            figcaption.line { strong { (name) } span { (most) } }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label)
                class=[(!stand_apart).then_some("area")] {
                @for (bar, (from, to)) in bars.iter().zip(places) {
                    @let width = if stand_apart { narrower(to - from) } else { to - from };
                    rect x=(from) y=(HEIGHT - bar.height) width=(width) height=(bar.height) {
                        title { (bar.day.date()) ": " (bar.words) }
                    }
                }
            }
            div.line.quiet { (show::day(first.day)) (show::day(last.day)) }
        }
    }
}

/// A little less than its place, so that bars stand apart.
fn narrower(place: u64) -> u64 {
    place.saturating_sub(place / 5).max(1)
}

/// Of `HEIGHT`; what is not nothing is seen.
fn height(quantity: Quantity, max: Quantity) -> u64 {
    match quantity.per_mille_of(max) {
        0 if quantity > Quantity::ZERO => 2,
        per_mille => u64::from(per_mille) * HEIGHT / 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_is_as_high_as_the_plot_and_none_is_lost() {
        let quantity = |text| Quantity::parse(text).unwrap();
        for (used, max, expected) in [
            ("0", "10", 0),
            ("10", "10", HEIGHT),
            ("5", "10", HEIGHT / 2),
            ("0.001", "1000", 2),
            ("0.5", "1", HEIGHT / 2),
            ("0", "0", 0),
        ] {
            assert_eq!(height(quantity(used), quantity(max)), expected, "{used} of {max}");
        }
    }
}
