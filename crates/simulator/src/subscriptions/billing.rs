//! How a subscription is billed, beyond its prices: settings its owner chose.

use serde_json::{Value, json};

use crate::{error::Result, params::Params};

#[derive(Clone)]
pub struct Billing {
    /// The card that pays an invoice becomes the default (`save_default_payment_method`).
    pub keeps_method: bool,
    /// What becomes of a trial that ends without a card: `create_invoice`, `cancel` or `pause`.
    pub missing_payment_method: &'static str,
}

impl Default for Billing {
    fn default() -> Self {
        Self { keeps_method: false, missing_payment_method: "create_invoice" }
    }
}

impl Billing {
    /// Takes over what a request says of them.
    pub fn read(&mut self, params: &Params<'_>) -> Result<()> {
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
