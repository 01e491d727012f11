//! Reading request parameters, with Stripe's words for each way to get one wrong.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Up to fifty pairs of an integration's own.
pub type Metadata = BTreeMap<String, String>;

const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_CHARS_MAX: usize = 40;
const METADATA_VALUE_CHARS_MAX: usize = 500;

/// The parameters of a request, or of one hash inside it. Every leaf is text: a form has no other type.
#[derive(Clone, Debug)]
pub struct Params<'a> {
    fields: &'a Map<String, Value>,
    /// The hash this is, as Stripe names it in errors: `subscription_data`; empty at the top.
    within: String,
    /// Unknown names are refused; not so for clients that name no API version, as Stripe's own
    /// command line, whose samples are older than the present parameters.
    strict: bool,
}

impl<'a> Params<'a> {
    pub fn new(fields: &'a Map<String, Value>, strict: bool) -> Self {
        Self { fields, within: String::new(), strict }
    }

    /// The full name of a field: `subscription_data[metadata]`.
    pub fn name(&self, field: &str) -> String {
        if self.within.is_empty() { field.to_owned() } else { format!("{}[{field}]", self.within) }
    }

    pub fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Given as the empty string, Stripe's way of saying «unset».
    pub fn is_unset(&self, field: &str) -> bool {
        matches!(self.fields.get(field), Some(Value::String(text)) if text.is_empty())
    }

    pub fn text(&self, field: &str) -> Result<Option<&'a str>> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(field, "Invalid string")),
        }
    }

    pub fn required_text(&self, field: &str) -> Result<&'a str> {
        match self.text(field)? {
            Some(text) => Ok(text),
            None if self.has(field) => Err(self.empty(field)),
            None => Err(Error::parameter_missing(&self.name(field))),
        }
    }

    pub fn integer(&self, field: &str) -> Result<Option<i64>> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            Error::invalid(format!("Invalid integer: {text}"))
                .code("parameter_invalid_integer")
                .param(&self.name(field))
        })
    }

    pub fn boolean(&self, field: &str) -> Result<Option<bool>> {
        match self.text(field)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(self.wrong(field, &format!("Invalid boolean: {text}"))),
        }
    }

    /// One of a closed list of words.
    pub fn choice(&self, field: &str, choices: &[&'static str]) -> Result<Option<&'static str>> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => Ok(Some(choice)),
            None => Err(self.wrong(
                field,
                &format!("Invalid {}: must be one of {}", self.name(field), choices.join(", ")),
            )),
        }
    }

    pub fn url(&self, field: &str) -> Result<Option<&'a str>> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let known = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        match known {
            Some(rest) if !rest.is_empty() && !text.contains(char::is_whitespace) => Ok(Some(text)),
            _ => Err(self.wrong(field, "Not a valid URL").code("url_invalid")),
        }
    }

    pub fn object(&self, field: &str) -> Result<Option<Params<'a>>> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(self.inside(self.name(field), fields))),
            Some(_) => Err(self.wrong(field, "Invalid object")),
        }
    }

    /// A list of hashes: `items[0][price]`.
    pub fn objects(&self, field: &str) -> Result<Vec<Params<'a>>> {
        let mut objects = Vec::new();
        for (index, item) in self.array(field)?.iter().enumerate() {
            let name = format!("{}[{index}]", self.name(field));
            let Value::Object(fields) = item else {
                return Err(Error::invalid("Invalid object").param(&name));
            };
            objects.push(self.inside(name, fields));
        }
        Ok(objects)
    }

    /// A list of plain values: `lookup_keys[0]`.
    pub fn texts(&self, field: &str) -> Result<Vec<&'a str>> {
        let texts: Option<Vec<&str>> = self.array(field)?.iter().map(Value::as_str).collect();
        texts.ok_or_else(|| self.wrong(field, "Invalid array"))
    }

    /// Sets an optional text where one is given; the empty string unsets it.
    pub fn set_text(&self, field: &str, target: &mut Option<String>) -> Result<()> {
        if self.has(field) {
            *target = self.text(field)?.map(str::to_owned);
        }
        Ok(())
    }

    /// Merges into `metadata`: an empty value removes its key, an empty `metadata` removes all.
    pub fn merge_metadata(&self, metadata: &mut Metadata) -> Result<()> {
        let pairs: Vec<(String, &Value)> = match self.fields.get("metadata") {
            None => return Ok(()),
            Some(Value::String(text)) if text.is_empty() => {
                metadata.clear();
                return Ok(());
            }
            Some(Value::Object(fields)) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
            // Keys that happen to be `0, 1, 2 …`.
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(index, v)| (index.to_string(), v)).collect()
            }
            Some(_) => return Err(self.wrong("metadata", "Invalid object")),
        };
        for (key, value) in pairs {
            let name = format!("{}[{key}]", self.name("metadata"));
            let Value::String(value) = value else {
                return Err(Error::invalid("Metadata values can only be strings.").param(&name));
            };
            if key.chars().count() > METADATA_KEY_CHARS_MAX
                || value.chars().count() > METADATA_VALUE_CHARS_MAX
            {
                return Err(Error::invalid(format!(
                    "Metadata keys can be up to {METADATA_KEY_CHARS_MAX} characters long and \
                     values up to {METADATA_VALUE_CHARS_MAX}."
                ))
                .param(&name));
            }
            if value.is_empty() {
                metadata.remove(&key);
            } else {
                metadata.insert(key, value.clone());
            }
        }
        if metadata.len() > METADATA_KEYS_MAX {
            return Err(self.wrong(
                "metadata",
                &format!("Metadata can only have up to {METADATA_KEYS_MAX} keys."),
            ));
        }
        Ok(())
    }

    /// Refuses what Stripe does not know, and what the simulator does not do.
    ///
    /// `stripes` are the names Stripe has besides ours; those are answered honestly, the rest as Stripe would.
    pub fn only(&self, ours: &[&str], stripes: &[&str]) -> Result<()> {
        for field in self.fields.keys() {
            let name = self.name(field);
            if ours.contains(&field.as_str()) {
                continue;
            }
            if stripes.contains(&field.as_str()) {
                return Err(not_simulated(&name));
            }
            if self.strict {
                return Err(Error::parameter_unknown(&name));
            }
        }
        Ok(())
    }

    pub fn fields(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.fields.keys().map(String::as_str)
    }

    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// An `invalid_request_error` about one field.
    pub fn wrong(&self, field: &str, message: &str) -> Error {
        Error::invalid(message).param(&self.name(field))
    }

    pub fn empty(&self, field: &str) -> Error {
        let name = self.name(field);
        Error::invalid(format!(
            "You passed an empty string for '{name}'. We assume empty values are an attempt to \
             unset a parameter; however '{name}' cannot be unset. You should remove '{name}' from \
             your request or supply a non-empty value."
        ))
        .code("parameter_invalid_empty")
        .param(&name)
    }

    fn array(&self, field: &str) -> Result<&'a [Value]> {
        match self.fields.get(field) {
            None => Ok(&[]),
            Some(Value::String(text)) if text.is_empty() => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(self.wrong(field, "Invalid array")),
        }
    }

    fn inside(&self, within: String, fields: &'a Map<String, Value>) -> Params<'a> {
        Params { fields, within, strict: self.strict }
    }
}

/// A parameter Stripe has and the simulator does not.
pub fn not_simulated(name: &str) -> Error {
    Error::not_simulated(format!(
        "The simulator does not know the parameter `{name}` of this call yet. Leave it out, or use \
         Stripe's test mode."
    ))
    .param(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollhouse_stripe::form;

    fn fields(form: &str) -> Map<String, Value> {
        match form::nest(form::decode(form)).unwrap() {
            Value::Object(fields) => fields,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn reads_what_is_right() {
        let fields = fields("a=1&b=true&c[d][0]=x&e[0][f]=2&g=");
        let params = Params::new(&fields, true);
        assert_eq!(params.integer("a").unwrap(), Some(1));
        assert_eq!(params.boolean("b").unwrap(), Some(true));
        let c = params.object("c").unwrap().unwrap();
        assert_eq!(c.texts("d").unwrap(), ["x"]);
        assert_eq!(params.objects("e").unwrap()[0].integer("f").unwrap(), Some(2));
        assert!(params.is_unset("g") && !params.is_unset("h"));
        assert_eq!(params.text("h").unwrap(), None);
    }

    #[test]
    fn names_what_is_wrong() {
        let fields = fields("a=x&b=yes&c[n]=z&d=&u=ftp://x");
        let params = Params::new(&fields, true);
        let c = params.object("c").unwrap().unwrap();
        for (error, code, param) in [
            (params.integer("a").unwrap_err(), Some("parameter_invalid_integer"), "a"),
            (params.boolean("b").unwrap_err(), None, "b"),
            (c.integer("n").unwrap_err(), Some("parameter_invalid_integer"), "c[n]"),
            (c.only(&[], &[]).unwrap_err(), Some("parameter_unknown"), "c[n]"),
            (c.only(&[], &["n"]).unwrap_err(), Some("not_simulated"), "c[n]"),
            (params.required_text("d").unwrap_err(), Some("parameter_invalid_empty"), "d"),
            (params.required_text("e").unwrap_err(), Some("parameter_missing"), "e"),
            (params.url("u").unwrap_err(), Some("url_invalid"), "u"),
            (params.text("c").unwrap_err(), None, "c"),
        ] {
            let body = error.body();
            assert_eq!(body["error"]["code"].as_str(), code, "{body}");
            assert_eq!(body["error"]["param"], param, "{body}");
        }
        assert!(Params::new(&fields, false).only(&[], &[]).is_ok(), "lenient without a version");
    }

    #[test]
    fn metadata_merges_and_unsets() {
        let mut metadata = Metadata::from([("a".to_owned(), "1".to_owned())]);
        for (form, expected) in [
            ("metadata[b]=2&metadata[a]=", vec![("b", "2")]),
            ("x=1", vec![("b", "2")]),
            ("metadata=", vec![]),
        ] {
            let fields = fields(form);
            Params::new(&fields, true).merge_metadata(&mut metadata).unwrap();
            let pairs: Vec<_> = metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(pairs, expected, "{form}");
        }
        let long = fields(&format!("metadata[{}]=1", "k".repeat(41)));
        assert!(Params::new(&long, true).merge_metadata(&mut metadata).is_err());
    }
}
