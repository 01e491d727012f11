//! Products.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    table::{Object, Table},
    world::{Request, World, with_nulls},
};

const MARKETING_FEATURES_MAX: usize = 15;

#[derive(Clone, Default)]
pub struct Product {
    pub id: String,
    pub created: i64,
    updated: i64,
    pub active: bool,
    pub name: String,
    description: Option<String>,
    marketing_features: Vec<String>,
    metadata: Metadata,
    default_price: Option<String>,
    statement_descriptor: Option<String>,
    unit_label: Option<String>,
    url: Option<String>,
    deleted: bool,
}

impl Object for Product {
    const NOUN: &'static str = "product";

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
        let features: Vec<Value> =
            self.marketing_features.iter().map(|name| json!({ "name": name })).collect();
        let shown = json!({
            "id": self.id,
            "object": "product",
            "active": self.active,
            "created": self.created,
            "default_price": self.default_price,
            "description": self.description,
            "images": [],
            "livemode": false,
            "marketing_features": features,
            "metadata": self.metadata,
            "name": self.name,
            "statement_descriptor": self.statement_descriptor,
            "type": "service",
            "unit_label": self.unit_label,
            "updated": self.updated,
            "url": self.url,
        });
        with_nulls(shown, &["package_dimensions", "shippable", "tax_code", "tax_details"])
    }

    fn table(world: &World) -> &Table<Self> {
        &world.products
    }
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let id = add(world, &request.params())?;
    Ok(world.products.get(&id, "id")?.render(world))
}

/// A new product from the parameters of a product, or of a price's `product_data`.
pub fn add(world: &mut World, params: &Params<'_>) -> Result<String> {
    let given = params.text("id")?;
    if let Some(id) = given.filter(|id| world.products.find(id).is_some()) {
        return Err(params
            .wrong("id", &format!("Product already exists: {id}"))
            .code("resource_already_exists"));
    }
    params.required_text("name")?;
    let mut product = Product { created: world.now, active: true, ..Product::default() };
    read(&params.clone(), &mut product)?;
    product.updated = world.now;
    product.id = given.map_or_else(|| world.ids.id("prod_"), str::to_owned);
    let (id, shown) = (product.id.clone(), product.render(world));
    world.products.put(product);
    world.emit("product.created", &shown);
    Ok(id)
}

fn read(params: &Params<'_>, product: &mut Product) -> Result<()> {
    if params.has("name") {
        params.required_text("name")?.clone_into(&mut product.name);
    }
    if let Some(active) = params.boolean("active")? {
        product.active = active;
    }
    params.set_text("description", &mut product.description)?;
    params.set_text("statement_descriptor", &mut product.statement_descriptor)?;
    params.set_text("unit_label", &mut product.unit_label)?;
    if params.has("url") {
        product.url = params.url("url")?.map(str::to_owned);
    }
    if params.has("marketing_features") {
        let features = params.objects("marketing_features")?;
        if features.len() > MARKETING_FEATURES_MAX {
            let message = format!("Array too long: at most {MARKETING_FEATURES_MAX} elements.");
            return Err(params.wrong("marketing_features", &message));
        }
        let names: Result<Vec<String>> =
            features.iter().map(|feature| Ok(feature.required_text("name")?.to_owned())).collect();
        product.marketing_features = names?;
    }
    params.merge_metadata(&mut product.metadata)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.products.get(&request.id, "id")?.render(world))
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut product = world.products.get(&request.id, "id")?.clone();
    let before = product.render(world);
    read(&params, &mut product)?;
    if let Some(price) = params.text("default_price")? {
        let found = world.prices.get(price, "default_price")?;
        if found.product != product.id {
            return Err(Error::no_such("price", price, "default_price"));
        }
    }
    params.set_text("default_price", &mut product.default_price)?;
    product.updated = world.now;
    let after = product.render(world);
    world.products.put(product);
    world.emit_update("product.updated", &before, &after);
    Ok(after)
}

/// A product that has prices stays.
pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    let shown = retrieve(world, request)?;
    if world.prices.rows().iter().any(|price| price.product == request.id) {
        return Err(Error::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    world.products.change(&request.id, |product| product.deleted = true);
    world.emit("product.deleted", &shown);
    Ok(json!({ "id": request.id, "object": "product", "deleted": true }))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let active = params.boolean("active")?;
    let ids = params.texts("ids")?;
    lists::list::<Product>(world, request, |product| {
        active.is_none_or(|active| product.active == active)
            && (ids.is_empty() || ids.contains(&product.id.as_str()))
    })
}
