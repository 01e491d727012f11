//! What a person has filled in.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use url::form_urlencoded;

use crate::{
    app::App,
    error::{Error, Result, invalid},
};

/// The fields of a form, each as it was typed, without the spaces around it.
#[derive(Clone, Debug, Default)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// # Errors
    /// `Invalid`, for what no database keeps.
    pub fn read(body: &[u8]) -> Result<Self> {
        let fields = form_urlencoded::parse(body);
        let fields: BTreeMap<String, String> =
            fields.map(|(name, value)| (name.into_owned(), value.trim().to_owned())).collect();
        match fields.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
            Some((name, _)) => Err(invalid(name, "must not contain the character NUL")),
            None => Ok(Self(fields)),
        }
    }

    /// What was filled in; an empty field is one that was left out.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// # Errors
    /// `Invalid`, where it was left out.
    pub fn get(&self, name: &str) -> Result<&str> {
        self.find(name).ok_or_else(|| invalid(name, "must be filled in"))
    }

    /// One of a closed list of words, where it was filled in.
    ///
    /// # Errors
    /// `Invalid`, for another word.
    pub fn word<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let unknown = |_| invalid(name, "is not one of the words offered");
        self.find(name).map(|word| word.parse().map_err(unknown)).transpose()
    }
}

impl FromRequestParts<Arc<App>> for Form {
    type Rejection = Error;

    /// `dress` has read it.
    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_send_them() {
        let form = Form::read(b"reason=late+payer%21&note=+&plan=pro").unwrap();
        assert_eq!(form.find("reason"), Some("late payer!"));
        assert_eq!((form.find("note"), form.find("none")), (None, None));
        assert_eq!(form.get("plan").unwrap(), "pro");
        assert!(form.get("note").is_err());
        assert!(Form::read(b"reason=%00").is_err());
    }
}
