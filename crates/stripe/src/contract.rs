//! The suite every gateway must pass: real test mode, the simulator over a socket, the simulator in process.
//!
//! Each case is a promise of Stripe's that Tollhouse leans on. A surprise from the real Stripe becomes
//! a case here first.

use crate::{
    Client, Error, IdempotencyKey,
    id::{CustomerId, ProductId},
    objects::{CheckoutStatus, Price},
    params::{
        CreateCheckoutSession, CreateCustomer, CreatePrice, CreateProduct, CreateRecurring,
        LineItem, ListPrices, SubscriptionTerms, UpdateCustomer,
    },
};

/// A promise that was not kept, in words.
#[derive(Debug)]
pub struct Broken(pub String);

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

type Outcome = Result<(), Broken>;

/// Runs every case; `run` is unlike that of any earlier run against the same account.
///
/// # Errors
/// The first promise that is not kept.
pub async fn all(client: &Client, run: &str) -> Outcome {
    a_key_makes_one_customer(client, run).await?;
    a_key_with_other_parameters_is_refused(client, run).await?;
    what_is_missing_is_missing(client).await?;
    a_price_is_found_by_its_lookup_key(client, run).await?;
    a_checkout_session_opens_and_expires_once(client, run).await
}

fn ensure(kept: bool, promise: &str) -> Outcome {
    if kept { Ok(()) } else { Err(Broken(promise.to_owned())) }
}

async fn a_key_makes_one_customer(client: &Client, run: &str) -> Outcome {
    let key = IdempotencyKey::new("contract-customer", run);
    let params = CreateCustomer { metadata: [("run".to_owned(), run.to_owned())].into() };
    let first = client.create_customer(&params, &key).await?;
    let second = client.create_customer(&params, &key).await?;
    ensure(first.id == second.id, "the same key and parameters give the same customer")?;
    let email = Some("contract@example.com".to_owned());
    let update = UpdateCustomer { email: email.clone(), ..UpdateCustomer::default() };
    let key = IdempotencyKey::new("contract-email", run);
    client.update_customer(&first.id, &update, &key).await?;
    let fetched = client.retrieve_customer(&first.id).await?;
    ensure(fetched.object.email == email, "an update is seen by the next read")?;
    ensure(fetched.object.metadata.get("run").is_some_and(|value| value == run), "metadata is kept")
}

async fn a_key_with_other_parameters_is_refused(client: &Client, run: &str) -> Outcome {
    let key = IdempotencyKey::new("contract-mismatch", run);
    let params =
        |value: &str| CreateCustomer { metadata: [("a".to_owned(), value.to_owned())].into() };
    client.create_customer(&params("1"), &key).await?;
    let second = client.create_customer(&params("2"), &key).await;
    ensure(matches!(second, Err(Error::Idempotency(_))), "one key, other parameters: refused")
}

async fn what_is_missing_is_missing(client: &Client) -> Outcome {
    let found = client.retrieve_customer(&CustomerId::new("cus_doesnotexist")).await;
    ensure(matches!(found, Err(Error::Missing(_))), "an unknown customer is `resource_missing`")
}

async fn product_and_price(client: &Client, run: &str) -> Result<Price, Broken> {
    let product = CreateProduct {
        id: ProductId::new(format!("contract_{run}")),
        name: "Contract".to_owned(),
        description: None,
        metadata: [].into(),
    };
    let key = IdempotencyKey::new("contract-product", run);
    let product = client.create_product(&product, &key).await?;
    let price = CreatePrice {
        product: product.id,
        currency: "usd".to_owned(),
        unit_amount_decimal: Some("2900".to_owned()),
        billing_scheme: "per_unit",
        tiers_mode: None,
        tiers: vec![],
        transform_quantity: None,
        recurring: CreateRecurring {
            interval: "month".to_owned(),
            interval_count: 1,
            usage_type: "licensed",
            meter: None,
        },
        lookup_key: format!("contract_{run}"),
        transfer_lookup_key: true,
        metadata: [].into(),
    };
    let key = IdempotencyKey::new("contract-price", run);
    Ok(client.create_price(&price, &key).await?)
}

async fn a_price_is_found_by_its_lookup_key(client: &Client, run: &str) -> Outcome {
    let price = product_and_price(client, run).await?;
    let params =
        ListPrices { lookup_keys: vec![format!("contract_{run}")], active: Some(true), limit: 10 };
    let found = client.list_prices(&params).await?;
    ensure(found.data.len() == 1, "one price bears the lookup key")?;
    ensure(found.data.iter().all(|found| found.id == price.id), "it is the one we made")?;
    ensure(price.unit_amount == Some(2900), "its amount is whole minor units")
}

async fn a_checkout_session_opens_and_expires_once(client: &Client, run: &str) -> Outcome {
    let price = product_and_price(client, run).await?;
    let key = IdempotencyKey::new("contract-buyer", run);
    let customer = client.create_customer(&CreateCustomer::default(), &key).await?;
    let params = CreateCheckoutSession {
        mode: "subscription",
        customer: customer.id.clone(),
        line_items: vec![LineItem { price: price.id, quantity: Some(1) }],
        success_url: "https://example.com/success".to_owned(),
        cancel_url: "https://example.com/cancel".to_owned(),
        client_reference_id: run.to_owned(),
        metadata: [].into(),
        subscription_data: SubscriptionTerms::default(),
        expires_at: None,
        discounts: Vec::new(),
        automatic_tax: None,
        customer_update: None,
    };
    let key = IdempotencyKey::new("contract-session", run);
    let session = client.create_checkout_session(&params, &key).await?;
    ensure(session.status == Some(CheckoutStatus::Open), "a new session is open")?;
    ensure(session.url.is_some(), "an open session has a page")?;
    let open = client.list_open_checkout_sessions(&customer.id).await?;
    ensure(open.data.iter().any(|known| known.id == session.id), "an open session is listed")?;
    let key = IdempotencyKey::new("contract-expire", run);
    let expired = client.expire_checkout_session(&session.id, &key).await?;
    ensure(expired.status == Some(CheckoutStatus::Expired), "an expired session says so")?;
    let open = client.list_open_checkout_sessions(&customer.id).await?;
    ensure(open.data.is_empty(), "an expired session is not listed as open")?;
    let key = IdempotencyKey::new("contract-expire-again", run);
    let again = client.expire_checkout_session(&session.id, &key).await;
    ensure(matches!(again, Err(Error::Invalid { .. })), "only an open session can be expired")
}
