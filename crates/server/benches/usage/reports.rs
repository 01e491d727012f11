//! The requests: batches and single events, ready to be written to a socket.

use std::{fmt::Write, ops::Range};

use axum::body::Bytes;
use tollhouse_domain::id::TenantId;

const METERS: [&str; 3] = ["api_calls", "inference", "embedding"];

/// Which tenant, and which meter, an event of this number is of.
pub fn of_number(tenants: &[TenantId], number: usize) -> (TenantId, &'static str) {
    (tenants[number % tenants.len()], METERS[number / tenants.len() % METERS.len()])
}

/// Requests of `size` events each.
pub fn batches(
    tenants: &[TenantId],
    token: &str,
    numbers: Range<usize>,
    size: usize,
) -> Vec<Bytes> {
    let starts = numbers.step_by(size);
    starts
        .map(|start| {
            let events: Vec<String> =
                (start..start + size).map(|number| event(tenants, number)).collect();
            request(
                "/api/v1/usage/batch",
                token,
                &format!(r#"{{"events":[{}]}}"#, events.join(",")),
            )
        })
        .collect()
}

/// Requests of one event each.
pub fn singles(tenants: &[TenantId], token: &str, numbers: Range<usize>) -> Vec<Bytes> {
    numbers
        .map(|number| {
            let (tenant, _) = of_number(tenants, number);
            let path = format!("/api/v1/billing/tenants/{tenant}/usage");
            request(&path, token, &event(tenants, number))
        })
        .collect()
}

fn event(tenants: &[TenantId], number: usize) -> String {
    let (tenant, meter) = of_number(tenants, number);
    format!(
        r#"{{"tenant_id":"{tenant}","meter":"{meter}","quantity":1,"idempotency_key":"event-{number}"}}"#
    )
}

fn request(path: &str, token: &str, body: &str) -> Bytes {
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: bench\r\n");
    // Writing to a String cannot fail.
    let _ = write!(
        request,
        "authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    request.into()
}
