//! How the payment page looks.

use maud::{Markup, html};

use super::{checkout::Typed, layout};
use crate::{
    calendar,
    catalog::{Price, amount::Scheme},
    checkout::{Mode, Session, SessionLine, Status, Trial},
    money, tax_rates,
    world::World,
};

/// Cards one click away, with what they do.
const TEST_CARDS: [(&str, &str); 4] = [
    ("4242424242424242", "Pays"),
    ("4000000000000002", "Declined"),
    ("4000000000009995", "Insufficient funds"),
    ("4000002500003155", "Asks for 3-D Secure"),
];

/// The page for whatever state the session is in.
pub fn render(world: &World, session: &Session, typed: &Typed, alert: Option<&str>) -> String {
    let (title, side) = match session.status {
        Status::Open if session.authenticating.is_some() => {
            ("Authenticate", dialogue(world, session))
        }
        Status::Open => ("Pay", payment(world, session, typed, alert)),
        Status::Complete => (
            "Paid",
            html! {
                h2 { "You have already paid" }
                p { "This checkout is complete." }
                p { a href=(session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id)) { "Continue" } }
            },
        ),
        Status::Expired => (
            "Expired",
            html! {
                h2 { "This checkout has expired" }
                p { "Nothing was charged. Go back and start again." }
                @if let Some(url) = &session.cancel_url { p { a href=(url) { "Go back" } } }
            },
        ),
    };
    layout(
        title,
        &html! {
            div.checkout {
                section.summary aria-label="What you pay for" { (summary(world, session)) }
                section.payment { (side) }
            }
        },
    )
}

fn summary(world: &World, session: &Session) -> Markup {
    let amount = session.amount(world);
    let name = session.lines.first().map_or("", |line| product_name(world, line));
    html! {
        @if let Some(url) = session.cancel_url.as_ref().filter(|_| session.status == Status::Open) {
            p { a.cancel href=(url) { "← Cancel" } }
        }
        h1 {
            @match session.trial {
                Trial::None if session.mode == Mode::Payment => { "Pay for " (name) }
                Trial::None => { "Subscribe to " (name) }
                _ => { "Try " (name) }
            }
        }
        p.amount { (money::show(amount, &session.currency)) span { " due today" } }
        @match session.trial {
            Trial::None => {}
            Trial::Days(days) => p.trial { (days) " days free, then " (then(world, session)) }
            Trial::Until(end) => p.trial { "Free until " (calendar::day(end)) ", then " (then(world, session)) }
        }
        ul.lines {
            @for line in &session.lines {
                li {
                    div {
                        strong { (product_name(world, line)) }
                        @if let Some(quantity) = line.quantity.filter(|quantity| *quantity != 1) { " × " (quantity) }
                    }
                    div.rate { @if let Some(price) = world.prices.find(&line.price) { (rate(price)) } }
                }
            }
        }
        @if session.allow_promotion_codes || session.discount.is_some() { (discount(world, session)) }
        @if session.asks_for_country() && session.status == Status::Open { (country(world, session)) }
        @for tax in tax_rates::sum(session.taxes(world).iter().flatten()) {
            p.tax {
                span { @if tax.inclusive { "Tax included" } @else { "Tax" } } " "
                strong { (money::show(tax.amount, &session.currency)) }
            }
        }
        p.total { span { "Total due today" } strong { (money::show(amount, &session.currency)) } }
    }
}

/// What is taken off, and the field for a promotion code.
fn discount(world: &World, session: &Session) -> Markup {
    let off = session.discount(world);
    let code = session.discount.as_ref().and_then(|found| found.promotion_code.as_ref());
    let code = code.and_then(|id| world.promotion_codes.find(id)).map_or("", |found| &found.code);
    html! {
        @if session.discount.is_some() {
            p.discount { span { "Discount " (code) } " " strong { (money::show(-off, &session.currency)) } }
        }
        @if session.allow_promotion_codes && session.status == Status::Open {
            form.promotion method="post" action={ "/c/pay/" (session.id) "/promotion-code" } {
                label for="promotion_code" { "Promotion code" }
                input #promotion_code name="promotion_code" value=(code) autocomplete="off";
                button.quiet #apply-code type="submit" { "Apply" }
            }
        }
    }
}

/// Where the payer lives decides on the tax.
fn country(world: &World, session: &Session) -> Markup {
    let known = session.country(world).unwrap_or_default();
    html! {
        form.promotion method="post" action={ "/c/pay/" (session.id) "/country" } {
            label for="country" { "Country, as two letters" }
            input #country name="country" value=(known) autocomplete="country" maxlength="2"
                placeholder="US" required;
            button.quiet #choose-country type="submit" { "Apply" }
        }
    }
}

fn product_name<'a>(world: &'a World, line: &SessionLine) -> &'a str {
    let price = world.prices.find(&line.price);
    let product = price.and_then(|price| world.products.find(&price.product));
    product.map_or("", |product| &product.name)
}

/// What it costs after the trial.
fn then(world: &World, session: &Session) -> String {
    let amounts = session
        .lines
        .iter()
        .filter_map(|line| Some(world.prices.find(&line.price)?.amount(line.quantity?)));
    let every = session.lines.first().and_then(|line| world.prices.find(&line.price));
    format!(
        "{}{}",
        money::show(amounts.sum(), &session.currency),
        every.map_or_else(String::new, interval)
    )
}

pub fn rate(price: &Price) -> String {
    let amount = match &price.scheme {
        Scheme::PerUnit(unit) => money::show_unit(*unit, &price.currency),
        Scheme::Volume(_) | Scheme::Graduated(_) => "Price by quantity".to_owned(),
    };
    if price.is_metered() {
        return format!("{amount} per unit used");
    }
    format!("{amount}{}", interval(price))
}

/// ` per month`, ` every 3 months`.
fn interval(price: &Price) -> String {
    price.recurring.as_ref().map_or_else(String::new, |recurring| {
        let word = recurring.cadence.interval.word();
        match recurring.cadence.count {
            1 => format!(" per {word}"),
            count => format!(" every {count} {word}s"),
        }
    })
}

fn payment(world: &World, session: &Session, typed: &Typed, alert: Option<&str>) -> Markup {
    let amount = session.amount(world);
    let filled = !typed.number.is_empty() && alert.is_none();
    html! {
        h2 { "Pay with card" }
        @if let Some(message) = alert {
            p.alert role="alert" { (message) }
        }
        form #payment method="post" action={ "/c/pay/" (session.id) } {
            @match session.email(world) {
                Some(email) => div.field { span.label { "Email" } span.known { (email) } },
                None => (field("email", "Email", &typed.email, "email", "email", "you@example.com")),
            }
            (field("card_number", "Card number", &typed.number, "text", "cc-number", "1234 1234 1234 1234"))
            div.pair {
                (field("expiry", "Expires (MM / YY)", &typed.expiry, "text", "cc-exp", "MM / YY"))
                (field("cvc", "Security code", &typed.cvc, "text", "cc-csc", "CVC"))
            }
            (field("name", "Name on card", &typed.name, "text", "cc-name", ""))
            button #pay type="submit" autofocus[filled] {
                @if session.trial == Trial::None { "Pay " (money::show(amount, &session.currency)) }
                @else { "Start trial" }
            }
        }
        div.cards role="group" aria-label="Fill in a test card" {
            p { "Fill in a test card:" }
            @for (number, does) in TEST_CARDS {
                button type="submit" form="payment" formnovalidate name="fill" value=(number) {
                    (does) " " span { "…" (&number[number.len() - 4..]) }
                }
            }
        }
    }
}

fn field(
    name: &str,
    label: &str,
    value: &str,
    kind: &str,
    autocomplete: &str,
    placeholder: &str,
) -> Markup {
    let digits = matches!(name, "card_number" | "expiry" | "cvc");
    html! {
        div.field {
            label for=(name) { (label) }
            input id=(name) name=(name) type=(kind) value=(value) autocomplete=(autocomplete)
                placeholder=(placeholder) inputmode=[digits.then_some("numeric")] required;
        }
    }
}

/// The bank asks whether it is really you.
fn dialogue(world: &World, session: &Session) -> Markup {
    html! {
        h2 { "3-D Secure" }
        p {
            "Your bank wants to know that it is you who pays "
            strong { (money::show(session.amount(world), &session.currency)) } "."
        }
        form.dialogue method="post" action={ "/c/pay/" (session.id) "/authentication" } {
            button #authenticate type="submit" name="result" value="complete" { "Complete authentication" }
            button.quiet #fail-authentication type="submit" name="result" value="fail" { "Fail authentication" }
        }
    }
}
