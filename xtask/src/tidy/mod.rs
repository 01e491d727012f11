//! The rules of the house that no compiler knows. Each is a function from the house to findings.

mod floors;
mod house;
mod migrations;
mod names;
mod pages;
mod size;
mod slices;
mod sql;
mod tokens;
mod transactions;

use std::fmt;

use anyhow::{Result, bail};

use crate::shell::{root, say};
use house::House;

/// Something to put right.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// A path, with a line where there is one.
    place: String,
    wrong: String,
    why: &'static str,
    remedy: &'static str,
}

type Rule = fn(&House) -> Vec<Finding>;

const RULES: [Rule; 13] = [
    size::too_long,
    sql::outside_its_place,
    sql::written_by_a_stranger,
    floors::unknown_floor,
    floors::climbing,
    transactions::waiting_for_stripe,
    slices::unknown_file,
    slices::without_owns,
    names::of_things,
    names::of_files,
    migrations::of_one_database_only,
    pages::paths_that_do_not_exist,
    pages::changelog_without_unreleased,
];

/// Prints every finding, and fails if there is one.
pub fn tidy() -> Result<()> {
    let house = House::read(root())?;
    for (path, lines) in size::soon_too_long(&house) {
        say(&format!("soon too long: {path} ({lines} lines; split it by verb before 500)"));
    }
    let findings = findings(&house);
    for finding in &findings {
        say(&format!("{finding}\n"));
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("one rule of the house is broken: see above"),
        many => bail!("the rules of the house are broken in {many} places: see above"),
    }
}

fn findings(house: &House) -> Vec<Finding> {
    RULES.iter().flat_map(|rule| rule(house)).collect()
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.place, self.wrong)?;
        writeln!(f, "  why: {}", self.why)?;
        write!(f, "  do:  {}", self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let findings = findings(&House::read(root()).unwrap());
        let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}\n", list.join("\n\n"));
    }

    #[test]
    fn a_finding_says_where_what_why_and_what_to_do() {
        let finding = Finding {
            place: "a.rs:3".to_owned(),
            wrong: "this is wrong".to_owned(),
            why: "because",
            remedy: "do that",
        };
        assert_eq!(finding.to_string(), "a.rs:3: this is wrong\n  why: because\n  do:  do that");
    }
}
