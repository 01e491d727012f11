//! Features of products: who buys one has them, from the next period on where they had bought it before.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    lists,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct ProductFeature {
    id: String,
    created: i64,
    pub product: String,
    pub feature: String,
    deleted: bool,
}

impl Object for ProductFeature {
    const NOUN: &'static str = "product feature";

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
        let feature = world.features.find(&self.feature).map(|feature| feature.render(world));
        json!({
            "id": self.id,
            "object": "product_feature",
            "entitlement_feature": feature,
            "livemode": false,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.product_features
    }
}

/// The ids of the features a product has now.
pub fn of_product<'a>(world: &'a World, product: &'a str) -> impl Iterator<Item = &'a str> {
    let rows = world.product_features.rows().iter();
    rows.filter(move |row| row.product == product && !row.deleted).map(|row| row.feature.as_str())
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let product = world.products.get(&request.id, "product")?.id.clone();
    let feature = params.required_text("entitlement_feature")?;
    let found = world.features.get(feature, "entitlement_feature")?;
    if !found.active {
        return Err(params.wrong("entitlement_feature", "This feature is archived."));
    }
    if of_product(world, &product).any(|id| id == feature) {
        let message = "The product has this feature already.";
        return Err(params.wrong("entitlement_feature", message).code("resource_already_exists"));
    }
    let made = ProductFeature {
        id: world.ids.id("prodft_test_"),
        created: world.now,
        product,
        feature: feature.to_owned(),
        deleted: false,
    };
    let shown = made.render(world);
    world.product_features.put(made);
    Ok(shown)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(of_path(world, request)?.render(world))
}

pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    of_path(world, request)?;
    world.product_features.change(&request.id, |row| row.deleted = true);
    Ok(json!({ "id": request.id, "object": "product_feature", "deleted": true }))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    world.products.get(&request.id, "product")?;
    lists::list::<ProductFeature>(world, request, |row| row.product == request.id)
}

/// The feature at the end of a path that names its product too.
fn of_path<'a>(world: &'a World, request: &Request) -> Result<&'a ProductFeature> {
    let found = world.product_features.get(&request.id, "id")?;
    if request.path.split('/').any(|word| word == found.product) {
        return Ok(found);
    }
    Err(Error::no_such(ProductFeature::NOUN, &request.id, "id"))
}
