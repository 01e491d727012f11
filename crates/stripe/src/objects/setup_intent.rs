//! Setup intents: taking a card for later.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct SetupIntent {
    /// `seti_…`
    pub id: String,
    /// For the page that asks for the card.
    #[serde(default)]
    pub client_secret: Option<String>,
}
