//! The runtime that OTLP is sent on: its own, so that it works inside and outside of tokio, and
//! whatever the program's own runtime does.

use std::sync::Arc;

use opentelemetry::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::config::ConfigError;

/// A runtime of one thread, and the word that sending is over.
#[derive(Debug)]
pub(in crate::telemetry) struct Io {
    /// Taken when dropped, as a runtime must not be dropped inside another one.
    runtime: Option<Runtime>,
    stop: watch::Sender<bool>,
}

impl Io {
    pub(in crate::telemetry) fn new() -> Result<Arc<Self>, ConfigError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("telemetry-otlp")
            .enable_all()
            .on_thread_start(|| {
                // what hyper and h2 log about sending logs must not be sent as logs; the guard is
                // for the life of the thread
                std::mem::forget(Context::enter_telemetry_suppressed_scope());
            })
            .build()
            .map_err(|error| {
                let allowed = "a system that can start a thread";
                ConfigError::new("telemetry.otlp", error.to_string(), allowed)
            })?;
        Ok(Arc::new(Self { runtime: Some(runtime), stop: watch::Sender::new(false) }))
    }

    pub(super) fn block_on<T>(
        &self,
        work: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        match &self.runtime {
            Some(runtime) => runtime.handle().block_on(work),
            None => Err("shut down".to_owned()),
        }
    }

    /// Runs `make` where it finds this runtime as the current one.
    pub(super) fn enter<T>(&self, make: impl FnOnce() -> T) -> T {
        let _entered = self.runtime.as_ref().map(Runtime::enter);
        make()
    }

    /// Gives up whatever is being sent, now and from now on.
    pub(in crate::telemetry) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    pub(super) async fn stopped(&self) {
        // fails only when the sender is gone, which is a stop, too
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
