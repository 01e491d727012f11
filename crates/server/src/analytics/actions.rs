//! Making the figures anew.

use crate::{
    app::App,
    error::Result,
    revenue::days::{self, queries::Looked},
    subscriptions::revenue::look_at_some,
};

/// Takes note of every subscription as we have it, where that is not known yet, then sums all facts up anew.
///
/// # Errors
/// What the database says.
pub async fn rebuild(app: &App) -> Result<()> {
    let mut tx = app.db.begin().await?;
    days::queries::set_looked(&mut tx, Looked::To(None)).await?;
    tx.commit().await?;
    while look_at_some(app).await? {}
    days::make_anew(app).await
}
