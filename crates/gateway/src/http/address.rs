//! Which addresses may be connected to, after the IANA special-purpose address registries.
//!
//! IPv4 is allowed unless listed; IPv6 only inside `2000::/3` and outside what is listed
//! there. An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4) is judged as that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), prefix)
}

/// Private (RFC 1918), shared (RFC 6598) and loopback: allowed by `allow_private_network`.
const PRIVATE_V4: [Ipv4Net; 5] = [
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
];

/// Never allowed: this network, link-local, protocol assignments, documentation, the 6to4 relay,
/// benchmarks, multicast, reserved and broadcast.
const REFUSED_V4: [Ipv4Net; 10] = [
    v4(0, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

const LOOPBACK_V6: Ipv6Addr = Ipv6Addr::LOCALHOST;
const UNIQUE_LOCAL: Ipv6Net = v6(0xfc00, 0, 0, 7);
/// NAT64 inside one network (RFC 8215): where it leads is that network's affair.
const LOCAL_NAT64: Ipv6Net = v6(0x64, 0xff9b, 1, 48);
const GLOBAL_NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);
const SIX_TO_FOUR: Ipv6Net = v6(0x2002, 0, 0, 16);
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);

/// Inside `2000::/3` and never allowed: IETF protocols with Teredo, documentation twice.
const REFUSED_V6: [Ipv6Net; 3] = [
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x3fff, 0, 0, 20),
];

/// An address of the host is not one that the policy allows.
#[derive(Debug, thiserror::Error)]
#[error("the host has a private, local or reserved address")]
pub(super) struct AddressRefused;

/// Whether a connection to `address` may be opened.
pub(super) fn is_allowed(address: IpAddr, allow_private_network: bool) -> bool {
    match address {
        IpAddr::V4(address) => is_allowed_v4(address, allow_private_network),
        IpAddr::V6(address) => is_allowed_v6(address, allow_private_network),
    }
}

/// Whether `address` is this machine; of the IPv6 forms only `::1` and mapped 127.0.0.0/8.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether the name means this machine by RFC 6761, section 6.3.
pub(super) fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.rsplit('.')
        .next()
        .is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}

fn is_allowed_v4(address: Ipv4Addr, allow_private_network: bool) -> bool {
    if PRIVATE_V4.iter().any(|range| range.contains(&address)) {
        return allow_private_network;
    }
    !REFUSED_V4.iter().any(|range| range.contains(&address))
}

fn is_allowed_v6(address: Ipv6Addr, allow_private_network: bool) -> bool {
    if let Some(carried) = carried_v4(address) {
        return is_allowed_v4(carried, allow_private_network);
    }
    if address == LOOPBACK_V6 || UNIQUE_LOCAL.contains(&address) || LOCAL_NAT64.contains(&address) {
        return allow_private_network;
    }
    GLOBAL_UNICAST.contains(&address) && !REFUSED_V6.iter().any(|range| range.contains(&address))
}

/// The IPv4 address that packets to `address` reach in the end, if it carries one.
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    if SIX_TO_FOUR.contains(&address) {
        return Some(Ipv4Addr::from_bits(low_32(bits >> 80)));
    }
    if GLOBAL_NAT64.contains(&address) {
        return Some(Ipv4Addr::from_bits(low_32(bits)));
    }
    address.to_ipv4_mapped()
}

fn low_32(bits: u128) -> u32 {
    let [.., first, second, third, fourth] = bits.to_be_bytes();
    u32::from_be_bytes([first, second, third, fourth])
}
