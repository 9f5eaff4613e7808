//! Where the services listen.

use std::env::{self, VarError};
use std::net::{Ipv4Addr, SocketAddr};

/// The addresses of the three services, and of what those who run them ask.
pub struct Addresses {
    pub gateway: SocketAddr,
    pub inventory: SocketAddr,
    pub payment: SocketAddr,
    pub admin: SocketAddr,
}

impl Addresses {
    /// The addresses of `GATEWAY_ADDR`, `INVENTORY_ADDR`, `PAYMENT_ADDR` and `ADMIN_ADDR`, or the
    /// usual ones.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self {
            gateway: address("GATEWAY_ADDR", 8080)?,
            inventory: address("INVENTORY_ADDR", 8081)?,
            payment: address("PAYMENT_ADDR", 8082)?,
            admin: address("ADMIN_ADDR", 9464)?,
        })
    }

    /// Any ports that are free.
    pub fn free() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { gateway: free, inventory: free, payment: free, admin: free }
    }
}

fn address(variable: &str, port: u16) -> Result<SocketAddr, String> {
    let value = match env::var(variable) {
        Ok(value) => value,
        Err(VarError::NotPresent) => return Ok((Ipv4Addr::LOCALHOST, port).into()),
        Err(VarError::NotUnicode(value)) => value.to_string_lossy().into_owned(),
    };
    value.parse().map_err(|_| {
        format!("{variable}: {value:?} is not an address; it takes one such as 127.0.0.1:{port}")
    })
}
