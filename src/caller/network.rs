//! The networks of trusted proxies, as configuration spells them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::config::ConfigError;

/// Loopback, RFC 1918, RFC 3927, and the IPv6 counterparts, RFC 4193 and RFC 4291.
pub(super) const PRIVATE: [IpNet; 8] = [
    v4([127, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([169, 254, 0, 0], 16),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
    v6(0xfc00, 7),
    v6(0xfe80, 10),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(first: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0), prefix))
}

/// Reads a network or a single address; an IPv4-mapped one becomes IPv4.
pub(super) fn parse(entry: &str) -> Result<IpNet, ConfigError> {
    read(entry.trim()).ok_or_else(|| {
        let allowed = "networks such as 10.0.0.0/8 or 2001:db8::/32, or addresses";
        ConfigError::new("trusted_proxies", entry, allowed)
    })
}

fn read(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => text.parse::<IpAddr>().ok()?.into(),
    };
    match network {
        IpNet::V4(_) => Some(network),
        IpNet::V6(v6) => match v6.addr().to_ipv4_mapped() {
            // A shorter prefix than that of all mapped addresses was meant for the IPv4 address;
            // read literally it would trust a vast range of others.
            Some(v4) => {
                let prefix = v6.prefix_len().checked_sub(96)?;
                Ipv4Net::new(v4, prefix).ok().map(IpNet::from)
            }
            None => Some(network),
        },
    }
}
