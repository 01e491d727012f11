//! What an account's owner sets on Stripe's dashboard, and here by the control.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Starts as [`Settings::default`] says, and again at every reset.
#[derive(Clone)]
pub struct Settings {
    /// Automatic tax: the tax rate of each country where tax is collected.
    pub tax: BTreeMap<String, String>,
    /// `invoice.upcoming` is told so many days before a renewal; not at all where the period is shorter.
    pub invoice_upcoming_days: i64,
    pub after_retries: AfterRetries,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tax: BTreeMap::new(),
            invoice_upcoming_days: 7,
            after_retries: AfterRetries::default(),
        }
    }
}

/// What becomes of a subscription whose renewal was never paid, after the last retry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterRetries {
    #[default]
    Cancel,
    /// `unpaid`: it goes on, and its new invoices stay drafts.
    MarkUnpaid,
    LeavePastDue,
}

/// A change of the account's settings; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// From 0 to 365; holds for periods that begin later.
    pub invoice_upcoming_days: Option<i64>,
    pub after_retries: Option<AfterRetries>,
}

impl Settings {
    /// # Errors
    /// A sentence: a number of days that is not from 0 to 365.
    pub fn change(&mut self, change: &SettingsChange) -> Result<(), String> {
        if let Some(days) = change.invoice_upcoming_days {
            if !(0..=365).contains(&days) {
                return Err("`invoice_upcoming_days` is a number from 0 to 365.".to_owned());
            }
            self.invoice_upcoming_days = days;
        }
        if let Some(after_retries) = change.after_retries {
            self.after_retries = after_retries;
        }
        Ok(())
    }
}
