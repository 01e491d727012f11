//! The language of queries: `status:"active" AND metadata["plan"]:"pro"`.

use std::cmp::Ordering;

use serde_json::Value;

use crate::error::{Error, Result};

/// What a field of an object can be asked about.
#[derive(Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    /// Where the answer stands in the object.
    pub path: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Flag,
}

pub struct Query {
    clauses: Vec<Clause>,
    /// One clause is enough, instead of all.
    any: bool,
}

struct Clause {
    negated: bool,
    subject: Subject,
    operator: Operator,
    /// None stands for `null`.
    value: Option<String>,
}

enum Subject {
    Field(Field),
    Metadata(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    Contains,
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// The longest first, so that `>=` is not read as `>`.
const OPERATORS: [(&str, Operator); 6] = [
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    (">", Operator::Above),
    ("<", Operator::Below),
    (":", Operator::Is),
    ("~", Operator::Contains),
];

/// A shorter part of a text cannot be searched for.
const PART_CHARS_MIN: usize = 3;
const CLAUSES_MAX: usize = 10;

impl Query {
    /// # Errors
    /// What is wrong with the query, and where.
    pub fn parse(text: &str, fields: &[Field]) -> Result<Self> {
        let mut rest = text.trim();
        let mut clauses = Vec::new();
        let mut joint: Option<bool> = None;
        loop {
            let (clause, after) = clause(rest, fields)?;
            clauses.push(clause);
            rest = after.trim_start();
            if rest.is_empty() {
                break;
            }
            let (any, after) = join(rest);
            if joint.is_some_and(|joint| joint != any) {
                return Err(refuse("A query joins its clauses by AND or by OR, not by both."));
            }
            joint = Some(any);
            rest = after.trim_start();
        }
        if clauses.len() > CLAUSES_MAX {
            return Err(refuse(&format!("A query has at most {CLAUSES_MAX} clauses.")));
        }
        Ok(Self { clauses, any: joint.unwrap_or(false) })
    }

    pub fn describes(&self, object: &Value) -> bool {
        let mut clauses = self.clauses.iter().map(|clause| clause.holds(object) != clause.negated);
        if self.any { clauses.any(|holds| holds) } else { clauses.all(|holds| holds) }
    }
}

/// `AND`, `OR`, or the space that means `AND`. Answers whether one clause is enough.
fn join(rest: &str) -> (bool, &str) {
    for (word, any) in [("AND", false), ("OR", true)] {
        let after = rest.get(..word.len()).filter(|front| front.eq_ignore_ascii_case(word));
        if after.is_some() && rest[word.len()..].starts_with(char::is_whitespace) {
            return (any, &rest[word.len()..]);
        }
    }
    (false, rest)
}

fn clause<'a>(text: &'a str, fields: &[Field]) -> Result<(Clause, &'a str)> {
    let (negated, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (subject, rest) = subject(text, fields)?;
    let rest = rest.trim_start();
    let found = OPERATORS.iter().find_map(|(sign, operator)| {
        rest.strip_prefix(sign).map(|rest| (*operator, rest.trim_start()))
    });
    let (operator, rest) = found.ok_or_else(|| {
        refuse(&format!("Expected one of `:`, `~`, `>`, `<`, `>=`, `<=` before `{rest}`."))
    })?;
    let (value, rest) = value(rest)?;
    check(&subject, operator, value.as_deref())?;
    Ok((Clause { negated, subject, operator, value }, rest))
}

fn subject<'a>(text: &'a str, fields: &[Field]) -> Result<(Subject, &'a str)> {
    if let Some(rest) = text.strip_prefix("metadata[") {
        let (key, rest) = quoted(rest)?;
        let rest = rest.strip_prefix(']');
        let rest = rest.ok_or_else(|| refuse("Expected `]` after the key of metadata."))?;
        return Ok((Subject::Metadata(key), rest));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let found = fields.iter().find(|field| field.name == name);
    let found = found.ok_or_else(|| {
        let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        refuse(&format!(
            "Field `{name}` is an unsupported search field for this resource. It has: {}, metadata.",
            known.join(", ")
        ))
    })?;
    Ok((Subject::Field(*found), rest))
}

fn value(text: &str) -> Result<(Option<String>, &str)> {
    if text.starts_with(['"', '\'']) {
        let (value, rest) = quoted(text)?;
        return Ok((Some(value), rest));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    match word {
        "" => Err(refuse("A clause ends before its value.")),
        "null" | "NULL" => Ok((None, rest)),
        word if word == "true" || word == "false" || word.parse::<i64>().is_ok() => {
            Ok((Some(word.to_owned()), rest))
        }
        word => Err(refuse(&format!("Values are written in quotes: \"{word}\"."))),
    }
}

/// A text in quotes, in which `\` stands before a quote that is meant.
fn quoted(text: &str) -> Result<(String, &str)> {
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, quote)| quote).filter(|quote| ['"', '\''].contains(quote));
    let quote = quote.ok_or_else(|| refuse("Expected a text in quotes."))?;
    let mut value = String::new();
    while let Some((place, found)) = chars.next() {
        match found {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            end if end == quote => return Ok((value, &text[place + end.len_utf8()..])),
            other => value.push(other),
        }
    }
    Err(refuse("A quote is not closed."))
}

fn check(subject: &Subject, operator: Operator, value: Option<&str>) -> Result<()> {
    let kind = match subject {
        Subject::Field(field) => field.kind,
        Subject::Metadata(_) => Kind::Text,
    };
    match (kind, operator, value) {
        (_, Operator::Is, _) | (Kind::Number, _, Some(_)) if operator != Operator::Contains => {
            let is_number = value.is_none_or(|value| value.parse::<i64>().is_ok());
            if kind == Kind::Number && !is_number {
                return Err(refuse("This field is compared with whole numbers."));
            }
            Ok(())
        }
        (Kind::Text, Operator::Contains, Some(part)) => {
            if part.chars().count() >= PART_CHARS_MIN {
                return Ok(());
            }
            Err(refuse(&format!("`~` takes at least {PART_CHARS_MIN} characters.")))
        }
        _ => Err(refuse("This field cannot be compared in this way.")),
    }
}

fn refuse(sentence: &str) -> Error {
    Error::invalid(format!(
        "We were unable to parse your search query. {sentence} See \
         https://stripe.com/docs/search#search-query-language."
    ))
    .param("query")
}

impl Clause {
    fn holds(&self, object: &Value) -> bool {
        let found = match &self.subject {
            Subject::Metadata(key) => &object["metadata"][key.as_str()],
            Subject::Field(field) => field.path.split('.').fold(object, |inside, key| &inside[key]),
        };
        let Some(wanted) = &self.value else { return found.is_null() };
        match self.operator {
            Operator::Is => as_text(found).is_some_and(|text| same(&text, wanted)),
            Operator::Contains => as_text(found)
                .is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase())),
            Operator::Above => self.order(found) == Some(Ordering::Greater),
            Operator::Below => self.order(found) == Some(Ordering::Less),
            Operator::AtLeast => self.order(found).is_some_and(Ordering::is_ge),
            Operator::AtMost => self.order(found).is_some_and(Ordering::is_le),
        }
    }

    fn order(&self, found: &Value) -> Option<Ordering> {
        let wanted: i64 = self.value.as_ref()?.parse().ok()?;
        Some(found.as_i64()?.cmp(&wanted))
    }
}

fn same(found: &str, wanted: &str) -> bool {
    found.to_lowercase() == wanted.to_lowercase()
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[Field] = &[
        Field { name: "name", path: "name", kind: Kind::Text },
        Field { name: "total", path: "total", kind: Kind::Number },
        Field { name: "active", path: "inner.active", kind: Kind::Flag },
    ];

    #[test]
    fn queries_describe_what_they_say() {
        let object = json!({
            "name": "Ann \"Lee\" Ärmel", "total": 500, "inner": {"active": true},
            "metadata": {"plan": "pro", "seats": "7"},
        });
        for (query, expected) in [
            ("name:\"ann \\\"lee\\\" ärmel\"", true),
            ("name:'Ann'", false),
            ("name~\"lee\"", true),
            ("-name~\"lee\"", false),
            ("total:500", true),
            ("total:\"500\"", true),
            ("total>499 AND total<501", true),
            ("total>=500 total<=500", true),
            ("total>500 OR active:'true'", true),
            ("total>500 or name~'zzz'", false),
            ("metadata[\"plan\"]:\"pro\" AND -metadata['seats']:'8'", true),
            ("metadata[\"none\"]:null", true),
            ("-metadata[\"plan\"]:null", true),
            ("active:\"false\"", false),
        ] {
            let query_read = Query::parse(query, FIELDS).map_err(|error| error.body()).unwrap();
            assert_eq!(query_read.describes(&object), expected, "{query}");
        }
    }

    #[test]
    fn queries_that_say_nothing_are_refused() {
        for query in [
            "",
            "nothing:\"x\"",
            "name",
            "name:",
            "name:x",
            "name:\"x",
            "name~\"le\"",
            "name>\"a\"",
            "total~\"500\"",
            "total:\"many\"",
            "metadata[plan]:\"pro\"",
            "total:1 AND total:2 OR total:3",
            "total:1 AND",
        ] {
            assert!(Query::parse(query, FIELDS).is_err(), "{query}");
        }
    }
}
