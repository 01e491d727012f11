//! Portal configurations.

use serde_json::{Value, json};

use super::features;
use crate::{
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct Configuration {
    id: String,
    created: i64,
    updated: i64,
    active: bool,
    name: Option<String>,
    headline: Option<String>,
    privacy_policy_url: Option<String>,
    terms_of_service_url: Option<String>,
    pub default_return_url: Option<String>,
    /// As shown.
    pub features: Value,
    metadata: Metadata,
}

impl Object for Configuration {
    const NOUN: &'static str = "configuration";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        json!({
            "id": self.id,
            "object": "billing_portal.configuration",
            "active": self.active,
            "application": null,
            "business_profile": {
                "headline": self.headline,
                "privacy_policy_url": self.privacy_policy_url,
                "terms_of_service_url": self.terms_of_service_url,
            },
            "created": self.created,
            "default_return_url": self.default_return_url,
            "features": self.features,
            "is_default": false,
            "livemode": false,
            "login_page": { "enabled": false, "url": null },
            "metadata": self.metadata,
            "name": self.name,
            "updated": self.updated,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.portal_configurations
    }
}

impl Configuration {
    pub fn allows(&self, feature: &str) -> bool {
        self.features[feature]["enabled"] == true
    }

    fn read(&mut self, world: &World, params: &Params<'_>) -> Result<()> {
        features::read(world, params, &mut self.features)?;
        params.set_text("name", &mut self.name)?;
        params.url("default_return_url")?;
        params.set_text("default_return_url", &mut self.default_return_url)?;
        if let Some(profile) = params.object("business_profile")? {
            profile.only(&["headline", "privacy_policy_url", "terms_of_service_url"], &[])?;
            profile.set_text("headline", &mut self.headline)?;
            profile.set_text("privacy_policy_url", &mut self.privacy_policy_url)?;
            profile.set_text("terms_of_service_url", &mut self.terms_of_service_url)?;
        }
        params.merge_metadata(&mut self.metadata)
    }
}

pub fn create_configuration(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    if params.object("features")?.is_none() {
        return Err(Error::parameter_missing("features"));
    }
    let mut configuration = Configuration {
        id: String::new(),
        created: world.now,
        updated: world.now,
        active: true,
        name: None,
        headline: None,
        privacy_policy_url: None,
        terms_of_service_url: None,
        default_return_url: None,
        features: features::none(),
        metadata: Metadata::new(),
    };
    configuration.read(world, &params)?;
    configuration.id = world.ids.id("bpc_");
    let shown = configuration.render(world);
    world.portal_configurations.put(configuration);
    world.emit("billing_portal.configuration.created", &shown);
    Ok(shown)
}

pub fn update_configuration(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut configuration = world.portal_configurations.get(&request.id, "configuration")?.clone();
    let before = configuration.render(world);
    configuration.read(world, &params)?;
    if let Some(active) = params.boolean("active")? {
        configuration.active = active;
    }
    configuration.updated = world.now;
    let after = configuration.render(world);
    world.portal_configurations.put(configuration);
    world.emit_update("billing_portal.configuration.updated", &before, &after);
    Ok(after)
}

pub fn retrieve_configuration(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.portal_configurations.get(&request.id, "configuration")?.render(world))
}

pub fn list_configurations(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (active, is_default) = (params.boolean("active")?, params.boolean("is_default")?);
    lists::list::<Configuration>(world, request, |configuration| {
        active.is_none_or(|active| configuration.active == active) && is_default != Some(true)
    })
}
