//! Ordered trouble: the next few calls fail in a chosen way, the next few deliveries go astray; or some of
//! them at random, by a seed.

mod seeded;

use std::collections::VecDeque;

use serde::Deserialize;

use seeded::Seeded;
pub use seeded::Trouble;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    #[serde(rename = "error_500")]
    Error500,
    #[serde(rename = "error_429")]
    Error429,
    /// As if the same idempotency key were being worked on.
    #[serde(rename = "error_409")]
    Error409,
    /// No answer, and nothing done.
    Unreachable,
    /// No answer, although everything was done.
    DoneButUnanswered,
    /// Everything was done, and the connection closes in the middle of the answer.
    CutShort,
}

/// Trouble for the next `times` calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: FaultKind,
    #[serde(default = "once")]
    pub times: u32,
    /// Only calls of this method: `POST`.
    #[serde(default)]
    pub method: Option<String>,
    /// Only calls whose path begins so.
    #[serde(default)]
    pub path: Option<String>,
}

/// What goes wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryFaultKind {
    /// The event is delivered twice.
    Duplicate,
    /// The event is never delivered.
    Drop,
    /// What is due at the same time is sent last first.
    Reverse,
    /// The event is delivered an hour late.
    Delay,
    /// The event says that it was rendered in another version of the API.
    OtherVersion,
    /// The event has a type nobody has heard of.
    UnknownType,
    /// The object of the event has a status nobody has heard of, if it has one.
    UnknownStatus,
}

/// Trouble for the next `times` deliveries; with `reverse`, for the next `times` batches.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFault {
    pub kind: DeliveryFaultKind,
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// The trouble still to come.
#[derive(Clone, Default)]
pub struct Faults {
    calls: VecDeque<Fault>,
    deliveries: VecDeque<DeliveryFault>,
    seeded: Option<Seeded>,
}

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.calls.push_back(fault);
    }

    pub fn add_delivery(&mut self, fault: DeliveryFault) {
        self.deliveries.push_back(fault);
    }

    /// From now on, at random; in the place of what was ordered so before.
    pub fn add_trouble(&mut self, trouble: Trouble) {
        self.seeded = Seeded::new(trouble);
    }

    /// The fault this call meets, if any; it is used up.
    pub fn take(&mut self, method: &str, path: &str) -> Option<FaultKind> {
        self.calls.retain(|fault| fault.times > 0);
        let meets = |fault: &&mut Fault| {
            fault.method.as_ref().is_none_or(|wanted| wanted == method)
                && fault.path.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()))
        };
        let Some(fault) = self.calls.iter_mut().find(meets) else {
            return self.seeded.as_mut()?.call();
        };
        fault.times -= 1;
        Some(fault.kind)
    }

    /// What the next delivery meets, if anything; it is used up.
    pub fn take_delivery(&mut self) -> Option<DeliveryFaultKind> {
        let ordered = self.take_delivery_of(|kind| kind != DeliveryFaultKind::Reverse);
        ordered.or_else(|| self.seeded.as_mut()?.delivery())
    }

    /// Whether the next batch is sent last first; used up.
    pub fn take_reverse(&mut self) -> bool {
        let ordered = self.take_delivery_of(|kind| kind == DeliveryFaultKind::Reverse);
        ordered.is_some() || self.seeded.as_mut().is_some_and(Seeded::reverses)
    }

    fn take_delivery_of(
        &mut self,
        is_meant: impl Fn(DeliveryFaultKind) -> bool,
    ) -> Option<DeliveryFaultKind> {
        self.deliveries.retain(|fault| fault.times > 0);
        let fault = self.deliveries.iter_mut().find(|fault| is_meant(fault.kind))?;
        fault.times -= 1;
        Some(fault.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_met_as_often_as_ordered_and_only_where_ordered() {
        let mut faults = Faults::default();
        let path = Some("/v1/prices".to_owned());
        let method = Some("POST".to_owned());
        faults.add(Fault { kind: FaultKind::Error500, times: 2, method, path });
        assert_eq!(faults.take("POST", "/v1/customers"), None);
        assert_eq!(faults.take("GET", "/v1/prices"), None);
        assert_eq!(faults.take("POST", "/v1/prices"), Some(FaultKind::Error500));
        assert_eq!(faults.take("POST", "/v1/prices/price_1"), Some(FaultKind::Error500));
        assert_eq!(faults.take("POST", "/v1/prices"), None);
    }
}
