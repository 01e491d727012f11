//! Test clocks: customers whose time stands still until somebody moves it.
//!
//! A clock has a `now` and an agenda of its own. While something is done for one of its customers, both
//! take the place of the world's ([`World::on_clock`]), so that all else need not know of clocks.
//! Deliveries and their signatures stay on the world's time.

mod operations;

use serde_json::{Value, json};

pub use operations::{
    advance, check_customer, check_subscription, create, delete, delete_by_time, list, retrieve,
    run,
};

use crate::{
    clock::Agenda,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct TestClock {
    pub id: String,
    pub created: i64,
    pub name: Option<String>,
    /// What time it is for its customers.
    pub frozen_time: i64,
    /// Where it is moving to; none while it stands still.
    pub target: Option<i64>,
    pub deletes_after: i64,
    pub deleted: bool,
    agenda: Agenda,
}

impl Object for TestClock {
    const NOUN: &'static str = "test clock";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn is_deleted(&self) -> bool {
        self.deleted
    }

    fn render(&self, _: &World) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "test_helpers.test_clock", "deleted": true });
        }
        let details = match self.target {
            Some(target) => json!({ "advancing": { "target_frozen_time": target } }),
            None => json!({}),
        };
        json!({
            "id": self.id,
            "object": "test_helpers.test_clock",
            "created": self.created,
            "deletes_after": self.deletes_after,
            "frozen_time": self.frozen_time,
            "livemode": false,
            "name": self.name,
            "status": if self.target.is_some() { "advancing" } else { "ready" },
            "status_details": details,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.test_clocks
    }
}

/// The clock whose time has taken the place of the world's.
#[derive(Clone)]
pub struct InPlace {
    clock: String,
    account_now: i64,
}

impl World {
    /// The world's own time, on whatever clock we are.
    pub fn account_now(&self) -> i64 {
        self.in_place.as_ref().map_or(self.now, |in_place| in_place.account_now)
    }

    /// Does `work` at the time of this clock, or at the world's where there is none.
    pub fn on_clock<T>(&mut self, clock: Option<&str>, work: impl FnOnce(&mut World) -> T) -> T {
        let is_there = self.in_place.as_ref().map(|in_place| in_place.clock.as_str()) == clock;
        let found = clock.filter(|_| !is_there).and_then(|id| self.test_clocks.find(id)).cloned();
        let Some(clock) = found else { return work(self) };
        let in_place = InPlace { clock: clock.id.clone(), account_now: self.account_now() };
        let outer = self.in_place.replace(in_place);
        let now = std::mem::replace(&mut self.now, clock.frozen_time);
        let agenda = std::mem::replace(&mut self.agenda, clock.agenda);
        let done = work(self);
        let frozen_time = std::mem::replace(&mut self.now, now);
        let agenda = std::mem::replace(&mut self.agenda, agenda);
        self.in_place = outer;
        self.test_clocks.change(&clock.id, |clock| {
            clock.frozen_time = frozen_time;
            clock.agenda = agenda;
        });
        done
    }

    /// Does `work` at the time of a customer.
    pub fn at_time_of<T>(
        &mut self,
        customer: Option<&str>,
        work: impl FnOnce(&mut World) -> T,
    ) -> T {
        let clock = customer.and_then(|customer| clock_of(self, customer)).map(str::to_owned);
        self.on_clock(clock.as_deref(), work)
    }
}

/// The clock a customer lives by.
pub fn clock_of<'a>(world: &'a World, customer: &str) -> Option<&'a str> {
    world.customers.find(customer)?.test_clock.as_deref()
}

/// Parameters that name something of a customer's.
const NAMES: [&str; 9] = [
    "charge",
    "customer",
    "from_subscription",
    "invoice",
    "payment_intent",
    "payment_method",
    "schedule",
    "subscription",
    "setup_intent",
];

/// The clock of the customer that a request is about.
pub fn clock_of_request(world: &World, request: &Request) -> Option<String> {
    if let Some(clock) = request.fields().get("test_clock").and_then(Value::as_str) {
        return Some(clock.to_owned());
    }
    let named = NAMES.iter().filter_map(|name| request.fields().get(*name)?.as_str());
    let mut ids = std::iter::once(request.id.as_str()).chain(named);
    let customer = ids.find_map(|id| customer_behind(world, id))?;
    clock_of(world, customer).map(str::to_owned)
}

/// Whose an object is.
pub fn customer_behind<'a>(world: &'a World, id: &'a str) -> Option<&'a str> {
    let (prefix, _) = id.rsplit_once('_')?;
    match prefix {
        "cus" => Some(id),
        "sub" => world.subscriptions.find(id).map(|found| found.customer.as_str()),
        "si" => {
            let has_it = |item: &crate::subscriptions::Item| item.id == id;
            let mut rows = world.subscriptions.rows().iter();
            rows.find(|found| found.items.iter().any(has_it)).map(|found| found.customer.as_str())
        }
        "sub_sched" => world.schedules.find(id).map(|found| found.customer.as_str()),
        "in" => world.invoices.find(id).map(|found| found.customer.as_str()),
        "ii" => world.invoice_items.find(id).map(|found| found.customer.as_str()),
        "cn" => world.credit_notes.find(id).map(|found| found.customer.as_str()),
        "qt" => world.quotes.find(id)?.customer.as_deref(),
        "cs_test" => world.sessions.find(id)?.customer.as_deref(),
        "pm" => world.payment_methods.find(id)?.customer.as_deref(),
        "pi" => world.payment_intents.find(id)?.customer.as_deref(),
        "seti" => world.setup_intents.find(id)?.customer.as_deref(),
        "ch" => world.charges.find(id)?.customer.as_deref(),
        "re" => world.refunds.find(id)?.customer.as_deref(),
        _ => None,
    }
}
