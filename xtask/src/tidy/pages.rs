//! Pages that must stay true: the architecture page and the changelog.

use super::Finding;
use super::house::House;
use super::slices::backticked;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const CHANGELOG: &str = "CHANGELOG.md";

/// What a path into this repository begins with.
const TOPS: [&str; 3] = ["crates/", "docs/", "xtask/"];

pub fn paths_that_do_not_exist(house: &House) -> Vec<Finding> {
    let Some(page) = house.text(ARCHITECTURE) else { return vec![missing(ARCHITECTURE)] };
    let mut findings = Vec::new();
    for (index, line) in page.lines().enumerate() {
        for path in backticked(line).filter(|word| is_path(word) && !house.has(word)) {
            findings.push(Finding {
                place: format!("{ARCHITECTURE}:{}", index + 1),
                wrong: format!("names `{path}`, which does not exist"),
                why: "a map that is wrong once is not trusted again",
                remedy: "correct the page, or the path",
            });
        }
    }
    findings
}

pub fn changelog_without_unreleased(house: &House) -> Vec<Finding> {
    let Some(page) = house.text(CHANGELOG) else { return vec![missing(CHANGELOG)] };
    if page.lines().any(|line| line.trim_end() == "## Unreleased") {
        return Vec::new();
    }
    vec![Finding {
        place: CHANGELOG.to_owned(),
        wrong: "has no heading `## Unreleased`".to_owned(),
        why: "what users will notice is written down with the change, not at the release",
        remedy: "add the heading above the newest release",
    }]
}

fn missing(page: &str) -> Finding {
    Finding {
        place: page.to_owned(),
        wrong: "does not exist".to_owned(),
        why: "it is the first page people look for",
        remedy: "write it",
    }
}

/// A whole path: not a pattern such as `crates/*/src` or `docs/<page>.md`.
fn is_path(word: &str) -> bool {
    TOPS.iter().any(|top| word.starts_with(top)) && !word.contains(['*', '<', '{', '…', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_paths_that_are_gone() {
        let page = "See `crates/domain/src/money.rs` and `docs/guides/`.\n\
                    Not `crates/gone.rs`, nor `either/or`, nor `crates/*/src`.";
        let house = House::of(&[
            (ARCHITECTURE, page),
            ("crates/domain/src/money.rs", ""),
            ("docs/guides/1-first-subscription.md", ""),
        ]);
        let findings = paths_that_do_not_exist(&house);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "ARCHITECTURE.md:2");
        assert!(findings[0].wrong.contains("`crates/gone.rs`"));
    }

    #[test]
    fn the_changelog_has_a_place_for_what_comes_next() {
        let with = House::of(&[(CHANGELOG, "# Changelog\n\n## Unreleased\n")]);
        assert!(changelog_without_unreleased(&with).is_empty());
        let without = House::of(&[(CHANGELOG, "# Changelog\n\n## 0.1.0\n")]);
        assert_eq!(changelog_without_unreleased(&without).len(), 1);
    }

    #[test]
    fn a_page_that_is_not_there_is_a_finding() {
        let empty = House::of(&[]);
        assert_eq!(paths_that_do_not_exist(&empty), [missing(ARCHITECTURE)]);
        assert_eq!(changelog_without_unreleased(&empty), [missing(CHANGELOG)]);
    }
}
