//! Every operation in one table: what the simulator does, and what Stripe has besides.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

use crate::{
    balance_transactions,
    catalog::{plans, prices, products},
    checkout, credit_notes,
    customers::{self, balance, cash},
    discounts, disputes,
    entitlements::{self, features, product_features},
    error::{Error, Result},
    events,
    funds::{self, accounts, payouts, topups, transfers},
    invoice_items, invoices, listen,
    params::{self, Params},
    payment_links,
    payment_methods::{self, sources},
    payments, portal, quotes, refunds, schedules, search, setup_intents,
    subscriptions::{self, items},
    tax_rates, test_clocks, thin_events, usage,
    usage::{meters, stream},
    webhook_endpoints,
    world::{Request, World},
};

pub type Run = fn(&mut World, &Request) -> Result<Value>;

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.values().flatten()
}

/// One call Stripe's API has.
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    /// None where the simulator does not do it.
    pub run: Option<Run>,
    /// Parameters the simulator reads.
    reads: Vec<&'static str>,
    required: Vec<&'static str>,
    /// Parameters Stripe knows besides.
    knows: Vec<&'static str>,
}

/// Method, path, function, and the parameters it reads besides `expand` and those of every list.
#[rustfmt::skip]
const OURS: &[(&str, &str, Run, &str)] = &[
    ("GET", "/v1/accounts", accounts::list, "created"),
    ("POST", "/v1/accounts", accounts::create, "country default_currency email metadata type"),
    ("DELETE", "/v1/accounts/{id}", accounts::delete, ""),
    ("GET", "/v1/accounts/{id}", accounts::retrieve, ""),
    ("POST", "/v1/accounts/{id}", accounts::update, "email metadata"),
    ("GET", "/v1/balance", funds::balance, ""),
    ("GET", "/v1/balance_transactions", balance_transactions::list, "created currency source type"),
    ("GET", "/v1/balance_transactions/{id}", balance_transactions::retrieve, ""),
    ("POST", "/v1/billing/meter_event_adjustments", usage::adjust, "cancel event_name type"),
    ("POST", "/v1/billing/meter_events", usage::report, "event_name identifier payload timestamp"),
    ("GET", "/v1/billing/meters", meters::list, "status"),
    ("POST", "/v1/billing/meters", meters::create, "customer_mapping default_aggregation display_name event_name event_time_window value_settings"),
    ("GET", "/v1/billing/meters/{id}", meters::retrieve, ""),
    ("POST", "/v1/billing/meters/{id}", meters::update, "display_name"),
    ("POST", "/v1/billing/meters/{id}/deactivate", meters::deactivate, ""),
    ("GET", "/v1/billing/meters/{id}/event_summaries", usage::summaries, "customer end_time start_time value_grouping_window"),
    ("POST", "/v1/billing/meters/{id}/reactivate", meters::reactivate, ""),
    ("GET", "/v1/billing_portal/configurations", portal::list_configurations, "active is_default"),
    ("POST", "/v1/billing_portal/configurations", portal::create_configuration, "business_profile default_return_url features metadata name"),
    ("GET", "/v1/billing_portal/configurations/{id}", portal::retrieve_configuration, ""),
    ("POST", "/v1/billing_portal/configurations/{id}", portal::update_configuration, "active business_profile default_return_url features metadata name"),
    ("POST", "/v1/billing_portal/sessions", portal::create_session, "configuration customer flow_data locale return_url"),
    ("GET", "/v1/charges", payments::list_charges, "created customer payment_intent"),
    ("GET", "/v1/charges/search", search::charges, "limit page query"),
    ("GET", "/v1/charges/{id}", payments::retrieve_charge, ""),
    ("GET", "/v1/checkout/sessions", checkout::list, "created customer status subscription"),
    ("POST", "/v1/checkout/sessions", checkout::create, "allow_promotion_codes automatic_tax cancel_url client_reference_id customer customer_creation customer_email customer_update discounts expires_at line_items locale metadata mode payment_intent_data payment_method_collection subscription_data success_url ui_mode"),
    ("GET", "/v1/checkout/sessions/{id}", checkout::retrieve, ""),
    ("POST", "/v1/checkout/sessions/{id}/expire", checkout::expire, ""),
    ("GET", "/v1/checkout/sessions/{id}/line_items", checkout::line_items, ""),
    ("GET", "/v1/coupons", discounts::list_coupons, "created"),
    ("POST", "/v1/coupons", discounts::create_coupon, "amount_off applies_to currency duration duration_in_months id max_redemptions metadata name percent_off redeem_by"),
    ("DELETE", "/v1/coupons/{id}", discounts::delete_coupon, ""),
    ("GET", "/v1/coupons/{id}", discounts::retrieve_coupon, ""),
    ("POST", "/v1/coupons/{id}", discounts::update_coupon, "metadata name"),
    ("GET", "/v1/credit_notes", credit_notes::list, "created customer invoice"),
    ("POST", "/v1/credit_notes", credit_notes::create, CREDIT_NOTE),
    ("GET", "/v1/credit_notes/preview", credit_notes::preview, CREDIT_NOTE),
    ("GET", "/v1/credit_notes/preview/lines", credit_notes::preview_lines, CREDIT_NOTE),
    ("GET", "/v1/credit_notes/{id}", credit_notes::retrieve, ""),
    ("POST", "/v1/credit_notes/{id}", credit_notes::update, "memo metadata"),
    ("GET", "/v1/credit_notes/{id}/lines", credit_notes::lines, ""),
    ("POST", "/v1/credit_notes/{id}/void", credit_notes::void, ""),
    ("GET", "/v1/customers", customers::list, "created email test_clock"),
    ("POST", "/v1/customers", customers::create, "address balance description email invoice_settings metadata name payment_method phone source test_clock"),
    ("DELETE", "/v1/customers/{id}", customers::delete, ""),
    ("GET", "/v1/customers/search", search::customers, "limit page query"),
    ("GET", "/v1/customers/{id}", customers::retrieve, ""),
    ("POST", "/v1/customers/{id}", customers::update, "address balance default_source description email invoice_settings metadata name phone source"),
    ("GET", "/v1/customers/{customerId}/balance_transactions/{id}", balance::retrieve, ""),
    ("POST", "/v1/customers/{customerId}/balance_transactions/{id}", balance::update, "description metadata"),
    ("GET", "/v1/customers/{id}/balance_transactions", balance::list, "created invoice"),
    ("POST", "/v1/customers/{id}/balance_transactions", balance::adjust, "amount currency description metadata"),
    ("GET", "/v1/customers/{customerId}/cash_balance_transactions/{id}", cash::retrieve, ""),
    ("GET", "/v1/customers/{id}/cash_balance", cash::show, ""),
    ("GET", "/v1/customers/{id}/cash_balance_transactions", cash::list, ""),
    ("DELETE", "/v1/customers/{customerId}/sources/{id}", sources::delete, ""),
    ("GET", "/v1/customers/{customerId}/sources/{id}", sources::retrieve, ""),
    ("POST", "/v1/customers/{customerId}/sources/{id}", sources::update, "exp_month exp_year metadata name"),
    ("GET", "/v1/customers/{id}/sources", sources::list, "object"),
    ("POST", "/v1/customers/{id}/sources", sources::create, "metadata source"),
    ("GET", "/v1/customers/{id}/payment_methods", payment_methods::list_of_customer, "type"),
    ("GET", "/v1/disputes", disputes::list, "charge created payment_intent"),
    ("GET", "/v1/disputes/{id}", disputes::retrieve, ""),
    ("POST", "/v1/disputes/{id}", disputes::update, "evidence metadata submit"),
    ("POST", "/v1/disputes/{id}/close", disputes::close, ""),
    ("GET", "/v1/entitlements/active_entitlements", entitlements::list, "customer"),
    ("GET", "/v1/entitlements/active_entitlements/{id}", entitlements::retrieve, ""),
    ("GET", "/v1/entitlements/features", features::list, "archived lookup_key"),
    ("POST", "/v1/entitlements/features", features::create, "lookup_key metadata name"),
    ("GET", "/v1/entitlements/features/{id}", features::retrieve, ""),
    ("POST", "/v1/entitlements/features/{id}", features::update, "active metadata name"),
    ("GET", "/v1/events", events::list, "created type types"),
    ("GET", "/v1/events/{id}", events::retrieve, ""),
    ("GET", "/v1/invoice_payments", invoices::list_payments, "created invoice payment status"),
    ("GET", "/v1/invoice_payments/{id}", invoices::retrieve_payment, ""),
    ("GET", "/v1/invoiceitems", invoice_items::list, "created customer invoice pending"),
    ("POST", "/v1/invoiceitems", invoice_items::create, "amount currency customer description discountable invoice metadata period pricing quantity subscription tax_rates"),
    ("DELETE", "/v1/invoiceitems/{id}", invoice_items::delete, ""),
    ("GET", "/v1/invoiceitems/{id}", invoice_items::retrieve, ""),
    ("POST", "/v1/invoiceitems/{id}", invoice_items::update, "amount description discountable metadata quantity tax_rates"),
    ("GET", "/v1/invoices", invoices::list, "collection_method created customer status subscription"),
    ("POST", "/v1/invoices", invoices::create, "auto_advance collection_method currency customer days_until_due default_payment_method default_tax_rates description footer metadata pending_invoice_items_behavior"),
    ("POST", "/v1/invoices/create_preview", invoices::create_preview, "automatic_tax customer discounts preview_mode schedule schedule_details subscription subscription_details"),
    ("GET", "/v1/invoices/search", search::invoices, "limit page query"),
    ("GET", "/v1/invoices/{id}", invoices::retrieve, ""),
    ("DELETE", "/v1/invoices/{id}", invoices::delete, ""),
    ("POST", "/v1/invoices/{id}", invoices::update, "auto_advance collection_method days_until_due default_payment_method default_tax_rates description footer metadata"),
    ("POST", "/v1/invoices/{id}/finalize", invoices::finalize, "auto_advance"),
    ("GET", "/v1/invoices/{id}/lines", invoices::lines, ""),
    ("POST", "/v1/invoices/{id}/mark_uncollectible", invoices::mark_uncollectible, ""),
    ("POST", "/v1/invoices/{id}/pay", invoices::pay, "forgive off_session paid_out_of_band payment_method"),
    ("POST", "/v1/invoices/{id}/send", invoices::send, ""),
    ("POST", "/v1/invoices/{id}/void", invoices::void, ""),
    ("GET", "/v1/payment_intents", payments::list_intents, "created customer"),
    ("POST", "/v1/payment_intents", payments::create, "allowed_payment_method_types amount automatic_payment_methods capture_method confirm confirmation_method currency customer description metadata off_session payment_method receipt_email return_url setup_future_usage shipping use_stripe_sdk"),
    ("GET", "/v1/payment_intents/search", search::payment_intents, "limit page query"),
    ("GET", "/v1/payment_intents/{id}", payments::retrieve_intent, "client_secret"),
    ("POST", "/v1/payment_intents/{id}", payments::update, "amount description metadata payment_method receipt_email shipping"),
    ("POST", "/v1/payment_intents/{id}/cancel", payments::cancel_by_request, "cancellation_reason"),
    ("POST", "/v1/payment_intents/{id}/capture", payments::capture, "amount_to_capture metadata"),
    ("POST", "/v1/payment_intents/{id}/confirm", payments::confirm, "off_session payment_method return_url use_stripe_sdk"),
    ("GET", "/v1/payment_links", payment_links::list, "active"),
    ("POST", "/v1/payment_links", payment_links::create, "after_completion allow_promotion_codes line_items metadata"),
    ("GET", "/v1/payment_links/{id}", payment_links::retrieve, ""),
    ("POST", "/v1/payment_links/{id}", payment_links::update, "active after_completion allow_promotion_codes metadata"),
    ("GET", "/v1/payment_methods", payment_methods::list, "customer type"),
    ("POST", "/v1/payment_methods", payment_methods::create, "billing_details card metadata type"),
    ("GET", "/v1/payment_methods/{id}", payment_methods::retrieve, ""),
    ("POST", "/v1/payment_methods/{id}", payment_methods::update, "billing_details card metadata"),
    ("POST", "/v1/payment_methods/{id}/attach", payment_methods::attach, "customer"),
    ("POST", "/v1/payment_methods/{id}/detach", payment_methods::detach, ""),
    ("GET", "/v1/payment_pages/{id}", checkout::retrieve_page, ""),
    ("POST", "/v1/payment_pages/{id}/confirm", checkout::confirm_page, "expected_amount payment_method"),
    ("GET", "/v1/payouts", payouts::list, "created status"),
    ("POST", "/v1/payouts", payouts::create, "amount currency description metadata statement_descriptor"),
    ("GET", "/v1/payouts/{id}", payouts::retrieve, ""),
    ("POST", "/v1/payouts/{id}", payouts::update, "metadata"),
    ("POST", "/v1/payouts/{id}/cancel", payouts::cancel, ""),
    ("GET", "/v1/plans", plans::list, "active created product"),
    ("POST", "/v1/plans", plans::create, "active amount amount_decimal currency id interval interval_count metadata meter nickname product trial_period_days usage_type"),
    ("DELETE", "/v1/plans/{id}", plans::delete, ""),
    ("GET", "/v1/plans/{id}", plans::retrieve, ""),
    ("POST", "/v1/plans/{id}", plans::update, "active metadata nickname"),
    ("GET", "/v1/prices", prices::list, "active created currency lookup_keys product type"),
    ("POST", "/v1/prices", prices::create, "active billing_scheme currency lookup_key metadata nickname product product_data recurring tax_behavior tiers tiers_mode transfer_lookup_key transform_quantity unit_amount unit_amount_decimal"),
    ("GET", "/v1/prices/search", search::prices, "limit page query"),
    ("GET", "/v1/prices/{id}", prices::retrieve, ""),
    ("POST", "/v1/prices/{id}", prices::update, "active lookup_key metadata nickname tax_behavior transfer_lookup_key"),
    ("GET", "/v1/products", products::list, "active created ids"),
    ("POST", "/v1/products", products::create, "active description id marketing_features metadata name statement_descriptor unit_label url"),
    ("GET", "/v1/products/search", search::products, "limit page query"),
    ("DELETE", "/v1/products/{id}", products::delete, ""),
    ("GET", "/v1/products/{id}", products::retrieve, ""),
    ("POST", "/v1/products/{id}", products::update, "active default_price description marketing_features metadata name statement_descriptor unit_label url"),
    ("GET", "/v1/products/{id}/features", product_features::list, ""),
    ("POST", "/v1/products/{id}/features", product_features::create, "entitlement_feature"),
    ("DELETE", "/v1/products/{productId}/features/{id}", product_features::delete, ""),
    ("GET", "/v1/products/{productId}/features/{id}", product_features::retrieve, ""),
    ("GET", "/v1/promotion_codes", discounts::list_codes, "active code coupon created customer"),
    ("POST", "/v1/promotion_codes", discounts::create_code, "active code customer expires_at max_redemptions metadata promotion restrictions"),
    ("GET", "/v1/promotion_codes/{id}", discounts::retrieve_code, ""),
    ("POST", "/v1/promotion_codes/{id}", discounts::update_code, "active metadata"),
    ("GET", "/v1/quotes", quotes::list, "customer status"),
    ("POST", "/v1/quotes", quotes::create, "customer description expires_at footer header line_items metadata"),
    ("GET", "/v1/quotes/{id}", quotes::retrieve, ""),
    ("POST", "/v1/quotes/{id}", quotes::update, "customer description expires_at footer header line_items metadata"),
    ("POST", "/v1/quotes/{id}/accept", quotes::accept, ""),
    ("POST", "/v1/quotes/{id}/cancel", quotes::cancel, ""),
    ("POST", "/v1/quotes/{id}/finalize", quotes::finalize, "expires_at"),
    ("GET", "/v1/quotes/{id}/line_items", quotes::line_items, ""),
    ("GET", "/v1/refunds", refunds::list, "charge created payment_intent"),
    ("POST", "/v1/refunds", refunds::create, "amount charge metadata payment_intent reason"),
    ("GET", "/v1/refunds/{id}", refunds::retrieve, ""),
    ("POST", "/v1/refunds/{id}", refunds::update, "metadata"),
    ("GET", "/v1/setup_intents", setup_intents::list, "created customer payment_method"),
    ("POST", "/v1/setup_intents", setup_intents::create, "allowed_payment_method_types automatic_payment_methods confirm customer description metadata payment_method return_url usage"),
    ("GET", "/v1/setup_intents/{id}", setup_intents::retrieve, "client_secret"),
    ("POST", "/v1/setup_intents/{id}/cancel", setup_intents::cancel, "cancellation_reason"),
    ("POST", "/v1/setup_intents/{id}/confirm", setup_intents::confirm, "payment_method return_url use_stripe_sdk"),
    ("POST", "/v1/stripecli/sessions", listen::open_session, "websocket_features"),
    ("GET", "/v1/subscription_items", items::list, "subscription"),
    ("POST", "/v1/subscription_items", items::create, "metadata payment_behavior price proration_behavior proration_date quantity subscription tax_rates"),
    ("DELETE", "/v1/subscription_items/{id}", items::delete, "clear_usage payment_behavior proration_behavior proration_date"),
    ("GET", "/v1/subscription_items/{id}", items::retrieve, ""),
    ("POST", "/v1/subscription_items/{id}", items::update, "metadata off_session payment_behavior price proration_behavior proration_date quantity tax_rates"),
    ("GET", "/v1/subscription_schedules", schedules::list, "created customer"),
    ("POST", "/v1/subscription_schedules", schedules::create, "customer end_behavior from_subscription metadata phases start_date"),
    ("GET", "/v1/subscription_schedules/{id}", schedules::retrieve, ""),
    ("POST", "/v1/subscription_schedules/{id}", schedules::update, "end_behavior metadata phases proration_behavior"),
    ("POST", "/v1/subscription_schedules/{id}/cancel", schedules::cancel, "invoice_now prorate"),
    ("POST", "/v1/subscription_schedules/{id}/release", schedules::release, "preserve_cancel_date"),
    ("GET", "/v1/subscriptions", subscriptions::list, "collection_method created current_period_end current_period_start customer price status test_clock"),
    ("POST", "/v1/subscriptions", subscriptions::create, "automatic_tax billing_cycle_anchor billing_cycle_anchor_config billing_mode cancel_at cancel_at_period_end collection_method customer days_until_due default_payment_method default_tax_rates description discounts items metadata off_session payment_behavior payment_settings proration_behavior trial_end trial_period_days trial_settings"),
    ("DELETE", "/v1/subscriptions/{id}", subscriptions::cancel, "cancellation_details invoice_now prorate"),
    ("GET", "/v1/subscriptions/search", search::subscriptions, "limit page query"),
    ("GET", "/v1/subscriptions/{id}", subscriptions::retrieve, ""),
    ("POST", "/v1/subscriptions/{id}", subscriptions::update, "automatic_tax billing_cycle_anchor cancel_at cancel_at_period_end cancellation_details collection_method days_until_due default_payment_method default_tax_rates description discounts items metadata off_session pause_collection payment_behavior payment_settings proration_behavior proration_date trial_end trial_settings"),
    ("DELETE", "/v1/subscriptions/{id}/discount", discounts::remove_from_subscription, ""),
    ("POST", "/v1/subscriptions/{id}/pause", subscriptions::pause, "bill_for invoicing_behavior type"),
    ("POST", "/v1/subscriptions/{id}/resume", subscriptions::resume, "billing_cycle_anchor payment_behavior proration_behavior proration_date"),
    ("GET", "/v1/tax_rates", tax_rates::list, "active created inclusive"),
    ("POST", "/v1/tax_rates", tax_rates::create, "active country description display_name inclusive jurisdiction metadata percentage state"),
    ("GET", "/v1/tax_rates/{id}", tax_rates::retrieve, ""),
    ("POST", "/v1/tax_rates/{id}", tax_rates::update, "active country description display_name jurisdiction metadata state"),
    ("POST", "/v1/test_helpers/customers/{id}/fund_cash_balance", cash::fund, "amount currency reference"),
    ("GET", "/v1/test_helpers/test_clocks", test_clocks::list, ""),
    ("POST", "/v1/test_helpers/test_clocks", test_clocks::create, "frozen_time name"),
    ("DELETE", "/v1/test_helpers/test_clocks/{id}", test_clocks::delete, ""),
    ("GET", "/v1/test_helpers/test_clocks/{id}", test_clocks::retrieve, ""),
    ("POST", "/v1/test_helpers/test_clocks/{id}/advance", test_clocks::advance, "frozen_time"),
    ("GET", "/v1/topups", topups::list, "created status"),
    ("POST", "/v1/topups", topups::create, "amount currency description metadata statement_descriptor"),
    ("GET", "/v1/topups/{id}", topups::retrieve, ""),
    ("POST", "/v1/topups/{id}", topups::update, "description metadata"),
    ("POST", "/v1/topups/{id}/cancel", topups::cancel, ""),
    ("GET", "/v1/transfers", transfers::list, "created destination transfer_group"),
    ("POST", "/v1/transfers", transfers::create, "amount currency description destination metadata transfer_group"),
    ("GET", "/v1/transfers/{id}", transfers::retrieve, ""),
    ("POST", "/v1/transfers/{id}", transfers::update, "description metadata"),
    ("GET", "/v1/transfers/{id}/reversals", transfers::list_reversals, ""),
    ("POST", "/v1/transfers/{id}/reversals", transfers::reverse, "amount metadata"),
    ("GET", "/v1/transfers/{transferId}/reversals/{id}", transfers::retrieve_reversal, ""),
    ("GET", "/v1/webhook_endpoints", webhook_endpoints::list, ""),
    ("POST", "/v1/webhook_endpoints", webhook_endpoints::create, "api_version description enabled_events metadata url"),
    ("DELETE", "/v1/webhook_endpoints/{id}", webhook_endpoints::delete, ""),
    ("GET", "/v1/webhook_endpoints/{id}", webhook_endpoints::retrieve, ""),
    ("POST", "/v1/webhook_endpoints/{id}", webhook_endpoints::update, "description disabled enabled_events metadata url"),
    ("POST", "/v2/billing/meter_event_adjustments", stream::adjust, "cancel event_name type"),
    ("POST", "/v2/billing/meter_event_session", stream::open_session, ""),
    ("POST", usage::STREAM_PATH, stream::stream, "events"),
    ("POST", "/v2/billing/meter_events", stream::report, "event_name identifier payload timestamp"),
    ("GET", "/v2/core/events", thin_events::list, "limit object_id types"),
    ("GET", "/v2/core/events/{id}", thin_events::retrieve, ""),
];

/// What describes a credit note.
const CREDIT_NOTE: &str = "amount credit_amount effective_at email_type invoice lines memo metadata \
                           out_of_band_amount reason refund_amount refunds";

/// Stripe's operations and the names of their parameters, from its own types (see the licence beside it).
const STRIPES: &str = include_str!("../data/operations.tsv");

/// Three calls Stripe has and does not document, in the form of the table above.
const UNDOCUMENTED: &str = "GET\t/v1/payment_pages/{id}\t\t\t\n\
                            POST\t/v1/payment_pages/{id}/confirm\t\tpayment_method\texpected_amount\n\
                            POST\t/v1/stripecli/sessions\t\t\twebsocket_features\n";

const OF_EVERY_LIST: [&str; 3] = ["ending_before", "limit", "starting_after"];

static OPERATIONS: LazyLock<HashMap<(&'static str, usize), Vec<Operation>>> = LazyLock::new(read);

fn read() -> HashMap<(&'static str, usize), Vec<Operation>> {
    let mut operations: HashMap<_, Vec<Operation>> = HashMap::new();
    for row in STRIPES.lines().skip(1).chain(UNDOCUMENTED.lines()) {
        let mut columns = row.split('\t');
        let mut column = || columns.next().unwrap_or_default();
        let (method, path, _, required, optional) =
            (column(), column(), column(), column(), column());
        let names = |list: &'static str| -> Vec<&'static str> {
            list.split([',', ' ']).filter(|name| !name.is_empty()).collect()
        };
        let ours = OURS.iter().find(|ours| ours.0 == method && ours.1 == path);
        let knows = names(optional);
        let mut reads = names(ours.map_or("", |ours| ours.3));
        reads.push("expand");
        reads.extend(OF_EVERY_LIST.iter().filter(|name| knows.contains(name)));
        if method == "GET" && path.starts_with("/v2/") {
            reads.push("page");
        }
        let run = ours.map(|ours| ours.2);
        let operation = Operation { method, path, run, reads, required: names(required), knows };
        operations.entry((method, path.split('/').count())).or_default().push(operation);
    }
    // A word beats a placeholder: `/search` before `/{id}`.
    for same_length in operations.values_mut() {
        same_length.sort_by_key(|operation| operation.path.matches('{').count());
    }
    operations
}

/// The operation behind a path, and what stands in the place of its last placeholder.
pub fn find(method: &str, path: &str) -> Option<(&'static Operation, String)> {
    let segments: Vec<&str> = path.split('/').collect();
    let method = ["GET", "POST", "DELETE"].into_iter().find(|known| *known == method)?;
    OPERATIONS.get(&(method, segments.len()))?.iter().find_map(|operation| {
        let mut id = "";
        for (pattern, segment) in operation.path.split('/').zip(&segments) {
            if pattern.starts_with('{') && !segment.is_empty() {
                id = segment;
            } else if pattern != *segment {
                return None;
            }
        }
        Some((operation, id.to_owned()))
    })
}

impl Operation {
    /// Whether somebody who names no version of the API says it by the name it had before.
    fn has_older_name(&self, field: &str, params: &Params<'_>) -> bool {
        self.path == "/v1/promotion_codes"
            && field == "promotion"
            && !params.is_strict()
            && params.has("coupon")
    }

    /// Checks the names of the parameters, and that the required ones are there.
    pub fn check(&self, params: &Params<'_>) -> Result<()> {
        for field in params.fields() {
            if self.reads.contains(&field) {
                continue;
            }
            // A call the simulator does not do says so as a whole.
            if self.knows.contains(&field) || self.required.contains(&field) {
                if self.run.is_some() {
                    return Err(params::not_simulated(field));
                }
            } else if params.is_strict() {
                return Err(Error::parameter_unknown(field));
            }
        }
        let is_missing = |field: &&&str| !params.has(field) && !self.has_older_name(field, params);
        match self.required.iter().find(is_missing) {
            Some(field) => Err(Error::parameter_missing(field)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_ours_is_one_of_stripes_and_reads_what_stripe_knows() {
        for (method, path, _, reads) in OURS {
            let found =
                OPERATIONS.values().flatten().find(|o| o.method == *method && o.path == *path);
            let operation = found.unwrap_or_else(|| panic!("{method} {path} is not Stripe's"));
            for name in reads.split_whitespace() {
                let known = operation.knows.contains(&name) || operation.required.contains(&name);
                assert!(known, "{method} {path} has no parameter `{name}`");
            }
            for name in &operation.required {
                assert!(operation.reads.contains(name), "{method} {path} must read `{name}`");
            }
        }
        let total: usize = OPERATIONS.values().map(Vec::len).sum();
        assert_eq!(
            total, 651,
            "648 documented operations below `/v1` and `/v2`, and three that are not"
        );
    }

    #[test]
    fn paths_find_their_operation() {
        let found = |method, path| find(method, path).map(|(o, id)| (o.path, id));
        assert_eq!(
            found("GET", "/v1/customers/search"),
            Some(("/v1/customers/search", String::new()))
        );
        assert_eq!(
            found("GET", "/v1/customers/cus_1"),
            Some(("/v1/customers/{id}", "cus_1".into()))
        );
        assert_eq!(found("GET", "/v1/customers/"), None);
        assert_eq!(found("DELETE", "/v1/customers"), None);
        assert_eq!(found("GET", "/v1/nothing"), None);
    }
}
