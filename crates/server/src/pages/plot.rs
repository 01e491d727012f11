//! A small plot of what was used day by day, drawn here as SVG: it needs no script and follows the page's colours.

use maud::{Markup, html};
use tollhouse_domain::{time::Timestamp, usage::Quantity};

use super::show;

const WIDTH: u64 = 600;
const HEIGHT: u64 = 120;

/// One bar of a plot.
pub struct Bar {
    pub day: Timestamp,
    pub quantity: Quantity,
}

/// Bars side by side, the highest as high as the plot. The words below say what its ends are; each bar says its
/// own day and quantity to whoever points at it.
pub fn plot(name: &str, bars: &[Bar]) -> Markup {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
        return html! { p.quiet { "Nothing was used yet." } };
    };
    let max = bars.iter().map(|bar| bar.quantity).max().unwrap_or_default();
    let count = u64::try_from(bars.len()).unwrap_or(1);
    let label = format!(
        "{name} a day, from {} to {}; {} at most",
        first.day.date(),
        last.day.date(),
        show::quantity(max)
    );
    let places = (0_u64..).map(|index| index * WIDTH / count);
    html! {
        figure.plot {
            figcaption.line { strong { (name) } span { "at most " (show::quantity(max)) " a day" } }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
                @for (bar, x) in bars.iter().zip(places) {
                    @let height = height(bar.quantity, max);
                    rect x=(x) y=(HEIGHT - height) width=(width(count)) height=(height) {
                        title { (bar.day.date()) ": " (show::quantity(bar.quantity)) }
                    }
                }
            }
            div.line.quiet { (show::day(first.day)) (show::day(last.day)) }
        }
    }
}

/// A little less than its place, so that bars stand apart.
fn width(count: u64) -> u64 {
    (WIDTH / count).saturating_sub(4).max(1)
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
