//! From which address a request comes: the connection's, or what the proxies that we trust say of it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap},
};

/// The other end of a connection; set by the listener. Without it a request has no address.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Who sent the request that bears these.
pub(super) fn address_of(
    headers: &HeaderMap,
    extensions: &Extensions,
    trusted_proxies: usize,
) -> Option<IpAddr> {
    let Peer(peer) = extensions.get::<Peer>()?;
    Some(forwarded(headers, trusted_proxies).unwrap_or(*peer).to_canonical())
}

/// Whom limits by address count a request for. Of IPv6 the network, of which one customer has a whole one.
pub(super) fn network_of(request: &Request, trusted_proxies: usize) -> Option<IpAddr> {
    address_of(request.headers(), request.extensions(), trusted_proxies).map(network)
}

/// An address of IPv4, or the network of one of IPv6.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// What the outermost trusted proxy wrote. Each appends whom it saw; what stands before was said by strangers.
fn forwarded(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    if trusted_proxies == 0 {
        return None;
    }
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let entry = *entries.get(entries.len().saturating_sub(trusted_proxies))?;
    let address = entry.parse::<SocketAddr>().map(|with_port| with_port.ip());
    address.or_else(|_| entry.trim_matches(['[', ']']).parse()).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_counts() {
        for (lines, trusted, expected) in [
            (&["1.1.1.1"][..], 0, "9.9.9.9"),
            (&[], 1, "9.9.9.9"),
            (&["1.1.1.1"], 1, "1.1.1.1"),
            (&["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),
            (&["6.6.6.6, 1.1.1.1, 2.2.2.2"], 2, "1.1.1.1"),
            (&["6.6.6.6", "1.1.1.1", "2.2.2.2"], 2, "1.1.1.1"),
            (&["1.1.1.1"], 2, "1.1.1.1"),
            (&["1.1.1.1:5000"], 1, "1.1.1.1"),
            (&["[2001:db8:1:2:3:4:5:6]:5000"], 1, "2001:db8:1:2::"),
            (&["[2001:db8:1:2::1]"], 1, "2001:db8:1:2::"),
            (&["2001:db8:1:2::1"], 1, "2001:db8:1:2::"),
            (&["::ffff:1.1.1.1"], 1, "1.1.1.1"),
            (&["unknown"], 1, "9.9.9.9"),
            (&[""], 1, "9.9.9.9"),
        ] {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(Peer("9.9.9.9".parse().unwrap()));
            for line in lines {
                request.headers_mut().append("x-forwarded-for", line.parse().unwrap());
            }
            let found = network_of(&request, trusted).unwrap();
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{lines:?} {trusted}");
        }
        assert_eq!(network_of(&Request::new(Body::empty()), 1), None);
    }
}
