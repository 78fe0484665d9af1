//! What is sent through the door, and what comes back.

use super::Headers;
use bytes::Bytes;
use secrecy::SecretString;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The request was certainly not sent: bad address, name not resolved, connection refused, TLS failed.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have arrived: time-out, reset, truncated or oversized answer.
    #[error("no usable answer: {0}")]
    Unknown(String),
}

/// HTTP verbs we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the verbs are their own documentation")]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// How the request proves who we are. Never printed.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// No header.
    None,
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// `Authorization: Basic …`.
    Basic {
        /// User name or client id.
        user: String,
        /// Password or client secret.
        password: SecretString,
    },
    /// A header of its own, such as `X-Vault-Token`.
    Header {
        /// Header name.
        name: &'static str,
        /// Header value.
        value: SecretString,
    },
}

/// What is sent. Never printed.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// `application/json`; the bytes may hold a secret and are wiped after sending.
    Json(Zeroizing<Vec<u8>>),
    /// JSON with another content type, such as `application/merge-patch+json`.
    JsonAs(&'static str, Zeroizing<Vec<u8>>),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(&'static str, String)>),
    /// Bytes whose content type is among the request's own headers; their owner wipes them, if need be.
    Raw(Bytes),
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who is asked, from a closed list: a label of the metrics.
    pub service: &'static str,
    /// Verb.
    pub verb: Verb,
    /// Absolute address.
    pub url: String,
    /// Query parameters, encoded by the client.
    pub query: Vec<(&'static str, String)>,
    /// Proof of identity.
    pub authorization: Authorization,
    /// More headers, in place of ours where the names meet. None is printed.
    pub headers: Vec<(Cow<'static, str>, SecretString)>,
    /// Body.
    pub body: Body,
    /// Whole-call time-out.
    pub timeout: Duration,
    /// Largest answer accepted, in bytes.
    pub max_bytes: usize,
}

/// One answer, whatever its status. Its body is never printed.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, lower case, without parameters; empty if absent.
    pub content_type: String,
    /// `Retry-After`, understood and clamped to 1 s … 15 min.
    pub retry_after: Option<Duration>,
    /// `Cache-Control: max-age`, in seconds.
    pub max_age: Option<u64>,
    /// The vendor's request id header, if any: `x-request-id` or Azure's `x-ms-request-id`.
    pub request_id: Option<String>,
    /// `Location` of a redirect, which is never followed.
    pub location: Option<String>,
    /// All headers of the answer.
    pub headers: Headers,
    /// The whole body; wiped when dropped since it may hold a token.
    pub body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

impl Response {
    /// A header by its name in lower case, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }
}

impl From<Verb> for reqwest::Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::GET,
            Verb::Post => Self::POST,
            Verb::Put => Self::PUT,
            Verb::Patch => Self::PATCH,
            Verb::Delete => Self::DELETE,
        }
    }
}
