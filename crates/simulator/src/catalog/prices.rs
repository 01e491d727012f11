//! Prices: how much, how often, and by what count. Amounts never change; what changes is which price is sold.

use serde_json::Value;

use super::{
    amount::{Decimal, Package, Scheme, Tier},
    products,
    show_price::as_plan,
};
use crate::{
    calendar::{Cadence, Interval},
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    table::{Object, Table},
    world::{Request, World},
};

/// A period may be at most three years long.
const INTERVAL_MAX: [(Interval, i64); 4] =
    [(Interval::Day, 1095), (Interval::Week, 156), (Interval::Month, 36), (Interval::Year, 3)];

#[derive(Clone)]
pub struct Price {
    pub id: String,
    pub created: i64,
    pub active: bool,
    pub currency: String,
    pub product: String,
    pub nickname: Option<String>,
    pub lookup_key: Option<String>,
    pub metadata: Metadata,
    pub tax_behavior: &'static str,
    pub scheme: Scheme,
    pub package: Option<Package>,
    pub recurring: Option<Recurring>,
    /// As a plan; what was sold at it goes on.
    pub deleted: bool,
}

#[derive(Clone)]
pub struct Recurring {
    pub cadence: Cadence,
    /// The meter of a metered price.
    pub meter: Option<String>,
    pub trial_period_days: Option<i64>,
}

impl Price {
    /// In minor units.
    pub fn amount(&self, quantity: i64) -> i64 {
        self.amount_of_usage(Decimal::from_integer(quantity))
    }

    /// In minor units; usage may have decimals.
    pub fn amount_of_usage(&self, quantity: Decimal) -> i64 {
        self.scheme.amount(self.package, quantity)
    }

    pub fn is_metered(&self) -> bool {
        self.recurring.as_ref().is_some_and(|recurring| recurring.meter.is_some())
    }
}

impl Object for Price {
    const NOUN: &'static str = "price";

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
        super::show_price::render(self)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.prices
    }
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut price = Price {
        id: String::new(),
        created: world.now,
        active: params.boolean("active")?.unwrap_or(true),
        currency: currency(&params)?,
        product: String::new(),
        nickname: params.text("nickname")?.map(str::to_owned),
        lookup_key: params.text("lookup_key")?.map(str::to_owned),
        metadata: Metadata::new(),
        tax_behavior: tax_behavior(&params)?.unwrap_or("unspecified"),
        scheme: scheme(&params)?,
        package: package(&params)?,
        recurring: recurring(world, &params)?,
        deleted: false,
    };
    params.merge_metadata(&mut price.metadata)?;
    if price.package.is_some() && !matches!(price.scheme, Scheme::PerUnit(_)) {
        let message = "`transform_quantity` cannot be combined with tiers.";
        return Err(params.wrong("transform_quantity", message));
    }
    let holder = lookup_key_holder(world, &params)?;
    price.product = product(world, &params)?;
    release_lookup_key(world, holder);
    price.id = world.ids.id("price_");
    let id = add(world, price);
    Ok(world.prices.get(&id, "price")?.render(world))
}

/// Keeps a new price, and says so.
pub fn add(world: &mut World, price: Price) -> String {
    let (id, shown) = (price.id.clone(), price.render(world));
    if price.recurring.is_some() {
        world.emit("plan.created", &as_plan(&price));
    }
    world.prices.put(price);
    world.emit("price.created", &shown);
    id
}

pub fn currency(params: &Params<'_>) -> Result<String> {
    let currency = params.required_text("currency")?.to_ascii_lowercase();
    if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(currency);
    }
    Err(params.wrong("currency", &format!("Invalid currency: {currency}.")))
}

fn tax_behavior(params: &Params<'_>) -> Result<Option<&'static str>> {
    params.choice("tax_behavior", &["exclusive", "inclusive", "unspecified"])
}

fn scheme(params: &Params<'_>) -> Result<Scheme> {
    if params.choice("billing_scheme", &["per_unit", "tiered"])? != Some("tiered") {
        return unit_amount(params, "unit_amount", "unit_amount_decimal")?
            .map(Scheme::PerUnit)
            .ok_or_else(|| Error::parameter_missing("unit_amount"));
    }
    let mode = params.choice("tiers_mode", &["graduated", "volume"])?;
    let mode = mode.ok_or_else(|| Error::parameter_missing("tiers_mode"))?;
    let mut tiers = Vec::new();
    for tier in params.objects("tiers")? {
        tiers.push(read_tier(&tier)?);
    }
    let Some((last, others)) = tiers.split_last() else {
        return Err(Error::parameter_missing("tiers"));
    };
    let rises = others.windows(2).all(|pair| pair[0].up_to < pair[1].up_to);
    if last.up_to.is_some() || others.iter().any(|tier| tier.up_to.is_none()) || !rises {
        let message = "Tiers must be in ascending order, and only the last must end in `inf`.";
        return Err(params.wrong("tiers", message));
    }
    Ok(if mode == "volume" { Scheme::Volume(tiers) } else { Scheme::Graduated(tiers) })
}

fn read_tier(tier: &Params<'_>) -> Result<Tier> {
    tier.only(
        &["up_to", "unit_amount", "unit_amount_decimal", "flat_amount", "flat_amount_decimal"],
        &[],
    )?;
    let up_to = match tier.required_text("up_to")? {
        "inf" => None,
        _ => tier.integer("up_to")?,
    };
    let unit = unit_amount(tier, "unit_amount", "unit_amount_decimal")?;
    let flat = unit_amount(tier, "flat_amount", "flat_amount_decimal")?;
    if unit.is_none() && flat.is_none() {
        return Err(Error::parameter_missing(&tier.name("unit_amount")));
    }
    Ok(Tier { up_to, unit, flat })
}

pub fn unit_amount(params: &Params<'_>, whole: &str, decimal: &str) -> Result<Option<Decimal>> {
    if params.has(whole) && params.has(decimal) {
        return Err(Error::invalid(format!(
            "You may only specify one of these parameters: {}, {}.",
            params.name(whole),
            params.name(decimal)
        ))
        .code("parameters_exclusive"));
    }
    if let Some(amount) = params.integer(whole)? {
        return Ok(Some(Decimal::from_integer(amount)));
    }
    let Some(text) = params.text(decimal)? else { return Ok(None) };
    let amount = text.parse();
    amount.map(Some).map_err(|()| params.wrong(decimal, &format!("Invalid decimal: {text}")))
}

fn package(params: &Params<'_>) -> Result<Option<Package>> {
    let Some(package) = params.object("transform_quantity")? else { return Ok(None) };
    package.only(&["divide_by", "round"], &[])?;
    let divide_by = package.integer("divide_by")?.filter(|divide_by| *divide_by > 0);
    let divide_by =
        divide_by.ok_or_else(|| Error::parameter_missing(&package.name("divide_by")))?;
    let round = package.choice("round", &["down", "up"])?;
    let round = round.ok_or_else(|| Error::parameter_missing(&package.name("round")))?;
    Ok(Some(Package { divide_by, round_up: round == "up" }))
}

fn recurring(world: &World, params: &Params<'_>) -> Result<Option<Recurring>> {
    let Some(params) = params.object("recurring")? else { return Ok(None) };
    params
        .only(&["interval", "interval_count", "meter", "trial_period_days", "usage_type"], &[])?;
    read_recurring(world, &params).map(Some)
}

/// How often, and by which meter; a plan says it by the same names.
pub fn read_recurring(world: &World, params: &Params<'_>) -> Result<Recurring> {
    let interval = params
        .choice("interval", &Interval::WORDS)?
        .and_then(Interval::from_word)
        .ok_or_else(|| Error::parameter_missing(&params.name("interval")))?;
    let count = params.integer("interval_count")?.unwrap_or(1);
    let max = INTERVAL_MAX.iter().find(|(i, _)| *i == interval).map_or(1, |(_, max)| *max);
    if !(1..=max).contains(&count) {
        let message = "The recurring interval can be at most three years.";
        return Err(params.wrong("interval_count", message));
    }
    let metered = params.choice("usage_type", &["licensed", "metered"])? == Some("metered");
    let meter = params.text("meter")?;
    if metered && meter.is_none() {
        let name = params.name("meter");
        return Err(Error::invalid(format!("A metered price must name its meter: {name}."))
            .code("parameter_missing")
            .param(&name));
    }
    if let Some(meter) = meter {
        let meter = world.meters.get(meter, &params.name("meter"))?;
        if !meter.is_active {
            let message = "The meter is inactive; reactivate it before a price counts on it.";
            return Err(params.wrong("meter", message));
        }
        if !metered {
            let message = format!("A meter needs `{}=metered`.", params.name("usage_type"));
            return Err(params.wrong("meter", &message));
        }
    }
    Ok(Recurring {
        cadence: Cadence { interval, count },
        meter: meter.map(str::to_owned),
        trial_period_days: params.integer("trial_period_days")?,
    })
}

fn product(world: &mut World, params: &Params<'_>) -> Result<String> {
    match (params.text("product")?, params.object("product_data")?) {
        (Some(_), Some(_)) => Err(Error::invalid(
            "You may only specify one of these parameters: product, product_data.",
        )
        .code("parameters_exclusive")),
        (Some(id), None) => Ok(world.products.get(id, "product")?.id.clone()),
        (None, Some(data)) => {
            let ours = ["active", "id", "metadata", "name", "statement_descriptor", "unit_label"];
            data.only(&ours, &["tax_code", "tax_details"])?;
            products::add(world, &data)
        }
        (None, None) => Err(Error::parameter_missing("product")),
    }
}

/// A lookup key names one price; taking it from another must be asked for.
fn lookup_key_holder(world: &World, params: &Params<'_>) -> Result<Option<String>> {
    let Some(key) = params.text("lookup_key")? else { return Ok(None) };
    let holder = world.prices.rows().iter().find(|price| price.lookup_key.as_deref() == Some(key));
    let Some(holder) = holder.map(|price| price.id.clone()) else { return Ok(None) };
    if params.boolean("transfer_lookup_key")? != Some(true) {
        return Err(params.wrong(
            "lookup_key",
            &format!(
                "A price (`{holder}`) already uses that lookup key. If you want to transfer the \
                 lookup key to this price, pass `transfer_lookup_key`."
            ),
        ));
    }
    Ok(Some(holder))
}

fn release_lookup_key(world: &mut World, holder: Option<String>) {
    if let Some(holder) = holder {
        change(world, &holder, |price| price.lookup_key = None);
    }
}

/// Changes a price and says so.
pub fn change(world: &mut World, id: &str, change: impl FnOnce(&mut Price)) {
    let Some(mut price) = world.prices.find(id).cloned() else { return };
    let before = price.render(world);
    change(&mut price);
    let after = price.render(world);
    world.prices.put(price);
    world.emit_update("price.updated", &before, &after);
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.prices.get(&request.id, "price")?.render(world))
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut price = world.prices.get(&request.id, "price")?.clone();
    if let Some(active) = params.boolean("active")? {
        price.active = active;
    }
    params.set_text("nickname", &mut price.nickname)?;
    if let Some(tax_behavior) = tax_behavior(&params)? {
        price.tax_behavior = tax_behavior;
    }
    params.merge_metadata(&mut price.metadata)?;
    let keeps_its_key = params.text("lookup_key")? == price.lookup_key.as_deref();
    if params.has("lookup_key") && !keeps_its_key {
        let holder = lookup_key_holder(world, &params)?;
        release_lookup_key(world, holder);
    }
    params.set_text("lookup_key", &mut price.lookup_key)?;
    change(world, &request.id, |stored| *stored = price);
    retrieve(world, request)
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let active = params.boolean("active")?;
    let product = params.text("product")?;
    let currency = params.text("currency")?;
    let recurs = params.choice("type", &["one_time", "recurring"])?.map(|t| t == "recurring");
    let keys = params.texts("lookup_keys")?;
    lists::list::<Price>(world, request, |price| {
        active.is_none_or(|active| price.active == active)
            && product.is_none_or(|product| price.product == product)
            && currency.is_none_or(|currency| price.currency == currency)
            && recurs.is_none_or(|recurs| price.recurring.is_some() == recurs)
            && (keys.is_empty() || price.lookup_key.as_deref().is_some_and(|k| keys.contains(&k)))
    })
}
