//! Which account listens at a port of this machine. While the server is down, any account can, and would get the keys
//! that commands send.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use toolvault_gateway::http::{Url, is_on_this_machine};

use crate::environment::{Environment, SERVER_USER};
use crate::failure::Failure;
use crate::store::own_uid;

/// The account of the server that a package or `toolvault init --system` installs.
const INSTALLED: &str = "toolvault";
/// The sockets of this network namespace, by account (`proc_pid_net(5)`).
const SOCKETS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// The state of a socket that listens.
const LISTENING: &str = "0A";

/// Refuses a server on this machine that another account runs. A certificate proves more, so HTTPS is not looked at; nor
/// is a system without `/proc`.
pub(super) fn require_trusted(url: &Url, environment: &Environment) -> Result<(), Failure> {
    let Some(port) = url.port_or_known_default() else {
        return Ok(());
    };
    if url.scheme() == "https" || !is_on_this_machine(url) {
        return Ok(());
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = [Some(INSTALLED), environment.get(SERVER_USER)];
    let named = named.into_iter().flatten();
    let mut trusted: BTreeSet<u32> = named.filter_map(|name| uid_of(name, &accounts)).collect();
    trusted.extend([own_uid(), 0]);
    let sockets = SOCKETS.map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let owners: BTreeSet<u32> = sockets.iter().flat_map(|text| owners(text, port)).collect();
    match owners.difference(&trusted).next() {
        None => Ok(()),
        Some(stranger) => Err(Failure::refused(format!(
            "another account (user ID {stranger}) listens at port {port} of this machine, so no key is sent there"
        ))
        .hint(format!(
            "start your server with: toolvault serve. If that account runs it, set {SERVER_USER} to its name"
        ))),
    }
}

/// The owners of the sockets in `text` that accept connections to loopback at this port.
fn owners(text: &str, port: u16) -> impl Iterator<Item = u32> {
    text.lines().filter_map(move |line| {
        let mut fields = line.split_whitespace().skip(1);
        let (address, own_port) = fields.next()?.split_once(':')?;
        let is_ours = u16::from_str_radix(own_port, 16) == Ok(port) && reaches_loopback(address);
        let is_listening = fields.nth(1)? == LISTENING;
        let owner = fields.nth(3)?.parse().ok()?;
        (is_ours && is_listening).then_some(owner)
    })
}

/// Whether a socket at this address, given in 32-bit words of this machine's byte order, accepts connections to loopback.
fn reaches_loopback(address: &str) -> bool {
    let words = address.as_bytes().chunks(8).map(|word| {
        let word = str::from_utf8(word).ok()?;
        u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
    });
    let bytes: Option<Vec<_>> = words.collect();
    let bytes = bytes.unwrap_or_default().concat();
    let address = match (<[u8; 4]>::try_from(&*bytes), <[u8; 16]>::try_from(&*bytes)) {
        (Ok(bytes), _) => IpAddr::V4(Ipv4Addr::from(bytes)),
        (_, Ok(bytes)) => IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical(),
        _ => return true,
    };
    address.is_loopback() || address.is_unspecified()
}

fn uid_of(name: &str, accounts: &str) -> Option<u32> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn only_sockets_that_accept_connections_to_loopback_count() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2206 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 1 1 0 100 0 0 10 0
   1: 00000000:2206 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1002        0 1 1 0 100 0 0 10 0
   2: 0100A8C0:2206 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1003        0 1 1 0 100 0 0 10 0
   3: 0100007F:2207 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1004        0 1 1 0 100 0 0 10 0
   4: 0100007F:2206 0100007F:9A66 01 00000000:00000000 00:00000000 00000000  1005        0 1 1 0 100 0 0 10 0
";
        assert_eq!(owners(text, 8710).collect::<Vec<_>>(), [1001, 1002]);
        let text = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:2206 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 1 1 0 100 0 0 10 0
   1: 00000000000000000000000001000000:2206 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1002        0 1 1 0 100 0 0 10 0
   2: 0000000000000000FFFF00000100007F:2206 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1003        0 1 1 0 100 0 0 10 0
   3: B80D0120000000000000000001000000:2206 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1004        0 1 1 0 100 0 0 10 0
";
        assert_eq!(owners(text, 8710).collect::<Vec<_>>(), [1001, 1002, 1003]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_owner_of_a_real_socket_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let text = std::fs::read_to_string("/proc/net/tcp").unwrap();
        assert_eq!(owners(&text, port).collect::<Vec<_>>(), [own_uid()]);
        let url = Url::parse(&format!("http://localhost:{port}/")).unwrap();
        assert!(require_trusted(&url, &Environment::default()).is_ok());
    }

    #[test]
    fn accounts_are_found_by_their_whole_names() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\ntoolvault2:x:5:5::/:/bin/false\ntoolvault:x:995:995::/:/bin/false\n";
        assert_eq!(uid_of("toolvault", accounts), Some(995));
        assert_eq!(uid_of("tool", accounts), None);
    }
}
