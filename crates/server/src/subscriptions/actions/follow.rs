//! Making an add-on follow its base, step by step, until `domain::addon` finds nothing to do.

use tollhouse_domain::{
    addon::{Step, step},
    id::{SubscriptionId, TenantId},
    money::Currency,
    plan::Plan,
    price::Interval,
    time::Timestamp,
};
use tollhouse_stripe::{
    Error as StripeError, IdempotencyKey, SubscriptionId as StripeSubscriptionId,
    objects::{self, Metadata, StartedSubscription},
    params::{CancelSubscription, CreateSubscription, Enabled, LineItem, UpdateSubscription},
};

use super::{
    addons::{self, Base, Way, find_base, terms_beside},
    pause, reread,
};
use crate::{
    app::App,
    catalog::queries as catalog,
    error::{Error, Result, not_found},
    record::Origin,
    subscriptions::{
        offer::items_of,
        queries::{self, Subscription},
        sync::sync,
    },
};

/// More steps than this in one go mean that Stripe and the rule disagree.
const STEPS_MAX: u32 = 6;
/// Stripe renews what is due within this.
const WAIT_SECONDS: i64 = 60;
/// In an add-on's metadata: its end was set because its base has one.
const FOLLOWS_END: &str = "follows_end";
/// In an add-on's metadata: Stripe's id of the add-on that it was begun instead of.
const REPLACES: &str = "replaces";

/// Makes every add-on of a tenant follow now. What fails is left to the task, which has it written down.
pub async fn follow_all(app: &App, origin: &Origin, tenant: TenantId) {
    let Ok(addons) = addons::list_addons(app, tenant).await else { return };
    for addon in addons {
        if let Err(error) = follow(app, origin, addon.id).await {
            tracing::warn!(subscription.id = %addon.id, "an add-on will follow later: {error}");
        }
    }
}

/// Makes an add-on follow its base; answers when to look again, if that is needed.
///
/// Both are fetched first, so that a step that was done before somebody died is not done twice.
///
/// # Errors
/// What Stripe says; and where the steps come to no end.
pub async fn follow(app: &App, origin: &Origin, id: SubscriptionId) -> Result<Option<Timestamp>> {
    let Some((addon, base)) = both(app, id).await? else { return Ok(None) };
    sync(app, origin, &base.stripe_subscription_id).await?;
    sync(app, origin, &addon.stripe_subscription_id).await?;
    for _ in 0..STEPS_MAX {
        let Some((addon, base)) = both(app, id).await? else { return Ok(None) };
        let fits = addons::may_join(&plan_of(app, &addon).await?, &base.plan_code);
        let follows_end = metadata(&addon)?.contains_key(FOLLOWS_END);
        let now = app.clock.now();
        match step(&base.course(), &addon.course(), fits, follows_end, now) {
            Step::Nothing => return Ok(None),
            Step::Wait => return Ok(Some(now.plus_seconds(WAIT_SECONDS))),
            next => take(app, origin, next, &addon).await?,
        }
        sync(app, origin, &addon.stripe_subscription_id).await?;
    }
    Err(Error::Internal(anyhow::anyhow!("add-on {id} does not come to follow its base")))
}

/// The add-on and its base; `None` where it has none, which only another program can have brought about.
async fn both(app: &App, id: SubscriptionId) -> Result<Option<(Subscription, Subscription)>> {
    let mut conn = app.db.read().await?;
    let Some(addon) = queries::find(&mut conn, id).await? else { return Ok(None) };
    let Some(parent) = addon.parent_id else { return Ok(None) };
    let base = queries::find(&mut conn, parent).await?;
    Ok(base.map(|base| (addon, base)))
}

async fn plan_of(app: &App, addon: &Subscription) -> Result<Plan> {
    let mut conn = app.db.read().await?;
    let plan = catalog::find_plan(&mut conn, &addon.plan_code, addon.plan_version).await?;
    Ok(plan.ok_or_else(|| not_found("plan", &addon.plan_code))?.definition.to()?)
}

fn metadata(addon: &Subscription) -> Result<Metadata> {
    Ok(addon.stripe_object.to::<objects::Subscription>()?.metadata)
}

async fn take(app: &App, origin: &Origin, next: Step, addon: &Subscription) -> Result<()> {
    match next {
        Step::Nothing | Step::Wait => Ok(()),
        Step::End => end_now(app, addon, false).await,
        Step::EndWithCredit => end_now(app, addon, true).await,
        Step::EndAt(moment) => set_end(app, addon, Some(moment)).await,
        Step::GoOn => set_end(app, addon, None).await,
        Step::Pause => pause::pause_at_stripe(app, addon, key("addon-pause", addon)).await,
        Step::Resume => pause::resume_at_stripe(app, addon, key("addon-resume", addon)).await,
        Step::Realign => realign(app, origin, addon).await,
    }
}

/// Of what is to be done to this version of it: the same step after another change is another call.
fn key(verb: &'static str, addon: &Subscription) -> IdempotencyKey {
    IdempotencyKey::new(verb, format!("{}-{}", addon.id, addon.version))
}

async fn end_now(app: &App, addon: &Subscription, credits: bool) -> Result<()> {
    let params = CancelSubscription {
        prorate: credits.then_some(true),
        invoice_now: credits.then_some(true),
        cancellation_details: None,
    };
    let id = &addon.stripe_subscription_id;
    match app.stripe.cancel_subscription(id, &params, &key("addon-end", addon)).await {
        // Over already: the sync that follows brings it in.
        Ok(_) | Err(StripeError::Missing(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Sets the end, or takes it back; in the same call it is noted whose end it is.
async fn set_end(app: &App, addon: &Subscription, end: Option<Timestamp>) -> Result<()> {
    let noted = if end.is_some() { "true" } else { "" };
    let mut params = UpdateSubscription {
        metadata: [(FOLLOWS_END.to_owned(), noted.to_owned())].into(),
        ..UpdateSubscription::default()
    };
    match end {
        Some(end) => params.cancel_at = Some(end.as_second().to_string()),
        None if addon.cancel_at_period_end => params.cancel_at_period_end = Some(false),
        None => params.cancel_at = Some(String::new()),
    }
    let id = &addon.stripe_subscription_id;
    app.stripe.update_subscription(id, &params, &key("addon-set-end", addon)).await?;
    Ok(())
}

/// Begins the add-on anew on the dates of its base, then ends the old one with a credit for the rest of
/// its period. In this order, so that whoever dies in between leaves the tenant with what it has bought.
async fn realign(app: &App, origin: &Origin, addon: &Subscription) -> Result<()> {
    if let Some((base, items)) = find_replacement(app, addon).await? {
        match begin_anew(app, &base, addon, items).await {
            Ok(started) => {
                sync(app, origin, &started.id).await?;
            }
            Err(StripeError::Declined { .. }) => {
                tracing::warn!(subscription.id = %addon.id, "an add-on could not be paid anew, and ends");
            }
            Err(error) => return Err(error.into()),
        }
    }
    end_now(app, &reread(app, addon).await?, true).await
}

/// What the add-on costs at the rhythm of its base; `None` where it is not sold so, or was begun anew
/// already.
async fn find_replacement(
    app: &App,
    addon: &Subscription,
) -> Result<Option<(Base, Vec<LineItem>)>> {
    let id = addon.stripe_subscription_id.as_str();
    for other in addons::list_addons(app, addon.tenant_id).await? {
        if metadata(&other)?.get(REPLACES).is_some_and(|replaced| replaced == id) {
            return Ok(None);
        }
    }
    let plan = plan_of(app, addon).await?;
    let mut conn = app.db.read().await?;
    let Some(base) = find_base(&mut conn, addon.tenant_id).await? else { return Ok(None) };
    let rhythm: (Interval, Currency) = (base.price.interval, base.price.currency);
    let Some(price) = plan.find_price(rhythm.0, rhythm.1) else { return Ok(None) };
    let key = price.lookup_key(&plan.code, plan.version);
    let Some(price) = catalog::find_price(&mut conn, &key).await? else { return Ok(None) };
    let quantity = u64::try_from(addon.quantity).unwrap_or(1);
    let items = items_of(&mut conn, &price, quantity).await?;
    Ok(Some((base, items)))
}

async fn begin_anew(
    app: &App,
    base: &Base,
    addon: &Subscription,
    items: Vec<LineItem>,
) -> Result<StartedSubscription, StripeError> {
    let stripe: Option<objects::Subscription> = addon.stripe_object.to().ok();
    let mut terms = terms_beside(app, base, Way::Call);
    let replaced: &StripeSubscriptionId = &addon.stripe_subscription_id;
    terms.default_tax_rates.clone_from(&app.config.billing.tax_rates);
    terms.metadata.insert(REPLACES.to_owned(), replaced.to_string());
    terms.metadata.insert("tenant_id".to_owned(), addon.tenant_id.to_string());
    let customer = stripe.as_ref().map(|stripe| stripe.customer.0.clone());
    let params = CreateSubscription {
        customer: customer.ok_or_else(|| StripeError::Missing("its customer".to_owned()))?,
        items,
        payment_behavior: "error_if_incomplete",
        default_payment_method: stripe.and_then(|stripe| stripe.default_payment_method()),
        cancel_at_period_end: None,
        cancel_at: None,
        automatic_tax: app.config.billing.automatic_tax.then_some(Enabled { enabled: true }),
        terms,
        discounts: Vec::new(),
        expand: StartedSubscription::EXPAND.to_vec(),
    };
    // Of the period that it is put on: the same realignment is the same call.
    let id = format!("{}-{}", addon.id, base.row.period_end.as_second());
    app.stripe.create_subscription(&params, &IdempotencyKey::new("realign-addon", id)).await
}
