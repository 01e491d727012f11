//! What whoever runs the service puts beside its pages: a panel on each, and routes for the panel's forms.

use std::{fmt, sync::Arc};

use axum::Router;
use maud::Markup;

use super::visitor::Visitor;
use crate::app::App;

/// The panel for who looks at a page. It is in the language of the pages: no style and no script of its own.
pub type Panel = Arc<dyn Fn(&Visitor) -> Markup + Send + Sync>;

/// Nothing, unless somebody says otherwise; no setting does.
#[derive(Clone, Default)]
pub struct Beside {
    pub panel: Option<Panel>,
    /// Under `/pages/`; they are dressed as the pages are, and as safe.
    pub routes: Router<Arc<App>>,
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").field("panel", &self.panel.is_some()).finish_non_exhaustive()
    }
}
