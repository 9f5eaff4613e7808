//! Who holds the other end of the connection, by what the server put into the request.

use std::net::SocketAddr;

use http::Extensions;

/// The address of the connection's other end, to be inserted into a request's extensions by a
/// server that has no marker of its own (plain hyper).
///
/// axum's `ConnectInfo<SocketAddr>` and tonic's `TcpConnectInfo` are found without it, when the
/// features `axum` and `tonic` are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// The address of the connection's other end, if the server told.
pub fn peer_address(extensions: &Extensions) -> Option<SocketAddr> {
    if extensions.is_empty() {
        return None;
    }
    let found = extensions.get::<PeerAddress>().map(|peer| peer.0);
    #[cfg(feature = "axum")]
    let found = found
        .or_else(|| extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|peer| peer.0));
    #[cfg(feature = "tonic")]
    let found = found
        .or_else(|| extensions.get::<tonic::transport::server::TcpConnectInfo>()?.remote_addr());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_where_each_server_puts_it() {
        let address: SocketAddr = "192.0.2.7:4711".parse().unwrap();
        let mut extensions = Extensions::new();
        assert_eq!(peer_address(&extensions), None);
        extensions.insert("something else");
        assert_eq!(peer_address(&extensions), None);
        extensions.insert(PeerAddress(address));
        assert_eq!(peer_address(&extensions), Some(address));
        #[cfg(feature = "axum")]
        {
            let mut extensions = Extensions::new();
            extensions.insert(axum::extract::ConnectInfo(address));
            assert_eq!(peer_address(&extensions), Some(address));
        }
    }
}
