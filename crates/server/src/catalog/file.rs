//! The catalog as a file, and the prices that Stripe already has for it.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, bail};
use tollhouse_domain::plan::Catalog;

/// Reads and checks a catalog file.
///
/// # Errors
/// With every problem at once, each with its place and what to do.
pub fn read(path: &Path) -> anyhow::Result<Catalog> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the catalog `{}` could not be read", path.display()))?;
    parse(&text).with_context(|| format!("the catalog `{}` is not valid", path.display()))
}

/// As [`read`], from a text.
///
/// # Errors
/// See [`read`].
pub fn parse(text: &str) -> anyhow::Result<Catalog> {
    let catalog: Catalog = toml::from_str(text)?;
    let problems = catalog.problems();
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(|problem| format!("- {problem}")).collect();
        bail!("{} problems:\n{}", problems.len(), lines.join("\n"));
    }
    Ok(catalog)
}

/// Stripe's price for each of our lookup keys, as `STRIPE_PRODUCT_PRICE_MAP` gives them.
///
/// A key is a lookup key, or a plan's code for the plan's first price.
///
/// # Errors
/// When the text is neither JSON nor `code=price_…,…`, or names a plan or price that is not in the catalog.
pub fn price_map(text: &str, catalog: &Catalog) -> anyhow::Result<BTreeMap<String, String>> {
    let mut map = BTreeMap::new();
    for (name, stripe_price) in read_pairs(text)? {
        let first_price = catalog.plan(&name).and_then(|plan| {
            plan.prices.first().map(|price| price.lookup_key(&plan.code, plan.version))
        });
        let known = |plan: &tollhouse_domain::plan::Plan| {
            plan.prices.iter().any(|price| price.lookup_key(&plan.code, plan.version) == name)
        };
        match first_price {
            Some(lookup_key) => map.insert(lookup_key, stripe_price),
            None if catalog.plans.iter().any(known) => map.insert(name, stripe_price),
            None => bail!(
                "`STRIPE_PRODUCT_PRICE_MAP` names `{name}`, which is neither a plan with a price nor a \
                 lookup key of the catalog"
            ),
        };
    }
    Ok(map)
}

fn read_pairs(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let text = text.trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).context("`STRIPE_PRODUCT_PRICE_MAP` is not JSON");
    }
    text.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (name, price) = pair.split_once('=').with_context(|| {
                format!("`{pair}` in `STRIPE_PRODUCT_PRICE_MAP` is not `plan=price_…`")
            })?;
            Ok((name.trim().to_owned(), price.trim().to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Catalog {
        parse(include_str!("../../../../catalog.example.toml")).unwrap()
    }

    #[test]
    fn the_example_is_valid() {
        let catalog = example();
        assert!(catalog.free_plan().is_some());
        assert!(catalog.plan("pro").is_some_and(|plan| plan.prices.len() >= 2));
    }

    #[test]
    fn a_map_is_read_from_json_and_from_pairs() {
        let json =
            price_map(r#"{"pro": "price_1", "pro_v1_year_usd": "price_2"}"#, &example()).unwrap();
        let pairs = price_map("pro=price_1, pro_v1_year_usd=price_2", &example()).unwrap();
        assert_eq!(json, pairs);
        assert_eq!(json["pro_v1_month_usd"], "price_1");
        assert_eq!(json["pro_v1_year_usd"], "price_2");
        assert!(price_map("", &example()).unwrap().is_empty());
    }

    #[test]
    fn a_map_with_a_typo_is_refused_by_name() {
        let error = price_map("prro=price_1", &example()).unwrap_err().to_string();
        assert!(error.contains("`prro`"), "{error}");
    }
}
