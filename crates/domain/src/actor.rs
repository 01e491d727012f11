//! Who did it: a person, Stripe, the clock or the system; and what a person's role permits.

use serde::{Deserialize, Serialize};

use crate::text::words;

/// Who caused a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Actor {
    /// A person, known by the subject of their credential.
    User { subject: String, role: Role },
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
            Self::Stripe => "stripe",
            Self::System => "system",
        }
    }

    /// The subject of a person; of all others, their kind.
    pub fn name(&self) -> String {
        match self {
            Self::User { subject, .. } => subject.clone(),
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

/// What a request needs of who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// See one's own tenant.
    Read,
    /// See any tenant.
    ReadAnyTenant,
    /// Report usage, claim and release slots, and preview what a change would cost.
    RecordUsage,
    /// Change subscription, cards and billing data.
    ManageBilling,
    /// Create tenants, change them, and change how they stand.
    ManageTenants,
    /// Everything that belongs to running the installation.
    Operate,
}

impl Role {
    /// Whether the role permits it.
    pub fn allows(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    const fn permissions(self) -> &'static [Permission] {
        use Permission::{ManageBilling, ManageTenants, Operate, Read, ReadAnyTenant, RecordUsage};
        match self {
            Self::Viewer => &[Read],
            Self::Member => &[Read, RecordUsage],
            Self::Admin | Self::Owner => &[Read, RecordUsage, ManageBilling],
            Self::Support => &[Read, ReadAnyTenant],
            Self::Operator => {
                &[Read, ReadAnyTenant, RecordUsage, ManageBilling, ManageTenants, Operate]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_has_its_roles() {
        use Role::{Admin, Member, Operator, Owner, Support, Viewer};
        let cases: [(Permission, &[Role]); 6] = [
            (Permission::Read, &[Owner, Admin, Member, Viewer, Operator, Support]),
            (Permission::ReadAnyTenant, &[Operator, Support]),
            (Permission::RecordUsage, &[Owner, Admin, Member, Operator]),
            (Permission::ManageBilling, &[Owner, Admin, Operator]),
            (Permission::ManageTenants, &[Operator]),
            (Permission::Operate, &[Operator]),
        ];
        for (permission, roles) in cases {
            let allowed: Vec<Role> =
                Role::ALL.iter().copied().filter(|role| role.allows(permission)).collect();
            assert_eq!(allowed, roles, "{permission:?}");
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
