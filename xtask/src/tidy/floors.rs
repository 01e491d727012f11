//! Who may call whom inside the server. A slice uses its own floor and those below.

use std::collections::BTreeSet;

use super::Finding;
use super::house::{House, SERVER, ServerFile};
use super::tokens::{Token, tokens};

/// From the roof to the ground, as drawn in ARCHITECTURE.md.
const FLOORS: [(&str, &[&str]); 6] = [
    ("roof", &["pages"]),
    (
        "doors",
        &[
            "checkout",
            "export",
            "lago",
            "payment_methods",
            "platform",
            "portal",
            "webhooks",
            "reconcile",
            "outbound",
            "retention",
            "downloads",
            "doctor",
            "monitoring",
        ],
    ),
    ("answers", &["status", "summaries", "entitlements", "alerts", "analytics"]),
    (
        "state",
        &[
            "subscriptions",
            "invoices",
            "usage",
            "credits",
            "slots",
            "discounts",
            "tenants",
            "catalog",
            "credentials",
            "sessions",
            "revenue",
        ],
    ),
    ("traces", &["record", "events", "audit"]),
    (
        "ground",
        &["app", "config", "clock", "error", "nudge", "sync", "db", "http", "tasks", "metrics"],
    ),
];

const GROUND: usize = FLOORS.len() - 1;

/// Lists of everything, and the door that asks who is calling: these look up, by name.
const MAY_LOOK_UP: [&str; 7] = [
    "lib.rs",
    "app.rs",
    "serve.rs",
    "http/router.rs",
    "http/openapi.rs",
    "http/auth.rs",
    "tasks/registry.rs",
];

pub fn climbing(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in house.server_files().filter(|file| !may_look_up(file)) {
        let Some(floor) = floor_of(file.slice) else { continue };
        for (line, target) in used_slices(file.text) {
            let Some(above) = floor_of(target).filter(|above| *above < floor) else { continue };
            findings.push(Finding {
                place: format!("{}:{line}", file.path),
                wrong: format!(
                    "`{}` ({}) uses `{target}` ({}), which is above it",
                    file.slice, FLOORS[floor].0, FLOORS[above].0
                ),
                why: "what lies below must be understandable without what lies above",
                remedy: "turn the dependency round: let the upper one call, or hand the value in",
            });
        }
    }
    findings
}

pub fn unknown_floor(house: &House) -> Vec<Finding> {
    let unknown: BTreeSet<&str> = house
        .server_files()
        .filter(|file| !may_look_up(file) && floor_of(file.slice).is_none())
        .map(|file| file.slice)
        .collect();
    unknown
        .into_iter()
        .map(|slice| Finding {
            place: format!("{SERVER}{slice}"),
            wrong: format!("`{slice}` stands on no floor"),
            why: "without a floor nobody knows who may use it and whom it may use",
            remedy: "put it on its floor in `xtask/src/tidy/floors.rs` and in ARCHITECTURE.md",
        })
        .collect()
}

/// Whether this is a part of the ground or of the traces' plumbing, with files of its own kind.
pub fn is_ground(slice: &str) -> bool {
    slice == "record" || floor_of(slice) == Some(GROUND)
}

fn floor_of(slice: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, slices)| slices.contains(&slice))
}

fn may_look_up(file: &ServerFile) -> bool {
    file.path.strip_prefix(SERVER).is_some_and(|path| MAY_LOOK_UP.contains(&path))
}

/// What follows `crate::`, in a `use` or in the middle of the code; all of `crate::{…}`.
fn used_slices(source: &str) -> Vec<(usize, &str)> {
    let tokens = tokens(source);
    let mut used = Vec::new();
    for (index, pair) in tokens.windows(2).enumerate() {
        if !matches!(pair, [(_, Token::Word("crate")), (_, Token::Mark("::"))]) {
            continue;
        }
        let mut depth = 0;
        let mut begins = true; // of a path, where the name of a slice stands
        for (line, token) in &tokens[index + 2..] {
            match token {
                Token::Mark("{") => depth += 1,
                Token::Mark("}") => depth -= 1,
                Token::Mark(",") => begins = depth == 1,
                Token::Word(name) if begins => {
                    used.push((*line, *name));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn using_upwards_is_found_and_downwards_is_not() {
        let house = House::of(&[
            ("crates/server/src/usage/actions.rs", "use crate::db::Db;\nuse crate::webhooks;"),
            ("crates/server/src/webhooks/tasks.rs", "use crate::usage::sync;"),
            ("crates/server/src/usage/api.rs", "use crate::invoices::queries;"),
            ("crates/server/src/http/limits.rs", "fn f() { crate::tenants::find() }"),
            ("crates/server/src/http/router.rs", "use crate::tenants;"),
            ("crates/server/src/clock.rs", "// use crate::tenants;\nuse crate::App;"),
        ]);
        let findings = climbing(&house);
        let places: Vec<_> = findings.iter().map(|finding| finding.place.as_str()).collect();
        let expected =
            ["crates/server/src/http/limits.rs:1", "crates/server/src/usage/actions.rs:2"];
        assert_eq!(places, expected);
        assert!(findings[1].wrong.contains("`usage` (state) uses `webhooks` (doors)"));
    }

    #[test]
    fn grouped_imports_are_read_name_by_name() {
        let source = "use crate::{db::{self, Conn}, error, usage::queries as q};\nuse std::fmt;";
        let used: Vec<_> = used_slices(source).into_iter().map(|(_, name)| name).collect();
        assert_eq!(used, ["db", "error", "usage"]);
    }

    #[test]
    fn a_new_slice_needs_a_floor() {
        let house = House::of(&[
            ("crates/server/src/refunds/mod.rs", ""),
            ("crates/server/src/refunds/api.rs", ""),
            ("crates/server/src/usage/mod.rs", ""),
            ("crates/server/src/lib.rs", ""),
        ]);
        let places: Vec<_> = unknown_floor(&house).into_iter().map(|found| found.place).collect();
        assert_eq!(places, ["crates/server/src/refunds"]);
    }
}
