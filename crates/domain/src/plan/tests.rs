//! A catalog file is read whole, and each way to get it wrong is told once.

use super::*;
use crate::money::Money;
use crate::money::tests::currency;
use crate::price::Model;

const EXAMPLE: &str = r#"
[[meter]]
code = "api_calls"
name = "API calls"
aggregation = "sum"

[[plan]]
code = "free"
kind = "base"
name = "Free"

[[plan]]
code = "pro"
kind = "base"
name = "Pro"
description = "For growing teams"
trial_days = 14
[plan.features]
sso = true
retention_days = 90
support = "e-mail"
[[plan.limit]]
meter = "api_calls"
per = "month"
max = 100000
hard = false
[[plan.slots]]
tier = "edge"
name = "Edge"
display_name = "Edge devices"
max = 10
[plan.credits]
included = 500
price_per_1k = "2.00"
currency = "usd"
[[plan.price]]
interval = "month"
currency = "usd"
model = "graduated"
meter = "api_calls"
tiers = [{ up_to = 1000, unit_amount = "0.05" }, { unit_amount = "0.0125", flat_amount = "1.00" }]
[[plan.price]]
interval = "month"
currency = "usd"
amount = "29.00"

[[plan]]
code = "more_seats"
kind = "addon"
name = "More seats"
addon_of = ["pro"]
[[plan.price]]
interval = "year"
currency = "jpy"
model = "per_seat"
amount = "4900"
[[plan.slots]]
tier = "gateway"
name = "Gateway"
max = 2
per_seat = true
"#;

fn example() -> Catalog {
    toml::from_str(EXAMPLE).unwrap()
}

#[test]
fn the_example_is_read_and_valid() {
    let catalog = example();
    assert_eq!(catalog.problems(), []);
    assert_eq!(catalog.free_plan().map(|plan| plan.code.as_str()), Some("free"));
    assert_eq!(catalog.meters[0].credit_weight, Decimal::ONE);

    let pro = catalog.plan("pro").unwrap();
    assert_eq!((pro.version, pro.tier(), pro.trial_days), (1, "pro", Some(14)));
    assert_eq!(pro.features["sso"], FeatureValue::Switch(true));
    assert_eq!(pro.features["retention_days"], FeatureValue::Number(90));
    assert_eq!(pro.features["support"], FeatureValue::Text("e-mail".to_owned()));
    assert_eq!(pro.credits.as_ref().unwrap().price_per_1k, Decimal::from(2));
    let Model::Graduated { tiers } = &pro.prices[0].model else { panic!("{pro:?}") };
    assert_eq!((tiers[1].unit_amount, tiers[1].flat_amount), (Decimal::new(125, 2), 100.into()));
}

#[test]
fn a_plan_is_sold_at_the_price_paid_in_advance() {
    let (catalog, usd) = (example(), currency("usd"));
    let pro = catalog.plan("pro").unwrap();
    let price = pro.find_price(Interval::Month, usd).unwrap();
    assert_eq!(price.unit_amount(), Some(Money::new(2900, usd)));
    assert_eq!(pro.find_price(Interval::Year, usd), None);
    assert_eq!(pro.find_price(Interval::Month, currency("eur")), None);
}

#[test]
fn slots_count_for_the_subscription_or_for_each_seat() {
    let catalog = example();
    let edge = &catalog.plan("pro").unwrap().slots[0];
    assert_eq!((edge.granted(1), edge.granted(7)), (10, 10));
    assert_eq!((edge.name.as_str(), edge.display_name()), ("Edge", "Edge devices"));
    let gateway = &catalog.plan("more_seats").unwrap().slots[0];
    assert_eq!((gateway.granted(0), gateway.granted(7)), (0, 14));
    assert_eq!(gateway.granted(u64::MAX), u64::MAX);
    assert_eq!(gateway.display_name(), "Gateway");
}

#[test]
fn a_catalog_is_read_back_as_written() {
    let json = serde_json::to_string(&example()).unwrap();
    assert_eq!(serde_json::from_str::<Catalog>(&json).unwrap(), example());
    let text = toml::to_string(&example()).unwrap();
    assert_eq!(toml::from_str::<Catalog>(&text).unwrap(), example());
}

/// Each row replaces one piece of the example and names the one problem that must follow.
#[test]
fn each_mistake_is_told() {
    let cases = [
        ("code = \"free\"", "code = \"Free\"", "plan `Free`: its code is not one"),
        ("code = \"free\"", "code = \"more_seats\"", "plan `more_seats` is there twice"),
        ("code = \"free\"", "code = \"free\"\nversion = 0", "its version is 0"),
        ("name = \"Free\"", "name = \" \"", "plan `free`: it has no name"),
        ("name = \"Free\"", "name = \"Free\"\naddon_of = [\"pro\"]", "is not an add-on"),
        ("trial_days = 14", "trial_days = 731", "plan `pro`: its trial is longer"),
        ("price_per_1k = \"2.00\"", "price_per_1k = \"-2\"", "its `price_per_1k` is below zero"),
        (
            "aggregation = \"sum\"",
            "aggregation = \"sum\"\ncredit_weight = \"-1\"",
            "`credit_weight`",
        ),
        (
            "aggregation = \"sum\"",
            "aggregation = \"sum\"\ncredit_weight = \"0.1000000000001\"",
            "more than 12 decimals",
        ),
        (
            "aggregation = \"sum\"",
            "aggregation = \"sum\"\nproperty = \"person\"",
            "a `property` that it does not count",
        ),
        (
            "meter = \"api_calls\"\nper",
            "meter = \"calls\"\nper",
            "limit 1: there is no meter `calls`",
        ),
        ("meter = \"api_calls\"\ntiers", "meter = \"calls\"\ntiers", "price 1: there is no meter"),
        ("meter = \"api_calls\"\ntiers", "tiers", "already has a price for this interval"),
        ("amount = \"29.00\"", "amount = \"-29.00\"", "price 2: it has an amount below zero"),
        (
            "amount = \"29.00\"",
            "amount = \"2\"\ninterval_count = 37",
            "its period is empty or longer",
        ),
        ("amount = \"29.00\"", "amount = \"2\"\ninterval_count = 2\nmeter = \"api_calls\"", "flat"),
        ("up_to = 1000, ", "", "its tiers leave out or repeat a quantity"),
        ("up_to = 1000, ", "up_to = 0, ", "its tiers leave out or repeat a quantity"),
        ("unit_amount = \"0.0125\"", "unit_amount = \"0\", up_to = 1001", "its tiers leave out"),
        ("addon_of = [\"pro\"]", "addon_of = [\"gold\"]", "names `gold`, which is no base plan"),
        (
            "hard = false",
            "[[plan.limit]]\nmeter = \"api_calls\"\nper = \"month\"\nmax = 1",
            "limit 2",
        ),
        ("tier = \"edge\"", "tier = \"Edge\"", "plan `pro`, slots 1: its code is not one"),
        ("name = \"Edge\"", "name = \"\"", "slots 1: the tier has no name"),
        ("max = 10\n", "max = 0\n", "slots 1: its `max` is 0"),
        ("max = 10\n", "max = 10\nper_seat = true\n", "the plan is not sold by the seat"),
        (
            "max = 10\n",
            "max = 10\n[[plan.slots]]\ntier = \"edge\"\nname = \"Edge\"\nmax = 1\n",
            "slots 2: the plan already grants slots of this tier",
        ),
    ];
    for (piece, replacement, said) in cases {
        assert!(EXAMPLE.contains(piece), "{piece}");
        let catalog: Catalog = toml::from_str(&EXAMPLE.replacen(piece, replacement, 1)).unwrap();
        let problems: Vec<String> = catalog.problems().iter().map(Problem::to_string).collect();
        assert_eq!(problems.len(), 1, "{replacement}: {problems:?}");
        assert!(problems[0].contains(said), "{said}: {problems:?}");
    }
}

#[test]
fn what_no_price_means_depends_on_the_kind() {
    let mut catalog = example();
    for plan in &mut catalog.plans {
        plan.prices.clear();
        plan.slots.clear();
    }
    let problems: Vec<String> = catalog.problems().iter().map(Problem::to_string).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("the catalog: more than one base plan has no price"));
    assert!(problems[1].starts_with("plan `more_seats`: it is an add-on without a price"));
}

#[test]
fn a_bare_number_is_refused_where_money_is_meant() {
    for text in ["price_per_1k = 2.00", "price_per_1k = 2"] {
        let broken = EXAMPLE.replace("price_per_1k = \"2.00\"", text);
        let error = toml::from_str::<Catalog>(&broken).unwrap_err().to_string();
        assert!(error.contains("a decimal number in quotes, such as `\"29.00\"`"), "{error}");
    }
}

#[test]
fn plans_switch_features_on_together() {
    use FeatureValue::{Number, Switch, Text};
    let catalog: Catalog = toml::from_str(EXAMPLE).unwrap();
    let plan = |features: &[(&str, FeatureValue)]| Plan {
        features: features
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        ..catalog.plans[0].clone()
    };
    let text = |text: &str| Text(text.to_owned());
    let base = plan(&[("sso", Switch(false)), ("seats", Number(5)), ("support", text("email"))]);
    let addon = plan(&[
        ("sso", Switch(true)),
        ("seats", Number(10)),
        ("support", text("24/7")),
        ("beta", Switch(true)),
    ]);
    let odd = plan(&[("seats", Switch(true)), ("sso", Switch(false))]);
    let together = features_of([&base, &addon, &odd]);
    let expected = plan(&[
        ("beta", Switch(true)),
        ("seats", Number(15)),
        ("sso", Switch(true)),
        ("support", text("email")),
    ]);
    assert_eq!(together, expected.features);
}
