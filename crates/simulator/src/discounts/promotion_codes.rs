//! Promotion codes: the words by which customers redeem a coupon.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    lists,
    params::Metadata,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct PromotionCode {
    pub id: String,
    created: i64,
    pub code: String,
    pub coupon: String,
    active: bool,
    customer: Option<String>,
    expires_at: Option<i64>,
    max_redemptions: Option<i64>,
    pub times_redeemed: i64,
    /// Only for customers who have paid nothing yet.
    first_time: bool,
    metadata: Metadata,
}

impl PromotionCode {
    fn is_active(&self, world: &World) -> bool {
        self.active
            && self.expires_at.is_none_or(|end| world.now < end)
            && self.max_redemptions.is_none_or(|most| self.times_redeemed < most)
            && world.coupons.find(&self.coupon).is_some_and(|coupon| coupon.is_valid(world.now))
    }

    /// # Errors
    /// It is used up or over, or not for this customer (none: a new one).
    pub fn check(&self, world: &World, customer: Option<&str>, param: &str) -> Result<()> {
        if !self.is_active(world) {
            let message = format!("This promotion code is no longer active: {}.", self.code);
            return Err(Error::invalid(message).code("coupon_expired").param(param));
        }
        let is_meant = self.customer.is_none() || self.customer.as_deref() == customer;
        let has_paid = world.charges.rows().iter().any(|charge| {
            customer.is_some() && charge.customer.as_deref() == customer && charge.is_paid()
        });
        if !is_meant || (self.first_time && has_paid) {
            return Err(Error::invalid(format!(
                "This promotion code cannot be redeemed because the associated customer does not \
                 meet its restrictions: {}.",
                self.code
            ))
            .param(param));
        }
        Ok(())
    }
}

impl Object for PromotionCode {
    const NOUN: &'static str = "promotion code";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        json!({
            "id": self.id,
            "object": "promotion_code",
            "active": self.is_active(world),
            "code": self.code,
            "created": self.created,
            "customer": self.customer,
            "customer_account": null,
            "expires_at": self.expires_at,
            "livemode": false,
            "max_redemptions": self.max_redemptions,
            "metadata": self.metadata,
            "promotion": { "coupon": self.coupon, "type": "coupon" },
            "restrictions": {
                "first_time_transaction": self.first_time,
                "minimum_amount": null,
                "minimum_amount_currency": null,
            },
            "times_redeemed": self.times_redeemed,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.promotion_codes
    }
}

/// The active code that reads so, large or small letters alike.
pub fn find_code<'a>(world: &'a World, code: &str) -> Option<&'a PromotionCode> {
    let reads_so =
        |found: &&PromotionCode| found.code.eq_ignore_ascii_case(code) && found.is_active(world);
    world.promotion_codes.rows().iter().find(reads_so)
}

pub fn create_code(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let coupon = match params.object("promotion")? {
        Some(promotion) => {
            promotion.only(&["coupon", "type"], &[])?;
            promotion.choice("type", &["coupon"])?;
            promotion.required_text("coupon")?
        }
        // The older name, which those use who name no version of the API.
        None if !params.is_strict() => params.required_text("coupon")?,
        None => return Err(Error::parameter_missing("promotion")),
    };
    let coupon = world.coupons.get(coupon, "promotion[coupon]")?;
    let coupon = coupon.id.clone();
    let customer = params.text("customer")?;
    if let Some(customer) = customer {
        world.customers.get(customer, "customer")?;
    }
    let code = params.text("code")?.map(str::to_owned);
    let is_word =
        |code: &String| code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if code.as_ref().is_some_and(|code| !is_word(code)) {
        let message = "Promotion codes can only contain characters (a-z, A-Z, 0-9, -).";
        return Err(params.wrong("code", message));
    }
    let mut first_time = false;
    if let Some(restrictions) = params.object("restrictions")? {
        restrictions.only(
            &["first_time_transaction"],
            &["currency_options", "minimum_amount", "minimum_amount_currency"],
        )?;
        first_time = restrictions.boolean("first_time_transaction")?.unwrap_or(false);
    }
    let mut new = PromotionCode {
        id: String::new(),
        created: world.now,
        code: code.unwrap_or_default(),
        coupon,
        active: params.boolean("active")?.unwrap_or(true),
        customer: customer.map(str::to_owned),
        expires_at: params.integer("expires_at")?,
        max_redemptions: params.integer("max_redemptions")?,
        times_redeemed: 0,
        first_time,
        metadata: Metadata::new(),
    };
    params.merge_metadata(&mut new.metadata)?;
    if find_code(world, &new.code).is_some() {
        let message = "An active promotion code with this code already exists.";
        return Err(params.wrong("code", message));
    }
    if new.code.is_empty() {
        new.code = world.ids.coupon().to_ascii_uppercase();
    }
    new.id = world.ids.id("promo_");
    let shown = new.render(world);
    world.promotion_codes.put(new);
    world.emit("promotion_code.created", &shown);
    Ok(shown)
}

pub fn update_code(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut code = world.promotion_codes.get(&request.id, "promotion_code")?.clone();
    let before = code.render(world);
    if let Some(active) = params.boolean("active")? {
        code.active = active;
    }
    params.merge_metadata(&mut code.metadata)?;
    let after = code.render(world);
    world.promotion_codes.put(code);
    world.emit_update("promotion_code.updated", &before, &after);
    Ok(after)
}

pub fn retrieve_code(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.promotion_codes.get(&request.id, "promotion_code")?.render(world))
}

pub fn list_codes(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (code, coupon) = (params.text("code")?, params.text("coupon")?);
    let (customer, active) = (params.text("customer")?, params.boolean("active")?);
    lists::list::<PromotionCode>(world, request, |found| {
        code.is_none_or(|code| found.code.eq_ignore_ascii_case(code))
            && coupon.is_none_or(|coupon| found.coupon == coupon)
            && (customer.is_none() || found.customer.as_deref() == customer)
            && active.is_none_or(|active| found.is_active(world) == active)
    })
}
