//! Names of OpenTelemetry's semantic conventions, version 1.44: the stable ones for HTTP, and those
//! for gRPC, which are a release candidate.

pub(crate) use crate::message::headers::{REQUEST_HEADER, RESPONSE_HEADER};
pub(crate) use crate::message::method::OTHER;

/// Keys of attributes.
pub(crate) mod key {
    macro_rules! keys {
        ($($name:ident = $key:literal),+ $(,)?) => {
            $(pub(crate) const $name: &str = $key;)+

            /// Every key that the layer itself may set.
            pub(crate) const ALL: &[&str] = &[$($name),+];
        };
    }

    keys! {
        CLIENT_ADDRESS = "client.address",
        ERROR_TYPE = "error.type",
        HTTP_REQUEST_METHOD = "http.request.method",
        HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original",
        HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count",
        HTTP_RESPONSE_STATUS_CODE = "http.response.status_code",
        HTTP_ROUTE = "http.route",
        NETWORK_PEER_ADDRESS = "network.peer.address",
        NETWORK_PEER_PORT = "network.peer.port",
        NETWORK_PROTOCOL_VERSION = "network.protocol.version",
        // not of the conventions: the name that the access log gives it
        REQUEST_ID = "request_id",
        RPC_METHOD = "rpc.method",
        RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code",
        RPC_SYSTEM_NAME = "rpc.system.name",
        SERVER_ADDRESS = "server.address",
        SERVER_PORT = "server.port",
        URL_FULL = "url.full",
        URL_PATH = "url.path",
        URL_QUERY = "url.query",
        URL_SCHEME = "url.scheme",
        URL_TEMPLATE = "url.template",
        USER_AGENT_ORIGINAL = "user_agent.original",
    }

    pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";
    pub(crate) const EXCEPTION_TYPE: &str = "exception.type";
    pub(crate) const FEATURE_FLAG_KEY: &str = "feature_flag.key";
    pub(crate) const FEATURE_FLAG_VARIANT: &str = "feature_flag.result.variant";
    pub(crate) const CODE_COLUMN_NUMBER: &str = "code.column.number";
    pub(crate) const CODE_FILE_PATH: &str = "code.file.path";
    pub(crate) const CODE_LINE_NUMBER: &str = "code.line.number";
}

/// The event that tells of an error.
pub(crate) const EXCEPTION: &str = "exception";
/// The event that tells of a feature flag.
pub(crate) const FEATURE_FLAG_EVALUATION: &str = "feature_flag.evaluation";
/// The value of `rpc.system.name`.
pub(crate) const GRPC: &str = "grpc";
/// The scheme of a request that names none.
pub(crate) const HTTP: &str = "http";
/// The method's part of a span's name, where it is not known.
pub(crate) const ANY_METHOD: &str = "HTTP";

/// Whether the layer sets this key itself, so that nobody else's value of it may stand beside.
pub(crate) fn is_own(key: &str) -> bool {
    key::ALL.contains(&key) || key.starts_with(REQUEST_HEADER) || key.starts_with(RESPONSE_HEADER)
}
