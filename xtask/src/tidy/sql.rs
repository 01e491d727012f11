//! Where SQL may stand, and who may write a table.

use super::Finding;
use super::house::{House, ServerFile};
use super::slices::owned_tables;
use super::tokens::{Token, tokens};

pub fn outside_its_place(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in house.server_files().filter(|file| !may_hold_sql(file)) {
        let tokens = tokens(file.text);
        for (index, (line, token)) in tokens.iter().enumerate() {
            let wrong = match token {
                Token::Word("sqlx") if follows(&tokens, index, "::") => "uses `sqlx` here",
                Token::Text(text) if is_sql(text) => "has SQL here",
                _ => continue,
            };
            findings.push(Finding {
                place: format!("{}:{line}", file.path),
                wrong: wrong.to_owned(),
                why: "who changes a table must find every statement that knows it in one file",
                remedy: "move it to `queries.rs` of the slice that owns the table, and call that",
            });
        }
    }
    findings
}

pub fn written_by_a_stranger(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in house.server_files().filter(|file| file.slice != "db") {
        let owned = owned_tables(house, file.slice).unwrap_or_default();
        for (line, token) in tokens(file.text) {
            let Token::Text(text) = token else { continue };
            for table in written_tables(text).into_iter().filter(|table| !owned.contains(table)) {
                findings.push(Finding {
                    place: format!("{}:{line}", file.path),
                    wrong: format!(
                        "`{}` writes table `{table}`, which it does not own",
                        file.slice
                    ),
                    why: "an invariant holds only if one slice alone can break it",
                    remedy: "call a verb of the owner; or, if it is yours, name it under `Owns:` \
                             in the slice's `mod.rs`",
                });
            }
        }
    }
    findings
}

fn may_hold_sql(file: &ServerFile) -> bool {
    file.slice == "db" || file.path.ends_with("/queries.rs")
}

fn follows(tokens: &[(usize, Token)], index: usize, mark: &str) -> bool {
    tokens.get(index + 1).is_some_and(|(_, next)| *next == Token::Mark(mark))
}

/// A statement has two words that no sentence has in this order and these letters.
fn is_sql(text: &str) -> bool {
    let words = sql_words(text);
    let has = |first: &str, then: &str| {
        words.iter().position(|word| *word == first).is_some_and(|at| words[at..].contains(&then))
    };
    has("SELECT", "FROM")
        || has("UPDATE", "SET")
        || words.windows(2).any(|pair| matches!(pair, ["INSERT", "INTO"] | ["DELETE", "FROM"]))
}

/// The tables a text inserts into, updates or deletes from.
fn written_tables(text: &str) -> Vec<&str> {
    let words = sql_words(text);
    let mut tables = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).map_or("", |before| words[before]);
        let writes = match *word {
            // Not `FOR UPDATE`, which locks, nor `DO UPDATE`, whose table stands before.
            "UPDATE" => !["FOR", "DO", "ON"].contains(&before),
            "INTO" => before == "INSERT",
            "FROM" => before == "DELETE",
            _ => false,
        };
        let table = words.get(index + 1).filter(|_| writes);
        tables.extend(table.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())));
    }
    tables
}

/// Words of SQL; `\n` and `\` of a Rust literal are spaces.
fn sql_words(text: &str) -> Vec<&str> {
    text.split("\\n")
        .flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.place.as_str()).collect()
    }

    #[test]
    fn sql_stands_in_queries_and_in_db_only() {
        let select = r#"fn f() { conn.q("SELECT id\n FROM plans") }"#;
        let house = House::of(&[
            ("crates/server/src/catalog/queries.rs", select),
            ("crates/server/src/db/migrate.rs", select),
            ("crates/server/src/catalog/api.rs", select),
            ("crates/server/src/catalog/actions.rs", "\nuse sqlx::Row;"),
            ("crates/server/src/lib.rs", "/// SELECT a FROM b\nconst A: &str = \"select from\";"),
            ("crates/cli/src/main.rs", select),
        ]);
        let findings = outside_its_place(&house);
        let expected =
            ["crates/server/src/catalog/actions.rs:2", "crates/server/src/catalog/api.rs:1"];
        assert_eq!(places(&findings), expected);
    }

    #[test]
    fn statements_are_told_from_sentences() {
        let statements = [
            "SELECT 1 FROM a",
            "UPDATE a AS b SET c = 1",
            "WITH x AS (SELECT 1) INSERT INTO a VALUES (1)",
            "DELETE FROM a",
        ];
        for text in statements {
            assert!(is_sql(text), "{text}");
        }
        for text in ["Select one from the list", "FROM here SELECT", "UPDATE", "INSERT a coin"] {
            assert!(!is_sql(text), "{text}");
        }
    }

    #[test]
    fn a_table_is_written_by_its_owner_only() {
        let owns = "//! Owns: `usage_events`, `usage_totals`.\n";
        let queries = r#"
fn own() { sql!("INSERT INTO usage_events (id) VALUES (1) ON CONFLICT DO UPDATE SET n = 1") }
fn read() { sql!("SELECT * FROM invoices FOR UPDATE of invoices") }
fn stranger() { sql!("UPDATE invoices SET total = 1") }
"#;
        let house = House::of(&[
            ("crates/server/src/usage/mod.rs", owns),
            ("crates/server/src/usage/queries.rs", queries),
            ("crates/server/src/record/queries.rs", r#"const A: &str = "DELETE FROM events";"#),
        ]);
        let findings = written_by_a_stranger(&house);
        let expected =
            ["crates/server/src/record/queries.rs:1", "crates/server/src/usage/queries.rs:4"];
        assert_eq!(places(&findings), expected);
        assert!(findings[1].wrong.contains("`usage` writes table `invoices`"));
    }

    #[test]
    fn every_writing_form_names_its_table() {
        for text in ["INSERT INTO a", "UPDATE a SET", "DELETE FROM a WHERE", "x\\nUPDATE a"] {
            assert_eq!(written_tables(text), ["a"], "{text}");
        }
        for text in ["SELECT 1 FROM a", "FOR UPDATE of a", "DO UPDATE SET a = 1", "AN UPDATE OF A"]
        {
            assert!(written_tables(text).is_empty(), "{text}");
        }
    }
}
