//! The API's own life within a test: begun, stopped, begun again.

use super::numbers::quicken;
use super::{PATIENCE, TestApp};
use brickyard::app::App;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

type Served = (String, CancellationToken, tokio::task::JoinHandle<()>);

/// Serves the API on a free port: its address, what stops it, and its end.
pub async fn serve(app: &Arc<App>) -> Served {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (serving, stopping) = (Arc::clone(app), stop.clone());
    let server =
        tokio::spawn(async move { serving.serve(listener, stopping).await.expect("it serves") });
    (url, stop, server)
}

impl TestApp {
    /// Tells the API to stop, as SIGTERM does.
    pub fn stop_api(&self) {
        self.stop.cancel();
    }

    /// Tells the API to stop and waits until it has; how long that took.
    pub async fn api_ended(&mut self) -> Duration {
        let begin = Instant::now();
        self.stop_api();
        let ended = tokio::time::timeout(PATIENCE, &mut self.server).await;
        ended.expect("the API ends").expect("the API ends well");
        // Ending the test looks at it once more.
        self.server = tokio::spawn(async {});
        begin.elapsed()
    }

    /// Ends the API and starts it anew: another process over the same database, as far as callers can tell. Workers
    /// go on with what they have.
    pub async fn restart_api(&mut self) {
        self.api_ended().await;
        let mut app = App::new(self.app.config.clone()).expect("the app builds");
        quicken(&mut app);
        app.clock = self.app.clock.clone();
        self.app = Arc::new(app);
        (self.url, self.stop, self.server) = serve(&self.app).await;
    }
}
