//! How a subscription is billed, beyond its prices: settings its owner chose.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    params::Params,
};

#[derive(Clone)]
pub struct Billing {
    /// The card that pays an invoice becomes the default (`save_default_payment_method`).
    pub keeps_method: bool,
    /// What becomes of a trial that ends without a card: `create_invoice`, `cancel` or `pause`.
    pub missing_payment_method: &'static str,
    /// Invoices are sent, and to be paid within so many days; none where a card is charged.
    pub days_until_due: Option<i64>,
}

impl Default for Billing {
    fn default() -> Self {
        Self { keeps_method: false, missing_payment_method: "create_invoice", days_until_due: None }
    }
}

impl Billing {
    /// Whether invoices are sent to be paid by hand, instead of charged.
    pub fn is_sent(&self) -> bool {
        self.days_until_due.is_some()
    }

    pub fn collection_method(&self) -> &'static str {
        if self.is_sent() { "send_invoice" } else { "charge_automatically" }
    }

    /// `collection_method` and `days_until_due`, which go together.
    fn read_collection(&mut self, params: &Params<'_>) -> Result<()> {
        let days = params.integer("days_until_due")?;
        if days.is_some_and(|days| days < 0) {
            return Err(params.wrong("days_until_due", "Invalid non-negative integer"));
        }
        let methods = ["charge_automatically", "send_invoice"];
        let method = params.choice("collection_method", &methods)?;
        match (method.unwrap_or(self.collection_method()), days) {
            ("send_invoice", days) => {
                let days = days.or(self.days_until_due);
                self.days_until_due =
                    Some(days.ok_or_else(|| Error::parameter_missing("days_until_due"))?);
            }
            (_, None) => self.days_until_due = None,
            (_, Some(_)) => {
                let message = "You can only set `days_until_due` if `collection_method` is \
                               `send_invoice`.";
                return Err(params.wrong("days_until_due", message));
            }
        }
        Ok(())
    }

    /// Takes over what a request says of them.
    pub fn read(&mut self, params: &Params<'_>) -> Result<()> {
        self.read_collection(params)?;
        if let Some(settings) = params.object("payment_settings")? {
            settings.only(
                &["save_default_payment_method"],
                &["payment_method_options", "payment_method_types"],
            )?;
            if let Some(saves) =
                settings.choice("save_default_payment_method", &["off", "on_subscription"])?
            {
                self.keeps_method = saves == "on_subscription";
            }
        }
        self.read_trial_settings(params)
    }

    pub fn read_trial_settings(&mut self, params: &Params<'_>) -> Result<()> {
        let Some(settings) = params.object("trial_settings")? else { return Ok(()) };
        settings.only(&["end_behavior"], &[])?;
        let Some(end) = settings.object("end_behavior")? else { return Ok(()) };
        end.only(&["missing_payment_method"], &["billing_cycle_anchor"])?;
        let choices = ["cancel", "create_invoice", "pause"];
        if let Some(behavior) = end.choice("missing_payment_method", &choices)? {
            self.missing_payment_method = behavior;
        }
        Ok(())
    }

    pub fn show_payment_settings(&self) -> Value {
        json!({
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method":
                if self.keeps_method { "on_subscription" } else { "off" },
        })
    }

    pub fn show_trial_settings(&self) -> Value {
        json!({ "end_behavior": {
            "billing_cycle_anchor": null,
            "missing_payment_method": self.missing_payment_method,
        } })
    }
}
