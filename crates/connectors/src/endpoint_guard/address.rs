//! Classes of IP addresses by the kind of place that they lead to.
//!
//! Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry>, <https://www.iana.org/assignments/iana-ipv6-special-registry>)
//! and, for the metadata services, the documentation of AWS, Google Cloud, Azure, Alibaba, Tencent, Oracle and Scaleway.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kinds of places. Only [`AddressClass::Global`] is the public internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// A public address.
    Global,
    /// This machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A private network: RFC 1918, IPv6 site-local and the local-use NAT64 prefix.
    Private,
    /// A private IPv6 network: `fc00::/7`.
    UniqueLocal,
    /// The same link: `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// Behind a carrier's address translation: `100.64.0.0/10`.
    CarrierShared,
    /// Many machines: `224.0.0.0/4`, `ff00::/8`, broadcast.
    Multicast,
    /// No machine in particular: `0.0.0.0/8`, `::`. Connecting there reaches this one.
    Unspecified,
    /// For examples in texts.
    Documentation,
    /// For measuring network devices: `198.18.0.0/15`, `2001:2::/48`.
    Benchmarking,
    /// Anything else that is not handed out as a public address, transition prefixes among them.
    Reserved,
    /// A cloud's metadata service, which gives out the machine's own credentials.
    Metadata,
}

impl AddressClass {
    /// The kind of place that `address` leads to; an IPv4 address inside an IPv6 one counts as itself.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::UniqueLocal => "a unique-local address",
            Self::LinkLocal => "a link-local address",
            Self::CarrierShared => "a carrier-shared address",
            Self::Multicast => "a multicast address",
            Self::Unspecified => "the unspecified address",
            Self::Documentation => "a documentation address",
            Self::Benchmarking => "a benchmarking address",
            Self::Reserved => "a reserved address",
            Self::Metadata => "a cloud metadata service",
        })
    }
}

const METADATA_V4: &[Ipv4Addr] = &[
    // AWS, Google Cloud, Azure, Oracle, DigitalOcean and others.
    Ipv4Addr::new(169, 254, 169, 254),
    // AWS: credentials of ECS tasks and of EKS pods.
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    // Tencent Cloud and Scaleway.
    Ipv4Addr::new(169, 254, 0, 23),
    Ipv4Addr::new(169, 254, 42, 42),
    // Alibaba Cloud, Oracle Cloud Classic.
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    // Azure's wire server: a public address by its number only.
    Ipv4Addr::new(168, 63, 129, 16),
];

const METADATA_V6: &[Ipv6Addr] = &[
    // AWS: the instance metadata service and the credentials of EKS pods.
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    // Google Cloud and Scaleway.
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042),
];

fn of_v4(address: Ipv4Addr) -> AddressClass {
    if METADATA_V4.contains(&address) {
        return AddressClass::Metadata;
    }
    match address.octets() {
        [0, ..] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::CarrierShared,
        [169, 254, ..] => AddressClass::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [198, 18..=19, ..] => AddressClass::Benchmarking,
        [224..=239, ..] | [255, 255, 255, 255] => AddressClass::Multicast,
        // Protocol assignments, the retired 6to4 relay anycast, and everything from 240.0.0.0 on.
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Global,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    if METADATA_V6.contains(&address) {
        return AddressClass::Metadata;
    }
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // IPv4-mapped (RFC 4291) and NAT64 (RFC 6052) connect to the address inside: it alone decides.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            of_v4(joined(high, low))
        }
        // IPv4-compatible (RFC 4291), IPv4-translated (RFC 2765) and 6to4 (RFC 7526): all retired, never public.
        [0, 0, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] | [0x2002, high, low, ..] => {
            no_longer_public(of_v4(joined(high, low)))
        }
        [0x0064, 0xff9b, 0x0001, ..] => of_local_nat64(address),
        // ISATAP (RFC 5214): the address inside is reached through a tunnel.
        [.., 0x0000 | 0x0200, 0x5efe, high, low] => no_longer_public(of_v4(joined(high, low))),
        [0xfc00..=0xfdff, ..] => AddressClass::UniqueLocal,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => AddressClass::Documentation,
        [0x2001, 0x0002, 0, ..] => AddressClass::Benchmarking,
        // Protocol assignments, Teredo among them.
        [0x2001, 0x0000..=0x01ff, ..] => AddressClass::Reserved,
        // IANA hands out public addresses from 2000::/3 only.
        [0x2000..=0x3fff, ..] => AddressClass::Global,
        _ => AddressClass::Reserved,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

fn no_longer_public(inside: AddressClass) -> AddressClass {
    if inside == AddressClass::Global { AddressClass::Reserved } else { inside }
}

/// `64:ff9b:1::/48` (RFC 8215) is a network's own NAT64 prefix, cut at /48, /56, /64 or /96. Where it is cut cannot
/// be seen from outside, so a metadata address at any of the four places counts.
fn of_local_nat64(address: Ipv6Addr) -> AddressClass {
    let octets = address.octets();
    // RFC 6052, section 2.2: octet 8 is always skipped.
    let places = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]];
    let leads_to_metadata = places.iter().any(|place| {
        let inside = Ipv4Addr::from(place.map(|at| octets[at]));
        METADATA_V4.contains(&inside)
    });
    if leads_to_metadata { AddressClass::Metadata } else { AddressClass::Private }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(text: &str) -> AddressClass {
        AddressClass::of(text.parse().unwrap())
    }

    #[test]
    fn every_class_has_its_addresses() {
        for (text, expected) in [
            ("8.8.8.8", AddressClass::Global),
            ("172.15.255.255", AddressClass::Global),
            ("172.32.0.0", AddressClass::Global),
            ("100.128.0.0", AddressClass::Global),
            ("2606:4700::1111", AddressClass::Global),
            ("::ffff:8.8.8.8", AddressClass::Global),
            ("64:ff9b::808:808", AddressClass::Global),
            ("127.0.0.1", AddressClass::Loopback),
            ("127.255.255.255", AddressClass::Loopback),
            ("::1", AddressClass::Loopback),
            ("::ffff:127.0.0.1", AddressClass::Loopback),
            ("::127.0.0.1", AddressClass::Loopback),
            ("::ffff:0:127.0.0.1", AddressClass::Loopback),
            ("64:ff9b::7f00:1", AddressClass::Loopback),
            ("2002:7f00:1::", AddressClass::Loopback),
            ("2a00::5efe:7f00:1", AddressClass::Loopback),
            ("10.1.2.3", AddressClass::Private),
            ("172.16.0.1", AddressClass::Private),
            ("172.31.255.255", AddressClass::Private),
            ("192.168.1.1", AddressClass::Private),
            ("fec0::1", AddressClass::Private),
            ("64:ff9b:1::a00:1", AddressClass::Private),
            ("2002:c0a8:101::1", AddressClass::Private),
            ("fc00::1", AddressClass::UniqueLocal),
            ("fdff::1", AddressClass::UniqueLocal),
            ("169.254.1.1", AddressClass::LinkLocal),
            ("fe80::1", AddressClass::LinkLocal),
            ("febf::1", AddressClass::LinkLocal),
            ("100.64.0.1", AddressClass::CarrierShared),
            ("100.127.255.255", AddressClass::CarrierShared),
            ("224.0.0.1", AddressClass::Multicast),
            ("255.255.255.255", AddressClass::Multicast),
            ("ff02::1", AddressClass::Multicast),
            ("0.0.0.0", AddressClass::Unspecified),
            ("0.1.2.3", AddressClass::Unspecified),
            ("::", AddressClass::Unspecified),
            ("192.0.2.1", AddressClass::Documentation),
            ("198.51.100.1", AddressClass::Documentation),
            ("203.0.113.1", AddressClass::Documentation),
            ("2001:db8::1", AddressClass::Documentation),
            ("3fff:fff::1", AddressClass::Documentation),
            ("198.18.0.1", AddressClass::Benchmarking),
            ("198.19.255.255", AddressClass::Benchmarking),
            ("2001:2::1", AddressClass::Benchmarking),
            ("192.0.0.1", AddressClass::Reserved),
            ("192.88.99.1", AddressClass::Reserved),
            ("240.0.0.1", AddressClass::Reserved),
            ("::8.8.8.8", AddressClass::Reserved),
            ("2001::1", AddressClass::Reserved),
            ("2002:808:808::1", AddressClass::Reserved),
            ("100::1", AddressClass::Reserved),
            ("5f00::1", AddressClass::Reserved),
            ("4000::1", AddressClass::Reserved),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn metadata_services_are_known_however_they_are_wrapped() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:a9fe:a9:fe00::",
            "2002:a9fe:a9fe::1",
            "fe80::5efe:a9fe:a9fe",
        ] {
            assert_eq!(class(text), AddressClass::Metadata, "{text}");
        }
    }

    /// The registries once more, as prefixes: what stands in none of them, and for IPv6 within 2000::/3, is public.
    const NOT_PUBLIC_V4: &[(&str, u32)] = &[
        ("0.0.0.0", 8),
        ("10.0.0.0", 8),
        ("100.64.0.0", 10),
        ("127.0.0.0", 8),
        ("169.254.0.0", 16),
        ("172.16.0.0", 12),
        ("192.0.0.0", 24),
        ("192.0.2.0", 24),
        ("192.88.99.0", 24),
        ("192.168.0.0", 16),
        ("198.18.0.0", 15),
        ("198.51.100.0", 24),
        ("203.0.113.0", 24),
        ("224.0.0.0", 4),
        ("240.0.0.0", 4),
        ("168.63.129.16", 32),
    ];
    const NOT_PUBLIC_V6: &[(&str, u32)] =
        &[("2001::", 23), ("2001:db8::", 32), ("2002::", 16), ("3fff::", 20)];

    fn stands_in_v4(address: Ipv4Addr) -> bool {
        NOT_PUBLIC_V4.iter().any(|(prefix, length)| {
            let mask = u32::MAX << (32 - length);
            u32::from(address) & mask == u32::from(prefix.parse::<Ipv4Addr>().unwrap())
        })
    }

    fn public_v6(address: Ipv6Addr) -> bool {
        let within = |prefix: &str, length: u32| {
            let mask = u128::MAX << (128 - length);
            u128::from(address) & mask == u128::from(prefix.parse::<Ipv6Addr>().unwrap())
        };
        let isatap = matches!(address.segments(), [.., 0x0000 | 0x0200, 0x5efe, _, _]);
        within("2000::", 3)
            && !isatap
            && !NOT_PUBLIC_V6.iter().any(|(prefix, length)| within(prefix, *length))
    }

    /// Addresses near the borders of the prefixes: random ones would hardly ever meet a /24.
    fn v4() -> impl Strategy<Value = Ipv4Addr> {
        let near = (proptest::sample::select(NOT_PUBLIC_V4), any::<u32>(), -1_i64..=1).prop_map(
            |((prefix, length), random, step)| {
                let size = 1_u64 << (32 - length);
                let inside = u64::from(u32::from(prefix.parse::<Ipv4Addr>().unwrap()));
                let at = inside + u64::from(random) % size;
                let moved = at.checked_add_signed(step * i64::try_from(size).unwrap()).unwrap_or(at);
                Ipv4Addr::from(u32::try_from(moved).unwrap_or(u32::MAX))
            },
        );
        prop_oneof![near, any::<u32>().prop_map(Ipv4Addr::from)]
    }

    proptest! {
        #[test]
        fn exactly_what_the_ipv4_registry_leaves_is_public(address in v4()) {
            prop_assert_eq!(AddressClass::of(address.into()) == AddressClass::Global, !stands_in_v4(address));
        }

        #[test]
        fn nothing_outside_the_public_ipv6_prefix_is_public(bits in any::<u128>(), head in 0_u128..=0xffff) {
            for address in [Ipv6Addr::from(bits), Ipv6Addr::from((bits >> 16) | (head << 112)),
                            Ipv6Addr::from((bits >> 32) | (0x2001 << 112) | ((head & 0x0fff) << 96))] {
                if address.to_ipv4_mapped().is_none() {
                    prop_assert_eq!(AddressClass::of(address.into()) == AddressClass::Global, public_v6(address));
                }
            }
        }

        #[test]
        fn an_ipv4_address_inside_an_ipv6_one_is_never_better_than_itself(address in v4()) {
            let [a, b, c, d] = address.octets().map(u16::from);
            let (high, low) = ((a << 8) | b, (c << 8) | d);
            for wrapped in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0x5efe, high, low),
            ] {
                let (inside, outside) = (AddressClass::of(address.into()), AddressClass::of(wrapped.into()));
                if outside == AddressClass::Global {
                    prop_assert_eq!(inside, AddressClass::Global);
                }
                if inside == AddressClass::Metadata {
                    prop_assert_eq!(outside, AddressClass::Metadata);
                }
            }
        }
    }
}
