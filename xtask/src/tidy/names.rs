//! Words that say nothing, wherever something is named.

use super::Finding;
use super::house::House;
use super::tokens::{Token, tokens};

/// Words that say nothing in any name, and what to say instead.
const EMPTY_WORDS: [(&str, &str); 6] = [
    ("manager", "say what it does: a verb for a function, a noun from the glossary for a type"),
    ("helper", "name the function after what it gives, and put it beside its caller"),
    ("helpers", "name the module after what its functions give"),
    ("util", "name it after what it gives, and put it beside its caller"),
    ("utils", "name it after what it gives, and put it beside its caller"),
    ("v2", "replace the first version, or name the difference"),
];

/// Words that say nothing at the end of a type's name.
const EMPTY_ENDINGS: [(&str, &str); 2] = [
    ("service", "leave the word away, or name what is served"),
    ("impl", "name what is special about this one"),
];

/// Words that say nothing at the beginning of a type's name.
const EMPTY_BEGINNINGS: [(&str, &str); 1] =
    [("new", "name what it is before it is stored: a draft, a request, an order")];

/// Files where anything could stand.
const EMPTY_FILES: [&str; 5] = ["utils", "helpers", "types", "common", "misc"];

const WHY: &str = "a name is read a hundred times; an empty word in it is read a hundred times too";

pub fn of_things(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in house.rust_files() {
        for (line, name, is_type) in defined_names(text) {
            findings.extend(remedy(name, is_type).map(|remedy| Finding {
                place: format!("{path}:{line}"),
                wrong: format!("the name `{name}` holds a word that says nothing"),
                why: WHY,
                remedy,
            }));
        }
    }
    findings
}

pub fn of_files(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _) in house.rust_files() {
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
        let vague = EMPTY_FILES.contains(&name);
        let general = vague.then_some("move each thing to the file whose subject it is");
        findings.extend(general.or_else(|| remedy(name, false)).map(|remedy| Finding {
            place: path.to_owned(),
            wrong: format!("a file called `{name}` can hold anything, and soon will"),
            why: WHY,
            remedy,
        }));
    }
    findings
}

fn remedy(name: &str, is_type: bool) -> Option<&'static str> {
    let words = words(name);
    let find = |list: &'static [(&str, &str)], word: Option<&String>| {
        list.iter().find(|(empty, _)| word.is_some_and(|word| word == empty)).map(|entry| entry.1)
    };
    words
        .iter()
        .find_map(|word| find(&EMPTY_WORDS, Some(word)))
        .or_else(|| find(&EMPTY_ENDINGS, words.last()).filter(|_| is_type))
        .or_else(|| find(&EMPTY_BEGINNINGS, words.first()).filter(|_| is_type && words.len() > 1))
}

/// Names this source gives; names of others' things it may use as they are.
fn defined_names(source: &str) -> Vec<(usize, &str, bool)> {
    let tokens = tokens(source);
    tokens
        .windows(2)
        .filter_map(|pair| match pair {
            [(_, Token::Word(keyword)), (line, Token::Word(name))] => match *keyword {
                "struct" | "enum" | "trait" | "type" | "union" => Some((*line, *name, true)),
                "fn" | "mod" | "const" | "static" | "let" => Some((*line, *name, false)),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

/// `HttpServiceV2` → http, service, v2
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        if (c == '_' || (c.is_uppercase() && after_small)) && words.last() != Some(&String::new()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c != '_') {
            word.extend(c.to_lowercase());
        }
        after_small = !c.is_uppercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(words("HttpServiceV2"), ["http", "service", "v2"]);
        assert_eq!(words("TEST_URL"), ["test", "url"]);
        assert_eq!(words("_unused_name"), ["unused", "name"]);
    }

    #[test]
    fn empty_words_are_found_where_something_is_named() {
        let source = "
struct SessionManager;
trait BillingService {}
struct GatewayImpl;
struct NewTenant;
fn date_helper() {}
mod utils;
enum CheckoutV2 {}
";
        let house = House::of(&[("crates/a/src/lib.rs", source)]);
        let lines: Vec<_> = of_things(&house)
            .into_iter()
            .map(|finding| finding.place.rsplit(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(lines, ["2", "3", "4", "5", "6", "7", "8"]);
    }

    #[test]
    fn names_of_others_and_words_inside_words_are_fine() {
        let source = "
use redis::aio::ConnectionManager;
impl tower::Service<Request> for Router {}
fn new() -> Self {}
fn service_of() {}
struct Renewal;
struct ServiceAddress;
fn f(manager: Manager) -> &'static str { \"struct Helper\" }
";
        assert!(of_things(&House::of(&[("crates/a/src/lib.rs", source)])).is_empty());
    }

    #[test]
    fn vague_files_are_found() {
        let house = House::of(&[
            ("crates/a/src/types.rs", ""),
            ("crates/a/src/date_utils.rs", ""),
            ("crates/a/src/money.rs", ""),
        ]);
        let places: Vec<_> = of_files(&house).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["crates/a/src/date_utils.rs", "crates/a/src/types.rs"]);
    }
}
