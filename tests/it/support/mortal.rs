//! A worker with everything of its own, as a process has it, in a runtime of its own that can end between any two
//! instructions. Real processes die in `crash` and `chaos`; this one dies by the hundred.

use super::TestApp;
use brickyard::app::App;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A worker that can be killed.
pub struct Mortal {
    runtime: Option<Runtime>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Mortal {
    /// Begins to work in the world of this app, with its numbers.
    pub fn start(world: &TestApp) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut config = world.app.config.clone();
        // One server serves the worlds of all tests.
        config.database.max_connections = 4;
        let mut own = App::new(config).expect("the app builds");
        own.queue = world.app.queue.clone();
        own.provisioning = world.app.provisioning.clone();
        own.clock = world.app.clock.clone();
        let (own, stop) = (Arc::new(own), CancellationToken::new());
        let stopping = stop.clone();
        let task = runtime.spawn(async move { own.work(stopping).await });
        Self {
            runtime: Some(runtime),
            stop,
            task,
        }
    }

    /// No instruction of it runs after this. Its connections break, its leases stay.
    pub async fn kill(mut self) {
        self.end().await;
    }

    /// Asks it to stop, as SIGTERM does.
    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has stopped.
    pub async fn stopped(mut self) {
        self.stop.cancel();
        let ended = (&mut self.task).await;
        self.end().await;
        ended.expect("a worker ends well");
    }

    async fn end(&mut self) {
        let runtime = self.runtime.take().expect("it ends once");
        let ended = tokio::task::spawn_blocking(move || {
            runtime.shutdown_timeout(Duration::from_secs(5));
        });
        ended.await.expect("a runtime ends");
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
