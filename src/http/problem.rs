//! The only type that becomes an error response: RFC 9457 problem documents.
//!
//! [`Problem`] is what handlers return. It leaves the handler without a body; [`super::layers`] knows the request id
//! and the path and writes the [`Document`]. The same document stands inside operations and workspaces, made from
//! their stored [`Explanation`].

pub use super::mistakes::{FieldCode, FieldError};

use super::{PublicUrl, headers};
use crate::auth::AuthError;
use crate::domain::problem::{Code, Explanation, FixBy, Upstream};
use crate::store::StoreError;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Media type of every error answer.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem on its way to the caller.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    explanation: Explanation,
    errors: Vec<FieldError>,
    href: Option<String>,
    ids: Option<Vec<String>>,
    version: Option<i64>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with a sentence about this case.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            explanation: Explanation::new(code, detail),
            errors: Vec::new(),
            href: None,
            ids: None,
            version: None,
            headers: Vec::new(),
        }))
    }

    /// `401 Unauthorized`: one text for every reason, so that nothing can be learned from it.
    pub fn unauthenticated() -> Self {
        Self::new(
            Code::Unauthenticated,
            "The bearer token is missing or not valid.",
        )
        .header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer error=\"invalid_token\""),
        )
    }

    /// `404 Not Found`, the same for what never existed and for what is another team's.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    /// `503 Service Unavailable`, with the time after which to ask again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, detail)
            .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }

    /// `429 Too Many Requests`: the principal's bucket is empty for so many seconds.
    pub fn rate_limited(retry_after: u64) -> Self {
        Self::new(
            Code::RateLimited,
            "The caller has sent more requests than it may in a minute.",
        )
        .header(header::RETRY_AFTER, HeaderValue::from(retry_after))
    }

    /// `412 Precondition Failed`, with the version that is there, if one is.
    pub fn version_mismatch(version: Option<i64>) -> Self {
        let Some(version) = version else {
            return Self::new(Code::VersionMismatch, "There is no such workspace.")
                .hint("Leave `If-Match` out to have it made.");
        };
        let detail = format!("The workspace is there, and its version is {version}.");
        let mut problem = Self::new(Code::VersionMismatch, detail);
        problem.0.version = Some(version);
        problem.header(header::ETAG, headers::etag(version))
    }

    /// `500 Internal Server Error`; the caller learns nothing about the inside.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "The request could not be completed.")
    }

    /// Names what is wrong, field by field.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Replaces the code's general hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.explanation.hint = Some(hint.into());
        self
    }

    /// Points at the thing that is in the way.
    #[must_use]
    pub fn href(mut self, href: impl Into<String>) -> Self {
        self.0.href = Some(href.into());
        self
    }

    /// Names the things that could have been meant.
    #[must_use]
    pub fn ids(mut self, ids: Vec<String>) -> Self {
        self.0.ids = Some(ids);
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.explanation.code
    }

    /// The document of this HTTP exchange.
    pub fn document(&self, public_url: &PublicUrl, instance: &str, request_id: &str) -> Document {
        let mut document = Document::stored(
            &self.0.explanation,
            public_url,
            instance.to_owned(),
            Some(request_id.to_owned()),
        );
        document.errors.clone_from(&self.0.errors);
        document.href.clone_from(&self.0.href);
        document.ids.clone_from(&self.0.ids);
        document.version = self.0.version;
        document
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Unauthenticated => Self::unauthenticated(),
            AuthError::KeysUnavailable => {
                Self::unavailable("The token's issuer cannot be asked for its keys.")
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_away() {
            tracing::warn!(%error, "the database is not available");
            return Self::unavailable("The database is not available.");
        }
        tracing::error!(%error, "a statement failed");
        Self::internal()
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// A problem document (RFC 9457): the body of every error answer, and `problem` in operations and workspaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct Document {
    /// Identifies the kind of problem: `/problems/` and the code; absolute where a public URL is configured.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    pub kind: String,
    /// One fixed sentence per code.
    pub title: String,
    /// The HTTP status it has, or would have, as an answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// The stable identifier to match on. New codes may be added.
    pub code: Code,
    /// About this case.
    pub detail: String,
    /// The path that was asked, or the thing that carries this problem.
    pub instance: Option<String>,
    /// Request id of the exchange that led to it; give it to an operator.
    pub request_id: Option<String>,
    /// Whether the same request may succeed later without changes.
    pub retryable: bool,
    /// What to do about it.
    pub hint: String,
    /// Who can remove the cause.
    pub fix_by: FixBy,
    /// Everything that is wrong with the request, field by field.
    pub errors: Vec<FieldError>,
    /// The vendor's own words, if the cause is upstream.
    pub upstream: Option<Upstream>,
    /// The thing that is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub href: Option<String>,
    /// Ids of the things that could have been meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ids: Option<Vec<String>>,
    /// The version that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub version: Option<i64>,
}

impl Document {
    /// The document of a stored explanation.
    pub fn stored(
        explanation: &Explanation,
        public_url: &PublicUrl,
        instance: String,
        request_id: Option<String>,
    ) -> Self {
        let code = explanation.code;
        Self {
            kind: public_url.problem_type(code),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: explanation.detail.clone(),
            instance: Some(instance),
            request_id,
            retryable: code.retryable(),
            hint: explanation
                .hint
                .clone()
                .unwrap_or_else(|| code.hint().to_owned()),
            fix_by: code.fix_by(),
            errors: Vec::new(),
            upstream: explanation.upstream.clone(),
            href: None,
            ids: None,
            version: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::WorkspaceId;
    use crate::provisioning::request::RequestError;

    #[test]
    fn a_document_says_what_the_catalogue_says() {
        let problem = Problem::from(RequestError::NameTaken(WorkspaceId::from_uuid(
            uuid::Uuid::nil(),
        )));
        let document = |url| problem.document(&PublicUrl::new(url), "/workspaces", "req_1");
        let json = serde_json::to_value(document(None)).unwrap();
        assert_eq!(json["type"], "/problems/name_taken");
        assert_eq!(json["status"], 409);
        assert_eq!(json["code"], "name_taken");
        assert_eq!(json["instance"], "/workspaces");
        assert_eq!(json["request_id"], "req_1");
        assert_eq!(json["fix_by"], "requester");
        assert_eq!(json["errors"][0]["pointer"], "/name");
        assert!(json["upstream"].is_null());
        assert!(
            json["href"]
                .as_str()
                .unwrap()
                .starts_with("/workspaces/ws_")
        );
        assert!(json.get("ids").is_none());
        assert_eq!(
            document(Some("https://brickyard.example.com/")).kind,
            "https://brickyard.example.com/problems/name_taken"
        );
    }

    #[test]
    fn an_absent_database_is_not_our_fault() {
        assert_eq!(
            Problem::from(sqlx::Error::PoolTimedOut).code(),
            Code::Unavailable
        );
        let response = Problem::from(sqlx::Error::PoolTimedOut).into_response();
        assert_eq!(response.headers()["retry-after"], "5");
        assert_eq!(
            Problem::from(sqlx::Error::RowNotFound).code(),
            Code::Internal
        );
    }
}
