//! How long a file may be.

use super::Finding;
use super::house::House;

const LINES_MAX: usize = 500;
const LINES_SOON: usize = 350;

pub fn too_long(house: &House) -> Vec<Finding> {
    longer_than(house, LINES_MAX)
        .map(|(path, lines)| Finding {
            place: path.to_owned(),
            wrong: format!("has {lines} lines; {LINES_MAX} is the end"),
            why: "a file is read as a whole or not at all",
            remedy: "split it by verb, each part with a first line that says what it is",
        })
        .collect()
}

/// Files to split at the next occasion.
pub fn soon_too_long(house: &House) -> impl Iterator<Item = (&str, usize)> {
    longer_than(house, LINES_SOON).filter(|(_, lines)| *lines <= LINES_MAX)
}

fn longer_than(house: &House, limit: usize) -> impl Iterator<Item = (&str, usize)> {
    house
        .rust_files()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(move |(_, lines)| *lines > limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_over_the_limit_and_warns_before() {
        let lines = |count: usize| "\n".repeat(count);
        let house = House::of(&[
            ("crates/a/src/fine.rs", &lines(350)),
            ("crates/a/src/soon.rs", &lines(351)),
            ("crates/a/src/last.rs", &lines(500)),
            ("crates/a/src/over.rs", &lines(501)),
            ("README.md", &lines(900)),
        ]);
        let over: Vec<_> = too_long(&house).into_iter().map(|finding| finding.place).collect();
        assert_eq!(over, ["crates/a/src/over.rs"]);
        let soon: Vec<_> = soon_too_long(&house).collect();
        assert_eq!(soon, [("crates/a/src/last.rs", 500), ("crates/a/src/soon.rs", 351)]);
    }
}
