//! Work on a thread of its own, so that no runtime is needed or kept waiting.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::ProfileError;

/// What the work sees of the one who waits for it.
pub(super) struct Asker(mpsc::Receiver<()>);

impl Asker {
    /// Waits; false at once when the asker has gone.
    pub(super) fn wait(&self, duration: Duration) -> bool {
        // nothing is ever sent: either the time is up, or the other end was dropped
        self.0.recv_timeout(duration) == Err(mpsc::RecvTimeoutError::Timeout)
    }

    pub(super) fn has_gone(&self) -> bool {
        self.0.try_recv() == Err(mpsc::TryRecvError::Disconnected)
    }
}

/// Runs `work`; dropping the future tells its [`Asker`].
pub(super) async fn offload<T, F>(work: F) -> Result<T, ProfileError>
where
    T: Send + 'static,
    F: FnOnce(&Asker) -> Result<T, ProfileError> + Send + 'static,
{
    let (_here, gone) = mpsc::channel();
    let (done, answer) = oneshot::channel();
    let run = move || {
        // nobody may be left to hear it
        let _ = done.send(work(&Asker(gone)));
    };
    let spawned = thread::Builder::new().name("pprof".to_owned()).spawn(run);
    spawned.map_err(|error| ProfileError::Failed(error.to_string()))?;
    match answer.await {
        Ok(done) => done,
        Err(_) => Err(ProfileError::Failed("it panicked".to_owned())),
    }
}
