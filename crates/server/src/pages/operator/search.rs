//! The forms above lists: what was chosen, and the list's address with it.

use maud::{Markup, html};
use url::form_urlencoded;

use crate::error::{Result, invalid};

const TEXT_LENGTH_MAX: usize = 200;

/// What a list offers to choose: the word in the address, and the one that people read.
pub type Choice<'a> = (&'a str, &'a str);

/// What was filled in; an empty field is one that was left out.
pub fn given(field: Option<&String>) -> Option<&String> {
    field.filter(|text| !text.is_empty())
}

/// A text to be looked for.
///
/// # Errors
/// `Invalid`, for what no database keeps, and for what nobody looks for.
pub fn text(field: Option<&String>) -> Result<Option<String>> {
    match given(field) {
        Some(text) if text.len() > TEXT_LENGTH_MAX || text.contains('\0') => {
            Err(invalid("text", "must be at most 200 bytes of text"))
        }
        text => Ok(text.cloned()),
    }
}

pub fn text_field(label: &str, value: Option<&str>) -> Markup {
    html! {
        div {
            label for="text" { (label) }
            input #text name="text" type="search" value=[value];
        }
    }
}

pub fn select(name: &str, label: &str, choices: &[Choice], chosen: Option<&str>) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { "any" }
                @for (word, shown) in choices {
                    option value=(word) selected[chosen == Some(*word)] { (shown) }
                }
            }
        }
    }
}

/// The path of a list with what was filled in, without the place in it.
pub fn searched(path: &str, fields: &[(&str, &Option<String>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        if let Some(value) = given(value.as_ref()) {
            query.append_pair(name, value);
        }
    }
    format!("{path}?{}", query.finish())
}
