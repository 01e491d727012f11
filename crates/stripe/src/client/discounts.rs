//! Coupons, and the promotion codes by which people redeem them.

use crate::{
    client::{Client, Fetched, NO_PARAMS},
    error::Result,
    gateway::IdempotencyKey,
    id::{CouponId, PromotionCodeId},
    objects::{Coupon, DeletedCoupon, List, PromotionCode},
    params,
};

impl Client {
    pub async fn create_coupon(
        &self,
        params: &params::CreateCoupon,
        key: &IdempotencyKey,
    ) -> Result<Coupon> {
        self.post("/v1/coupons".into(), params, key).await
    }

    /// With the products it is good for. A deleted coupon is missing.
    pub async fn retrieve_coupon(&self, id: &CouponId) -> Result<Fetched<Coupon>> {
        self.fetch_expanded(format!("/v1/coupons/{id}"), &["applies_to"]).await
    }

    /// Nobody can redeem it any more; discounts that came of it stay.
    pub async fn delete_coupon(
        &self,
        id: &CouponId,
        key: &IdempotencyKey,
    ) -> Result<DeletedCoupon> {
        self.delete(format!("/v1/coupons/{id}"), &NO_PARAMS, key).await
    }

    pub async fn create_promotion_code(
        &self,
        params: &params::CreatePromotionCode,
        key: &IdempotencyKey,
    ) -> Result<PromotionCode> {
        self.post("/v1/promotion_codes".into(), params, key).await
    }

    pub async fn update_promotion_code(
        &self,
        id: &PromotionCodeId,
        params: &params::UpdatePromotionCode,
        key: &IdempotencyKey,
    ) -> Result<PromotionCode> {
        self.post(format!("/v1/promotion_codes/{id}"), params, key).await
    }

    /// With its coupon.
    pub async fn retrieve_promotion_code(
        &self,
        id: &PromotionCodeId,
    ) -> Result<Fetched<PromotionCode>> {
        self.fetch_expanded(format!("/v1/promotion_codes/{id}"), &["promotion.coupon"]).await
    }

    /// Those that read so, large or small letters alike; the newest ten.
    pub async fn list_promotion_codes(&self, code: &str) -> Result<List<PromotionCode>> {
        let params = params::ListPromotionCodes { code: code.to_owned(), limit: 10 };
        self.get("/v1/promotion_codes".into(), &params).await
    }
}
