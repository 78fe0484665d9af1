//! Failed calls: those that were not sent, those without an answer, and those that were refused.

use super::class::Class;
use crate::domain::problem::{Explanation, Upstream};
use crate::domain::scrub::scrubbed;
use std::time::Duration;

/// Which API answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The account API and its OAuth endpoint.
    Account,
    /// A workspace's host.
    Workspace,
}

impl Side {
    /// As [`Upstream::service`] says it.
    pub fn service(self) -> &'static str {
        match self {
            Self::Account => "databricks_account",
            Self::Workspace => "databricks_workspace",
        }
    }
}

/// The form an error came in; the numbers are those of the wire reference, 1.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// 1: JSON with `error_code` and `message`.
    Coded,
    /// 2: text, `CODE: message`.
    TextCoded,
    /// 3: JSON with the code inside `message`, or no code at all.
    MessageOnly,
    /// 4: no body.
    Empty,
    /// 5: JSON with a number as `error_code`.
    NumericCode,
    /// 6: SCIM.
    Scim,
    /// 7: JSON with `error`, as OAuth and old APIs answer.
    Plain,
    /// 8: an HTML page with an error status.
    Html,
    /// 9: the login page, answered with 2xx or redirected to, or any other redirect.
    LoginPage,
    /// 10: a redirect that says the workspace takes private connections only.
    PrivateLink,
    /// 11: bare text.
    BareText,
    /// 12: a dump of the server's innards; a create may have happened all the same.
    Dump,
}

/// An answer that is not success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} answered {status}: {message}", side.service())]
pub struct ApiError {
    /// Who answered.
    pub side: Side,
    /// HTTP status.
    pub status: u16,
    /// The vendor's code; numbers as text, `SCIM_<status>` for SCIM.
    pub error_code: Option<String>,
    /// The vendor's words, scrubbed and cut.
    pub message: String,
    /// The vendor's request id.
    pub request_id: Option<String>,
    /// How long it asks us to wait.
    pub retry_after: Option<Duration>,
    /// The form it came in.
    pub shape: Shape,
}

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Nothing left this machine.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Held back by our own rate limit or by an earlier 429; nothing left this machine.
    #[error("held back for {} ms by the rate limit", .0.as_millis())]
    HeldBack(Duration),
    /// The OAuth endpoint refused us; the call itself was not sent.
    #[error("no OAuth token: {0}")]
    NoToken(ApiError),
    /// The OAuth endpoint gave no usable answer; the call itself was not sent.
    #[error("no OAuth token: {0}")]
    NoTokenAnswer(String),
    /// A cloud lent no proof; the call itself was not sent.
    #[error("no token: {}", .explanation.detail)]
    NoLogin {
        /// Whether it may pass by itself.
        passes: bool,
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
        /// Why.
        explanation: Box<Explanation>,
    },
    /// Sent, and no usable answer came.
    #[error("no usable answer: {0}")]
    NoAnswer(String),
    /// An answer that is not success.
    #[error(transparent)]
    Api(ApiError),
    /// 2xx, and not what it should be.
    #[error("{} answered {status} with {what}", side.service())]
    Unparseable {
        /// Who answered.
        side: Side,
        /// HTTP status.
        status: u16,
        /// What is wrong with it; never the body itself.
        what: String,
        /// The vendor's request id.
        request_id: Option<String>,
    },
    /// The host is not one of ours; nothing was sent.
    #[error("the host is outside the configured domain")]
    HostNotTrusted,
    /// An id that cannot be one; nothing was sent.
    #[error("{0} is not a well-formed id")]
    BadId(&'static str),
}

impl ApiError {
    /// The vendor's own words, for people.
    pub fn upstream(&self) -> Upstream {
        Upstream {
            service: self.side.service().to_owned(),
            status: Some(self.status),
            error_code: self.error_code.clone(),
            message: self.message.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

impl Error {
    /// The vendor's own words, if there are any.
    pub fn upstream(&self) -> Option<Upstream> {
        match self {
            Self::Api(error) | Self::NoToken(error) => Some(error.upstream()),
            Self::Unparseable {
                side,
                status,
                what,
                request_id,
            } => Some(Upstream {
                service: side.service().to_owned(),
                status: Some(*status),
                error_code: None,
                message: scrubbed(what),
                request_id: request_id.clone(),
            }),
            _ => None,
        }
    }

    /// What an answer means; `None` if there was none to the call itself.
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Api(error) => Some(error.class()),
            Self::Unparseable { .. } => Some(Class::NotAnApi),
            _ => None,
        }
    }

    /// Whether the vendor says that the thing addressed does not exist.
    pub fn is_not_found(&self) -> bool {
        self.class() == Some(Class::NotFound)
    }
}
