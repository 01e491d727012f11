//! What every slice's `sync.rs` has in common: how a fetch may replace what we have.
//!
//! A row counts its writes. Whoever syncs reads that number, then fetches, then writes only if the number is
//! still the same; otherwise somebody wrote meanwhile, and it fetches once more. So what is written was
//! fetched after everything it replaces was, and no clock is asked, neither ours nor Stripe's.

use std::{collections::BTreeMap, future::Future};

use tollhouse_stripe::{Fetched, Result as StripeResult, objects::List, params::Seconds};

use crate::error::Error;

/// What became of an object that Stripe told us about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synced {
    /// Our row now is what Stripe has.
    Done,
    /// It belongs to nobody we know, and the reason for people.
    NotOurs(&'static str),
    /// Our row stays as it is against what Stripe says, and why: what is over stays over.
    Kept(&'static str),
}

/// What became of one fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Yes,
    /// Somebody wrote since the fetch began.
    TooLate,
    /// Not to be written at all, and why.
    Never(&'static str),
}

/// Fetches before it is left to the next delivery, or to whoever asks again.
pub const FETCHES_MAX: u32 = 5;

/// Others wrote the same object again and again while we fetched it.
pub fn contended() -> Error {
    Error::Unavailable("the same object is being changed by many at once")
}

/// Fewer of a kind are fetched one by one; and so is what is left when a page of a hundred brings fewer.
pub const WORTH_A_PAGE: usize = 10;

/// Fetches many by Stripe's lists instead of each by itself. `wanted` names each by its id, with the second by
/// which it is listed; `page` lists those between two seconds, newest first, after the one named.
///
/// What is not found is not there: the caller asks for it by its id.
///
/// # Errors
/// What Stripe says.
pub async fn list_many<T, Page>(
    mut wanted: BTreeMap<String, i64>,
    id_of: fn(&T) -> &str,
    page: impl Fn(Seconds, Option<String>) -> Page,
) -> StripeResult<Vec<Fetched<T>>>
where
    Page: Future<Output = StripeResult<List<Fetched<T>>>>,
{
    let (mut found, mut after) = (Vec::new(), None);
    let seconds = wanted.values().copied();
    let Some((gte, lte)) = seconds.clone().min().zip(seconds.max()) else { return Ok(found) };
    while wanted.len() >= WORTH_A_PAGE {
        let List { data, has_more } = page(Seconds { gte, lte }, after.take()).await?;
        after = data.last().map(|last| id_of(&last.object).to_owned());
        let before = found.len();
        found.extend(data.into_iter().filter(|row| wanted.remove(id_of(&row.object)).is_some()));
        if !has_more || found.len() - before < WORTH_A_PAGE {
            break;
        }
    }
    Ok(found)
}
