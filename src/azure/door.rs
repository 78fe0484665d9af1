//! The transport of the official crates: our one door to the outside.
//!
//! A request goes out as the crate made it, but with our name as `User-Agent`. Bodies are not copied here; answers are wiped
//! when the crate drops them. What the crates copy themselves, our own tokens and secrets among it, is not.

use crate::outbound::{self, Authorization, Outbound, Response, SendError, Verb};
use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::request::Body;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, HttpClient, Method, Request, RetryOptions, StatusCode,
    Transport,
};
use bytes::Bytes;
use secrecy::SecretString;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Largest answer.
const ANSWER: usize = 1 << 20;

/// A way out for an official crate.
#[derive(Clone)]
pub struct Door {
    /// The way out.
    pub outbound: Outbound,
    /// Who is asked: a label of the metrics.
    pub service: &'static str,
    /// A call gives up after this.
    pub timeout: Duration,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({})", self.service)
    }
}

impl Door {
    /// Sends what a crate made, once.
    ///
    /// # Errors
    /// [`SendError`]; an answer of any status is not an error.
    pub async fn send(&self, request: &Request) -> Result<Response, SendError> {
        let verb = match request.method() {
            Method::Get => Verb::Get,
            Method::Post => Verb::Post,
            Method::Put => Verb::Put,
            Method::Patch => Verb::Patch,
            Method::Delete => Verb::Delete,
            other => return Err(SendError::NotSent(format!("{other} is not used"))),
        };
        let body = match request.body() {
            Body::Bytes(bytes) if bytes.is_empty() => outbound::Body::Empty,
            Body::Bytes(bytes) => outbound::Body::Raw(bytes.clone()),
            Body::SeekableStream(_) => {
                return Err(SendError::NotSent("a stream is not used".to_owned()));
            }
        };
        let given = request.headers().iter();
        let headers = given
            .filter(|(name, _)| name.as_str() != "user-agent")
            .map(|(name, value)| (name.as_str().to_owned(), value.as_str()))
            .map(|(name, value)| (Cow::from(name), SecretString::from(value)));
        let request = outbound::Request {
            service: self.service,
            verb,
            url: request.url().to_string(),
            query: Vec::new(),
            authorization: Authorization::None,
            headers: headers.collect(),
            body,
            timeout: self.timeout,
            max_bytes: ANSWER,
        };
        self.outbound.send(request).await
    }
}

/// An answer as the crates want it.
pub(super) fn raw(response: Response) -> AsyncRawResponse {
    let mut headers = Headers::new();
    for (name, value) in response.headers.iter() {
        let name = HeaderName::from(name.to_owned());
        headers.insert(name, HeaderValue::from(value.to_owned()));
    }
    let status = StatusCode::from(response.status);
    AsyncRawResponse::from_bytes(status, headers, Bytes::from_owner(response.body))
}

/// Options of a crate's client: this transport, and no retries.
pub fn client_options(transport: Arc<dyn HttpClient>) -> ClientOptions {
    ClientOptions {
        transport: Some(Transport::new(transport)),
        retry: RetryOptions::none(),
        ..ClientOptions::default()
    }
}

/// A failed call carries its [`SendError`] as the error's source.
#[async_trait]
impl HttpClient for Door {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        match self.send(request).await {
            Ok(response) => Ok(raw(response)),
            Err(error) => Err(Error::new(ErrorKind::Other, error)),
        }
    }
}
