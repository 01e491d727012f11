//! Changing what is said of a tenant.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tollhouse_domain::{actor::Permission, time::Timestamp};
use utoipa::ToSchema;

use super::{
    create::Said,
    view::{TenantDetail, detail},
};
use crate::{
    app::App,
    db::Json as Stored,
    error::{Error, Problem, Result},
    http::{
        auth::Caller,
        extract::{JsonBody, Patched, TenantPath},
    },
    platform::actions::settle,
    tenants::{Overrides, Retention, actions as tenants, queries::Tenant, sso::Sso},
};

/// What is to be different; what is left out stays, and `null` takes away.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchTenant {
    name: Option<String>,
    email: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    billing_email: Patched<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    phone: Patched<String>,
    support_tier: Option<String>,
    sla_level: Option<i64>,
    /// In the place of all that was there.
    metadata: Option<BTreeMap<String, String>>,
    /// A secret that is left out stays, for the same issuer and client.
    #[serde(default)]
    #[schema(value_type = Option<Sso>)]
    sso: Patched<Sso>,
    /// In the place of all that were there.
    #[serde(default)]
    #[schema(value_type = Option<Overrides>)]
    overrides: Patched<Overrides>,
    #[serde(default)]
    #[schema(value_type = Option<Retention>)]
    retention: Patched<Retention>,
}

/// Change what is said of a tenant
#[utoipa::path(patch, path = "/api/v1/stripe/tenants/{tenant_id}", tag = "tenants",
    params(("tenant_id" = String, Path)), request_body = PatchTenant,
    responses((status = 200, body = TenantDetail), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(id): TenantPath,
    body: JsonBody,
) -> Result<Json<TenantDetail>> {
    caller.tenant(id, Permission::ManageTenants)?;
    tenants::get(&app, id).await?;
    let request: PatchTenant = body.read()?;
    request.refuse_problems(app.clock.now())?;
    let origin = caller.origin();
    tenants::update(&app, &origin, id, |tenant| request.apply(tenant)).await?;
    settle(&app, &origin, id).await?;
    let tenant = tenants::get(&app, id).await?;
    Ok(Json(detail(&app, tenant).await?))
}

impl PatchTenant {
    fn refuse_problems(&self, now: Timestamp) -> Result<()> {
        let said = Said {
            name: self.name.as_deref(),
            email: self.email.as_deref(),
            billing_email: self.billing_email.value().map(String::as_str),
            phone: self.phone.value().map(String::as_str),
            support_tier: self.support_tier.as_deref(),
            sla_level: self.sla_level,
            metadata: self.metadata.as_ref(),
            sso: self.sso.value(),
            overrides: self.overrides.value(),
            retention: self.retention.value(),
        };
        let problems = said.problems(now);
        if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
    }

    /// Answers the names of what is different now.
    fn apply(self, tenant: &mut Tenant) -> Result<Vec<&'static str>> {
        let mut changed = Vec::new();
        put(&mut tenant.name, self.name, "name", &mut changed);
        put(&mut tenant.contact_email, self.email, "email", &mut changed);
        if let Patched::Given(email) = self.billing_email {
            put(&mut tenant.billing_email, Some(email), "billing_email", &mut changed);
        }
        if let Patched::Given(phone) = self.phone {
            put(&mut tenant.phone, Some(phone), "phone", &mut changed);
        }
        put(&mut tenant.support_tier, self.support_tier, "support_tier", &mut changed);
        put(&mut tenant.sla_level, self.sla_level, "sla_level", &mut changed);
        if let Some(metadata) = self.metadata {
            let mut stored = Some(tenant.metadata.clone());
            put_json(&mut stored, Some(metadata), "metadata", &mut changed)?;
            tenant.metadata = stored.unwrap_or_else(|| tenant.metadata.clone());
        }
        if let Patched::Given(mut sso) = self.sso {
            let before: Option<Sso> = tenant.sso.as_ref().map(Stored::to).transpose()?;
            if let Some(sso) = &mut sso {
                sso.keep_secret(before.as_ref());
            }
            put_json(&mut tenant.sso, sso, "sso", &mut changed)?;
        }
        if let Patched::Given(overrides) = self.overrides {
            put_json(&mut tenant.overrides, overrides, "overrides", &mut changed)?;
        }
        if let Patched::Given(retention) = self.retention {
            put_json(&mut tenant.retention, retention, "retention", &mut changed)?;
        }
        Ok(changed)
    }
}

fn put<T: PartialEq>(
    place: &mut T,
    wanted: Option<T>,
    name: &'static str,
    changed: &mut Vec<&'static str>,
) {
    if let Some(wanted) = wanted.filter(|wanted| wanted != place) {
        *place = wanted;
        changed.push(name);
    }
}

fn put_json<T: Serialize + DeserializeOwned + PartialEq>(
    place: &mut Option<Stored>,
    wanted: Option<T>,
    name: &'static str,
    changed: &mut Vec<&'static str>,
) -> Result<()> {
    let before: Option<T> = place.as_ref().map(Stored::to).transpose()?;
    if before != wanted {
        *place = wanted.as_ref().map(Stored::of).transpose()?;
        changed.push(name);
    }
    Ok(())
}
