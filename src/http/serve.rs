//! The listener's loop. A connection has to bring a request in time, there are so many at once and no more, and at the
//! end each may finish what it began, but not for ever.

use super::Limits;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// After an error that is not one connection's (no file handles left, say).
const PAUSE: Duration = Duration::from_secs(1);

/// Serves until `stop`: then nothing more is accepted and open connections end with their request. What is still
/// open when `overdue` comes is closed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    stop: impl Future<Output = ()>,
    overdue: impl Future<Output = ()>,
) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read);
    let service = TowerToHyperService::new(router);
    let closing = GracefulShutdown::new();
    // Dropped at the end, and with it the tasks of connections that are still open.
    let mut connections = JoinSet::new();
    let mut full = false;
    tokio::pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            stream = accept(&listener) => stream,
        };
        let was_full = std::mem::replace(&mut full, connections.len() >= limits.connections);
        if full {
            if !was_full {
                tracing::warn!(
                    open = connections.len(),
                    "too many connections; closing new ones"
                );
            }
            continue;
        }
        let connection = builder.serve_connection(TokioIo::new(stream), service.clone());
        let watched = closing.watch(connection);
        connections.spawn(async move {
            // What ends a connection early is the client's affair.
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = closing.shutdown() => {}
        () = overdue => tracing::warn!("connections are still open; closing them"),
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are written whole.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
