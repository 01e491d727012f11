//! Coupons, the codes by which people redeem them, and the discounts that come of it.

mod apply;
mod coupons;
mod promotion_codes;
mod redeem;

use serde_json::{Value, json};

pub use apply::{apply, show_amounts, sum, taken_off};
pub use coupons::{
    Coupon, create_coupon, delete_coupon, list_coupons, retrieve_coupon, update_coupon,
};
pub use promotion_codes::{
    PromotionCode, create_code, find_code, list_codes, retrieve_code, update_code,
};
pub use redeem::{Redemption, read, redeem, remove_from_subscription, settle};

use crate::{
    table::{Object, Table},
    world::{World, with_nulls},
};

/// A coupon at work: on a subscription, until its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discount {
    pub id: String,
    pub coupon: String,
    pub promotion_code: Option<String>,
    pub customer: String,
    pub subscription: String,
    pub checkout_session: Option<String>,
    pub start: i64,
    /// None for one that ends with its first invoice, and for one that never ends.
    pub end: Option<i64>,
}

impl Object for Discount {
    const NOUN: &'static str = "discount";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.start
    }

    fn render(&self, _: &World) -> Value {
        let shown = json!({
            "id": self.id,
            "object": "discount",
            "checkout_session": self.checkout_session,
            "customer": self.customer,
            "end": self.end,
            "promotion_code": self.promotion_code,
            "source": { "coupon": self.coupon, "type": "coupon" },
            "start": self.start,
            "subscription": self.subscription,
        });
        with_nulls(shown, NULLS)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.discounts
    }
}

impl Discount {
    pub fn runs_at(&self, moment: i64) -> bool {
        self.end.is_none_or(|end| moment < end)
    }
}

const NULLS: &[&str] = &["customer_account", "invoice", "invoice_item", "subscription_item"];
