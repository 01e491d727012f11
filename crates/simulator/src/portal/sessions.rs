//! Portal sessions: one customer's way in.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    params::Params,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct PortalSession {
    pub id: String,
    created: i64,
    pub customer: String,
    pub configuration: String,
    pub return_url: Option<String>,
    locale: Option<String>,
    pub flow: Option<Flow>,
}

/// One thing to do, instead of the whole portal.
#[derive(Clone)]
pub struct Flow {
    /// `payment_method_update`, `subscription_cancel` or `subscription_update`.
    pub kind: &'static str,
    pub subscription: Option<String>,
    /// Where the customer goes when it is done.
    pub redirect: Option<String>,
}

impl Object for PortalSession {
    const NOUN: &'static str = "portal session";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        json!({
            "id": self.id,
            "object": "billing_portal.session",
            "configuration": self.configuration,
            "created": self.created,
            "customer": self.customer,
            "customer_account": null,
            "flow": self.flow.as_ref().map(Flow::show),
            "livemode": false,
            "locale": self.locale,
            "on_behalf_of": null,
            "return_url": self.return_url,
            "url": format!("{}/p/session/{}", world.base_url, self.id),
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.portal_sessions
    }
}

impl Flow {
    fn show(&self) -> Value {
        let redirect = self.redirect.as_ref().map(|url| json!({ "return_url": url }));
        let mut shown = json!({
            "after_completion": {
                "hosted_confirmation": null,
                "redirect": redirect,
                "type": if redirect.is_some() { "redirect" } else { "portal_homepage" },
            },
            "customer_update": null,
            "subscription_cancel": null,
            "subscription_pause": null,
            "subscription_update": null,
            "subscription_update_confirm": null,
            "type": self.kind,
        });
        match self.kind {
            "subscription_cancel" => {
                shown[self.kind] = json!({ "retention": null, "subscription": self.subscription });
            }
            "subscription_update" => {
                shown[self.kind] = json!({ "subscription": self.subscription });
            }
            _ => {}
        }
        shown
    }

    fn read(world: &World, data: &Params<'_>, customer: &str) -> Result<Self> {
        data.only(
            &["after_completion", "subscription_cancel", "subscription_update", "type"],
            &["customer_update", "subscription_pause", "subscription_update_confirm"],
        )?;
        let kind = data.choice(
            "type",
            &["payment_method_update", "subscription_cancel", "subscription_update"],
        )?;
        let kind = kind.ok_or_else(|| Error::parameter_missing(&data.name("type")))?;
        let mut flow = Self { kind, subscription: None, redirect: None };
        if kind != "payment_method_update" {
            let what =
                data.object(kind)?.ok_or_else(|| Error::parameter_missing(&data.name(kind)))?;
            what.only(&["subscription"], &["retention"])?;
            let id = what.required_text("subscription")?;
            let name = what.name("subscription");
            let found = world.subscriptions.get(id, &name)?;
            if found.customer != customer || found.status.is_ended() {
                let message = "The subscription is not a running one of this customer.";
                return Err(Error::invalid(message).param(&name));
            }
            flow.subscription = Some(id.to_owned());
        }
        if let Some(after) = data.object("after_completion")? {
            after.only(&["redirect", "type"], &["hosted_confirmation"])?;
            if let Some(redirect) = after.object("redirect")? {
                flow.redirect = redirect.url("return_url")?.map(str::to_owned);
            }
        }
        Ok(flow)
    }
}

pub fn create_session(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let Some(configuration) = params.text("configuration")? else {
        return Err(Error::invalid(
            "No configuration provided and your test mode default configuration has not been \
             created. Provide a configuration or create your default by saving your customer \
             portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.",
        ));
    };
    let found = world.portal_configurations.get(configuration, "configuration")?;
    let return_url = params.url("return_url")?.map(str::to_owned);
    let return_url = return_url.or_else(|| found.default_return_url.clone());
    let flow = match params.object("flow_data")? {
        Some(data) => Some(Flow::read(world, &data, customer)?),
        None => None,
    };
    let session = PortalSession {
        id: world.ids.id("bps_"),
        created: world.now,
        customer: customer.to_owned(),
        configuration: configuration.to_owned(),
        return_url,
        locale: params.text("locale")?.map(str::to_owned),
        flow,
    };
    let shown = session.render(world);
    world.portal_sessions.put(session);
    world.emit("billing_portal.session.created", &shown);
    Ok(shown)
}
