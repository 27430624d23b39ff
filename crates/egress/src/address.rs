//! Which addresses the outside world has. A name that leads to this machine or into the local network is refused after
//! it was resolved, and the address that was checked is the one that is connected.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A host that leads nowhere public.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} leads to {address}, which is not a public address")]
pub(crate) struct NotPublic {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
}

/// Whether an address belongs to the public internet: not this machine, not a local network, not a reserved range, and
/// not one of these in the clothes of another (IPv4 inside IPv6). Ranges as in the IANA special-purpose registries.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = a == 192 && b == 0 && c == 0;
    let relay = a == 192 && b == 88 && c == 99;
    let benchmarks = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 224
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || shared
        || protocols
        || relay
        || benchmarks)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    // IPv4 addresses in other clothes: mapped, translated (64:ff9b::/96), 6to4.
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    if [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(v4(g, h));
    }
    if a == 0x2002 {
        return is_public_v4(v4(b, c));
    }
    // Only 2000::/3 is given out; of it, not the protocol block with Teredo (2001::/23), documentation (2001:db8::/32,
    // 3fff::/20).
    a & 0xe000 == 0x2000 && !(a == 0x2001 && b < 0x200) && !(a == 0x2001 && b == 0xdb8) && !(a == 0x3fff && b < 0x1000)
}

/// Whether an address is of this machine or of a network that somebody owns: loopback, private ranges (RFC 1918), shared
/// ones (RFC 6598, as overlay networks use them) and unique local ones (RFC 4193). Link-local addresses, where clouds keep
/// their metadata, are not among them.
pub fn is_own_network(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_loopback() || address.is_private() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(address) => address.is_loopback() || address.segments()[0] & 0xfe00 == 0xfc00,
    }
}

/// A host that a person configured, which may lie in the own network.
#[derive(Debug, Clone)]
pub(crate) struct OwnHost {
    pub(crate) host: String,
    /// Without encryption it may lie nowhere else.
    pub(crate) encrypted: bool,
}

/// Resolves names by the system and hands on public addresses only.
pub(crate) struct PublicOnly {
    /// A host that tests may reach although it is this machine.
    pub(crate) test_host: Option<String>,
    /// A host of the own network that may be reached.
    pub(crate) own: Option<OwnHost>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let exempt = self.test_host.as_deref() == Some(host.as_str());
        let own = self.own.clone().filter(|own| own.host.eq_ignore_ascii_case(&host));
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let (public, other): (Vec<_>, Vec<_>) = found.into_iter().partition(|socket| {
                exempt
                    || match &own {
                        Some(own) => is_own_network(socket.ip()) || (own.encrypted && is_public(socket.ip())),
                        None => is_public(socket.ip()),
                    }
            });
            match (public.is_empty(), other.first()) {
                (true, Some(socket)) => Err(NotPublic { host, address: socket.ip() }.into()),
                _ => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_network_is_told_from_what_only_looks_near() {
        let own = |text: &str| is_own_network(text.parse().expect(text));
        for text in
            ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.20.0.1", "100.64.1.1", "::1", "fd00::7", "::ffff:10.0.0.1"]
        {
            assert!(own(text), "{text}");
        }
        for text in ["169.254.169.254", "fe80::1", "0.0.0.0", "8.8.8.8", "224.0.0.1", "255.255.255.255", "2606:4700::1"]
        {
            assert!(!own(text), "{text}");
        }
    }

    fn check(addresses: &[&str], expect: bool) {
        for text in addresses {
            let address: IpAddr = text.parse().expect(text);
            assert_eq!(is_public(address), expect, "{text}");
        }
    }

    #[test]
    fn private_addresses_are_told_from_public_ones_in_every_dress() {
        check(
            &["1.1.1.1", "8.8.8.8", "99.255.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.1"],
            true,
        );
        check(&["2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"], true);
        check(&["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255"], false);
        check(&["192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "198.18.0.1"], false);
        check(&["192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"], false);
        check(&["::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1"], false);
        check(&["fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "2001::1", "fec0::1"], false);
        check(&["64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::", "100::1", "3fff::1"], false);
    }
}
