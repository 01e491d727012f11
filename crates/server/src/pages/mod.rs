//! What people look at in a browser: pages made here, for our staff and for a tenant's own people.
//!
//! Owns: nothing.
//! Does not own: what it shows, nor what its buttons do; both are the slices', and the API's just the same.
//! Invariant: every button is a form that works without a script, and no form changes anything without the
//! session's CSRF token.
//! Invariant: a page loads nothing but what this service serves, and runs no script but that one file.
//! Invariant: whatever goes wrong, a person reads a sentence and a request id, as a program would.
//!
//! Beside the usual files: `frame.rs` (what stands around every page), `dress.rs` (what is done to every request
//! and answer), `form.rs`, `visitor.rs`, `show.rs` (amounts, times and lists for people), what several pages show
//! (`subscription.rs`, `included.rs`, `usage.rs`, `plot.rs`, `invoice.rs`, `timeline.rs`), `assets.rs` with `style.css`
//! and `live.js`, `sign_in.rs`, `beside.rs` (what others put beside the pages); `operator/`, the pages of our staff; and `billing/`, those of a tenant's own people.

mod assets;
mod beside;
mod billing;
mod dress;
mod form;
mod frame;
mod included;
mod invoice;
mod operator;
mod plot;
mod show;
mod sign_in;
mod subscription;
mod timeline;
mod usage;
mod visitor;

use std::sync::Arc;

use axum::{Extension, Router, response::Redirect, routing::get};

use crate::app::App;

pub use beside::{Beside, Panel};
pub use dress::{dress, is_page};
pub use form::Form;
pub use visitor::Visitor;

/// Where the pages are.
const HOME: &str = "/pages";

/// The pages themselves and what stands beside them; whoever serves them adds [`dress`] around what finds out who is
/// asking.
pub fn router(beside: Beside) -> Router<Arc<App>> {
    let routes = Router::new()
        .route(HOME, get(home))
        .merge(assets::router())
        .merge(sign_in::router())
        .merge(operator::router())
        .merge(billing::router())
        .merge(beside.routes);
    match beside.panel {
        Some(panel) => routes.layer(Extension(panel)),
        None => routes,
    }
}

/// To the page that is most a visitor's own.
async fn home(visitor: Visitor) -> Redirect {
    Redirect::to(if visitor.is_staff() { "/pages/overview" } else { billing::HOME })
}
