//! What our tables say of one of Stripe's objects, as far as anyone is told of it.

use serde::{Deserialize, Serialize};
use tollhouse_domain::{id::TenantId, subscription::Status};
use tollhouse_stripe::{
    CheckoutSessionId, CouponId, CustomerId, DisputeId, InvoiceId, PromotionCodeId, RefundId,
    ScheduleId, SubscriptionId,
};
use utoipa::ToSchema;

use crate::{
    app::App,
    checkout::queries as checkouts,
    db::Conn,
    discounts::queries as discounts,
    error::Result,
    invoices::{
        parts,
        queries::{self as invoices, Invoice},
    },
    subscriptions::queries::{self as subscriptions, Subscription},
    tenants::queries as tenants,
    webhooks::dispatch::Target,
};

/// Field by field, the one that says most first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    pub tenant: Option<TenantId>,
    fields: Vec<(&'static str, String)>,
    /// Nothing is to follow any more.
    pub is_over: bool,
}

/// One field of which we knew something else than Stripe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    pub field: String,
    /// What our row said; absent where there was none.
    pub before: Option<String>,
    /// What it says since; absent where there is none.
    pub after: Option<String>,
}

/// What we say of it; `None` where we do not know it.
pub async fn picture(app: &App, target: Target, id: &str) -> Result<Option<Picture>> {
    let conn = &mut app.db.read().await?;
    Ok(match target {
        Target::Customer => of_customer(conn, id).await?,
        Target::Checkout => of_checkout(conn, id).await?,
        Target::Subscription => {
            let row = subscriptions::find_shown(conn, &SubscriptionId::new(id)).await?;
            row.as_ref().map(of_subscription)
        }
        Target::Schedule => {
            let row = subscriptions::find_by_schedule(conn, &ScheduleId::new(id)).await?;
            row.as_ref().map(of_subscription)
        }
        Target::Invoice => {
            let row = invoices::find_shown(conn, &InvoiceId::new(id)).await?;
            row.as_ref().map(of_invoice)
        }
        Target::Refund => of_refund(conn, id).await?,
        Target::Dispute => of_dispute(conn, id).await?,
        // What it paid is not written down under its id; its refunds are told by themselves.
        // Cards are pictured in the subscriptions that they pay.
        Target::Charge
        | Target::MeterEvents
        | Target::InvoicePayment
        | Target::CreditNote
        | Target::Cards
        | Target::Card => None,
        Target::Coupon => of_coupon(conn, id).await?,
        Target::PromotionCode => of_promotion_code(conn, id).await?,
    })
}

/// The fields of which the two say different things.
pub fn differences(before: Option<&Picture>, after: Option<&Picture>) -> Vec<Difference> {
    let fields = |picture: Option<&Picture>| picture.map_or_else(Vec::new, |p| p.fields.clone());
    let (old, new) = (fields(before), fields(after));
    let value_in = |list: &[(&'static str, String)], name: &str| {
        list.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    let names = if new.is_empty() { &old } else { &new };
    let found = names.iter().filter_map(|(name, _)| {
        let (before, after) = (value_in(&old, name), value_in(&new, name));
        (before != after).then(|| Difference { field: (*name).to_owned(), before, after })
    });
    // Of an object that one side does not know, the field that says most will do.
    let is_known_to_both = !old.is_empty() && !new.is_empty();
    found.take(if is_known_to_both { usize::MAX } else { 1 }).collect()
}

async fn of_customer(conn: &mut Conn, id: &str) -> Result<Option<Picture>> {
    let tenant = tenants::find_by_customer(conn, &CustomerId::new(id)).await?;
    Ok(tenant.map(|tenant| Picture {
        tenant: Some(tenant.id),
        fields: vec![("tenant", tenant.id.to_string())],
        is_over: false,
    }))
}

async fn of_checkout(conn: &mut Conn, id: &str) -> Result<Option<Picture>> {
    let checkout = checkouts::find_by_session(conn, &CheckoutSessionId::new(id)).await?;
    Ok(checkout.map(|checkout| Picture {
        tenant: Some(checkout.tenant_id),
        fields: vec![("state", checkout.state.to_string())],
        is_over: false,
    }))
}

fn of_subscription(row: &Subscription) -> Picture {
    let pending = row.pending.as_ref().map(|pending| pending.text().to_owned());
    Picture {
        tenant: Some(row.tenant_id),
        is_over: matches!(row.status, Status::Canceled | Status::IncompleteExpired),
        fields: vec![
            ("status", row.status.to_string()),
            ("price", row.price_lookup_key.clone()),
            ("plan_version", row.plan_version.to_string()),
            ("quantity", row.quantity.to_string()),
            ("amount", format!("{} {}", row.amount, row.currency)),
            ("period_start", row.period_start.to_string()),
            ("period_end", row.period_end.to_string()),
            ("trial_end", shown(row.trial_end)),
            ("cancel_at", shown(row.cancel_at)),
            ("canceled_at", shown(row.canceled_at)),
            ("ended_at", shown(row.ended_at)),
            ("pending", pending.unwrap_or_else(none)),
        ],
    }
}

fn of_invoice(row: &Invoice) -> Picture {
    Picture {
        tenant: Some(row.tenant_id),
        is_over: false,
        fields: vec![
            ("status", row.status.to_string()),
            ("number", shown(row.number.as_ref())),
            ("total", format!("{} {}", row.total, row.currency)),
            ("tax", row.tax.to_string()),
            ("amount_due", row.amount_due.to_string()),
            ("amount_paid", row.amount_paid.to_string()),
            ("amount_remaining", row.amount_remaining.to_string()),
            ("credited", row.credited.to_string()),
            ("refunded", row.refunded.to_string()),
            ("attempt_count", row.attempt_count.to_string()),
            ("due_date", shown(row.due_date)),
            ("next_payment_attempt", shown(row.next_payment_attempt)),
            ("deleted_at", shown(row.deleted_at)),
        ],
    }
}

async fn of_refund(conn: &mut Conn, id: &str) -> Result<Option<Picture>> {
    let Some(refund) = parts::find_refund(conn, &RefundId::new(id)).await? else {
        return Ok(None);
    };
    let fields = vec![("status", refund.status.to_string()), ("amount", refund.amount.to_string())];
    let invoice = invoices::tenant_of(conn, refund.invoice_id).await?;
    Ok(Some(Picture { tenant: invoice, fields, is_over: false }))
}

async fn of_dispute(conn: &mut Conn, id: &str) -> Result<Option<Picture>> {
    let Some(dispute) = parts::find_dispute(conn, &DisputeId::new(id)).await? else {
        return Ok(None);
    };
    let fields = vec![
        ("status", dispute.status.to_string()),
        ("amount", dispute.amount.to_string()),
        ("withdrawn", dispute.withdrawn.to_string()),
    ];
    let tenant = invoices::tenant_of(conn, dispute.invoice_id).await?;
    Ok(Some(Picture { tenant, fields, is_over: false }))
}

async fn of_coupon(conn: &mut Conn, id: &str) -> Result<Option<Picture>> {
    let coupon = discounts::find_coupon(conn, &CouponId::new(id)).await?;
    Ok(coupon.map(|coupon| Picture {
        tenant: None,
        fields: vec![("deleted", coupon.deleted.to_string())],
        is_over: false,
    }))
}

async fn of_promotion_code(conn: &mut Conn, id: &str) -> Result<Option<Picture>> {
    let Some(row) = discounts::find_promotion_code(conn, &PromotionCodeId::new(id)).await? else {
        return Ok(None);
    };
    let code: tollhouse_stripe::objects::PromotionCode = row.stripe_object.to()?;
    let fields = vec![("active", code.active.to_string()), ("code", row.code)];
    Ok(Some(Picture { tenant: None, fields, is_over: false }))
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(none, |value| value.to_string())
}

fn none() -> String {
    "none".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(status: &str, quantity: u32) -> Picture {
        let fields = vec![("status", status.to_owned()), ("quantity", quantity.to_string())];
        Picture { fields, ..Picture::default() }
    }

    #[test]
    fn only_what_differs_is_told_and_the_whole_by_its_first_field() {
        let (active, over) = (picture("active", 1), picture("canceled", 1));
        let told = |before: Option<&Picture>, after: Option<&Picture>| {
            let found = differences(before, after).into_iter();
            found.map(|d| (d.field, d.before, d.after)).collect::<Vec<_>>()
        };
        let status = || "status".to_owned();
        let word = |text: &str| Some(text.to_owned());
        assert_eq!(told(Some(&active), Some(&active)), []);
        assert_eq!(told(None, None), []);
        let ended = (status(), word("active"), word("canceled"));
        assert_eq!(told(Some(&active), Some(&over)), [ended]);
        assert_eq!(told(None, Some(&active)), [(status(), None, word("active"))]);
        assert_eq!(told(Some(&active), None), [(status(), word("active"), None)]);
        let both = told(Some(&active), Some(&picture("past_due", 2)));
        assert_eq!(both.len(), 2, "{both:?}");
    }
}
