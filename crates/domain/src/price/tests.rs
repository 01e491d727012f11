//! Golden amounts from Stripe's documentation, and the properties every price has.

use proptest::prelude::*;

use super::*;
use crate::money::tests::currency;

fn tiers(steps: &[(Option<u64>, Decimal, Decimal)]) -> Vec<Tier> {
    steps
        .iter()
        .map(|&(up_to, unit_amount, flat_amount)| Tier { up_to, unit_amount, flat_amount })
        .collect()
}

fn price(model: Model) -> Price {
    Price {
        interval: Interval::Month,
        interval_count: 1,
        currency: currency("usd"),
        model,
        meter: None,
    }
}

fn minor(model: &Model, quantity: u64) -> i64 {
    price(model.clone()).amount_for(quantity).unwrap().minor()
}

/// Five tiers with flat amounts; Stripe docs: Tiered pricing.
#[test]
fn golden_tiers_with_flat_amounts() {
    let whole = |number: i64| Decimal::from(number);
    let steps = [(5, 5, 10), (10, 4, 20), (15, 3, 30), (20, 2, 40)]
        .map(|(up_to, unit, flat)| (Some(up_to), whole(unit), whole(flat)));
    let tiers = tiers(&[&steps[..], &[(None, whole(1), whole(50))]].concat());
    let (graduated, volume) = (Model::Graduated { tiers: tiers.clone() }, Model::Volume { tiers });
    assert_eq!((minor(&graduated, 12), minor(&volume, 12)), (111, 66));
    assert_eq!((minor(&graduated, 0), minor(&volume, 0)), (10, 10));
    assert_eq!((minor(&graduated, 21), minor(&volume, 21)), (221, 71));
}

/// 7 / 6.5 / 6 dollars; Stripe docs: Tiered pricing.
#[test]
fn golden_tiers_with_half_units() {
    let tiers = tiers(&[
        (Some(5), Decimal::from(700), Decimal::ZERO),
        (Some(10), Decimal::from(650), Decimal::ZERO),
        (None, Decimal::from(600), Decimal::ZERO),
    ]);
    let (graduated, volume) = (Model::Graduated { tiers: tiers.clone() }, Model::Volume { tiers });
    for (quantity, total) in [(1, 700), (5, 3500), (6, 4150), (20, 12_750), (25, 15_750)] {
        assert_eq!(minor(&graduated, quantity), total, "graduated {quantity}");
    }
    for (quantity, total) in [(5, 3500), (6, 3900), (20, 12_000), (25, 15_000)] {
        assert_eq!(minor(&volume, quantity), total, "volume {quantity}");
    }
}

#[test]
fn the_line_is_rounded_once_and_not_the_unit() {
    let per_seat = Model::PerSeat { amount: Decimal::new(125, 3) };
    for (quantity, total) in [(1, 0), (3, 0), (4, 1), (12, 2), (1000, 125)] {
        assert_eq!(minor(&per_seat, quantity), total, "{quantity}");
    }
    let package = Model::Package { amount: Decimal::from(50), size: 100 };
    for (quantity, total) in [(0, 0), (1, 50), (100, 50), (101, 100)] {
        assert_eq!(minor(&package, quantity), total, "{quantity}");
    }
    let huge = price(Model::PerSeat { amount: Decimal::from(i64::MAX) });
    assert_eq!(huge.amount_for(2), Err(MoneyError::Overflow));
}

#[test]
fn only_whole_single_amounts_are_shown() {
    let amount = Decimal::new(290_000, 2);
    assert_eq!(
        price(Model::Flat { amount }).unit_amount(),
        Some(Money::new(2900, currency("usd")))
    );
    assert_eq!(price(Model::PerSeat { amount: Decimal::new(5, 1) }).unit_amount(), None);
    assert_eq!(price(Model::Package { amount, size: 10 }).unit_amount(), None);
}

#[test]
fn lookup_keys_tell_prices_of_a_plan_apart() {
    let mut price = price(Model::Flat { amount: Decimal::from(2900) });
    assert_eq!(price.lookup_key("pro", 1), "pro_v1_month_usd");
    price.interval_count = 3;
    assert_eq!(price.lookup_key("pro", 2), "pro_v2_3month_usd");
    price.meter = Some("api_calls".to_owned());
    assert_eq!(price.lookup_key("pro", 2), "pro_v2_3month_usd_api_calls");
}

#[test]
fn a_file_must_have_the_keys_of_its_model() {
    let cases = [
        (r#""amount":29"#, "invalid type: integer `29`, expected a string"),
        (r#""model":"graduated""#, "a price of model `graduated` needs a list of `tiers`"),
        (r#""amount":"1","tiers":[]"#, "a price of model `flat` has no `tiers`"),
        (r#""model":"package","amount":"1","package_size":0"#, "`package_size` of at least 1"),
        (r#""amount":"0.000000000000001""#, "`usd` has at most 14 here"),
        (r#""amount":"1","colour":"red""#, "unknown field `colour`"),
        (r#""model":"free""#, "`free` is not a price model; use one of `flat`"),
    ];
    for (keys, said) in cases {
        let json = format!(r#"{{"interval":"month","currency":"usd",{keys}}}"#);
        let error = serde_json::from_str::<Price>(&json).unwrap_err().to_string();
        assert!(error.contains(said), "{json}: {error}");
    }
}

fn decimals() -> impl Strategy<Value = Decimal> {
    (0_i64..1_000_000_000, 0_u32..=12).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

fn tier_lists() -> impl Strategy<Value = Vec<Tier>> {
    prop::collection::vec((1_u64..50, decimals(), decimals()), 1..5).prop_map(|steps| {
        let (last, mut up_to) = (steps.len() - 1, 0);
        steps
            .into_iter()
            .enumerate()
            .map(|(position, (width, unit_amount, flat_amount))| {
                up_to += width;
                Tier { up_to: (position < last).then_some(up_to), unit_amount, flat_amount }
            })
            .collect()
    })
}

fn models() -> impl Strategy<Value = Model> {
    prop_oneof![
        decimals().prop_map(|amount| Model::Flat { amount }),
        decimals().prop_map(|amount| Model::PerSeat { amount }),
        (decimals(), 1_u64..100).prop_map(|(amount, size)| Model::Package { amount, size }),
        tier_lists().prop_map(|tiers| Model::Graduated { tiers }),
        tier_lists().prop_map(|tiers| Model::Volume { tiers }),
    ]
}

proptest! {
    #[test]
    fn a_price_is_read_back_as_written(model in models()) {
        let price = price(model);
        let json = serde_json::to_string(&price).unwrap();
        prop_assert_eq!(serde_json::from_str::<Price>(&json).unwrap(), price);
    }

    /// Unit by unit: what one more unit adds is its tier's price, and its flat amount when it is
    /// the first there.
    #[test]
    fn graduated_is_the_sum_of_its_units(tiers in tier_lists(), quantity in 0_u64..250) {
        let mut expected = tiers[0].flat_amount;
        let mut reached = 0;
        for unit in 1..=quantity {
            let holds_unit = |tier: &Tier| tier.up_to.is_none_or(|end| unit <= end);
            let tier = tiers.iter().position(holds_unit).unwrap();
            if tier > reached {
                reached = tier;
                expected += tiers[tier].flat_amount;
            }
            expected += tiers[tier].unit_amount;
        }
        prop_assert_eq!(graduated(&tiers, quantity), Some(expected));
    }

    #[test]
    fn one_tier_is_the_same_either_way(tiers in tier_lists(), quantity: u32) {
        let one = &tiers[..1];
        prop_assert_eq!(graduated(one, quantity.into()), volume(one, quantity.into()));
    }

    #[test]
    fn more_never_costs_less_graduated(
        tiers in tier_lists(),
        a in 0_u64..500,
        b in 0_u64..500,
    ) {
        let model = Model::Graduated { tiers };
        prop_assert!(minor(&model, a.min(b)) <= minor(&model, a.max(b)));
    }
}
