//! How long things are kept: what the settings say, and a tenant's own where it has any.

use tollhouse_domain::retention::{Policy, days};

use crate::{config, db::Json, error::Result, tenants::Retention};

/// The installation's policy.
pub fn of_settings(settings: &config::Retention) -> Policy {
    Policy {
        delivery_payload: days(settings.delivery_payload_days),
        event: days(settings.event_days),
        usage_event: days(settings.usage_event_days),
        audit: days(settings.audit_days),
        personal_data: days(settings.personal_data_days),
    }
}

/// A tenant's: its own days, and for what it does not name, the installation's. A legal hold goes before both.
pub fn of_tenant(default: Policy, own: Option<&Json>) -> Result<Policy> {
    let Some(own) = own else { return Ok(default) };
    let own: Retention = own.to()?;
    if own.legal_hold {
        return Ok(Policy::HOLD);
    }
    let or = |own: Option<u32>, default: Option<u32>| own.map_or(default, days);
    Ok(Policy {
        delivery_payload: or(own.delivery_payload_days, default.delivery_payload),
        event: or(own.event_days, default.event),
        usage_event: or(own.usage_event_days, default.usage_event),
        audit: or(own.audit_days, default.audit),
        personal_data: or(own.personal_data_days, default.personal_data),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hold_goes_before_own_days_and_own_days_before_the_installations() {
        let default =
            Policy { delivery_payload: Some(90), personal_data: Some(30), ..Policy::HOLD };
        let own =
            |own: serde_json::Value| of_tenant(default, Some(&Json::of(&own).unwrap())).unwrap();
        assert_eq!(of_tenant(default, None).unwrap(), default);
        assert_eq!(own(json!({})), default);
        let mine =
            own(json!({"delivery_payload_days": 7, "event_days": 60, "personal_data_days": 0}));
        assert_eq!((mine.delivery_payload, mine.event), (Some(7), Some(60)));
        assert_eq!((mine.usage_event, mine.personal_data), (None, None));
        assert_eq!(own(json!({"legal_hold": true, "delivery_payload_days": 7})), Policy::HOLD);
    }
}
