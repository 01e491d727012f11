//! Webhook endpoints: where events go. The secret is shown once, when one is created.

use serde_json::{Value, json};
use tollhouse_stripe::API_VERSION;

use crate::{
    error::{Error, Result},
    events, lists,
    params::{Metadata, Params},
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct WebhookEndpoint {
    id: String,
    created: i64,
    pub url: String,
    enabled_events: Vec<String>,
    api_version: Option<String>,
    description: Option<String>,
    metadata: Metadata,
    disabled: bool,
    deleted: bool,
    /// Made by `stripe listen`, not by the API.
    is_session: bool,
    pub secret: String,
}

impl WebhookEndpoint {
    pub fn listens(&self) -> bool {
        !self.disabled && !self.deleted
    }
}

impl Object for WebhookEndpoint {
    const NOUN: &'static str = "webhook endpoint";

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
        json!({
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": self.api_version,
            "application": null,
            "created": self.created,
            "description": self.description,
            "enabled_events": self.enabled_events,
            "livemode": false,
            "metadata": self.metadata,
            "status": if self.disabled { "disabled" } else { "enabled" },
            "url": self.url,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.webhook_endpoints
    }
}

impl World {
    /// Ids of the endpoints that want to hear of `kind`.
    pub(crate) fn endpoints_for(&self, kind: &str) -> Vec<String> {
        let wants = |endpoint: &&WebhookEndpoint| {
            endpoint.listens()
                && endpoint.enabled_events.iter().any(|pattern| events::matches(pattern, kind))
        };
        self.webhook_endpoints.rows().iter().filter(wants).map(|e| e.id.clone()).collect()
    }
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let api_version = params.text("api_version")?.map(str::to_owned);
    if let Some(version) = api_version.as_deref().filter(|version| *version != API_VERSION) {
        return Err(Error::not_simulated(format!(
            "The simulator renders events in `{API_VERSION}` only, not in `{version}`."
        ))
        .param("api_version"));
    }
    let url = params.url("url")?.ok_or_else(|| Error::parameter_missing("url"))?;
    let mut endpoint = WebhookEndpoint {
        id: world.ids.id("we_"),
        created: world.now,
        url: url.to_owned(),
        enabled_events: enabled_events(&params)?,
        api_version,
        description: params.text("description")?.map(str::to_owned),
        metadata: Metadata::new(),
        disabled: false,
        deleted: false,
        is_session: false,
        secret: world.ids.webhook_secret(),
    };
    params.merge_metadata(&mut endpoint.metadata)?;
    let mut shown = endpoint.render(world);
    shown["secret"] = json!(endpoint.secret);
    world.webhook_endpoints.put(endpoint);
    Ok(shown)
}

fn enabled_events(params: &Params<'_>) -> Result<Vec<String>> {
    let events = params.texts("enabled_events")?;
    if events.is_empty() {
        return Err(params.empty("enabled_events"));
    }
    Ok(events.into_iter().map(str::to_owned).collect())
}

/// An endpoint for a session of the command line, which is not connected yet.
pub fn add_session(world: &mut World, id: &str, url: String, secret: String) {
    let endpoint = WebhookEndpoint {
        id: id.to_owned(),
        created: world.now,
        url,
        enabled_events: vec!["*".to_owned()],
        api_version: None,
        description: None,
        metadata: Metadata::new(),
        disabled: true,
        deleted: false,
        is_session: true,
        secret,
    };
    world.webhook_endpoints.put(endpoint);
}

/// Whether there is such a session; it hears from now on, or no more.
pub fn set_listening(world: &mut World, session: &str, listens: bool) -> bool {
    let found = world.webhook_endpoints.find(session).is_some_and(|endpoint| endpoint.is_session);
    if found {
        world.webhook_endpoints.change(session, |endpoint| endpoint.disabled = !listens);
    }
    found
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.webhook_endpoints.get(&request.id, "webhook_endpoint")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    lists::list::<WebhookEndpoint>(world, request, |endpoint| !endpoint.is_session)
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut endpoint = world.webhook_endpoints.get(&request.id, "webhook_endpoint")?.clone();
    if let Some(url) = params.url("url")? {
        url.clone_into(&mut endpoint.url);
    }
    if params.has("enabled_events") {
        endpoint.enabled_events = enabled_events(&params)?;
    }
    if let Some(disabled) = params.boolean("disabled")? {
        endpoint.disabled = disabled;
    }
    params.set_text("description", &mut endpoint.description)?;
    params.merge_metadata(&mut endpoint.metadata)?;
    world.webhook_endpoints.put(endpoint);
    retrieve(world, request)
}

pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    world.webhook_endpoints.get(&request.id, "webhook_endpoint")?;
    world.webhook_endpoints.change(&request.id, |endpoint| endpoint.deleted = true);
    Ok(json!({ "id": request.id, "object": "webhook_endpoint", "deleted": true }))
}
