//! Where events may be sent: the public internet over HTTPS, and what the settings allow besides.
//!
//! An endpoint is a URL that somebody typed and that we call from inside: it must not reach what only we can
//! reach. A URL is checked when it is given and before every request, and the addresses behind its name when
//! the connection is made, so that a name which changes its address gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

const URL_LENGTH_MAX: usize = 2000;
/// Ports below this belong to other services, but for the two of HTTP.
const PORT_MIN: u16 = 1024;

/// What may be called beside the public internet.
pub struct Targets {
    hosts: Vec<String>,
    ranges: Vec<IpNet>,
}

/// Why a URL is not called. Each sentence follows the words «the URL».
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("must be a URL such as `https://example.com/webhooks`, of at most 2000 characters")]
    NotAUrl,
    #[error("must begin with `https://`")]
    NotHttps,
    #[error("must not hold a user or a password: the signature says who is calling")]
    Credentials,
    #[error("must not end in a `#` fragment: it is never sent")]
    Fragment,
    #[error("must have port 80, 443, or one from 1024 up")]
    Port,
    #[error(
        "leads to an address that is not on the public internet: the operator of this installation can allow \
         it by `outbound.private_targets`"
    )]
    Private,
}

impl Targets {
    /// Reads the setting: names, addresses, and ranges such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// With the word that is none of them.
    pub fn read(words: &[String]) -> anyhow::Result<Self> {
        let mut targets = Self { hosts: Vec::new(), ranges: Vec::new() };
        for word in words {
            if let Ok(address) = word.parse::<IpAddr>() {
                targets.ranges.push(address.into());
            } else if let Ok(range) = word.parse::<IpNet>() {
                targets.ranges.push(range);
            } else if let Ok(Host::Domain(name)) = Host::parse(word) {
                targets.hosts.push(bare(&name).to_owned());
            } else {
                anyhow::bail!(
                    "`outbound.private_targets`: `{word}` is no host, no address and no range such as `10.0.0.0/8`"
                );
            }
        }
        Ok(targets)
    }

    /// The URL, where it may be called as far as it can be told without asking for addresses.
    pub fn check(&self, text: &str) -> Result<Url, Refused> {
        if text.len() > URL_LENGTH_MAX
            || text.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(Refused::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| Refused::NotAUrl)?;
        let host = url.host().ok_or(Refused::NotAUrl)?;
        let is_named = match &host {
            Host::Domain(name) => self.names(name),
            Host::Ipv4(address) => self.holds((*address).into()),
            Host::Ipv6(address) => self.holds((*address).into()),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_named => {}
            _ => return Err(Refused::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        if url.fragment().is_some() {
            return Err(Refused::Fragment);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if port < PORT_MIN && port != 80 && port != 443 {
            return Err(Refused::Port);
        }
        let is_public = match host {
            Host::Domain(name) => !is_this_machine(name),
            Host::Ipv4(address) => is_public(address.into()),
            Host::Ipv6(address) => is_public(address.into()),
        };
        if is_public || is_named { Ok(url) } else { Err(Refused::Private) }
    }

    /// Whether a connection to this address may be made for this host.
    pub fn allows(&self, host: &str, address: IpAddr) -> bool {
        is_public(address) || self.names(host) || self.holds(address)
    }

    fn names(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| name.eq_ignore_ascii_case(bare(host)))
    }

    fn holds(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(&address))
    }
}

/// `example.com.` is `example.com`, written in full.
fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// `localhost` and all below it, whatever a resolver says.
fn is_this_machine(host: &str) -> bool {
    bare(host).rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

/// Addresses of IPv4 with another purpose than being reached by anyone: IANA's registry, without exceptions.
const SPECIAL_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),       // this network
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // between a provider and its customers
    v4([127, 0, 0, 0], 8),     // this machine
    v4([169, 254, 0, 0], 16),  // this link, and the metadata of clouds
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocols
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 88, 99, 0], 24),  // relays to IPv6
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // measurements
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // many at once
    v4([240, 0, 0, 0], 4),     // reserved, and all at once
];

/// The part of IPv6 that is given out, and what of it is not for everyone or holds an address of IPv4.
/// Outside of it lie this machine, private and local addresses, and IPv4 in disguise.
const GIVEN_OUT_V6: Ipv6Net = v6([0x2000, 0, 0], 3);
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0], 23),     // protocols, tunnels
    v6([0x2001, 0xdb8, 0], 32), // documentation
    v6([0x2002, 0, 0], 16),     // tunnels that hold an address of IPv4
    v6([0x3fff, 0, 0], 20),     // documentation
];

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6([a, b, c]: [u16; 3], bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|range| range.contains(&address)),
        IpAddr::V6(address) => {
            GIVEN_OUT_V6.contains(&address)
                && !SPECIAL_V6.iter().any(|range| range.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(words: &[&str]) -> Targets {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Targets::read(&words).unwrap()
    }

    #[test]
    fn only_public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.3.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn a_url_is_checked_in_all_its_parts() {
        use Refused::{Credentials, Fragment, NotAUrl, NotHttps, Port, Private};
        let none = targets(&[]);
        let long = format!("https://example.com/{}", "a".repeat(2000));
        for (url, expected) in [
            ("https://example.com/hooks?token=a", Ok(())),
            ("https://example.com:8443/", Ok(())),
            ("https://[2606:4700::1111]/", Ok(())),
            ("", Err(NotAUrl)),
            ("example.com/hooks", Err(NotAUrl)),
            ("https://", Err(NotAUrl)),
            ("https://exa mple.com", Err(NotAUrl)),
            (" https://example.com", Err(NotAUrl)),
            ("https://example.com/\r\nHost: a", Err(NotAUrl)),
            (&long, Err(NotAUrl)),
            ("data:text/plain,a", Err(NotAUrl)),
            ("http://example.com/", Err(NotHttps)),
            ("ftp://example.com/", Err(NotHttps)),
            ("gopher://127.0.0.1:6379/_", Err(NotHttps)),
            ("file://host/etc/passwd", Err(NotHttps)),
            ("https://user@example.com/", Err(Credentials)),
            ("https://user:password@example.com/", Err(Credentials)),
            ("https://example.com@127.0.0.1/", Err(Credentials)),
            ("https://example.com/#a", Err(Fragment)),
            ("https://example.com:22/", Err(Port)),
            ("https://example.com:0/", Err(Port)),
            ("https://example.com:993/", Err(Port)),
            ("https://localhost/", Err(Private)),
            ("https://LOCALHOST.:8443/", Err(Private)),
            ("https://hooks.localhost/", Err(Private)),
            ("https://127.0.0.1/", Err(Private)),
            ("https://127.1/", Err(Private)),
            ("https://2130706433/", Err(Private)),
            ("https://0x7f000001/", Err(Private)),
            ("https://0177.0.0.1/", Err(Private)),
            ("https://①②⑦.0.0.1/", Err(Private)),
            ("https://0/", Err(Private)),
            ("https://169.254.169.254/latest/meta-data/", Err(Private)),
            ("https://10.1.2.3:8443/", Err(Private)),
            ("https://[::1]/", Err(Private)),
            ("https://[::ffff:127.0.0.1]/", Err(Private)),
            ("https://[::ffff:7f00:1]/", Err(Private)),
            ("https://[fd00:ec2::254]/", Err(Private)),
            ("https://[fe80::1]/", Err(Private)),
        ] {
            assert_eq!(none.check(url).map(drop), expected, "{url}");
        }
    }

    #[test]
    fn the_settings_open_what_they_name_and_nothing_else() {
        let some = targets(&["127.0.0.1", "10.0.0.0/8", "fd00::/8", "Hooks.Internal", "localhost"]);
        for url in [
            "http://127.0.0.1:3000/",
            "https://10.9.8.7/",
            "http://[fd00::1]/",
            "http://hooks.internal/",
            "http://HOOKS.internal./",
            "http://localhost:3000/webhooks",
        ] {
            assert_eq!(some.check(url).map(drop), Ok(()), "{url}");
        }
        assert_eq!(some.check("http://127.0.0.2/"), Err(Refused::NotHttps));
        assert_eq!(some.check("https://127.0.0.2/"), Err(Refused::Private));
        assert_eq!(some.check("https://[::ffff:127.0.0.1]/"), Err(Refused::Private));
        assert_eq!(some.check("http://other.internal/"), Err(Refused::NotHttps));
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(some.allows("hooks.internal", address("192.168.1.1")));
        assert!(some.allows("example.com", address("10.1.1.1")));
        assert!(!some.allows("example.com", address("192.168.1.1")));
        assert!(!some.allows("example.com.hooks.internal.evil.test", address("192.168.1.1")));
    }

    #[test]
    fn a_typo_in_the_settings_is_named() {
        for word in ["10.0.0.0/33", "http://localhost", "a b", "10.0.0.0/"] {
            let error = Targets::read(&[word.to_owned()]).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
