//! Requests byte by byte, for what a well-behaved HTTP client cannot send.

use super::{Answer, TestApp, conformity};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer needs longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

impl TestApp {
    /// The value of `Authorization` for a role.
    pub fn bearer(&self, role: &str) -> String {
        format!("Bearer {}", self.token(role))
    }

    /// One exchange, written as it stands: the target is not normalised, headers are bytes and may stand twice.
    /// `Content-Length` is added unless the headers frame the body themselves.
    pub async fn raw(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Answer {
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: api.test\r\nconnection: close\r\n")
                .into_bytes();
        let framed = headers
            .iter()
            .any(|(name, _)| matches!(*name, "content-length" | "transfer-encoding"));
        if !framed && (!body.is_empty() || method == "POST") {
            head.extend(format!("content-length: {}\r\n", body.len()).bytes());
        }
        for (name, value) in headers {
            head.extend(format!("{name}: ").bytes());
            head.extend(*value);
            head.extend(b"\r\n");
        }
        head.extend(b"\r\n");
        head.extend(body);
        let answer = tokio::time::timeout(PATIENCE, self.exchange(&head))
            .await
            .unwrap_or_else(|_| panic!("{method} {target}: no answer"));
        conformity::check(method, target, &answer);
        answer
    }

    async fn exchange(&self, request: &[u8]) -> Answer {
        let address = self.url.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        // A server that has refused may close before it has read everything.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        parse(&bytes)
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("not an answer: {:?}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .expect("a status line");
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let text = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}
