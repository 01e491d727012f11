//! Who looks at a page.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::beside::Panel;
use crate::{
    app::App,
    error::{Error, Result},
    http::auth::Caller,
};

/// Somebody we know, by a session; or by a bearer, whose forms need no token.
pub struct Visitor {
    pub caller: Caller,
    /// What their forms must show.
    pub csrf_token: String,
    /// The path they ask for.
    pub path: String,
    /// What is put beside every page.
    pub(super) panel: Option<Panel>,
}

impl Visitor {
    /// Whether they may see every tenant.
    pub fn is_staff(&self) -> bool {
        self.caller.sees_all_tenants()
    }
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let csrf_token = caller.session().map(|(_, token)| token.to_owned()).unwrap_or_default();
        let panel = parts.extensions.get::<Panel>().cloned();
        Ok(Self { caller, csrf_token, path: parts.uri.path().to_owned(), panel })
    }
}
