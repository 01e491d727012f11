//! Reading the phases of a request: one after the other, without a gap.

use super::{Phase, PhaseBilling, PhaseItem, Schedule, Status};
use crate::{
    automatic_tax,
    calendar::{self, Cadence, Interval},
    discounts,
    error::{Error, Result},
    params::{Metadata, Params},
    subscriptions::{ItemDraft, check_items},
    tax_rates,
    world::World,
};

const PHASES_MAX: usize = 10;

/// The phases a request describes, where it describes any.
///
/// # Errors
/// More than ten, a gap or overlap, an end that is not after its start, items that do not go together,
/// or another past than the schedule has.
pub fn read(world: &World, params: &Params<'_>, schedule: &Schedule) -> Result<Vec<Phase>> {
    let first = schedule.phases.first().map_or(world.now, |phase| phase.start);
    let phases = read_from(world, params, first)?;
    check_present(world, params, schedule, &phases)?;
    Ok(phases)
}

/// The phases of a schedule that does not exist: the first one begins now.
pub fn read_new(world: &World, params: &Params<'_>) -> Result<Vec<Phase>> {
    read_from(world, params, world.now)
}

/// The phases of a schedule whose first one begins at `first`.
pub fn read_from(world: &World, params: &Params<'_>, first: i64) -> Result<Vec<Phase>> {
    let mut phases: Vec<Phase> = Vec::new();
    for entry in params.objects("phases")? {
        entry.only(READS, KNOWS)?;
        let previous = phases.last().map_or(first, |phase| phase.end);
        phases.push(read_phase(world, &entry, previous)?);
    }
    if phases.is_empty() {
        return Err(Error::parameter_missing(&params.name("phases")));
    }
    if phases.len() > PHASES_MAX {
        let message =
            format!("A schedule can have at most {PHASES_MAX} current and future phases.");
        return Err(params.wrong("phases", &message));
    }
    Ok(phases)
}

const READS: &[&str] = &[
    "automatic_tax",
    "default_payment_method",
    "default_tax_rates",
    "discounts",
    "duration",
    "end_date",
    "items",
    "metadata",
    "proration_behavior",
    "start_date",
];
const KNOWS: &[&str] = &[
    "add_invoice_items",
    "application_fee_percent",
    "billing_cycle_anchor",
    "billing_thresholds",
    "collection_method",
    "currency",
    "description",
    "effective_at",
    "invoice_settings",
    "on_behalf_of",
    "transfer_data",
    "trial",
    "trial_end",
];

/// `expected` is when it begins.
fn read_phase(world: &World, entry: &Params<'_>, expected: i64) -> Result<Phase> {
    let start = match entry.text("start_date")? {
        None => expected,
        Some("now") => world.now,
        Some(_) => entry.integer("start_date")?.unwrap_or(expected),
    };
    if start != expected {
        let message = "Each phase begins where the one before it ends, and the first where the \
                       schedule began.";
        return Err(entry.wrong("start_date", message));
    }
    let (items, currency, cadence) = read_items(world, entry)?;
    let end = end(entry, start, cadence)?;
    if end <= start {
        return Err(entry.wrong("end_date", "A phase ends after it begins."));
    }
    let mut phase = Phase {
        items,
        currency,
        start,
        end,
        proration_behavior: entry
            .choice("proration_behavior", &["always_invoice", "create_prorations", "none"])?
            .unwrap_or("create_prorations"),
        metadata: Metadata::new(),
        billing: read_billing(world, entry)?,
    };
    entry.merge_metadata(&mut phase.metadata)?;
    Ok(phase)
}

fn read_billing(world: &World, entry: &Params<'_>) -> Result<PhaseBilling> {
    let method = entry.text("default_payment_method")?;
    if let Some(method) = method {
        world.payment_methods.get(method, &entry.name("default_payment_method"))?;
    }
    let discounts = discounts::read(world, entry, None)?;
    Ok(PhaseBilling {
        discounts: discounts.unwrap_or_default(),
        default_tax_rates: tax_rates::read(world, entry, "default_tax_rates")?.unwrap_or_default(),
        automatic_tax: automatic_tax::read_enabled(entry)?.unwrap_or_default(),
        default_payment_method: method.map(str::to_owned),
    })
}

fn read_items(world: &World, entry: &Params<'_>) -> Result<(Vec<PhaseItem>, String, Cadence)> {
    let mut drafts = Vec::new();
    for item in entry.objects("items")? {
        item.only(
            &["metadata", "price", "quantity"],
            &["billing_thresholds", "discounts", "plan", "price_data", "tax_rates"],
        )?;
        let mut draft = ItemDraft {
            price: item.required_text("price")?.to_owned(),
            quantity: item.integer("quantity")?,
            intervals: 1,
            tax_rates: Vec::new(),
            metadata: Metadata::new(),
        };
        item.merge_metadata(&mut draft.metadata)?;
        drafts.push(draft);
    }
    let (cadence, currency) = check_items(world, &mut drafts, &entry.name("items"))?;
    if drafts.iter().any(|draft| draft.intervals > 1) {
        return Err(Error::not_simulated("The simulator's phases have one billing interval each.")
            .param(&entry.name("items")));
    }
    let items = drafts.into_iter().map(|draft| PhaseItem {
        price: draft.price,
        quantity: draft.quantity,
        metadata: draft.metadata,
    });
    Ok((items.collect(), currency, cadence))
}

/// `end_date`, or `duration`, or one period of the items; and for whoever names no version, so many as
/// `iterations` said before there was `duration`.
fn end(entry: &Params<'_>, start: i64, cadence: Cadence) -> Result<i64> {
    if let Some(end) = entry.integer("end_date")? {
        return Ok(end);
    }
    let Some(duration) = entry.object("duration")? else {
        let iterations = if entry.is_strict() { None } else { entry.integer("iterations")? };
        return Ok(calendar::period_start(start, cadence, iterations.unwrap_or(1).max(1)));
    };
    duration.only(&["interval", "interval_count"], &[])?;
    let word = duration.choice("interval", &Interval::WORDS)?;
    let interval = word.and_then(Interval::from_word);
    let interval = interval.ok_or_else(|| Error::parameter_missing(&duration.name("interval")))?;
    let count = duration.integer("interval_count")?.unwrap_or(1);
    if count < 1 {
        return Err(duration.wrong("interval_count", "A phase lasts at least one interval."));
    }
    Ok(calendar::period_start(start, Cadence { interval, count }, 1))
}

/// The running phase keeps what it sells.
fn check_present(
    world: &World,
    params: &Params<'_>,
    schedule: &Schedule,
    phases: &[Phase],
) -> Result<()> {
    if schedule.status == Status::NotStarted {
        return Ok(());
    }
    let now = world.now;
    let running = phases.iter().find(|phase| (phase.start..phase.end).contains(&now));
    let Some(running) = running else {
        return Err(params.wrong("phases", "One of the phases must be the running one."));
    };
    let subscription = schedule.subscription.as_ref().and_then(|id| world.subscriptions.find(id));
    let sold = |item: &PhaseItem| {
        subscription.is_some_and(|subscription| {
            subscription
                .items
                .iter()
                .any(|found| found.price == item.price && found.quantity == item.quantity)
        })
    };
    let count = subscription.map_or(0, |subscription| subscription.items.len());
    if count == running.items.len() && running.items.iter().all(sold) {
        return Ok(());
    }
    Err(Error::not_simulated(
        "The simulator does not change the running phase of a schedule. Change the subscription \
         first, and then make the schedule from it.",
    )
    .param(&params.name("phases")))
}
