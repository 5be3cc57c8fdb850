//! Which addresses are on the public internet, and which private ones the operator allows.
//!
//! Knows the IANA special-purpose registries (RFC 6890 and its successors). Must not know names, URLs or HTTP.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The private ranges that may be reached.
#[derive(Debug)]
pub(super) struct Ranges {
    allowed: Vec<IpNet>,
}

impl Ranges {
    pub(super) fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// True when any private range is allowed: without one, plain `http` goes nowhere.
    pub(super) fn any(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// May a connection go there? Plain ones only into the allowed ranges, TLS to public addresses as well.
    pub(super) fn admits(&self, address: IpAddr, plain: bool) -> bool {
        let address = address.to_canonical();
        (!plain && !is_private(address)) || self.allowed.iter().any(|range| range.contains(&address))
    }
}

/// True for every address that is not on the public internet: loopback, private, link-local (cloud metadata), shared
/// (CGNAT), documentation, benchmarking, multicast, reserved; for IPv6 also addresses that carry an IPv4 one which is
/// private (mapped, NAT64) or that leads through somebody's tunnel (6to4, Teredo).
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    match a {
        // "This network" (RFC 791), private (RFC 1918), loopback (RFC 1122).
        0 | 10 | 127 => true,
        // Shared address space, RFC 6598; Alibaba's metadata server lives here.
        100 => (64..128).contains(&b),
        // Link-local, RFC 3927; the metadata servers of most clouds live here.
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => match b {
            // Protocol assignments (RFC 6890), TEST-NET-1 (RFC 5737).
            0 => c == 0 || c == 2,
            // 6to4 relays, withdrawn by RFC 7526.
            88 => c == 99,
            168 => true,
            _ => false,
        },
        // Benchmarking (RFC 2544), TEST-NET-2 (RFC 5737).
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        // TEST-NET-3, RFC 5737.
        203 => b == 0 && c == 113,
        // Multicast (RFC 5771), reserved (RFC 1112) and broadcast.
        224.. => true,
        _ => false,
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, high, low] = address.segments();
    match (a, b) {
        // The well-known NAT64 prefix 64:ff9b::/96, RFC 6052: as public as the IPv4 address in it.
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => {
            let [one, two] = high.to_be_bytes();
            let [three, four] = low.to_be_bytes();
            is_private_v4(Ipv4Addr::new(one, two, three, four))
        }
        // Protocol assignments 2001::/23 (RFC 2928), with Teredo, benchmarking and ORCHID in it.
        (0x2001, 0..0x200) => true,
        // Documentation (RFC 3849), 6to4 (RFC 3056).
        (0x2001, 0xdb8) | (0x2002, _) => true,
        // Documentation, RFC 9637.
        (0x3fff, 0..0x1000) => true,
        // All that IANA has given out for the public internet lies in 2000::/3. Outside: ::, ::1, fc00::/7, fe80::/10,
        // fec0::/10, ff00::/8, 100::/64, local NAT64 64:ff9b:1::/48, SRv6 5f00::/16 and what nobody uses.
        (0x2000..0x4000, _) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_but_the_public_internet() {
        for private in [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
            "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
            "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
            "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1",
            "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1",
            "2001:0:53aa:64c::1", "2001:2::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1",
            "fd00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
        ] {
            assert!(is_private(ip(private)), "{private}");
        }
        for public in [
            "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "169.253.0.1",
            "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255",
            "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:200::1", "2001:4860:4860::8888", "2600::1", "2a00:1450::1",
        ] {
            assert!(!is_private(ip(public)), "{public}");
        }
    }

    #[test]
    fn allowed_ranges_open_what_they_name() {
        let ranges = Ranges::new(vec!["127.0.0.0/8".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        for (address, over_tls, plain) in [
            ("127.0.0.1", true, true),
            ("::ffff:127.0.0.1", true, true),
            ("fd00:1::5", true, true),
            ("fd00:2::5", false, false),
            ("::1", false, false),
            ("10.0.0.1", false, false),
            ("64:ff9b::7f00:1", false, false),
            ("8.8.8.8", true, false),
            ("2600::1", true, false),
        ] {
            assert_eq!(ranges.admits(ip(address), false), over_tls, "{address}");
            assert_eq!(ranges.admits(ip(address), true), plain, "{address}");
        }
    }

    proptest! {
        /// One address has one answer, however it is wrapped.
        #[test]
        fn wrapping_changes_nothing(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let nat64 = Ipv6Addr::from_bits((0x0064_ff9b_u128 << 96) | u128::from(bits));
            prop_assert_eq!(is_private(plain.into()), is_private(plain.to_ipv6_mapped().into()));
            prop_assert_eq!(is_private(plain.into()), is_private(nat64.into()));
        }

        /// The standard library's notions are a part of ours.
        #[test]
        fn no_weaker_than_the_standard_library(bits: u32) {
            let ip = Ipv4Addr::from_bits(bits);
            let special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation();
            prop_assert!(!(special || ip.is_multicast() || ip.is_broadcast()) || is_private(ip.into()));
        }
    }
}
