//! Names are resolved here, and the connection is made to an address that was looked at: nobody can name one address when it is
//! checked and another when it is used.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Finds the addresses of a name.
pub(in crate::channels) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The addresses of a name, if all of them are public.
pub(in crate::channels) struct PublicOnly {
    lookup: Lookup,
}

/// A URL leads to an address of a private network.
#[derive(Debug, thiserror::Error)]
#[error("not sent: the URL leads to an address of a private network")]
pub(in crate::channels) struct NotPublic;

impl PublicOnly {
    pub(in crate::channels) fn new(lookup: Lookup) -> Self {
        Self { lookup }
    }

    /// As the system resolves names.
    pub(in crate::channels) fn system() -> Self {
        Self::new(Arc::new(|name| {
            Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
        }))
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let addresses = found.await?;
            if !addresses.iter().all(|address| is_public(*address)) {
                return Err(NotPublic.into());
            }
            // With port 0, the URL's own is taken.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

impl fmt::Debug for PublicOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicOnly").finish_non_exhaustive()
    }
}

/// Whether an address is one of the public internet, by the registries of IANA
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>, <https://www.iana.org/assignments/iana-ipv6-special-registry>).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The networks that are nobody's, one's own or a special one's: the first address and the length of the prefix.
const PRIVATE_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(network, length): &([u8; 4], u32)| (address.to_bits() ^ u32::from_be_bytes(*network)) >> (32 - length) == 0;
    !PRIVATE_V4.iter().any(is_in)
}

/// Of what is global unicast (2000::/3) all but what leads elsewhere: IETF's own (2001::/23, with Teredo), documentation, 6to4. An
/// IPv4 address within one (mapped, or NAT64 by the well-known prefix, RFC 6052) is looked at as such.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let last = u32::from(address.segments()[6]) << 16 | u32::from(address.segments()[7]);
    let embedded = Ipv4Addr::from_bits(last);
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => is_public_v4(embedded),
        [0x2001, second, ..] => second > 0x1ff && second != 0xdb8,
        [0x2002, ..] | [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_posted_to() {
        let public = ["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.17.0.1", "223.255.255.255"];
        let public_v6 = ["2606:4700::1111", "2001:4860::8888", "2001:200::1", "::ffff:1.1.1.1", "64:ff9b::101:101", "3fff:1000::1"];
        for text in public.iter().chain(&public_v6) {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
        let private = [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
        ];
        let private_v6 = [
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff:fff::1",
            "100::1",
            "5f00::1",
        ];
        for text in private.iter().chain(&private_v6) {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
    }
}
