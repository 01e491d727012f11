//! What a stage of a run looks at next, a page at a time: Stripe's lists, and those of our rows it may not list.

use tollhouse_domain::reconcile::{RunKind, Stage};
use tollhouse_stripe::{
    Collection, Error as StripeError,
    objects::{Entry, List},
};

use super::{drift::Suspect, queries::Run, run::Job, usage};
use crate::{
    app::App, checkout::queries as checkouts, db::Conn, error::Result,
    invoices::queries as invoices, tenants::queries as tenants, webhooks::dispatch::Target,
};

/// Rows of ours in one page.
const PAGE: i64 = 100;
/// Stripe's words for a subscription that is over.
const OVER: [&str; 2] = ["canceled", "incomplete_expired"];

pub(super) struct Page {
    pub jobs: Vec<Job>,
    /// After what the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// The page after the run's cursor.
pub(super) async fn next(app: &App, run: &Run) -> Result<Page> {
    let since = app.clock.now().plus_days(-i64::from(app.config.reconcile.invoice_days));
    match run.stage {
        // `lost.rs` looks through these.
        Stage::Events => Ok(Page { jobs: Vec::new(), next: None }),
        Stage::Customers => customers(app, run).await,
        Stage::Subscriptions => {
            entries(app, run, Collection::Subscriptions, Target::Subscription, None).await
        }
        Stage::Invoices => {
            // An import knows none of them yet.
            let since = (run.kind != RunKind::Import).then(|| since.as_second());
            entries(app, run, Collection::Invoices, Target::Invoice, since).await
        }
        Stage::UnsettledInvoices => {
            let mut conn = app.db.read().await?;
            let ids = invoices::list_unsettled(&mut conn, run.cursor.as_deref(), PAGE).await?;
            Ok(of_ours(run, Target::Invoice, ids.iter().map(ToString::to_string).collect()))
        }
        Stage::Checkouts => {
            let mut conn = app.db.read().await?;
            let ids = checkouts::list_open(&mut conn, run.cursor.as_deref(), PAGE).await?;
            Ok(of_ours(run, Target::Checkout, ids.iter().map(ToString::to_string).collect()))
        }
        Stage::Coupons => entries(app, run, Collection::Coupons, Target::Coupon, None).await,
        Stage::PromotionCodes => {
            entries(app, run, Collection::PromotionCodes, Target::PromotionCode, None).await
        }
        Stage::Usage => usage::next_page(app, run).await,
    }
}

async fn customers(app: &App, run: &Run) -> Result<Page> {
    let page = match app.stripe.walk_customers(run.cursor.as_deref()).await {
        Err(error) if is_cursor_gone(run, &error) => app.stripe.walk_customers(None).await?,
        page => page?,
    };
    let next = page.data.last().filter(|_| page.has_more).map(|last| last.id.to_string());
    let jobs = page.data.into_iter().map(|customer| Job::Customer(Box::new(customer)));
    Ok(Page { jobs: jobs.collect(), next })
}

/// Of what belongs to customers, only what belongs to one of ours.
async fn entries(
    app: &App,
    run: &Run,
    of: Collection,
    target: Target,
    since: Option<i64>,
) -> Result<Page> {
    let page = match app.stripe.walk_entries(of, since, run.cursor.as_deref()).await {
        Err(error) if is_cursor_gone(run, &error) => {
            app.stripe.walk_entries(of, since, None).await?
        }
        page => page?,
    };
    let next = next_of(&page);
    let mut conn = app.db.read().await?;
    let mut jobs = Vec::new();
    for entry in page.data {
        if is_of_ours(&mut conn, &entry).await? {
            let is_over = target == Target::Subscription
                && entry.status.as_deref().is_some_and(|status| OVER.contains(&status));
            let suspect = Suspect { is_over, ..suspect(run, target, entry.id) };
            jobs.push(Job::Compare(suspect));
        }
    }
    Ok(Page { jobs, next })
}

fn next_of(page: &List<Entry>) -> Option<String> {
    page.data.last().filter(|_| page.has_more).map(|last| last.id.clone())
}

async fn is_of_ours(conn: &mut Conn, entry: &Entry) -> Result<bool> {
    match entry.customer() {
        Some(customer) => Ok(tenants::find_by_customer(conn, customer).await?.is_some()),
        None => Ok(true),
    }
}

/// The object after which the page begins was deleted meanwhile: the stage begins anew, which does no harm.
fn is_cursor_gone(run: &Run, error: &StripeError) -> bool {
    run.cursor.is_some() && matches!(error, StripeError::Missing(_))
}

fn of_ours(run: &Run, target: Target, ids: Vec<String>) -> Page {
    let is_full = i64::try_from(ids.len()).is_ok_and(|count| count >= PAGE);
    let next = ids.last().filter(|_| is_full).cloned();
    let jobs = ids.into_iter().map(|id| Job::Compare(suspect(run, target, id))).collect();
    Page { jobs, next }
}

fn suspect(run: &Run, target: Target, id: String) -> Suspect {
    Suspect {
        run: run.id,
        target,
        id,
        reason: "no webhook told us, or it was not worked".to_owned(),
        lost: 0,
        is_over: false,
        is_drift: run.kind != RunKind::Import,
    }
}
