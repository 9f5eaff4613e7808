//! The client that an exchange captures with.

use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use sentry_core::protocol::Event;
use sentry_core::{
    Client, ClientOptions, Envelope, Hub, Integration, Transport, TransportFactory,
    TransportOptions,
};

/// An integration that leaves out what is reported already: add it to the client's options when
/// `sentry-tracing` makes events of log events.
///
/// The access log tells a failed exchange as an event of level `ERROR`, of which `sentry-tracing` would
/// make a second Sentry event.
///
/// ```
/// use tower_observability::sentry::OneEvent;
///
/// let options = sentry_core::ClientOptions::new().add_integration(OneEvent);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct OneEvent;

/// The target of the access log's events.
pub(super) const ACCESS_LOG: &str = "tower_observability::access_log";

impl Integration for OneEvent {
    fn name(&self) -> &'static str {
        "tower-observability"
    }

    fn process_event(&self, event: Event<'static>, _: &ClientOptions) -> Option<Event<'static>> {
        let is_access_log = event.logger.as_deref() == Some(ACCESS_LOG);
        (!is_access_log).then_some(event)
    }
}

/// What Sentry's panic integration is called.
const PANIC: &str = "panic";

/// The clients of a layer: for each that is bound and has the panic integration, one that does the same
/// but does not wait for its transport, as that integration does after each panic.
#[derive(Debug, Default)]
pub(super) struct Clients(RwLock<Vec<Made>>);

/// A client that was bound, and the one that stands in for it.
type Made = (Weak<Client>, Arc<Client>);

impl Clients {
    /// Binds the client of an exchange to its hub.
    pub(super) fn bind(&self, hub: &Hub) {
        if cfg!(panic = "abort") {
            // a panic ends the process: whoever waits for its report has reason to
            return;
        }
        let Some(client) = hub.client() else { return };
        if !client.options().integrations.iter().any(|integration| integration.name() == PANIC) {
            return;
        }
        hub.bind_client(Some(self.quiet(&client)));
    }

    fn quiet(&self, client: &Arc<Client>) -> Arc<Client> {
        let of = |made: &[Made]| {
            let its = made.iter().find(|(of, _)| std::ptr::eq(of.as_ptr(), Arc::as_ptr(client)));
            its.map(|(_, quiet)| Arc::clone(quiet))
        };
        if let Some(quiet) = of(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return quiet;
        }
        let mut made = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // another thread may have been faster
        of(&made).unwrap_or_else(|| {
            made.retain(|(of, _)| of.strong_count() > 0);
            let quiet = Arc::new(without_waits(client));
            made.push((Arc::downgrade(client), Arc::clone(&quiet)));
            quiet
        })
    }
}

fn without_waits(client: &Arc<Client>) -> Client {
    let mut options = client.options().clone();
    // its sessions are those of the other one
    options.auto_session_tracking = false;
    options.transport = Some(Arc::new(Through(Arc::downgrade(client))));
    Client::with_options(options)
}

/// Sends what another client sends.
struct Through(Weak<Client>);

impl Transport for Through {
    fn send_envelope(&self, envelope: Envelope) {
        if let Some(client) = self.0.upgrade() {
            client.send_envelope(envelope);
        }
    }

    fn flush(&self, _: Duration) -> bool {
        // whoever waits has the other one
        true
    }
}

impl TransportFactory for Through {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Self(Weak::clone(&self.0)))
    }
}
