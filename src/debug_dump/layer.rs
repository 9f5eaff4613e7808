//! The layer's settings.

use super::observer::DebugDump;
use super::tee::BodyTap;
use super::{DebugDumpLayer, DumpControl, Opaque};
use crate::classify::Side;
use crate::exchange::ObserveLayer;
use crate::redact::Redaction;

impl DebugDumpLayer {
    /// For a server's services, switched by `control`.
    pub fn server(control: &DumpControl) -> Self {
        Self::of(Side::Server, control)
    }

    /// For clients, switched by `control`.
    pub fn client(control: &DumpControl) -> Self {
        Self::of(Side::Client, control)
    }

    fn of(side: Side, control: &DumpControl) -> Self {
        let observer = DebugDump {
            control: control.clone(),
            redaction: Redaction::default(),
            registered: Default::default(),
            opaque: Opaque::default(),
            keeps_authentication: false,
            #[cfg(feature = "debug-dump-grpc")]
            descriptors: None,
        };
        ObserveLayer::new(side, observer)
    }

    /// Hides what this policy calls a secret; the built-in names by default.
    pub fn redaction(self, redaction: Redaction) -> Self {
        self.configure(|dump| dump.redaction = redaction)
    }

    /// What becomes of bodies in which no secret can be found, such as binary ones; they are withheld by
    /// default.
    pub fn opaque_bodies(self, opaque: Opaque) -> Self {
        self.configure(|dump| dump.opaque = opaque)
    }

    /// Keeps the bodies of 401 and 403, too, which may hold what was asked to prove oneself.
    pub fn keep_authentication_bodies(self) -> Self {
        self.configure(|dump| dump.keeps_authentication = true)
    }

    /// Decodes the messages of the gRPC methods that are in it, and hides their secrets by the names of
    /// their fields: those the policy hides, and those marked `debug_redact`. Others are opaque. What was
    /// decoded is kept as [`BodyForm::GrpcAsJson`](super::BodyForm::GrpcAsJson).
    #[cfg(feature = "debug-dump-grpc")]
    pub fn grpc_messages(self, descriptors: super::DescriptorSet) -> Self {
        self.configure(|dump| dump.descriptors = Some(descriptors))
    }

    /// Looks into request bodies of this type, too; `wrap` puts the tap around one and makes it what it
    /// was. Which are known without is [told here](super#what-it-cannot-do).
    ///
    /// ```
    /// use http_body_util::combinators::UnsyncBoxBody;
    /// use tower_observability::debug_dump::{DebugDumpLayer, DumpControl};
    ///
    /// type Body = UnsyncBoxBody<bytes::Bytes, std::io::Error>;
    ///
    /// let layer = DebugDumpLayer::server(&DumpControl::new())
    ///     .request_body(|body: Body, tap| UnsyncBoxBody::new(tap.wrap(body)));
    /// ```
    pub fn request_body<B: 'static>(
        self,
        wrap: impl Fn(B, BodyTap) -> B + Send + Sync + 'static,
    ) -> Self {
        self.configure(|dump| dump.registered.add(Box::new(wrap)))
    }
}
