//! The layers that what is told comes from.

use tower::Layer;
use tower_observability::classify::Side;
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl};
use tower_observability::exchange::{Observe, ObserveLayer};
use tower_observability::reqwest::ReqwestService;
use tower_observability::route::Routes;
use tower_observability::stack::{ClientLayer, ClientService, ServerLayer};
use tower_observability::testing::Recorder;

use crate::kinds::{KINDS, Kind};
use crate::readings::Mark;
use crate::sinks::Sinks;
use crate::witness::{Witness, WitnessLayer};

/// What is kept beside the fused layers.
pub(crate) type Keeping = ObserveLayer<(Mark, Recorder)>;

/// A client whose exchanges are recorded.
pub(crate) type Recorded<S> = Witness<Observe<ClientService<S>, (Mark, Recorder)>>;
pub(crate) type Reqwest = Recorded<ReqwestService>;

/// So that a call that never shows it is told by its method from the first one on.
fn routes() -> Routes {
    Routes::new().grpc_methods(KINDS.map(Kind::method)).unwrap()
}

impl Sinks {
    pub(crate) fn keeping(&self, side: Side) -> Keeping {
        ObserveLayer::new(side, (self.mark.clone(), self.recorder.clone())).routes(routes())
    }

    /// `telemetry.server()`, but for where it dumps to.
    pub(crate) fn server(&self, dumps: &DumpControl) -> ServerLayer {
        let mut parts = self.telemetry.server_parts();
        parts.debug_dump = Some(DebugDumpLayer::server(dumps));
        parts.fuse().unwrap().routes(routes())
    }

    /// `telemetry.client()`, but for where it dumps to.
    fn client(&self, dumps: &DumpControl) -> ClientLayer {
        let mut parts = self.telemetry.client_parts();
        parts.debug_dump = Some(DebugDumpLayer::client(dumps));
        parts.fuse().unwrap()
    }

    pub(crate) fn witness(&self, side: Side) -> WitnessLayer {
        WitnessLayer { notes: self.notes.clone(), side }
    }

    /// A client that is observed.
    pub(crate) fn recorded<S>(&self, dumps: &DumpControl, client: S) -> Recorded<S> {
        let observed = self.keeping(Side::Client).layer(self.client(dumps).layer(client));
        self.witness(Side::Client).layer(observed)
    }
}
