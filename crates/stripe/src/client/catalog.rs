//! Products and prices: what is sold.

use crate::{
    client::{Client, Fetched},
    error::Result,
    gateway::IdempotencyKey,
    id::{PriceId, ProductId},
    objects::{List, Price, Product},
    params,
};

impl Client {
    pub async fn create_product(
        &self,
        params: &params::CreateProduct,
        key: &IdempotencyKey,
    ) -> Result<Product> {
        self.post("/v1/products".into(), params, key).await
    }

    pub async fn retrieve_product(&self, id: &ProductId) -> Result<Fetched<Product>> {
        self.fetch(format!("/v1/products/{id}")).await
    }

    pub async fn update_product(
        &self,
        id: &ProductId,
        params: &params::UpdateProduct,
        key: &IdempotencyKey,
    ) -> Result<Product> {
        self.post(format!("/v1/products/{id}"), params, key).await
    }

    pub async fn create_price(
        &self,
        params: &params::CreatePrice,
        key: &IdempotencyKey,
    ) -> Result<Price> {
        self.post("/v1/prices".into(), params, key).await
    }

    pub async fn retrieve_price(&self, id: &PriceId) -> Result<Fetched<Price>> {
        self.fetch(format!("/v1/prices/{id}")).await
    }

    /// One page, at most 100.
    pub async fn list_prices(&self, params: &params::ListPrices) -> Result<List<Price>> {
        self.get("/v1/prices".into(), params).await
    }
}
