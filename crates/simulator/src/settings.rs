//! What an account's owner sets on Stripe's dashboard, and here by the control.

use std::collections::BTreeMap;

/// Starts as written here, and again at every reset.
#[derive(Default)]
pub struct Settings {
    /// Automatic tax: the tax rate of each country where tax is collected.
    pub tax: BTreeMap<String, String>,
}
