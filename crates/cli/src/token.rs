//! Sign a token for development.

use anyhow::ensure;
use clap::Args;
use tollhouse_domain::{
    actor::{Permission, Role},
    id::TenantId,
};
use tollhouse_server::{
    Clock, Config,
    http::tokens::{self, Claims},
};

use crate::{output, settings::SettingsArgs};

#[derive(Args)]
pub struct Token {
    #[command(flatten)]
    settings: SettingsArgs,
    /// owner, admin, member, viewer, operator or support
    #[arg(long)]
    role: Role,
    /// The tenant's id; not needed for operator and support
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Who it is for
    #[arg(long, default_value = "developer")]
    subject: String,
    /// How long it is valid
    #[arg(long, default_value_t = 24)]
    hours: i64,
}

impl Token {
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?.config()?;
        ensure!(
            self.tenant.is_some() || self.role.allows(Permission::ReadAnyTenant),
            "the role `{}` is somebody's of a tenant: name it with `--tenant`",
            self.role
        );
        let tenant = self.tenant.map(|tenant| tenant.to_string());
        let token = sign(&config, &Clock::real(), self.subject, self.role, tenant, self.hours)?;
        Ok(output::line(&token)?)
    }
}

/// Signs a token that this installation accepts.
pub fn sign(
    config: &Config,
    clock: &Clock,
    subject: String,
    role: Role,
    tenant_id: Option<String>,
    hours: i64,
) -> anyhow::Result<String> {
    let claims = Claims {
        sub: subject,
        role,
        tenant_id,
        exp: clock.now().plus_seconds(hours.saturating_mul(3600)).as_second(),
        nbf: None,
        iss: config.auth.jwt_issuer.clone(),
        aud: config.auth.jwt_audience.clone().map(Into::into),
    };
    tokens::sign(&claims, &config.auth)
}
