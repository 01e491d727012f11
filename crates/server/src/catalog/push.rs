//! Creating the catalog's products, prices and meters in Stripe, once.
//!
//! A product is found by an id of our choice, a price by its lookup key, a meter by its event name.
//! Whatever is found is used; so a push that died half-way is simply pushed again.

use tollhouse_domain::{
    money::Money,
    plan::{Meter, Plan},
    price::{Model, Price},
};
use tollhouse_stripe::{
    Client, Error as StripeError, IdempotencyKey, ProductId,
    objects::{Meter as StripeMeter, Price as StripePrice, Product},
    params,
};

use super::queries::{self, PriceRow};
use crate::{
    app::App,
    error::{Conflict, Error, Result},
};

/// What a push did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    pub created: u32,
    pub updated: u32,
    pub unchanged: u32,
}

/// Brings Stripe up to the catalog that is sold now.
///
/// # Errors
/// When Stripe refuses or cannot be reached; what was pushed until then stays and is found again.
pub async fn push(app: &App) -> Result<Pushed> {
    let mut pushed = Pushed::default();
    let meters = push_meters(app, &mut pushed).await?;
    let mut conn = app.db.read().await?;
    let plans = super::actions::sold(&mut conn).await?;
    drop(conn);
    for (plan, prices) in plans {
        if prices.is_empty() {
            continue;
        }
        let plan: Plan = plan.definition.to()?;
        let product = push_product(app, &plan, &mut pushed).await?;
        for row in prices {
            let price: Price = row.definition.to()?;
            let meter = price.meter.as_ref().and_then(|code| {
                meters.iter().find(|(known, _)| known == code).map(|(_, id)| id.clone())
            });
            if is_in_stripe(app, &row, &price).await? {
                pushed.unchanged += 1;
                continue;
            }
            let created =
                push_price(&app.stripe, &plan, &price, &product, meter, &mut pushed).await?;
            let mut tx = app.db.begin().await?;
            queries::link_price(&mut tx, &row.lookup_key, &created.id).await?;
            tx.commit().await?;
        }
    }
    tracing::info!(
        created = pushed.created,
        updated = pushed.updated,
        unchanged = pushed.unchanged,
        "the catalog was pushed to Stripe"
    );
    Ok(pushed)
}

/// Prices that are sold and not in Stripe as the catalog has them, each with why, by lookup key.
///
/// # Errors
/// When Stripe cannot be reached.
pub async fn list_unpushed(app: &App) -> Result<Vec<(String, String)>> {
    let mut conn = app.db.read().await?;
    let sold = queries::current_prices(&mut conn).await?;
    drop(conn);
    let mut unpushed = Vec::new();
    for row in sold {
        let why = match is_in_stripe(app, &row, &row.definition.to()?).await {
            Ok(true) => continue,
            Ok(false) => "Stripe does not have it".to_owned(),
            Err(Error::Conflict(Conflict::PriceDiffers, sentence)) => sentence,
            Err(error) => return Err(error),
        };
        unpushed.push((row.lookup_key, why));
    }
    Ok(unpushed)
}

/// Stripe's id of a plan's product, of our choice.
pub fn product_id(plan_code: &str) -> ProductId {
    ProductId::new(format!("tollhouse_{plan_code}"))
}

/// A price we know by its id may be of another account, or of a simulator that is gone.
async fn is_in_stripe(app: &App, row: &PriceRow, price: &Price) -> Result<bool> {
    let Some(id) = &row.stripe_price_id else { return Ok(false) };
    match app.stripe.retrieve_price(id).await {
        Ok(found) => refuse_other_amount(&found.object, price, &row.lookup_key).map(|()| true),
        Err(StripeError::Missing(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What we show must be what Stripe charges.
fn refuse_other_amount(found: &StripePrice, price: &Price, lookup_key: &str) -> Result<()> {
    let ours = price.unit_amount().map(Money::minor);
    let same_amount = ours.is_none() || found.unit_amount.is_none() || found.unit_amount == ours;
    if same_amount && found.currency == price.currency.code() {
        return Ok(());
    }
    let sentence = format!(
        "Stripe's price `{}` for `{lookup_key}` has another amount or currency than the catalog: \
         name another price, or raise the plan's `version`.",
        found.id
    );
    Err(Error::Conflict(Conflict::PriceDiffers, sentence))
}

/// The Stripe meter of each meter that some price counts by, or that the catalog wants there.
async fn push_meters(app: &App, pushed: &mut Pushed) -> Result<Vec<(String, String)>> {
    let mut conn = app.db.read().await?;
    let rows = queries::meters(&mut conn).await?;
    let priced = queries::current_prices(&mut conn).await?;
    drop(conn);
    let mut priced_meters = Vec::new();
    for row in priced {
        priced_meters.extend(row.definition.to::<Price>()?.meter);
    }
    let in_stripe = app.stripe.list_meters().await?;
    let mut linked = Vec::new();
    for row in rows {
        let meter: Meter = row.definition.to()?;
        if !meter.export && !priced_meters.contains(&row.code) {
            continue;
        }
        let known = in_stripe.iter().find(|known| known.event_name == meter.code);
        let id = if let Some(known) = known {
            refuse_other_counting(known, &meter)?;
            pushed.unchanged += 1;
            known.id.clone()
        } else {
            pushed.created += 1;
            let key = IdempotencyKey::new("create-meter", &meter.code);
            app.stripe.create_meter(&create_meter(&meter), &key).await?.id
        };
        let mut tx = app.db.begin().await?;
        queries::link_meter(&mut tx, &meter.code, &id).await?;
        tx.commit().await?;
        linked.push((row.code, id));
    }
    Ok(linked)
}

/// We count; Stripe adds up what we tell it. Of a maximum or a number of different values it is told where the
/// period stands.
fn formula(meter: &Meter) -> &'static str {
    if meter.aggregation.is_added_up() { "sum" } else { "last" }
}

fn create_meter(meter: &Meter) -> params::CreateMeter {
    params::CreateMeter {
        display_name: meter.name.clone(),
        event_name: meter.code.clone(),
        default_aggregation: params::MeterAggregation { formula: formula(meter) },
    }
}

/// A meter of that name that counts in another way would bill what we did not count.
fn refuse_other_counting(found: &StripeMeter, meter: &Meter) -> Result<()> {
    let keys = [&found.customer_mapping, &found.value_settings];
    let keys = keys.map(|key| key.event_payload_key.as_str());
    if found.default_aggregation.formula == formula(meter)
        && keys == ["stripe_customer_id", "value"]
    {
        return Ok(());
    }
    let sentence = format!(
        "Stripe's meter `{}` of the event name `{}` is not one that `{}` can be told to: it must count by \
         `{}`, the customer at `stripe_customer_id`, the value at `value`. Deactivate it in Stripe, or give \
         the meter another code.",
        found.id,
        found.event_name,
        meter.code,
        formula(meter)
    );
    Err(Error::Conflict(Conflict::MeterDiffers, sentence))
}

async fn push_product(app: &App, plan: &Plan, pushed: &mut Pushed) -> Result<ProductId> {
    let stripe = &app.stripe;
    let id = product_id(&plan.code);
    let description = Some(plan.description.clone()).filter(|text| !text.is_empty());
    match stripe.retrieve_product(&id).await {
        Ok(found) if says_the_same(&found.object, plan) => pushed.unchanged += 1,
        Ok(_) => {
            let params = params::UpdateProduct {
                name: Some(plan.name.clone()),
                description: Some(plan.description.clone()),
                active: Some(true),
            };
            // An update says how it should be; repeating it under another key does no harm.
            let key = IdempotencyKey::new("update-product", app.clock.new_id());
            stripe.update_product(&id, &params, &key).await?;
            pushed.updated += 1;
        }
        Err(StripeError::Missing(_)) => {
            let params = params::CreateProduct {
                id: id.clone(),
                name: plan.name.clone(),
                description,
                metadata: [("plan".to_owned(), plan.code.clone())].into(),
            };
            stripe.create_product(&params, &IdempotencyKey::new("create-product", &id)).await?;
            pushed.created += 1;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(id)
}

fn says_the_same(product: &Product, plan: &Plan) -> bool {
    let description = product.description.as_deref().unwrap_or_default();
    product.active && product.name == plan.name && description == plan.description
}

async fn push_price(
    stripe: &Client,
    plan: &Plan,
    price: &Price,
    product: &ProductId,
    meter: Option<String>,
    pushed: &mut Pushed,
) -> Result<StripePrice> {
    let lookup_key = price.lookup_key(&plan.code, plan.version);
    let wanted =
        params::ListPrices { lookup_keys: vec![lookup_key.clone()], active: Some(true), limit: 1 };
    if let Some(found) = stripe.list_prices(&wanted).await?.data.into_iter().next() {
        refuse_other_amount(&found, price, &lookup_key)?;
        pushed.unchanged += 1;
        return Ok(found);
    }
    let params = create_price(plan, price, product, meter);
    let created =
        stripe.create_price(&params, &IdempotencyKey::new("create-price", &lookup_key)).await?;
    pushed.created += 1;
    Ok(created)
}

fn create_price(
    plan: &Plan,
    price: &Price,
    product: &ProductId,
    meter: Option<String>,
) -> params::CreatePrice {
    let mut params = params::CreatePrice {
        product: product.clone(),
        currency: price.currency.code().to_owned(),
        unit_amount_decimal: None,
        billing_scheme: "per_unit",
        tiers_mode: None,
        tiers: Vec::new(),
        transform_quantity: None,
        recurring: params::CreateRecurring {
            interval: price.interval.as_str().to_owned(),
            interval_count: price.interval_count,
            usage_type: if meter.is_some() { "metered" } else { "licensed" },
            meter,
        },
        lookup_key: price.lookup_key(&plan.code, plan.version),
        transfer_lookup_key: true,
        metadata: [
            ("plan".to_owned(), plan.code.clone()),
            ("plan_version".to_owned(), plan.version.to_string()),
        ]
        .into(),
    };
    match &price.model {
        Model::Flat { amount } | Model::PerSeat { amount } => {
            params.unit_amount_decimal = Some(amount.normalize().to_string());
        }
        Model::Package { amount, size } => {
            params.unit_amount_decimal = Some(amount.normalize().to_string());
            let divide_by = *size;
            params.transform_quantity = Some(params::TransformQuantity { divide_by, round: "up" });
        }
        Model::Graduated { tiers } | Model::Volume { tiers } => {
            params.billing_scheme = "tiered";
            params.tiers_mode = Some(price.model.kind().as_str());
            params.tiers = tiers.iter().map(create_tier).collect();
        }
    }
    params
}

fn create_tier(tier: &tollhouse_domain::price::Tier) -> params::PriceTier {
    params::PriceTier {
        up_to: tier.up_to.map_or_else(|| "inf".to_owned(), |last| last.to_string()),
        unit_amount_decimal: tier.unit_amount.normalize().to_string(),
        flat_amount_decimal: (!tier.flat_amount.is_zero())
            .then(|| tier.flat_amount.normalize().to_string()),
    }
}
