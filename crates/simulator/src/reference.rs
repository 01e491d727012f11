//! The page that says of each operation whether the simulator does it.

use std::collections::BTreeMap;

use crate::operations;

/// A page of Markdown: every operation of Stripe's, by the object it is about.
pub fn reference() -> String {
    let mut rows: Vec<(&str, &str, bool)> = operations::all()
        .map(|operation| (operation.path, operation.method, operation.run.is_some()))
        .collect();
    rows.sort_unstable();
    let done = rows.iter().filter(|(.., behaves)| *behaves).count();
    let groups = groups(&rows);
    let begun = groups.iter().filter(|(_, (done, _))| *done > 0);
    let begun = begun.map(|(name, (done, all))| format!("| `{name}` | {done} of {all} |"));
    let shown = rows.iter().filter(|(path, ..)| groups[group(path)].0 > 0);
    let shown = shown.map(|(path, method, behaves)| {
        let answer = if *behaves { "behaves" } else { "501" };
        format!("| `{method} {path}` | {answer} |\n")
    });
    let others: Vec<String> = groups
        .iter()
        .filter(|(_, (done, _))| *done == 0)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    format!(
        "# Simulator\n\nThe simulator does {done} of Stripe's {} operations, and answers the others 501 \
         with a sentence. What it leaves out of those it does stands at the head of \
         `crates/simulator/src/lib.rs`. This page is generated.\n\n\
         | begins with | behaves |\n| --- | --- |\n{}\n\n\
         Nothing yet of: {}.\n\n\
         ## Each operation\n\n| operation | answer |\n| --- | --- |\n{}",
        rows.len(),
        begun.collect::<Vec<_>>().join("\n"),
        others.join(", "),
        shown.collect::<String>()
    )
}

/// What is done, and what there is, by the beginning of the path.
fn groups<'a>(rows: &[(&'a str, &'a str, bool)]) -> BTreeMap<&'a str, (usize, usize)> {
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (path, _, behaves) in rows {
        let (done, all) = groups.entry(group(path)).or_default();
        *done += usize::from(*behaves);
        *all += 1;
    }
    groups
}

/// `/v1/customers`; of some, which have many kinds, one more word: `/v1/billing/meters`.
fn group(path: &str) -> &str {
    const WIDE: [&str; 9] = [
        "/v1/billing/",
        "/v1/billing_portal/",
        "/v1/checkout/",
        "/v1/entitlements/",
        "/v1/test_helpers/",
        "/v2/billing/",
        "/v2/core/",
        "/v2/commerce/",
        "/v2/data/",
    ];
    let words = if WIDE.iter().any(|wide| path.starts_with(wide)) { 3 } else { 2 };
    // The first slash stands before the first word.
    match path.match_indices('/').nth(words) {
        Some((end, _)) => &path[..end],
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_grouped_by_what_they_are_about() {
        for (path, expected) in [
            ("/v1/customers", "/v1/customers"),
            ("/v1/customers/{id}/sources", "/v1/customers"),
            ("/v1/billing/meters/{id}", "/v1/billing/meters"),
            ("/v2/core/events", "/v2/core/events"),
        ] {
            assert_eq!(group(path), expected);
        }
    }

    #[test]
    fn the_page_counts_what_it_lists() {
        let page = reference();
        let behaves = page.matches("| behaves |\n").count() - 1;
        assert!(page.contains(&format!("The simulator does {behaves} of Stripe's 651 operations")));
        assert!(page.contains("| `POST /v1/subscriptions` | behaves |"));
        assert!(page.contains("| `POST /v1/charges` | 501 |"));
    }
}
