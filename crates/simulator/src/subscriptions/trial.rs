//! The trial of a subscription: moved, ended, or given to one that runs already.

use super::{Status, Subscription};
use crate::{
    error::{Error, Result},
    params::Params,
};

const TRIAL_SECONDS_MAX: i64 = 730 * 86_400;

/// What an update does to the trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialChange {
    None,
    /// It ends at another moment, and the first period begins then.
    Moves,
    /// It ends now, and the first period begins.
    Ends,
    /// A running subscription costs nothing from now on, until its new anchor.
    Begins,
}

/// `trial_end`: `now`, or a moment.
pub fn change(now: i64, params: &Params<'_>, after: &mut Subscription) -> Result<TrialChange> {
    let Some(text) = params.text("trial_end")? else { return Ok(TrialChange::None) };
    let running = after.trial.filter(|_| after.status == Status::Trialing);
    if text == "now" {
        let Some((start, _)) = running else { return Ok(TrialChange::None) };
        after.trial = Some((start, now));
        after.status = Status::Active;
        return Ok(TrialChange::Ends);
    }
    let end = params.integer("trial_end")?.unwrap_or_default();
    if end <= now || end > now + TRIAL_SECONDS_MAX {
        let message = "A trial ends in the future, at most 730 days from now.";
        return Err(params.wrong("trial_end", message));
    }
    if let Some((start, _)) = running {
        begin(start, end, after);
        return Ok(TrialChange::Moves);
    }
    if !after.status.is_billed() {
        return Err(Error::invalid(format!(
            "A trial can only be given to a subscription that runs; this one is {}.",
            after.status.word()
        ))
        .param(&params.name("trial_end")));
    }
    after.status = Status::Trialing;
    begin(now, end, after);
    Ok(TrialChange::Begins)
}

/// A trial is a period of its own, and its end the new anchor.
fn begin(start: i64, end: i64, after: &mut Subscription) {
    after.trial = Some((start, end));
    (after.anchor, after.billing_cycle_anchor) = (end, end);
    after.cycle = None;
    (after.period_start, after.period_end) = (start, end);
    if after.cancel_at_period_end {
        after.cancel_at = Some(end);
    }
    if let Some(moment) = after.cancel_at.filter(|moment| *moment > start) {
        after.period_end = end.min(moment);
    }
}
