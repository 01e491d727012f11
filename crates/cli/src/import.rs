//! Take over an existing Stripe account.

use clap::Args;
use tollhouse_domain::reconcile::RunKind;
use tollhouse_server::{
    reconcile::{
        actions::request,
        import::{Preview, preview},
    },
    record::Origin,
};

use crate::{
    output,
    progress::carry_out,
    reconcile::{show, start},
    settings::SettingsArgs,
};

#[derive(Args)]
pub struct Import {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The metadata key under which customers bear the UUID of their tenant; without it, each gets a new one
    #[arg(long, value_name = "KEY")]
    tenant_key: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    pub async fn run(self) -> anyhow::Result<()> {
        let app = start(&self.settings).await?;
        if self.dry_run {
            let preview = preview(&app, self.tenant_key.as_deref()).await?;
            app.db.close().await;
            return if self.json { output::json(&preview) } else { print(&preview) };
        }
        let run = request(&app, &Origin::system(), RunKind::Import, self.tenant_key).await?;
        let run = carry_out(&app, run.id, self.json).await?;
        show(&app, run, self.json).await
    }
}

fn print(preview: &Preview) -> anyhow::Result<()> {
    let rows = [
        ("customers to take over", preview.customers_to_take_over),
        ("customers taken over before", preview.customers_known),
        ("customers without a tenant's UUID", preview.customers_without_tenant),
        ("subscriptions", preview.subscriptions),
        ("subscriptions at prices not in the catalog", preview.subscriptions_not_in_catalog),
    ];
    let rows = rows.map(|(what, count)| [what.to_owned(), count.to_string()]);
    output::table(["WHAT", "COUNT"], &rows)?;
    if !preview.prices_not_in_catalog.is_empty() {
        let prices = preview.prices_not_in_catalog.iter();
        let rows: Vec<[String; 2]> =
            prices.map(|(price, count)| [price.clone(), count.to_string()]).collect();
        output::line("\nAdd these to the catalog or to STRIPE_PRODUCT_PRICE_MAP:")?;
        output::table(["PRICE", "SUBSCRIPTIONS"], &rows)?;
    }
    Ok(())
}
