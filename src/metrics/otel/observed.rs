//! What the SDK asks for when it collects.

use std::sync::{Arc, Weak};

use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

use super::{Backend, unit, with_constant};
use crate::metrics::definitions::{Definition, Each};
use crate::metrics::instrument::gauge::{Active, Reader};
use crate::metrics::instruments::{Counted, Instruments};

impl Backend {
    /// Lets the SDK ask for what is counted there, for as long as the layer is in use.
    pub(in crate::metrics) fn observe(&self, instruments: &Arc<Instruments>) {
        let Each { http, rpc, shed, overflow, poll_ready: _ } = Each::of(self.side);
        for (is_grpc, of) in [(false, http), (true, rpc)] {
            self.active(instruments, is_grpc, &of.active);
            self.active_max(instruments, is_grpc, &of.active_max);
        }
        self.counter(instruments, &shed, |instruments| instruments.shed.count());
        self.counter(instruments, &overflow, |instruments| instruments.store.overflow.count());
    }

    fn active(&self, instruments: &Arc<Instruments>, is_grpc: bool, of: &Definition) {
        let actives = Actives::new(self, instruments, is_grpc);
        self.source
            .meter
            .i64_observable_up_down_counter(of.name.clone())
            .with_description(of.description)
            .with_unit(unit(of))
            .with_callback(move |asks| actives.tell(asks, Active::now))
            .build();
    }

    fn active_max(&self, instruments: &Arc<Instruments>, is_grpc: bool, of: &Definition) {
        let actives = Actives::new(self, instruments, is_grpc);
        self.source
            .meter
            .i64_observable_gauge(of.name.clone())
            .with_description(of.description)
            .with_unit(unit(of))
            .with_callback(move |asks| {
                actives.tell(asks, |active| active.take_most(Reader::OpenTelemetry));
            })
            .build();
    }

    fn counter(
        &self,
        instruments: &Arc<Instruments>,
        of: &Definition,
        count: impl Fn(&Instruments) -> u64 + Send + Sync + 'static,
    ) {
        let instruments = Arc::downgrade(instruments);
        let attributes = self.constant.clone();
        self.source
            .meter
            .u64_observable_counter(of.name.clone())
            .with_description(of.description)
            .with_unit(unit(of))
            .with_callback(move |asks| {
                let Some(instruments) = instruments.upgrade() else { return };
                let count = count(&instruments);
                // a layer that nothing was put into tells nothing
                if count > 0 || instruments.active.used().next().is_some() {
                    asks.observe(count, &attributes);
                }
            })
            .build();
    }
}

/// The exchanges under way, while there is a layer.
struct Actives {
    instruments: Weak<Instruments>,
    constant: Vec<KeyValue>,
    is_grpc: bool,
}

impl Actives {
    fn new(backend: &Backend, instruments: &Arc<Instruments>, is_grpc: bool) -> Self {
        let instruments = Arc::downgrade(instruments);
        Self { instruments, constant: backend.constant.clone(), is_grpc }
    }

    fn tell(&self, asks: &dyn AsyncInstrument<i64>, number: impl Fn(&Active) -> i64) {
        let Some(instruments) = self.instruments.upgrade() else { return };
        for (counted, active) in instruments.active.used() {
            if matches!(counted, Counted::Grpc) == self.is_grpc {
                asks.observe(number(active), &with_constant(&self.constant, counted.told()));
            }
        }
    }
}
