//! How a schedule and its phases are shown.

use serde_json::{Value, json};

use super::{Phase, PhaseItem, Schedule, Status};
use crate::{
    table::Object,
    test_clocks::clock_of,
    world::{World, with_nulls},
};

pub fn render(schedule: &Schedule, world: &World) -> Value {
    let running = schedule.phases.get(schedule.current);
    let running = running.filter(|_| schedule.status == Status::Active);
    let shown = json!({
        "id": schedule.id,
        "object": "subscription_schedule",
        "billing_mode": {
            "flexible": { "proration_discounts": "included" },
            "type": "flexible",
        },
        "canceled_at": schedule.canceled_at,
        "completed_at": schedule.completed_at,
        "created": schedule.created,
        "current_phase":
            running.map(|phase| json!({ "end_date": phase.end, "start_date": phase.start })),
        "customer": schedule.customer,
        "default_settings": with_nulls(
            json!({
                "billing_cycle_anchor": "automatic",
                "collection_method": "charge_automatically",
                "invoice_settings": {
                    "account_tax_ids": null,
                    "custom_fields": null,
                    "days_until_due": null,
                    "description": null,
                    "footer": null,
                    "issuer": { "type": "self" },
                },
            }),
            NULLS_OF_SETTINGS,
        ),
        "end_behavior": schedule.end_behavior,
        "livemode": false,
        "metadata": schedule.metadata,
        "pause_schedules": [],
        "phases": schedule.phases.iter().map(|phase| render_phase(phase, world)).collect::<Vec<_>>(),
        "released_at": schedule.released_at,
        "released_subscription": schedule.released_subscription,
        "status": schedule.status.word(),
        "subscription": schedule.subscription,
        "test_clock": clock_of(world, &schedule.customer),
    });
    with_nulls(shown, &["application", "customer_account"])
}

fn render_phase(phase: &Phase, world: &World) -> Value {
    let billing = &phase.billing;
    let discounts = billing.discounts.iter().map(|wanted| {
        json!({
            "coupon": wanted.kept.is_none().then_some(&wanted.coupon),
            "discount": wanted.kept.as_ref().map(|kept| &kept.id),
            "promotion_code": null,
        })
    });
    let rates = billing.default_tax_rates.iter().filter_map(|id| world.tax_rates.find(id));
    let shown = json!({
        "add_invoice_items": [],
        "currency": phase.currency,
        "automatic_tax": {
            "disabled_reason": null, "enabled": billing.automatic_tax, "liability": null,
        },
        "default_payment_method": billing.default_payment_method,
        "default_tax_rates": rates.map(|rate| rate.render(world)).collect::<Vec<_>>(),
        "discounts": discounts.collect::<Vec<_>>(),
        "end_date": phase.end,
        "items": phase.items.iter().map(render_item).collect::<Vec<_>>(),
        "metadata": phase.metadata,
        "proration_behavior": phase.proration_behavior,
        "start_date": phase.start,
    });
    with_nulls(shown, NULLS_OF_PHASE)
}

fn render_item(item: &PhaseItem) -> Value {
    let mut shown = json!({
        "billing_thresholds": null,
        "discounts": [],
        "metadata": item.metadata,
        "plan": item.price,
        "price": item.price,
        "tax_rates": [],
    });
    if let Some(quantity) = item.quantity {
        shown["quantity"] = json!(quantity);
    }
    shown
}

const NULLS_OF_SETTINGS: &[&str] = &[
    "application_fee_percent",
    "billing_thresholds",
    "default_payment_method",
    "description",
    "on_behalf_of",
    "transfer_data",
];

const NULLS_OF_PHASE: &[&str] = &[
    "application_fee_percent",
    "billing_cycle_anchor",
    "billing_thresholds",
    "collection_method",
    "description",
    "invoice_settings",
    "on_behalf_of",
    "transfer_data",
    "trial_end",
];
