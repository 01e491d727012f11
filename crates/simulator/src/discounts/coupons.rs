//! Coupons: what is taken off, for how long, and how often.

use serde_json::{Value, json};

use crate::{
    catalog::amount::Decimal,
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct Coupon {
    pub id: String,
    created: i64,
    name: Option<String>,
    pub off: Off,
    /// What it takes something off; everything, where empty.
    products: Vec<String>,
    pub duration: Duration,
    max_redemptions: Option<i64>,
    redeem_by: Option<i64>,
    pub times_redeemed: i64,
    metadata: Metadata,
    deleted: bool,
}

#[derive(Clone)]
pub enum Off {
    /// Of a hundred.
    Percent(Decimal),
    Amount {
        amount: i64,
        currency: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Duration {
    Once,
    Months(i64),
    Forever,
}

impl Coupon {
    /// Whether it can still be redeemed at `now`.
    pub fn is_valid(&self, now: i64) -> bool {
        !self.deleted
            && self.redeem_by.is_none_or(|by| now <= by)
            && self.max_redemptions.is_none_or(|most| self.times_redeemed < most)
    }

    pub fn is_for(&self, product: Option<&String>) -> bool {
        self.products.is_empty() || product.is_some_and(|product| self.products.contains(product))
    }

    /// Shown on demand; a coupon for everything has none.
    pub fn applies_to(&self) -> Option<Value> {
        (!self.products.is_empty()).then(|| json!({ "products": self.products }))
    }
}

impl Object for Coupon {
    const NOUN: &'static str = "coupon";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn is_deleted(&self) -> bool {
        self.deleted
    }

    fn render(&self, world: &World) -> Value {
        let (percent, amount, currency) = match &self.off {
            // A JSON number, written digit by digit.
            Off::Percent(percent) => {
                (serde_json::from_str(&percent.to_string()).unwrap_or_default(), None, None)
            }
            Off::Amount { amount, currency } => (Value::Null, Some(amount), Some(currency)),
        };
        let (duration, months) = match self.duration {
            Duration::Once => ("once", None),
            Duration::Months(months) => ("repeating", Some(months)),
            Duration::Forever => ("forever", None),
        };
        json!({
            "id": self.id,
            "object": "coupon",
            "amount_off": amount,
            "created": self.created,
            "currency": currency,
            "duration": duration,
            "duration_in_months": months,
            "livemode": false,
            "max_redemptions": self.max_redemptions,
            "metadata": self.metadata,
            "name": self.name,
            "percent_off": percent,
            "redeem_by": self.redeem_by,
            "times_redeemed": self.times_redeemed,
            "valid": self.is_valid(world.now),
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.coupons
    }
}

pub fn create_coupon(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut coupon = Coupon {
        id: params.text("id")?.unwrap_or_default().to_owned(),
        created: world.now,
        name: params.text("name")?.map(str::to_owned),
        off: read_off(&params)?,
        products: read_products(world, &params)?,
        duration: read_duration(&params)?,
        max_redemptions: params.integer("max_redemptions")?,
        redeem_by: params.integer("redeem_by")?,
        times_redeemed: 0,
        metadata: Metadata::new(),
        deleted: false,
    };
    params.merge_metadata(&mut coupon.metadata)?;
    if coupon.max_redemptions.is_some_and(|most| most < 1) {
        return Err(params.wrong("max_redemptions", "A coupon can be redeemed at least once."));
    }
    if coupon.redeem_by.is_some_and(|by| by <= world.now) {
        return Err(params.wrong("redeem_by", "Redeem by must be in the future."));
    }
    if world.coupons.find(&coupon.id).is_some_and(|found| !found.deleted) {
        return Err(Error::invalid("Coupon already exists.")
            .code("resource_already_exists")
            .param("id"));
    }
    if coupon.id.is_empty() {
        coupon.id = world.ids.coupon();
    }
    let shown = coupon.render(world);
    world.coupons.put(coupon);
    world.emit("coupon.created", &shown);
    Ok(shown)
}

fn read_off(params: &Params<'_>) -> Result<Off> {
    let amount = params.integer("amount_off")?;
    let Some(text) = params.text("percent_off")? else {
        let amount = amount.ok_or_else(|| Error::parameter_missing("percent_off"))?;
        if amount <= 0 {
            return Err(params.wrong("amount_off", "The amount must be above zero."));
        }
        let currency = params.required_text("currency")?.to_ascii_lowercase();
        return Ok(Off::Amount { amount, currency });
    };
    if amount.is_some() {
        let message = "You may only specify one of these parameters: amount_off, percent_off.";
        return Err(Error::invalid(message).code("parameters_exclusive"));
    }
    match text.parse::<Decimal>() {
        Ok(percent) if percent.is_percentage() => Ok(Off::Percent(percent)),
        _ => Err(params.wrong("percent_off", "The percentage must be above 0 and at most 100.")),
    }
}

fn read_products(world: &World, params: &Params<'_>) -> Result<Vec<String>> {
    let Some(applies_to) = params.object("applies_to")? else { return Ok(Vec::new()) };
    applies_to.only(&["products"], &[])?;
    let products = applies_to.texts("products")?;
    for product in &products {
        world.products.get(product, "applies_to[products]")?;
    }
    Ok(products.into_iter().map(str::to_owned).collect())
}

fn read_duration(params: &Params<'_>) -> Result<Duration> {
    let months = params.integer("duration_in_months")?;
    match params.choice("duration", &["forever", "once", "repeating"])? {
        Some("repeating") => match months {
            Some(months) if months > 0 => Ok(Duration::Months(months)),
            Some(_) => Err(params.wrong("duration_in_months", "It lasts at least one month.")),
            None => Err(Error::parameter_missing("duration_in_months")),
        },
        Some("forever") => Ok(Duration::Forever),
        _ => Ok(Duration::Once),
    }
}

pub fn update_coupon(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut coupon = world.coupons.get(&request.id, "coupon")?.clone();
    let before = coupon.render(world);
    params.set_text("name", &mut coupon.name)?;
    params.merge_metadata(&mut coupon.metadata)?;
    let after = coupon.render(world);
    world.coupons.put(coupon);
    world.emit_update("coupon.updated", &before, &after);
    Ok(after)
}

/// Discounts that came of it stay.
pub fn delete_coupon(world: &mut World, request: &Request) -> Result<Value> {
    let shown = world.coupons.get(&request.id, "coupon")?.render(world);
    world.coupons.change(&request.id, |coupon| coupon.deleted = true);
    world.emit("coupon.deleted", &shown);
    Ok(json!({ "id": request.id, "object": "coupon", "deleted": true }))
}

pub fn retrieve_coupon(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.coupons.get(&request.id, "coupon")?.render(world))
}

pub fn list_coupons(world: &mut World, request: &Request) -> Result<Value> {
    lists::list::<Coupon>(world, request, |_| true)
}
