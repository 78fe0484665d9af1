//! HTTP and JSON as a client needs them: an answer of the expected status, or a sentence.

use anyhow::{Context, Result, bail};
use reqwest::{RequestBuilder, StatusCode, Url};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Longer than the longest held answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client(reqwest::Client);

impl Client {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(
            reqwest::Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()?,
        ))
    }

    pub(crate) fn get(&self, url: &str) -> RequestBuilder {
        self.0.get(url)
    }

    pub(crate) fn post(&self, url: &str) -> RequestBuilder {
        self.0.post(url)
    }

    /// A GET of a name that only the simulated world's name server knows; it lies on the loopback.
    pub(crate) fn to_loopback(&self, url: &str) -> Result<RequestBuilder> {
        let parsed = Url::parse(url).with_context(|| format!("{url} is no address"))?;
        let host = parsed
            .host_str()
            .with_context(|| format!("{url} has no host"))?;
        // Port 0 stands for the address' own.
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .resolve(host, loopback)
            .build()?;
        Ok(client.get(parsed))
    }

    /// A client of hosts that only the simulated world's name server knows, whose authority it trusts.
    pub(crate) fn trusting(authority: &str, urls: &[&str]) -> Result<Self> {
        let authority = reqwest::Certificate::from_pem(authority.as_bytes())?;
        let mut client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .tls_certs_merge([authority]);
        for url in urls {
            let parsed = Url::parse(url).with_context(|| format!("{url} is no address"))?;
            let host = parsed
                .host_str()
                .with_context(|| format!("{url} has no host"))?;
            client = client.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        Ok(Self(client.build()?))
    }

    /// Sends, and reads the answer if it has the expected status.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        expected: StatusCode,
    ) -> Result<Value> {
        let (client, request) = request.build_split();
        let request = request?;
        let what = format!("{} {}", request.method(), request.url());
        let answer = client
            .execute(request)
            .await
            .with_context(|| what.clone())?;
        let status = answer.status();
        let body = answer.bytes().await.with_context(|| what.clone())?;
        let parsed: Result<Value, _> = serde_json::from_slice(&body);
        match parsed {
            Ok(body) if status == expected => Ok(body),
            Ok(body) => {
                let words = ["title", "detail"]
                    .iter()
                    .filter_map(|field| body[*field].as_str());
                bail!(
                    "{what} answered {status} and not {expected}: {}",
                    words.collect::<Vec<_>>().join(": ")
                )
            }
            Err(_) => bail!("{what} answered {status} and no JSON"),
        }
    }
}

/// The text at a JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("no text at {pointer} of the answer"))
}

/// The list at a JSON pointer.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> Result<&'a Vec<Value>> {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.with_context(|| format!("no list at {pointer} of the answer"))
}
