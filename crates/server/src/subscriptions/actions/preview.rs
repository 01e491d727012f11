//! What a change, or the next period, would cost; and a token that holds Stripe to it.

use anyhow::anyhow;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tollhouse_domain::{
    id::TenantId,
    money::{Currency, Money},
    period::Period,
    refusal::Refusal,
    time::Timestamp,
};
use tollhouse_stripe::{
    Error as StripeError, IdempotencyKey, PromotionCodeId,
    objects::{self, DiscountAmount, InvoiceLine, InvoicePreview},
    params::{PreviewDetails, PreviewInvoice},
};

use super::{
    change::{Change, Target, find_target, refuse_unpaid},
    live_base,
    redeem::{discounts, find_code},
    schedule::refuse_pending,
};
use crate::{
    app::App,
    catalog::queries as catalog,
    db::Conn,
    discounts::{actions::not_applicable, queries::find_promotion_code},
    error::{Conflict, Error, Result},
    subscriptions::queries::Subscription,
    tenants::queries::Tenant,
};

/// How long a preview can be confirmed.
const TOKEN_SECONDS: i64 = 3600;

/// What would be charged.
pub struct Preview {
    pub lines: Vec<PreviewLine>,
    pub subtotal: Money,
    /// What is taken off, discount by discount.
    pub discounts: Vec<PreviewDiscount>,
    /// The sum of `discounts`.
    pub discount: Money,
    pub tax: Money,
    pub total: Money,
    /// `total`, less the credit the customer has: what the card is asked for.
    pub amount_due: Money,
    /// As of when prorations are computed; `None` for the next period.
    pub proration_date: Option<Timestamp>,
    /// Given back with the change, it charges exactly `total`. `None` for the next period.
    pub token: Option<String>,
}

/// What one discount takes off.
pub struct PreviewDiscount {
    /// The coupon's, for people.
    pub name: String,
    pub amount: Money,
}

/// One line of a preview.
pub struct PreviewLine {
    pub description: String,
    /// Its plan in our catalog.
    pub plan: Option<String>,
    pub amount: Money,
    pub quantity: Option<i64>,
    pub period: Period,
    pub proration: bool,
}

/// Asks Stripe what `wanted` would cost now; with no change wanted, what the next period will.
pub async fn preview(app: &App, tenant: &Tenant, wanted: &Change) -> Result<Preview> {
    let customer = tenant.stripe_customer_id.clone().ok_or(Refusal::NotSubscribed)?;
    let (row, code, target) = if wanted.is_none() {
        let row = live_base(app, tenant.id).await?;
        let code = find_code(app, &row, wanted).await?;
        (row, code, None)
    } else {
        let target = find_target(app, tenant.id, wanted).await?;
        refuse_unpaid(&target.row)?;
        refuse_pending(&target.row)?;
        (target.row.clone(), target.promotion_code.clone(), Some(target))
    };
    let now = app.clock.now();
    let params = PreviewInvoice {
        customer,
        subscription: row.stripe_subscription_id.clone(),
        subscription_details: target.as_ref().map(|target| PreviewDetails {
            items: target.items.clone(),
            proration_behavior: "always_invoice",
            proration_date: now.as_second(),
        }),
        discounts: discounts(&row, code.as_ref())?,
    };
    let key = IdempotencyKey::new("preview", app.clock.new_id());
    let invoice = match app.stripe.preview_invoice(&params, &key).await {
        Err(StripeError::Missing(_)) => return Err(no_next_period()),
        answer => answer.map_err(not_applicable)?,
    };
    let token = match &target {
        Some(target) => Some(sign_token(app, tenant.id, target, now)?),
        None => None,
    };
    let code = code.as_ref();
    let preview = shown(app, &row, invoice, code).await?;
    Ok(Preview { proration_date: target.map(|_| now), token, ..preview })
}

fn no_next_period() -> Error {
    let sentence = "There is no next period to preview: the subscription does not go on.";
    Error::Conflict(Conflict::SubscriptionState, sentence.to_owned())
}

async fn shown(
    app: &App,
    row: &Subscription,
    invoice: InvoicePreview,
    code: Option<&PromotionCodeId>,
) -> Result<Preview> {
    let currency: Currency = invoice.currency.parse().map_err(|error| anyhow!("{error}"))?;
    let tax = invoice.tax().ok_or_else(|| anyhow!("the taxes of a preview cannot be added"))?;
    let discount = invoice.discount();
    let discount = discount.ok_or_else(|| anyhow!("the discounts of a preview cannot be added"))?;
    let mut conn = app.db.read().await?;
    let mut lines = Vec::new();
    for line in &invoice.lines.data {
        lines.push(shown_line(&mut conn, row, line, currency).await?);
    }
    Ok(Preview {
        lines,
        subtotal: Money::new(invoice.subtotal, currency),
        discounts: shown_discounts(&mut conn, row, &invoice, code, currency).await?,
        discount: Money::new(discount, currency),
        tax: Money::new(tax, currency),
        total: Money::new(invoice.total, currency),
        amount_due: Money::new(invoice.amount_due, currency),
        proration_date: None,
        token: None,
    })
}

/// A discount that the subscription does not have would come of the code.
async fn shown_discounts(
    conn: &mut Conn,
    row: &Subscription,
    invoice: &InvoicePreview,
    code: Option<&PromotionCodeId>,
    currency: Currency,
) -> Result<Vec<PreviewDiscount>> {
    let subscription: objects::Subscription = row.stripe_object.to()?;
    let code = match code {
        Some(id) => find_promotion_code(conn, id).await?,
        None => None,
    };
    let code: Option<objects::PromotionCode> =
        code.map(|code| code.stripe_object.to()).transpose()?;
    let redeemed = code.as_ref().and_then(objects::PromotionCode::coupon);
    let shown = |off: &DiscountAmount| {
        let held = subscription.discounts().find(|discount| discount.id == off.discount.0);
        let coupon = match held {
            Some(discount) => discount.coupon(),
            None => redeemed,
        };
        let name = coupon.map(|coupon| coupon.name.clone().unwrap_or(coupon.id.to_string()));
        PreviewDiscount {
            name: name.unwrap_or_else(|| off.discount.0.to_string()),
            amount: Money::new(off.amount, currency),
        }
    };
    Ok(invoice.discount_amounts().iter().map(shown).collect())
}

async fn shown_line(
    conn: &mut Conn,
    row: &Subscription,
    line: &InvoiceLine,
    currency: Currency,
) -> Result<PreviewLine> {
    let price = match line.price() {
        Some(id) => catalog::find_price_by_stripe_id(conn, id).await?,
        None => None,
    };
    let plan = match &price {
        Some(price) => catalog::find_plan(conn, &price.plan_code, price.plan_version).await?,
        None => None,
    };
    let time = |seconds| Timestamp::from_second(seconds).unwrap_or(row.period_start);
    Ok(PreviewLine {
        description: line.description.clone().unwrap_or_default(),
        plan: plan.map(|plan| plan.name),
        amount: Money::new(line.amount, currency),
        quantity: line.quantity,
        period: Period { start: time(line.period.start), end: time(line.period.end) },
        proration: line.is_proration(),
    })
}

/// What a preview was of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Previewed {
    tenant: TenantId,
    subscription: String,
    price: String,
    seats: u64,
    promotion_code: Option<String>,
    /// What it was a change of: the same change of something else costs something else.
    from: String,
    /// Unix seconds.
    proration_date: i64,
    exp: i64,
}

/// What a subscription sells, since when, and what is taken off.
fn fingerprint(row: &Subscription) -> Result<String> {
    let stripe: objects::Subscription = row.stripe_object.to()?;
    let items =
        stripe.items.data.iter().map(|item| {
            format!("{} {} {}", item.id, item.price.id, item.quantity.unwrap_or_default())
        });
    let discounts = stripe.discount_ids().map(|id| id.to_string());
    let parts: Vec<String> = items.chain(discounts).collect();
    Ok(format!("{} {}", row.period_start.as_second(), parts.join(" ")))
}

fn sign_token(app: &App, tenant: TenantId, target: &Target, now: Timestamp) -> Result<String> {
    let previewed = Previewed {
        tenant,
        subscription: target.row.stripe_subscription_id.to_string(),
        price: target.lookup_key.clone(),
        seats: target.seats,
        promotion_code: target.promotion_code.as_ref().map(ToString::to_string),
        from: fingerprint(&target.row)?,
        proration_date: now.as_second(),
        exp: now.plus_seconds(TOKEN_SECONDS).as_second(),
    };
    let key = EncodingKey::from_secret(&secret(app)?);
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &previewed, &key);
    token.map_err(|error| Error::Internal(error.into()))
}

/// The moment that the preview was computed as of.
///
/// # Errors
/// `Conflict`, where the token is not ours, too old, or of another change than this one.
pub(super) fn read_token(app: &App, token: &str, target: &Target) -> Result<i64> {
    let refuse = || {
        let sentence = "The `preview_token` is of another change, of something that has changed since, or older than \
             an hour: preview again.";
        Error::Conflict(Conflict::PreviewOutdated, sentence.to_owned())
    };
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(&secret(app)?);
    let previewed =
        jsonwebtoken::decode::<Previewed>(token, &key, &validation).map_err(|_| refuse())?.claims;
    let same = previewed.tenant == target.row.tenant_id
        && previewed.subscription == target.row.stripe_subscription_id.as_str()
        && previewed.price == target.lookup_key
        && previewed.seats == target.seats
        && previewed.promotion_code.as_deref()
            == target.promotion_code.as_ref().map(PromotionCodeId::as_str)
        && previewed.from == fingerprint(&target.row)?
        && previewed.exp > app.clock.now().as_second();
    if same { Ok(previewed.proration_date) } else { Err(refuse()) }
}

/// A key that every instance has, and nobody else: made of the secret for tokens, or, where an identity
/// provider signs them, of Stripe's, without which nothing is previewed.
fn secret(app: &App) -> Result<[u8; 32]> {
    let config = &app.config;
    let secret = config.auth.jwt_secret.as_ref().or(config.stripe.secret_key.as_ref());
    let secret = secret.ok_or_else(|| anyhow!("no secret is set to sign previews with"))?;
    Ok(Sha256::new()
        .chain_update("tollhouse previews")
        .chain_update(secret.expose())
        .finalize()
        .into())
}
