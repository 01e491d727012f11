//! Errors as Stripe words them: a status, and a body `{"error": {…}}`.

use serde_json::{Map, Value, json};

use crate::cards::Decline;

/// What an operation answers with instead of an object.
#[derive(Clone, Debug)]
pub struct Error {
    pub status: u16,
    fields: Map<String, Value>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut fields = Map::new();
        fields.insert("type".to_owned(), json!(kind));
        fields.insert("message".to_owned(), Value::String(message.into()));
        Self { status, fields }
    }

    /// A request that makes no sense as it stands.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    pub fn parameter_missing(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}."))
            .code("parameter_missing")
            .param(param)
    }

    pub fn parameter_unknown(param: &str) -> Self {
        Self::invalid(format!("Received unknown parameter: {param}"))
            .code("parameter_unknown")
            .param(param)
    }

    /// `noun` as Stripe calls the object in this sentence: `customer`, `PaymentMethod`.
    pub fn no_such(noun: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {noun}: '{id}'");
        Self::not_found(message).code("resource_missing").param(param)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "invalid_request_error", message)
    }

    pub fn unrecognized_url(method: &str, path: &str) -> Self {
        Self::not_found(format!(
            "Unrecognized request URL ({method}: {path}). If you are trying to list objects, \
             remove the trailing slash. If you are trying to retrieve an object, make sure you \
             passed a valid (non-empty) identifier in your code."
        ))
    }

    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(401, "invalid_request_error", message)
    }

    pub fn idempotency(message: impl Into<String>) -> Self {
        Self::new(400, "idempotency_error", message)
    }

    pub fn card(decline: &Decline) -> Self {
        Self::new(402, "card_error", decline.message)
            .code(decline.code)
            .with("decline_code", json!(decline.reason))
    }

    /// A card typed wrongly; no bank was asked.
    pub fn card_entry(code: &str, param: &str, message: &str) -> Self {
        Self::new(402, "card_error", message).code(code).param(param)
    }

    /// What Stripe does and the simulator does not: said plainly, never imitated by half.
    pub fn not_simulated(sentence: impl Into<String>) -> Self {
        Self::new(501, "api_error", sentence).code("not_simulated")
    }

    pub fn rate_limited() -> Self {
        let error = Self::invalid(
            "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests.",
        );
        Self { status: 429, ..error }.code("rate_limit")
    }

    pub fn key_in_use() -> Self {
        Self::new(
            409,
            "invalid_request_error",
            "There is currently another in-progress request using this Stripe-Idempotency-Key. Please \
             try again later.",
        )
        .code("idempotency_key_in_use")
    }

    pub fn server() -> Self {
        Self::new(
            500,
            "api_error",
            "An unknown error occurred. The simulator was told to answer this.",
        )
    }

    #[must_use]
    pub fn code(self, code: &str) -> Self {
        self.with("code", json!(code))
    }

    #[must_use]
    pub fn param(self, param: &str) -> Self {
        self.with("param", json!(param))
    }

    /// The same about a request that is itself one entry of the `list` that was read:
    /// `items[0][price]` becomes `price`.
    #[must_use]
    pub fn outside(mut self, list: &str) -> Self {
        let name = self.fields.get("param").and_then(Value::as_str).unwrap_or_default();
        let inner = name.strip_prefix(list).and_then(|rest| rest.split_once("]["));
        if let Some((field, rest)) = inner.and_then(|(_, inner)| inner.split_once(']')) {
            let name = format!("{field}{rest}");
            self.fields.insert("param".to_owned(), Value::String(name));
        }
        self
    }

    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.fields.insert(field.to_owned(), value);
        self
    }

    /// The sentence, for a page.
    pub fn message(&self) -> &str {
        self.fields.get("message").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn body(&self) -> Value {
        json!({ "error": self.fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_field_of_an_entry_by_itself() {
        for (inside, outside) in [
            ("items[0][price]", "price"),
            ("items[12][metadata][a]", "metadata[a]"),
            ("items", "items"),
            ("proration_date", "proration_date"),
        ] {
            let error = Error::invalid("no").param(inside).outside("items");
            assert_eq!(error.body()["error"]["param"], outside);
        }
    }

    #[test]
    fn says_what_is_missing_in_stripes_words() {
        let error = Error::no_such("customer", "cus_x", "id");
        assert_eq!(error.status, 404);
        assert_eq!(
            error.body(),
            json!({"error": {
                "type": "invalid_request_error",
                "code": "resource_missing",
                "message": "No such customer: 'cus_x'",
                "param": "id",
            }})
        );
    }
}
