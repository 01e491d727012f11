//! The answer to «may they?», from two reads: what the tenant has, and what is counted. Holding, and what
//! becomes of it, in files of their own.

mod counted;
mod end;
mod entitled;
mod reserve;

use std::collections::BTreeSet;

use tollhouse_domain::{
    access::Access,
    entitlement::{Decision, Metered, decide},
    id::TenantId,
    plan::{FeatureValue, Plan},
    usage::Quantity,
};

pub use counted::counted;
pub use end::{release, settle};
pub use entitled::{Entitled, entitled};
pub use reserve::{Wish, reserve};

use crate::{
    app::App,
    catalog::queries as catalog,
    db::Conn,
    error::{Result, not_found},
};

/// What is answered about one feature.
pub struct Answer {
    pub feature: String,
    /// What the plans switch the feature to.
    pub value: Option<FeatureValue>,
    pub access: Access,
    pub decision: Decision,
    /// Everything counted of the meter of that name.
    pub metered: Option<Metered>,
}

impl Answer {
    fn of(
        feature: String,
        entitled: &Entitled,
        metered: Option<Metered>,
        quantity: Quantity,
    ) -> Self {
        let value = entitled.allowance.features.get(&feature).cloned();
        let (access, decision) = match entitled.access {
            Ok(access) => (access, decide(value.as_ref(), metered.as_ref(), quantity)),
            Err(reason) => (Access::None, Decision { allowed: false, reason, tally: None }),
        };
        Self { feature, value, access, decision, metered }
    }
}

/// Whether a tenant may use so much of a feature now. Nothing is held: two who ask at once may both hear yes.
///
/// # Errors
/// `NotFound`, where neither a meter nor a feature of any plan has this name.
pub async fn check(
    app: &App,
    tenant: TenantId,
    feature: &str,
    quantity: Quantity,
) -> Result<Answer> {
    let mut conn = app.db.read().await?;
    let entitled = get_entitled(app, &mut conn, tenant).await?;
    let now = app.clock.now();
    let asked = [(tenant, feature, &entitled)];
    let metered = counted(&mut conn, &asked, now).await?.pop().flatten();
    let answer = Answer::of(feature.to_owned(), &entitled, metered, quantity);
    if answer.value.is_none() && answer.metered.is_none() {
        refuse_unknown(&mut conn, feature).await?;
    }
    app.metrics.checked(answer.decision.allowed, answer.decision.reason);
    Ok(answer)
}

/// Every feature that a tenant's plans name, and every meter, as if one more were asked for.
pub async fn list(app: &App, tenant: TenantId) -> Result<(Entitled, Vec<Answer>)> {
    let mut conn = app.db.read().await?;
    let entitled = get_entitled(app, &mut conn, tenant).await?;
    let meters = catalog::meters(&mut conn).await?;
    let names: BTreeSet<&str> = entitled
        .allowance
        .features
        .keys()
        .map(String::as_str)
        .chain(meters.iter().map(|meter| meter.code.as_str()))
        .collect();
    let asked: Vec<_> = names.iter().map(|name| (tenant, *name, &entitled)).collect();
    let metered = counted(&mut conn, &asked, app.clock.now()).await?;
    let answers = names
        .iter()
        .zip(metered)
        .map(|(name, metered)| Answer::of((*name).to_owned(), &entitled, metered, Quantity::ONE))
        .collect();
    Ok((entitled, answers))
}

async fn get_entitled(app: &App, conn: &mut Conn, tenant: TenantId) -> Result<Entitled> {
    let grace_days = app.config.billing.grace_period_days;
    let mut found = entitled(conn, &[tenant], grace_days, app.clock.now()).await?;
    found.remove(&tenant).ok_or_else(|| not_found("tenant", tenant))
}

/// A name that only other plans know is an answer; one that nobody knows is a typo.
async fn refuse_unknown(conn: &mut Conn, feature: &str) -> Result<()> {
    for row in catalog::current_plans(conn).await? {
        if row.definition.to::<Plan>()?.features.contains_key(feature) {
            return Ok(());
        }
    }
    Err(not_found("feature", feature.chars().take(40).collect::<String>()))
}
