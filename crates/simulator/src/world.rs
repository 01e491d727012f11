//! All the simulator's state: a request in, an answer and its events out. No clock, no sockets, no chance
//! but the seed.

use serde_json::{Map, Value, json};
use tollhouse_stripe::{API_VERSION, form};

use crate::{
    balance_transactions::BalanceTransaction,
    catalog::{Price, Product},
    checkout::Session,
    clock::Agenda,
    credit_notes::CreditNote,
    customers::{self, Customer},
    deliveries::Deliveries,
    discounts::{Coupon, Discount, PromotionCode},
    disputes::Dispute,
    entitlements::{ActiveEntitlement, Feature, Grants, ProductFeature},
    error::{Error, Result},
    events::{Event, EventDraft},
    expand,
    faults::{FaultKind, Faults},
    funds::{Account, Payout, Reversal, Topup, Transfer},
    idempotency::{Idempotency, Remembered},
    ids::Ids,
    invoice_items::InvoiceItem,
    invoices::{Invoice, InvoicePayment},
    operations::{self, Operation},
    params::Params,
    payment_links::PaymentLink,
    payment_methods::PaymentMethod,
    payments::{Charge, PaymentIntent},
    portal::{Configuration, PortalSession},
    quotes::Quote,
    refunds::Refund,
    schedules::Schedule,
    settings::Settings,
    setup_intents::SetupIntent,
    subscriptions::Subscription,
    table::Table,
    tax_rates::TaxRate,
    test_clocks::{self, InPlace, TestClock},
    thin_events::ThinEvent,
    usage::{self, Meter, Usage},
    webhook_endpoints::WebhookEndpoint,
};

/// Versions whose differences to [`API_VERSION`] are additions only.
const VERSIONS: [&str; 2] = [API_VERSION, "2026-09-30.endive"];

/// One account at the pretend Stripe.
#[derive(Clone, Default)]
pub struct World {
    /// Unix seconds on the clock of whoever something is done for: the simulator's, or a test clock.
    pub now: i64,
    pub ids: Ids,
    /// Where the pages are reachable; no slash at the end.
    pub base_url: String,
    pub secret_key: String,
    /// Signs what `stripe listen` hands on; empty until it is asked for.
    pub listen_secret: String,
    pub settings: Settings,
    pub customers: Table<Customer>,
    pub customer_balance_transactions: Table<customers::BalanceTransaction>,
    pub cash_transactions: Table<customers::CashTransaction>,
    pub products: Table<Product>,
    pub prices: Table<Price>,
    pub meters: Table<Meter>,
    pub usage: Usage,
    pub features: Table<Feature>,
    pub product_features: Table<ProductFeature>,
    pub active_entitlements: Table<ActiveEntitlement>,
    pub grants: Grants,
    pub coupons: Table<Coupon>,
    pub promotion_codes: Table<PromotionCode>,
    pub discounts: Table<Discount>,
    pub tax_rates: Table<TaxRate>,
    pub sessions: Table<Session>,
    pub payment_links: Table<PaymentLink>,
    pub quotes: Table<Quote>,
    pub payment_methods: Table<PaymentMethod>,
    pub payment_intents: Table<PaymentIntent>,
    pub setup_intents: Table<SetupIntent>,
    pub charges: Table<Charge>,
    pub refunds: Table<Refund>,
    pub disputes: Table<Dispute>,
    pub balance_transactions: Table<BalanceTransaction>,
    pub accounts: Table<Account>,
    pub payouts: Table<Payout>,
    pub topups: Table<Topup>,
    pub transfers: Table<Transfer>,
    pub transfer_reversals: Table<Reversal>,
    pub subscriptions: Table<Subscription>,
    pub schedules: Table<Schedule>,
    pub portal_configurations: Table<Configuration>,
    pub portal_sessions: Table<PortalSession>,
    pub invoices: Table<Invoice>,
    pub credit_notes: Table<CreditNote>,
    pub invoice_items: Table<InvoiceItem>,
    pub invoice_payments: Table<InvoicePayment>,
    pub test_clocks: Table<TestClock>,
    pub events: Table<Event>,
    pub thin_events: Table<ThinEvent>,
    pub webhook_endpoints: Table<WebhookEndpoint>,
    pub agenda: Agenda,
    pub deliveries: Deliveries,
    pub faults: Faults,
    /// The request that makes what happens happen; none when time does.
    pub cause: Option<Cause>,
    /// Events held back until their order is known; see [`World::in_order`].
    pub(crate) held_back: Option<Vec<EventDraft>>,
    /// The test clock whose time is in the place of the world's; see [`World::on_clock`].
    pub(crate) in_place: Option<InPlace>,
    idempotency: Idempotency,
}

/// The request an event names.
#[derive(Clone, Debug)]
pub struct Cause {
    pub request_id: String,
    pub idempotency_key: Option<String>,
}

/// A call as it arrives, whoever carried it.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    pub method: String,
    pub path: String,
    pub pairs: Vec<(String, String)>,
    /// The secret key the caller showed.
    pub secret_key: Option<String>,
    pub idempotency_key: Option<String>,
    /// The `Stripe-Version` header.
    pub version: Option<String>,
}

/// What goes back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// No answer at all, by order of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    BeforeWork,
    AfterWork,
    /// The connection closes in the middle of the answer.
    HalfWay,
}

/// A call whose operation is found and whose parameters are read.
pub struct Request {
    pub path: String,
    /// What stands in the place of `{id}`.
    pub id: String,
    fields: Map<String, Value>,
    strict: bool,
}

impl Request {
    /// What a page asks for in its visitor's name.
    pub fn of(id: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let fields = match form::nest(pairs) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        Self { path: String::new(), id: id.to_owned(), fields, strict: true }
    }

    /// The parameters as they came.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    pub fn params(&self) -> Params<'_> {
        Params::new(&self.fields, self.strict)
    }
}

impl World {
    pub fn new(seed: u64, secret_key: String, base_url: String, now: i64) -> Self {
        Self { now, ids: Ids::new(seed), base_url, secret_key, ..Self::default() }
    }

    /// Answers one call of the API.
    ///
    /// # Errors
    /// Silence, where a fault ordered it.
    pub fn call(&mut self, call: &Incoming) -> std::result::Result<Reply, Silence> {
        let request_id = self.ids.id("req_");
        let fault = self.faults.take(call.method.as_str(), &call.path);
        let mut reply = match fault {
            Some(FaultKind::Unreachable) => return Err(Silence::BeforeWork),
            Some(FaultKind::Error500) => failed(&Error::server()),
            Some(FaultKind::Error429) => {
                let mut reply = failed(&Error::rate_limited());
                reply.headers.push(("Stripe-Rate-Limited-Reason", "global-rate".to_owned()));
                reply
            }
            Some(FaultKind::Error409) => failed(&Error::key_in_use()),
            Some(FaultKind::DoneButUnanswered | FaultKind::CutShort) | None => {
                self.answer(call, &request_id)
            }
        };
        match fault {
            Some(FaultKind::DoneButUnanswered) => return Err(Silence::AfterWork),
            Some(FaultKind::CutShort) => return Err(Silence::HalfWay),
            _ => {}
        }
        let moment = u64::try_from(self.now).unwrap_or_default();
        let moment = std::time::UNIX_EPOCH + std::time::Duration::from_secs(moment);
        reply.headers.extend([
            ("Content-Type", "application/json".to_owned()),
            ("Date", httpdate::fmt_http_date(moment)),
            ("Request-Id", request_id),
            ("Stripe-Version", call.version.clone().unwrap_or_else(|| API_VERSION.to_owned())),
        ]);
        if let Some(key) = &call.idempotency_key {
            reply.headers.push(("Idempotency-Key", key.clone()));
        }
        Ok(reply)
    }

    fn answer(&mut self, call: &Incoming, request_id: &str) -> Reply {
        let (operation, request) = match self.read(call) {
            Ok(found) => found,
            Err(error) => return failed(&error),
        };
        let key = call.idempotency_key.as_deref().filter(|_| call.method == "POST");
        if let Some(key) = key {
            match self.idempotency.look_up(operation, key, call, self.now) {
                Remembered::Nothing => {}
                Remembered::Answer(reply) => return reply,
                Remembered::OtherParameters => {
                    return failed(&Error::idempotency(format!(
                        "Keys for idempotent requests can only be used with the same parameters \
                         they were first used with. Try using a key other than '{key}' if you \
                         meant to execute a different request."
                    )));
                }
            }
        }
        self.cause = Some(Cause {
            request_id: request_id.to_owned(),
            idempotency_key: call.idempotency_key.clone(),
        });
        let done = self.perform(operation, &request);
        self.cause = None;
        let reply = match &done {
            Ok(object) => Reply { status: 200, headers: vec![], body: to_bytes(object) },
            Err(error) => failed(error),
        };
        // What failed before it began may be tried again with the same key.
        if let Some(key) = key
            && matches!(reply.status, 200 | 402)
        {
            self.idempotency.remember(operation, key, call, reply.clone(), self.now);
        }
        reply
    }

    fn perform(&mut self, operation: &Operation, request: &Request) -> Result<Value> {
        let paths = request.params().texts("expand")?;
        expand::check(&paths)?;
        let Some(run) = operation.run else {
            return Err(Error::not_simulated(format!(
                "The simulator does not do `{} {}` yet. Use Stripe's test mode for it.",
                operation.method, operation.path
            )));
        };
        let clock = test_clocks::clock_of_request(self, request);
        let mut object = self.on_clock(clock.as_deref(), |world| run(world, request))?;
        for path in paths {
            expand::expand(self, &mut object, path)?;
        }
        Ok(object)
    }

    /// Checks key and version, finds the operation and checks the names of its parameters.
    fn read(&self, call: &Incoming) -> Result<(&'static Operation, Request)> {
        if call.path == usage::STREAM_PATH {
            usage::check_session(self, call.secret_key.as_deref())?;
        } else {
            self.authenticate(call.secret_key.as_deref())?;
        }
        // Usage by version 2 of the API is the same in all versions.
        if let Some(version) = &call.version
            && !call.path.starts_with("/v2/billing/")
            && !VERSIONS.contains(&version.as_str())
        {
            return Err(Error::invalid(format!(
                "The simulator speaks Stripe's API version `{API_VERSION}`, and this request asks \
                 for `{version}`. Set the `Stripe-Version` header to `{API_VERSION}`."
            )));
        }
        let (operation, id) = operations::find(&call.method, &call.path)
            .ok_or_else(|| Error::unrecognized_url(&call.method, &call.path))?;
        let fields = match form::nest(call.pairs.iter().cloned()) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => Map::new(),
            Err(error) => return Err(Error::invalid(error.to_string())),
        };
        let request =
            Request { path: call.path.clone(), id, fields, strict: call.version.is_some() };
        operation.check(&request.params())?;
        Ok((operation, request))
    }

    fn authenticate(&self, key: Option<&str>) -> Result<()> {
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            return Err(Error::unauthenticated(
                "You did not provide an API key. You need to provide your API key in the \
                 Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
                 YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or \
                 we can help at https://support.stripe.com/.",
            ));
        };
        let is_test_key = key.starts_with("sk_test_") || key.starts_with("rk_test_");
        if is_test_key || key == self.secret_key {
            return Ok(());
        }
        let shown: String = key.chars().take(8).collect();
        Err(Error::unauthenticated(format!("Invalid API Key provided: {shown}***")))
    }
}

fn failed(error: &Error) -> Reply {
    // A client need not try again what is not there to succeed.
    let retry = matches!(error.status, 409 | 429 | 500);
    let headers = vec![("Stripe-Should-Retry", retry.to_string())];
    Reply { status: error.status, headers, body: to_bytes(&error.body()) }
}

fn to_bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Adds the keys Stripe's schema requires and the simulator has nothing to say about, as `null`.
pub fn with_nulls(mut object: Value, keys: &[&str]) -> Value {
    if let Value::Object(fields) = &mut object {
        for key in keys {
            fields.entry(*key).or_insert(json!(null));
        }
    }
    object
}
