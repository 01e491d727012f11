//! Features: what can be switched on for a customer. Their lookup keys never change.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    lists,
    params::Metadata,
    table::{Object, Table},
    world::{Request, World},
};

const LOOKUP_KEY_CHARS_MAX: usize = 80;

#[derive(Clone)]
pub struct Feature {
    pub id: String,
    created: i64,
    pub lookup_key: String,
    name: String,
    metadata: Metadata,
    pub active: bool,
}

impl Object for Feature {
    const NOUN: &'static str = "feature";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        json!({
            "id": self.id,
            "object": "entitlements.feature",
            "active": self.active,
            "livemode": false,
            "lookup_key": self.lookup_key,
            "metadata": self.metadata,
            "name": self.name,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.features
    }
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let lookup_key = params.required_text("lookup_key")?;
    if lookup_key.chars().count() > LOOKUP_KEY_CHARS_MAX {
        let message = format!("At most {LOOKUP_KEY_CHARS_MAX} characters.");
        return Err(params.wrong("lookup_key", &message));
    }
    if world.features.rows().iter().any(|feature| feature.lookup_key == lookup_key) {
        let message = format!("A feature with the lookup key '{lookup_key}' already exists.");
        return Err(Error::invalid(message).code("resource_already_exists").param("lookup_key"));
    }
    let mut feature = Feature {
        id: world.ids.id("feat_test_"),
        created: world.now,
        lookup_key: lookup_key.to_owned(),
        name: params.required_text("name")?.to_owned(),
        metadata: Metadata::new(),
        active: true,
    };
    params.merge_metadata(&mut feature.metadata)?;
    let shown = feature.render(world);
    world.features.put(feature);
    Ok(shown)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.features.get(&request.id, "id")?.render(world))
}

/// Archiving is for good; what has the feature keeps it.
pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut feature = world.features.get(&request.id, "id")?.clone();
    match params.boolean("active")? {
        Some(true) if !feature.active => {
            return Err(params.wrong("active", "An archived feature cannot be made active again."));
        }
        Some(active) => feature.active = active,
        None => {}
    }
    if params.has("name") {
        params.required_text("name")?.clone_into(&mut feature.name);
    }
    params.merge_metadata(&mut feature.metadata)?;
    world.features.put(feature);
    retrieve(world, request)
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (archived, key) = (params.boolean("archived")?, params.text("lookup_key")?);
    lists::list::<Feature>(world, request, |feature| {
        archived.is_none_or(|archived| feature.active != archived)
            && key.is_none_or(|key| feature.lookup_key == key)
    })
}
