//! Two databases, one history: every migration exists for both, under one number and name.

use std::collections::BTreeSet;

use super::Finding;
use super::house::House;

const SQLITE: &str = "crates/server/migrations/sqlite/";
const POSTGRES: &str = "crates/server/migrations/postgres/";

pub fn of_one_database_only(house: &House) -> Vec<Finding> {
    let sqlite: BTreeSet<&str> = house.names_in(SQLITE).collect();
    let postgres: BTreeSet<&str> = house.names_in(POSTGRES).collect();
    let only = |folder: &'static str, name: &&str| format!("{folder}{name}");
    sqlite
        .difference(&postgres)
        .map(|name| only(SQLITE, name))
        .chain(postgres.difference(&sqlite).map(|name| only(POSTGRES, name)))
        .map(|place| Finding {
            place,
            wrong: "the other database has no migration of this number and name".to_owned(),
            why: "one SQL text serves both databases only while their tables are the same",
            remedy: "write it for the other database too, under the same file name",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_migrations() {
        let house = House::of(&[
            ("crates/server/migrations/sqlite/0001_catalog.sql", ""),
            ("crates/server/migrations/postgres/0001_catalog.sql", ""),
            ("crates/server/migrations/sqlite/0002_tenants.sql", ""),
            ("crates/server/migrations/postgres/0002_tenant.sql", ""),
        ]);
        let places: Vec<_> =
            of_one_database_only(&house).into_iter().map(|finding| finding.place).collect();
        let expected = [
            "crates/server/migrations/sqlite/0002_tenants.sql",
            "crates/server/migrations/postgres/0002_tenant.sql",
        ];
        assert_eq!(places, expected);
    }
}
