//! A client that costs next to nothing: prepared requests over connections that stay open.

use super::table::quantile;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Connections at a time.
pub(crate) const CONNECTIONS: usize = 16;

/// Makes the bytes of the nth request.
pub(crate) type Requests = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

/// Sends so many requests as fast as they are answered; answers per second.
pub(crate) async fn flat_out(
    address: SocketAddr,
    requests: &Requests,
    from: usize,
    count: usize,
) -> f64 {
    let began = Instant::now();
    sent(address, requests, from, count, None).await;
    count as f64 / began.elapsed().as_secs_f64()
}

/// Sends so many a second, whether they are answered or not; the 99th percentile of the time from when a request was
/// due to its answer, in milliseconds.
pub(crate) async fn paced(
    address: SocketAddr,
    requests: &Requests,
    from: usize,
    count: usize,
    per_second: f64,
) -> f64 {
    let mut times = sent(address, requests, from, count, Some(per_second)).await;
    quantile(&mut times, 0.99)
}

async fn sent(
    address: SocketAddr,
    requests: &Requests,
    from: usize,
    count: usize,
    per_second: Option<f64>,
) -> Vec<f64> {
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let clients = (0..CONNECTIONS).map(|_| {
        let (next, requests) = (Arc::clone(&next), Arc::clone(requests));
        tokio::spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut connection = BufReader::new(stream);
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return times;
                }
                let request = requests(from + number);
                let due = match per_second {
                    None => Instant::now(),
                    Some(rate) => began + Duration::from_secs_f64(number as f64 / rate),
                };
                tokio::time::sleep_until(due.into()).await;
                exchange(&mut connection, &request).await;
                times.push(due.elapsed().as_secs_f64() * 1000.0);
            }
        })
    });
    let times = join_all(clients).await;
    times.into_iter().flat_map(|times| times.unwrap()).collect()
}

/// One request and its answer, which has to be a success.
pub(crate) async fn exchange(connection: &mut BufReader<TcpStream>, request: &[u8]) -> Vec<u8> {
    connection.get_mut().write_all(request).await.unwrap();
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        connection.read_line(&mut head).await.unwrap();
        let line = head[start..].trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
    assert!(
        head.starts_with("HTTP/1.1 20"),
        "{head}{}",
        String::from_utf8_lossy(&body)
    );
    body
}

/// The bytes of a request; without a token if it is empty.
pub(crate) fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let authorization = match token {
        "" => String::new(),
        token => format!("authorization: Bearer {token}\r\n"),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\n{authorization}content-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
