//! The gateway when no key is set: refuses everything, politely.

use crate::gateway::{Answer, BoxFuture, Call, Failure, Gateway};

/// Tollhouse runs without Stripe; whatever needs it answers that it is not configured.
pub struct Unconfigured;

impl Gateway for Unconfigured {
    fn send<'a>(&'a self, _call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async { Err(Failure::Unconfigured) })
    }
}
