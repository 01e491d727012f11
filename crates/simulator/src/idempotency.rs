//! Idempotency keys: the first answer is kept and given again, for at least a day.

use std::collections::{HashMap, VecDeque};

use crate::{
    operations::Operation,
    world::{Incoming, Reply},
};

/// Stripe may forget a key after a day; the simulator does, so that nobody relies on longer.
const KEPT_SECONDS: i64 = 24 * 3600;

/// What was answered under each key.
#[derive(Clone, Default)]
pub struct Idempotency {
    answers: HashMap<Name, Kept>,
    /// Oldest first, to be forgotten in that order.
    kept_since: VecDeque<(i64, Name)>,
}

/// The path of an operation, and the key.
type Name = (&'static str, String);

#[derive(Clone)]
struct Kept {
    path: String,
    pairs: Vec<(String, String)>,
    reply: Reply,
    at: i64,
}

/// What is known of a key.
pub enum Remembered {
    Nothing,
    Answer(Reply),
    OtherParameters,
}

impl Idempotency {
    pub fn look_up(
        &self,
        operation: &Operation,
        key: &str,
        call: &Incoming,
        now: i64,
    ) -> Remembered {
        let kept = self.answers.get(&(operation.path, key.to_owned()));
        match kept.filter(|kept| now - kept.at < KEPT_SECONDS) {
            None => Remembered::Nothing,
            Some(kept) if kept.path != call.path || kept.pairs != call.pairs => {
                Remembered::OtherParameters
            }
            Some(kept) => {
                let mut reply = kept.reply.clone();
                reply.headers.push(("Idempotent-Replayed", "true".to_owned()));
                Remembered::Answer(reply)
            }
        }
    }

    pub fn remember(
        &mut self,
        operation: &Operation,
        key: &str,
        call: &Incoming,
        reply: Reply,
        now: i64,
    ) {
        while let Some((_, name)) =
            self.kept_since.pop_front_if(|(since, _)| now - *since >= KEPT_SECONDS)
        {
            // The name may have been given to a later request since.
            if self.answers.get(&name).is_some_and(|kept| now - kept.at >= KEPT_SECONDS) {
                self.answers.remove(&name);
            }
        }
        let kept = Kept { path: call.path.clone(), pairs: call.pairs.clone(), reply, at: now };
        let name = (operation.path, key.to_owned());
        self.kept_since.push_back((now, name.clone()));
        self.answers.insert(name, kept);
    }
}
