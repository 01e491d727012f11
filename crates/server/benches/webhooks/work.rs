//! How fast webhooks are accepted **and** worked to their end, on each database, beside the limit of bulk
//! inserts and updates of as many rows on the same database.
//!
//! `customer.updated` of a thousand tenants over real connections, with the worker running meanwhile: the
//! clock stops when the last delivery is settled. Then what renewals bring, subscriptions and invoices, with
//! Stripe in this process: projection, events and audit included.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use tokio::net::TcpListener;
use tollhouse_server::{App, Clock, Settings, record::Origin, serve, tenants};
use tollhouse_stripe::CustomerId;

use crate::{
    database::{Database, Kind, server_url},
    deliveries, generator,
    installation::{is_all_worked, settled, tenant},
    limit, renewal_night,
    report::say,
    start_up,
};

pub const CUSTOMERS: usize = 1_000;
const DELIVERIES: usize = 40_000;
const CONNECTIONS: usize = 32;
const RENEWALS: usize = 500;
const PER_SECOND_AIM: u128 = 6_000;

pub async fn measure() -> anyhow::Result<()> {
    let server_url = server_url()?;
    for (kind, round) in Kind::ALL.into_iter().zip(1..) {
        let database = Database::create(kind, &server_url, round).await?;
        let outcome = customers(&database.url).await;
        database.remove().await?;
        let (elapsed, limit) = outcome?;
        let (worked, bulk) = (per_second(DELIVERIES, elapsed), per_second(DELIVERIES, limit));
        say(&format!(
            "{}{}: {worked}/s `customer.updated` accepted and worked, {} % of bulk inserts and \
             updates ({bulk}/s); aim: {PER_SECOND_AIM}/s",
            if worked >= PER_SECOND_AIM { "aim met     " } else { "aim missed  " },
            kind.name(),
            worked * 100 / bulk.max(1),
        ));
        renewal_night::on(kind, &server_url, round + 10, RENEWALS).await?;
    }
    Ok(())
}

/// What accepting and working took, and what the limit is.
async fn customers(database_url: &str) -> anyhow::Result<(Duration, Duration)> {
    let mut settings = Settings::defaults()?;
    settings.set("database.url", database_url.into(), "the benchmark")?;
    settings.set("stripe.webhook_secret", deliveries::SECRET.into(), "the benchmark")?;
    let app = App::start(settings.config()?, Clock::real(), None).await?;
    for number in 0..CUSTOMERS {
        let id = tenant(&app, &format!("Tenant {number}")).await?;
        let customer = CustomerId::new(deliveries::customer(number));
        tenants::sync::link(&app, &Origin::system(), id, &customer).await?;
    }
    let limit = limit::insert_and_update(&app.db, DELIVERIES).await?;
    let requests: Arc<[_]> = deliveries::of_customers(DELIVERIES, CUSTOMERS).into();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(Arc::clone(&app), Some(listener)));
    let began = generator::now();
    generator::drive(address, &requests, 0..DELIVERIES, CONNECTIONS).await?;
    while !is_all_worked(&app).await? {
        start_up::pause(Duration::from_millis(5)).await;
    }
    let elapsed = began.elapsed();
    let settled = settled(&app).await?;
    ensure!(usize::try_from(settled) == Ok(DELIVERIES), "{settled} of {DELIVERIES} are settled");
    app.stop.cancel();
    server.await?;
    Ok((elapsed, limit))
}

pub fn per_second(count: usize, elapsed: Duration) -> u128 {
    count as u128 * 1_000_000 / elapsed.as_micros().max(1)
}
