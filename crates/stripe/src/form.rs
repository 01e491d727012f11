//! Stripe's nested form encoding, both ways.
//!
//! `{"items": [{"price": "p"}]}` is written `items[0][price]=p`. Reading also accepts `expand[]=a`,
//! as people type it into curl. Read values are strings: a form has no other type.

use serde::Serialize;
use serde_json::{Map, Value};

/// Flattens parameters into bracketed pairs. `null` is left out; `""` stays, because an empty value
/// unsets a field at Stripe.
pub fn flatten(params: &impl Serialize) -> serde_json::Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    if let Value::Object(fields) = serde_json::to_value(params)? {
        for (name, value) in fields {
            flatten_into(name, value, &mut pairs);
        }
    }
    Ok(pairs)
}

fn flatten_into(name: String, value: Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => pairs.push((name, flag.to_string())),
        Value::Number(number) => pairs.push((name, number.to_string())),
        Value::String(text) => pairs.push((name, text)),
        Value::Array(items) => {
            for (index, item) in items.into_iter().enumerate() {
                flatten_into(format!("{name}[{index}]"), item, pairs);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                flatten_into(format!("{name}[{key}]"), field, pairs);
            }
        }
    }
}

/// Nests bracketed pairs again. An object whose keys are `0, 1, 2 …` becomes a list.
///
/// # Errors
/// A name with unbalanced brackets, or one used both as a value and as an object.
pub fn nest(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Value, MalformedName> {
    let mut root = Map::new();
    for (name, value) in pairs {
        let path = split_name(&name).ok_or_else(|| MalformedName(name.clone()))?;
        insert(&mut root, &path, value).ok_or(MalformedName(name))?;
    }
    Ok(Value::Object(root.into_iter().map(|(name, value)| (name, lists(value))).collect()))
}

/// A parameter name that does not follow `a[b][c]`, or contradicts an earlier one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("malformed parameter name `{0}`")]
pub struct MalformedName(pub String);

fn split_name(name: &str) -> Option<Vec<&str>> {
    let (head, rest) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    if head.is_empty() || head.contains(']') {
        return None;
    }
    let mut path = vec![head];
    let mut rest = rest;
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[')?;
        let (key, tail) = inner.split_once(']')?;
        if key.contains('[') || (key.is_empty() && !tail.is_empty() && !tail.starts_with('[')) {
            return None;
        }
        path.push(key);
        rest = tail;
    }
    Some(path)
}

fn insert(object: &mut Map<String, Value>, path: &[&str], value: String) -> Option<()> {
    let (first, rest) = path.split_first()?;
    // `a[]` appends: its key is the next free index.
    let key = if first.is_empty() { object.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        return match object.insert(key, Value::String(value)) {
            Some(Value::Object(_)) => None,
            _ => Some(()),
        };
    }
    match object.entry(key).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => insert(inner, rest, value),
        _ => None,
    }
}

fn lists(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let is_list =
        !fields.is_empty() && (0..fields.len()).all(|i| fields.contains_key(&i.to_string()));
    if !is_list {
        return Value::Object(fields.into_iter().map(|(key, value)| (key, lists(value))).collect());
    }
    let mut fields = fields;
    Value::Array(
        (0..fields.len()).filter_map(|i| fields.remove(&i.to_string())).map(lists).collect(),
    )
}

/// Writes pairs as an `application/x-www-form-urlencoded` body or query.
pub fn encode(pairs: &[(String, String)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        percent_encode(name, &mut out);
        out.push('=');
        percent_encode(value, &mut out);
    }
    out
}

/// Reads what [`encode`] wrote, and what browsers and curl send.
pub fn decode(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(name), percent_decode(value))
        })
        .collect()
}

fn percent_encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        match (escaped, first) {
            (Some(byte), _) => {
                bytes.push(byte);
                rest = &tail[2..];
                continue;
            }
            (None, b'+') => bytes.push(b' '),
            (None, byte) => bytes.push(byte),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn writes_nested_parameters_as_stripes_clients_do() {
        let pairs = flatten(&json!({
            "items": [{"price": "p", "quantity": 2}],
            "expand": ["latest_invoice.payments"],
            "metadata": {"k": "v"},
            "cancel_at": "",
            "off_session": true,
            "description": null,
        }))
        .unwrap();
        let text = encode(&pairs);
        assert_eq!(
            text,
            "cancel_at=&expand%5B0%5D=latest_invoice.payments&items%5B0%5D%5Bprice%5D=p\
             &items%5B0%5D%5Bquantity%5D=2&metadata%5Bk%5D=v&off_session=true"
        );
    }

    #[test]
    fn reads_empty_brackets_as_the_next_item() {
        let value = nest(decode("expand[]=a&expand[]=b&items[0][price]=p")).unwrap();
        assert_eq!(value, json!({"expand": ["a", "b"], "items": [{"price": "p"}]}));
    }

    #[test]
    fn refuses_names_that_make_no_sense() {
        for name in ["a[b", "[a]", "a]b", "a[b]c", ""] {
            assert!(nest([(name.to_owned(), "1".to_owned())]).is_err(), "{name}");
        }
        assert!(nest(decode("a=1&a[b]=2")).is_err());
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(pairs in prop::collection::vec(("[a-z\\[\\]]{1,8}", ".{0,12}"), 0..6)) {
            prop_assert_eq!(decode(&encode(&pairs)), pairs);
        }

        #[test]
        fn decoding_never_panics(text in ".{0,60}") {
            let _ = nest(decode(&text));
        }
    }
}
