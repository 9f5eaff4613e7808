//! The three services and their admin address, started and stopped together.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use example_proto::payment::payment_server::PaymentServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower_observability::health::{BudgetCheck, Component, Group, Health, TcpCheck};
use tower_observability::slo::SloTracker;
use tower_observability::telemetry::Telemetry;

use crate::admin::{self, Operators};
use crate::clients::{Inventory, Payment};
use crate::config::Addresses;
use crate::gateway::{self, Gateway};
use crate::inventory;
use crate::layers::Places;
use crate::orders::Orders;
use crate::payment::Till;
use crate::telemetry::Telemetries;

pub type BoxError = Box<dyn Error + Send + Sync>;

/// How long requests under way may take when the services stop.
pub const PATIENCE: Duration = Duration::from_secs(5);

pub struct Services {
    /// Where they listen.
    pub addresses: Addresses,
    /// Whose health orchestrators ask.
    gateway: Telemetry,
    /// Dropped to stop them.
    stop: watch::Sender<()>,
    running: JoinSet<Result<(), BoxError>>,
}

impl Services {
    pub async fn start(
        wanted: &Addresses,
        places: &Places,
        telemetry: &Telemetries,
        operators: Operators,
    ) -> Result<Self, BoxError> {
        let (inventory_listener, inventory) = listen("inventory", wanted.inventory).await?;
        let (payment_listener, payment) = listen("payment", wanted.payment).await?;
        let (gateway_listener, gateway) = listen("gateway", wanted.gateway).await?;
        let (admin_listener, admin) = listen("admin address", wanted.admin).await?;

        let registry = telemetry.gateway.registry();
        let inventory_app = inventory::app(&places.inventory, registry)?;
        let payment_app =
            Server::builder().layer(places.payment.server()?).add_service(PaymentServer::new(Till));
        let clients = Gateway {
            inventory: Inventory::new(inventory, &places.to_inventory)?,
            payment: Payment::new(payment, &places.to_payment)?,
            orders: Orders::register(registry)?,
        };
        let gateway_app = gateway::app(clients, places.gateway.server()?);
        telemetry.gateway.set_health(watch(inventory, payment, &telemetry.objectives)?)?;
        let admin_app = admin::app(operators, &telemetry.gateway);

        let (stop, stopped) = watch::channel(());
        let stopped = || {
            let mut stopped = stopped.clone();
            async move { while stopped.changed().await.is_ok() {} }
        };
        let mut running = JoinSet::new();
        running.spawn(serve_axum(inventory_listener, inventory_app, stopped()));
        running.spawn(serve_axum(gateway_listener, gateway_app, stopped()));
        running.spawn(serve_axum(admin_listener, admin_app, stopped()));
        let incoming = TcpIncoming::from(payment_listener).with_nodelay(Some(true));
        let payment_app = payment_app.serve_with_incoming_shutdown(incoming, stopped());
        running.spawn(async move { Ok(payment_app.await?) });
        let addresses = Addresses { gateway, inventory, payment, admin };
        Ok(Self { addresses, gateway: telemetry.gateway.clone(), stop, running })
    }

    /// Waits until one of them ends by itself, which none should.
    pub async fn ended(&mut self) -> BoxError {
        match self.running.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) | None => "a service ended by itself".into(),
        }
    }

    /// Stops them once the requests under way have ended; fails when that takes too long.
    pub async fn stop(self) -> Result<(), BoxError> {
        let Self { gateway, stop, mut running, .. } = self;
        // no new requests first; a real service would wait here until its balancer has seen it
        gateway.drain();
        drop(stop);
        let all = async {
            while let Some(ended) = running.join_next().await {
                ended??;
            }
            Ok(())
        };
        timeout(PATIENCE, all).await.unwrap_or_else(|_| {
            Err(format!("some requests did not end within {PATIENCE:?}").into())
        })
    }
}

/// The services behind the gateway, and what it promises.
fn watch(
    inventory: SocketAddr,
    payment: SocketAddr,
    objectives: &SloTracker,
) -> Result<Health, BoxError> {
    let reachable = |name: &str, address: SocketAddr| {
        Component::new(name, TcpCheck::new(address.to_string())).groups([Group::Ready])
    };
    let tracker = objectives.clone();
    let budget = BudgetCheck::new(move || tracker.reports().first()?.budget.remaining);
    let health = Health::builder()
        .version(env!("CARGO_PKG_VERSION"))
        .component(reachable("inventory", inventory))
        .component(reachable("payment", payment))
        .component(Component::new("budget", budget).critical(false))
        .start()?;
    Ok(health)
}

async fn listen(service: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), BoxError> {
    let failed = |error| format!("the {service} cannot listen on {address}: {error}");
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn serve_axum(
    listener: TcpListener,
    app: axum::Router,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BoxError> {
    // with the peer's address, which the access log tells
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).with_graceful_shutdown(stopped).await?)
}
