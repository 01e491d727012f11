//! Who did it: a person, a program, Stripe or the system; and what a role or a scope permits.

use serde::{Deserialize, Serialize};

use crate::id::ApiKeyId;
use crate::text::{closed_list, words};

/// Who caused a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Actor {
    /// A person, known by the subject of their credential.
    User { subject: String, role: Role },
    /// A program, known by the id of its API key.
    ApiKey { id: ApiKeyId },
    /// Stripe, by a webhook or an answer.
    Stripe,
    /// The installation itself: start-up, or a background task.
    System,
}

impl Actor {
    /// The word for what kind of actor it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::ApiKey { .. } => "api_key",
            Self::Stripe => "stripe",
            Self::System => "system",
        }
    }

    /// The subject of a person, the id of an API key; of all others, their kind.
    pub fn name(&self) -> String {
        match self {
            Self::User { subject, .. } => subject.clone(),
            Self::ApiKey { id } => id.to_string(),
            Self::Stripe | Self::System => self.kind().to_owned(),
        }
    }
}

words! {
    /// What a person is to a tenant, or to all of them.
    pub enum Role, "a role" {
        /// Of a tenant: may do everything there.
        Owner = "owner",
        /// Of a tenant: may do everything there, too.
        Admin = "admin",
        /// Of a tenant: uses it.
        Member = "member",
        /// Of a tenant: looks.
        Viewer = "viewer",
        /// Our own staff: may do everything, everywhere.
        Operator = "operator",
        /// Our own staff: sees everything.
        Support = "support",
    }
}

words! {
    /// What an API key is for.
    pub enum Scope, "a scope" {
        /// Reports usage; claims and releases slots.
        UsageWrite = "usage:write",
        /// Asks what a tenant may.
        EntitlementsRead = "entitlements:read",
        /// Sees tenants and what they have.
        TenantsRead = "tenants:read",
        /// Creates and changes tenants and what they have.
        TenantsWrite = "tenants:write",
        /// Reads the metrics, and nothing else.
        MetricsRead = "metrics:read",
        /// Does everything.
        Admin = "admin",
    }
}

closed_list! {
    /// What a request needs of who sends it; `sentence` says what it permits.
    pub enum Permission, sentence {
        /// See one's own tenant.
        Read = "See one's own tenant",
        /// Ask what a tenant may.
        ReadEntitlements = "Ask what a tenant may",
        /// See any tenant.
        ReadAnyTenant = "See any tenant",
        /// Report usage, claim and release slots, and preview what a change would cost.
        RecordUsage = "Report usage, claim and release slots, preview what a change would cost",
        /// Change subscription, cards and billing data.
        ManageBilling = "Change subscription, cards and billing data",
        /// Create tenants, change them, and change how they stand.
        ManageTenants = "Create tenants, change them, change how they stand",
        /// See what the installation counts; no tenant's data is in it.
        ReadMetrics = "Read the metrics",
        /// Everything that belongs to running the installation.
        Operate = "Run the installation: discounts, API keys, audit",
    }
}

impl Permission {
    /// Whether it reaches beyond one tenant: a credential of one tenant has it there alone.
    pub const fn is_of_the_platform(self) -> bool {
        matches!(
            self,
            Self::ReadAnyTenant | Self::ManageTenants | Self::ReadMetrics | Self::Operate
        )
    }
}

impl Role {
    /// Whether the role permits it.
    pub fn allows(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    const fn permissions(self) -> &'static [Permission] {
        use Permission::{
            ManageBilling, Read, ReadAnyTenant, ReadEntitlements, ReadMetrics, RecordUsage,
        };
        match self {
            Self::Viewer => &[Read, ReadEntitlements],
            Self::Member => &[Read, ReadEntitlements, RecordUsage],
            Self::Admin | Self::Owner => &[Read, ReadEntitlements, RecordUsage, ManageBilling],
            Self::Support => &[Read, ReadEntitlements, ReadAnyTenant, ReadMetrics],
            Self::Operator => Permission::ALL,
        }
    }
}

impl Scope {
    /// Whether the scope permits it.
    pub fn allows(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    const fn permissions(self) -> &'static [Permission] {
        use Permission::{
            ManageBilling, ManageTenants, Read, ReadAnyTenant, ReadEntitlements, ReadMetrics,
            RecordUsage,
        };
        match self {
            Self::UsageWrite => &[RecordUsage],
            Self::EntitlementsRead => &[ReadEntitlements],
            Self::TenantsRead => &[Read, ReadEntitlements, ReadAnyTenant],
            Self::TenantsWrite => {
                &[Read, ReadEntitlements, ReadAnyTenant, ManageBilling, ManageTenants]
            }
            Self::MetricsRead => &[ReadMetrics],
            Self::Admin => Permission::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_has_its_roles_and_scopes() {
        use Role::{Admin, Member, Operator, Owner, Support, Viewer};
        use Scope::{
            Admin as All, EntitlementsRead, MetricsRead, TenantsRead, TenantsWrite, UsageWrite,
        };
        let cases: [(Permission, &[Role], &[Scope]); 8] = [
            (
                Permission::Read,
                &[Owner, Admin, Member, Viewer, Operator, Support],
                &[TenantsRead, TenantsWrite, All],
            ),
            (
                Permission::ReadEntitlements,
                &[Owner, Admin, Member, Viewer, Operator, Support],
                &[EntitlementsRead, TenantsRead, TenantsWrite, All],
            ),
            (Permission::ReadAnyTenant, &[Operator, Support], &[TenantsRead, TenantsWrite, All]),
            (Permission::RecordUsage, &[Owner, Admin, Member, Operator], &[UsageWrite, All]),
            (Permission::ManageBilling, &[Owner, Admin, Operator], &[TenantsWrite, All]),
            (Permission::ManageTenants, &[Operator], &[TenantsWrite, All]),
            (Permission::ReadMetrics, &[Operator, Support], &[MetricsRead, All]),
            (Permission::Operate, &[Operator], &[All]),
        ];
        assert_eq!(cases.len(), Permission::ALL.len());
        for (permission, roles, scopes) in cases {
            let allowed: Vec<Role> =
                Role::ALL.iter().copied().filter(|role| role.allows(permission)).collect();
            assert_eq!(allowed, roles, "{permission:?}");
            let allowed: Vec<Scope> =
                Scope::ALL.iter().copied().filter(|scope| scope.allows(permission)).collect();
            assert_eq!(allowed, scopes, "{permission:?}");
        }
    }

    #[test]
    fn actors_are_named() {
        let user = Actor::User { subject: "ada@example.com".to_owned(), role: Role::Owner };
        assert_eq!((user.kind(), user.name().as_str()), ("user", "ada@example.com"));
        assert_eq!((Actor::System.kind(), Actor::System.name().as_str()), ("system", "system"));
        assert_eq!(
            serde_json::to_string(&user).unwrap(),
            r#"{"kind":"user","subject":"ada@example.com","role":"owner"}"#
        );
    }
}
