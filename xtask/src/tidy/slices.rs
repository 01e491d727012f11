//! The grammar of a slice: its file names, and what its `mod.rs` says first.

use std::collections::BTreeSet;

use super::Finding;
use super::floors;
use super::house::{House, SERVER, ServerFile};

/// A slice is made of these and no others, unless its `mod.rs` says what the others are.
const PARTS: [&str; 8] =
    ["mod.rs", "api.rs", "api/", "actions.rs", "actions/", "queries.rs", "sync.rs", "tasks.rs"];

/// The one folder that belongs to no subject: it is how every slice reaches its tables.
const DATABASE: &str = "db";

pub fn unknown_file(house: &House) -> Vec<Finding> {
    let parts: BTreeSet<(&str, String)> = house
        .server_files()
        .filter(|file| !file.within.is_empty() && !floors::is_ground(file.slice))
        .map(|file| (file.slice, part(&file)))
        .collect();
    parts
        .into_iter()
        .filter(|(slice, part)| !PARTS.contains(&part.as_str()) && !is_named(house, slice, part))
        .map(|(slice, part)| Finding {
            place: format!("{SERVER}{slice}/{part}"),
            wrong: format!("`{part}` is none of the names every slice knows"),
            why: "who knows one slice should find their way in all of them",
            remedy: "use mod, api, actions, queries, sync or tasks; or name it in backticks in the \
                     slice's `mod.rs` and say there what it is",
        })
        .collect()
}

pub fn without_owns(house: &House) -> Vec<Finding> {
    let slices: BTreeSet<&str> = house
        .server_files()
        .filter(|file| !file.within.is_empty() && file.slice != DATABASE)
        .map(|file| file.slice)
        .collect();
    slices
        .into_iter()
        .filter(|slice| owned_tables(house, slice).is_none())
        .map(|slice| Finding {
            place: format!("{SERVER}{slice}/mod.rs"),
            wrong: "has no line `//! Owns:`".to_owned(),
            why: "a table has one owner, and a reader must see who it is",
            remedy: "write the lines `//! Owns:` (tables in backticks, or «nothing»), \
                     `//! Does not own:` and `//! Invariant:`",
        })
        .collect()
}

/// The tables a slice says it owns; nothing if it does not say.
pub fn owned_tables<'a>(house: &'a House, slice: &str) -> Option<BTreeSet<&'a str>> {
    let text = house.text(&format!("{SERVER}{slice}/mod.rs"))?;
    let mut docs = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("//!"))
        .map(str::trim)
        .skip_while(|line| !line.starts_with("Owns:"));
    let first = docs.next()?.trim_start_matches("Owns:");
    let more = docs.take_while(|line| !line.is_empty() && !begins_another_subject(line));
    Some(std::iter::once(first).chain(more).flat_map(backticked).collect())
}

/// `Does not own: …`, `Invariant: …`
fn begins_another_subject(line: &str) -> bool {
    line.starts_with(|c: char| c.is_uppercase())
        && line.split_once(':').is_some_and(|(words, _)| !words.contains('`'))
}

/// The file or folder directly in the slice.
fn part(file: &ServerFile) -> String {
    match file.within.split_once('/') {
        Some((folder, _)) => format!("{folder}/"),
        None => file.within.to_owned(),
    }
}

/// As `stream.rs` or `stream`; a folder as `operator/` or `operator`.
fn is_named(house: &House, slice: &str, part: &str) -> bool {
    let bare = part.trim_end_matches('/').trim_end_matches(".rs");
    let text = house.text(&format!("{SERVER}{slice}/mod.rs")).unwrap_or_default();
    text.lines().flat_map(backticked).any(|name| name == part || name == bare)
}

/// What stands in backticks.
pub fn backticked(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: &str = "//! Usage: what was used.
//!
//! Owns: `usage_events`,
//! `usage_totals` (one row per period).
//! Does not own: `invoices`.
//! `lago.rs` sends the same to Lago.
";

    #[test]
    fn reads_the_owned_tables_and_stops_at_the_next_subject() {
        let house = House::of(&[("crates/server/src/usage/mod.rs", USAGE)]);
        let owned = owned_tables(&house, "usage").unwrap();
        assert_eq!(owned.into_iter().collect::<Vec<_>>(), ["usage_events", "usage_totals"]);
        assert_eq!(owned_tables(&house, "missing"), None);
    }

    #[test]
    fn owning_nothing_is_said_too() {
        let house = House::of(&[
            ("crates/server/src/checkout/mod.rs", "//! Checkout.\n//!\n//! Owns: nothing.\n"),
            ("crates/server/src/audit/mod.rs", "//! Audit.\n"),
            ("crates/server/src/events/api.rs", ""),
            ("crates/server/src/db/mod.rs", "//! Open, transact.\n"),
            ("crates/server/src/app.rs", ""),
        ]);
        let places: Vec<_> = without_owns(&house).into_iter().map(|found| found.place).collect();
        assert_eq!(places, ["crates/server/src/audit/mod.rs", "crates/server/src/events/mod.rs"]);
    }

    #[test]
    fn a_file_with_its_own_name_must_be_introduced() {
        let house = House::of(&[
            ("crates/server/src/usage/mod.rs", USAGE),
            ("crates/server/src/usage/lago.rs", ""),
            ("crates/server/src/usage/queries.rs", ""),
            ("crates/server/src/usage/actions/record.rs", ""),
            ("crates/server/src/usage/rules.rs", ""),
            ("crates/server/src/usage/formats/csv.rs", ""),
            ("crates/server/src/http/router.rs", ""),
        ]);
        let places: Vec<_> = unknown_file(&house).into_iter().map(|found| found.place).collect();
        let expected = ["crates/server/src/usage/formats/", "crates/server/src/usage/rules.rs"];
        assert_eq!(places, expected);
    }
}
