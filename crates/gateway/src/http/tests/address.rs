//! Each range of the registries by its edges.

use std::net::IpAddr;

use super::super::address::{is_allowed, is_loopback};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn public_addresses_are_allowed() {
    for text in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:200::1",
        "2a00::1",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
        "2002:101:101::1",
    ] {
        assert!(is_allowed(ip(text), false), "{text}");
    }
}

#[test]
fn private_addresses_are_allowed_only_by_the_policy() {
    for text in [
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.0.0",
        "192.168.255.255",
        "::1",
        "fc00::",
        "fdff:ffff::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
    ] {
        assert!(!is_allowed(ip(text), false), "{text}");
        assert!(is_allowed(ip(text), true), "{text}");
    }
}

#[test]
fn reserved_and_link_local_addresses_are_never_allowed() {
    for text in [
        "0.0.0.0",
        "0.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::127.0.0.1",
        "::2",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:2::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:a9fe:a9fe::1",
        "2002::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
    ] {
        let address = ip(text);
        assert!(!is_allowed(address, true), "{text}");
        assert!(!is_allowed(address, false), "{text}");
    }
}

#[test]
fn loopback_is_this_machine_and_nothing_else() {
    for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        assert!(is_loopback(ip(text)), "{text}");
    }
    for text in ["10.0.0.1", "0.0.0.0", "::", "::127.0.0.1", "128.0.0.1"] {
        assert!(!is_loopback(ip(text)), "{text}");
    }
}
