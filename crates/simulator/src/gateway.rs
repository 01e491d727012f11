//! The gateway without sockets: the same answers, in the same process.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tollhouse_stripe::{API_VERSION, Answer, BoxFuture, Call, Failure, Gateway};

use crate::{
    Simulator,
    world::{Incoming, Silence},
};

/// Calls a [`Simulator`] directly, with its own key.
#[derive(Clone)]
pub struct SimGateway {
    simulator: Simulator,
}

impl SimGateway {
    pub(crate) fn new(simulator: Simulator) -> Self {
        Self { simulator }
    }

    fn answer(&self, call: &Call) -> Result<Answer, Failure> {
        let reply = self.simulator.with(|world| {
            world.call(&Incoming {
                method: call.method.as_str().to_owned(),
                path: call.path.clone(),
                pairs: call.params.clone(),
                secret_key: Some(world.secret_key.clone()),
                idempotency_key: call.idempotency_key.as_ref().map(|key| key.as_str().to_owned()),
                version: Some(API_VERSION.to_owned()),
            })
        });
        let reply = reply.map_err(|silence| {
            Failure::Unreachable(match silence {
                Silence::BeforeWork => "by order of a fault".to_owned(),
                Silence::HalfWay => "by order of a fault, in the middle of the answer".to_owned(),
                Silence::AfterWork => "by order of a fault, after the work was done".to_owned(),
            })
        })?;
        let mut headers = HeaderMap::new();
        for (name, value) in reply.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
        Ok(Answer { status: reply.status, headers, body: Bytes::from(reply.body) })
    }
}

impl Gateway for SimGateway {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(std::future::ready(self.answer(call)))
    }
}
