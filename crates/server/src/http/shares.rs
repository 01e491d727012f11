//! How much of something one address may hold at once: requests that run, connections that are open.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// What each address holds; no more entries than there is to hold.
#[derive(Clone)]
pub(super) struct Shares {
    most: usize,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One that an address holds, until it is dropped.
pub(super) struct Share {
    address: IpAddr,
    shares: Shares,
}

impl Shares {
    /// Nothing, where no number is set: then there is no limit.
    pub fn of(most: usize) -> Option<Self> {
        (most > 0).then(|| Self { most, held: Arc::default() })
    }

    /// Nothing, where the address holds all it may.
    pub fn take(&self, address: IpAddr) -> Option<Share> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = held.entry(address).or_default();
        if *of_address >= self.most {
            return None;
        }
        *of_address += 1;
        Some(Share { address, shares: self.clone() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_address) = held.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                held.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_share_and_gives_it_back() {
        let shares = Shares::of(2).unwrap();
        let (one, other) = ("1.1.1.1".parse().unwrap(), "2.2.2.2".parse().unwrap());
        let first = shares.take(one).unwrap();
        let second = shares.take(one).unwrap();
        assert!(shares.take(one).is_none());
        let third = shares.take(other).unwrap();
        drop(first);
        assert!(shares.take(one).is_some());
        drop((second, third));
        assert!(shares.held.lock().unwrap().is_empty(), "nothing is kept of those who left");
        assert!(Shares::of(0).is_none(), "off");
    }
}
