//! Trouble by a seed: the same seed and the same calls meet the same trouble.

use fastrand::Rng;
use serde::Deserialize;

use super::{DeliveryFaultKind, FaultKind};

/// Trouble at random. Whoever sees a run fail needs the seed alone to see it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    pub seed: u64,
    /// So many of a hundred calls, deliveries and batches of deliveries meet some; with 0 none do.
    pub percent: u8,
}

const CALLS: [FaultKind; 6] = [
    FaultKind::Error500,
    FaultKind::Error429,
    FaultKind::Error409,
    FaultKind::Unreachable,
    FaultKind::DoneButUnanswered,
    FaultKind::CutShort,
];
const DELIVERIES: [DeliveryFaultKind; 6] = [
    DeliveryFaultKind::Duplicate,
    DeliveryFaultKind::Drop,
    DeliveryFaultKind::Delay,
    DeliveryFaultKind::OtherVersion,
    DeliveryFaultKind::UnknownType,
    DeliveryFaultKind::UnknownStatus,
];

/// Trouble that is going on.
#[derive(Clone)]
pub struct Seeded {
    trouble: Trouble,
    rng: Rng,
}

impl Seeded {
    /// None where there is to be none.
    pub fn new(trouble: Trouble) -> Option<Self> {
        tracing::warn!(trouble.seed, trouble.percent, "trouble is ordered by seed");
        (trouble.percent > 0).then(|| Self { trouble, rng: Rng::with_seed(trouble.seed) })
    }

    pub fn call(&mut self) -> Option<FaultKind> {
        self.strikes().then(|| CALLS[self.rng.usize(..CALLS.len())])
    }

    pub fn delivery(&mut self) -> Option<DeliveryFaultKind> {
        self.strikes().then(|| DELIVERIES[self.rng.usize(..DELIVERIES.len())])
    }

    pub fn reverses(&mut self) -> bool {
        self.strikes()
    }

    fn strikes(&mut self) -> bool {
        let strikes = self.rng.u8(..100) < self.trouble.percent;
        if strikes {
            tracing::info!(trouble.seed = self.trouble.seed, "trouble by seed strikes");
        }
        strikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(seed: u64, percent: u8) -> Vec<Option<FaultKind>> {
        let mut seeded = Seeded::new(Trouble { seed, percent }).unwrap();
        (0..200).map(|_| seeded.call()).collect()
    }

    #[test]
    fn a_seed_repeats_exactly_and_another_does_not() {
        assert_eq!(calls(7, 20), calls(7, 20));
        assert_ne!(calls(7, 20), calls(8, 20));
        assert!(Seeded::new(Trouble { seed: 7, percent: 0 }).is_none());
    }

    #[test]
    fn about_so_many_meet_trouble_and_of_every_kind() {
        let met: Vec<FaultKind> = calls(7, 20).into_iter().flatten().collect();
        assert!((20..=60).contains(&met.len()), "{} of 200", met.len());
        assert!(CALLS.iter().all(|kind| met.contains(kind)), "{met:?}");
        assert_eq!(calls(7, 100).iter().flatten().count(), 200);
    }
}
