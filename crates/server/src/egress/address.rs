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

/// Networks outside the public IPv4 internet, with the length of their prefix in bits.
const PRIVATE_V4: [(Ipv4Addr, u32); 16] = [
    // "This network", RFC 791.
    (Ipv4Addr::UNSPECIFIED, 8),
    // Private, RFC 1918.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Shared address space, RFC 6598; one cloud's metadata server lives here.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback, RFC 1122.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, RFC 3927; the metadata servers of most clouds live here.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Protocol assignments, RFC 6890.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation, RFC 5737.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Relays of 6to4, withdrawn by RFC 7526.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Benchmarking, RFC 2544.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Multicast, RFC 5771.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved and broadcast, RFC 1112, RFC 919.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::BROADCAST, 32),
];

/// All that IANA has given out for the public IPv6 internet. Outside lie ::, ::1, fc00::/7, fe80::/10, fec0::/10,
/// ff00::/8, 100::/64, local NAT64 64:ff9b:1::/48, 5f00::/16, and what nobody uses.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Networks inside [`GLOBAL_V6`] that are not public all the same.
const PRIVATE_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments, RFC 2928, with Teredo, benchmarking and ORCHID in it.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation, RFC 3849 and RFC 9637.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4, RFC 3056.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// NAT64, RFC 6052: as public as the IPv4 address in its last 32 bits.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

fn is_private_v4(address: Ipv4Addr) -> bool {
    let differs = |network: Ipv4Addr| network.to_bits() ^ address.to_bits();
    PRIVATE_V4.iter().any(|(network, length)| differs(*network) >> (32 - length) == 0)
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let within =
        |(network, length): (Ipv6Addr, u32)| (network.to_bits() ^ address.to_bits()) >> (128 - length) == 0;
    if within(NAT64) {
        let [.., one, two, three, four] = address.octets();
        return is_private_v4(Ipv4Addr::new(one, two, three, four));
    }
    !within(GLOBAL_V6) || PRIVATE_V6.into_iter().any(within)
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
        let private = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254 \
            169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 \
            198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 \
            :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 \
            2001::1 2001:0:53aa:64c::1 2001:2::1 2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1 fd00::1 \
            fd00:ec2::254 fe80::1 fec0::1 ff02::1 4000::1";
        for address in private.split_whitespace() {
            assert!(is_private(ip(address)), "{address}");
        }
        let public = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.0.1 172.15.255.255 \
            172.32.0.1 192.0.1.1 192.167.0.1 198.17.0.1 198.20.0.1 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::808:808 \
            2001:200::1 2001:4860:4860::8888 2600::1 2a00:1450::1 3fff:1000::1";
        for address in public.split_whitespace() {
            assert!(!is_private(ip(address)), "{address}");
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
