//! Connections that bring nothing, or too many of them.

use super::unharmed;
use crate::support::{Builder, PATIENCE, TestApp};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HALF: &[u8] = b"GET /livez HTTP/1.1\r\nhost: api.test\r\n";
const WHOLE: &[u8] = b"GET /livez HTTP/1.1\r\nhost: api.test\r\n\r\n";

async fn connect(app: &TestApp) -> TcpStream {
    let address = app.url.strip_prefix("http://").expect("an address");
    TcpStream::connect(address).await.expect("it listens")
}

/// Whether the server ends the connection; what it may say before does not matter.
async fn is_ended(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .is_ok()
}

async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 12];
    stream.write_all(WHOLE).await.is_ok()
        && stream.read_exact(&mut bytes).await.is_ok()
        && &bytes == b"HTTP/1.1 200"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_to_bring_a_request_in_time() {
    let builder = Builder {
        workers: 0,
        tune: |app| app.http.limits.header_read = Duration::from_millis(300),
        ..Builder::default()
    };
    let app = builder.start().await;
    let (mut silent, mut halting, mut idle) = (
        connect(&app).await,
        connect(&app).await,
        connect(&app).await,
    );
    halting.write_all(HALF).await.expect("half a request");
    assert!(is_answered(&mut idle).await);
    for stream in [&mut silent, &mut halting, &mut idle] {
        assert!(is_ended(stream).await);
    }
    unharmed(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_connections_and_no_more() {
    let builder = Builder {
        workers: 0,
        tune: |app| app.http.limits.connections = 2,
        ..Builder::default()
    };
    let app = builder.start().await;
    let (mut first, mut second) = (connect(&app).await, connect(&app).await);
    assert!(is_answered(&mut first).await && is_answered(&mut second).await);
    let mut third = connect(&app).await;
    assert!(is_ended(&mut third).await, "closed without an answer");
    drop((first, second));
    // The places are free as soon as the server has seen it.
    let until = tokio::time::Instant::now() + PATIENCE;
    while !is_answered(&mut connect(&app).await).await {
        assert!(tokio::time::Instant::now() < until);
    }
    unharmed(app).await;
}
