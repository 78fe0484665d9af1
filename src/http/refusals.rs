//! What the caller of a request is told that was not accepted: each [`RequestError`] as a [`Problem`].

use super::mistakes::count;
use super::problem::{FieldCode, FieldError, Problem};
use crate::domain::id::WorkspaceId;
use crate::domain::problem::Code;
use crate::provisioning::request::RequestError;
use axum::http::{HeaderValue, header};

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NameTaken(id) => Self::name_taken(id),
            RequestError::KeyReused => Self::new(
                Code::IdempotencyKeyReused,
                "The key belongs to a request with another body.",
            )
            .errors(vec![FieldError::header(
                "Idempotency-Key",
                FieldCode::Invalid,
                "already used for another request",
            )]),
            RequestError::QueueFull {
                queued,
                oldest_seconds,
            } => Self::new(
                Code::QueueFull,
                format!(
                    "In the queue: {queued}; work has been due for {oldest_seconds:.0} s. Nothing was accepted."
                ),
            )
            .header(header::RETRY_AFTER, HeaderValue::from_static("30")),
            RequestError::Protected => {
                Self::new(Code::DeletionProtected, "`deletion_protection` is true.")
            }
            RequestError::InProgress(id) => {
                Self::new(Code::OperationInProgress, format!("{id} is under way."))
                    .href(format!("/operations/{id}"))
                    .header(header::RETRY_AFTER, HeaderValue::from_static("2"))
            }
            RequestError::NotCancellable(why) => Self::new(Code::NotCancellable, why),
            RequestError::NotRetryable(why) => Self::new(Code::NotRetryable, why),
            RequestError::Gone => Self::not_found("workspace"),
            RequestError::Mismatch(version) => Self::version_mismatch(Some(version)),
            RequestError::PreconditionRequired => {
                let error = FieldError::header("If-Match", FieldCode::Missing, "must be there");
                let detail = "The request does not say which version it is about.";
                Self::new(Code::PreconditionRequired, detail).errors(vec![error])
            }
            RequestError::Immutable(pointers) => {
                let why = "differs from what the workspace was asked for with";
                let error = |at| FieldError::pointer(at, FieldCode::ImmutableField, why);
                Self::new(
                    Code::ImmutableField,
                    format!("{} of the request cannot be changed.", pointers.join(", ")),
                )
                .errors(pointers.into_iter().map(error).collect())
            }
            RequestError::Refused(refused) => {
                let detail = count(refused.len(), "field is", "fields are");
                let error = |(at, why)| FieldError::pointer(at, FieldCode::Invalid, why);
                Self::new(Code::ValidationFailed, detail)
                    .errors(refused.into_iter().map(error).collect())
            }
            RequestError::Stale => Self::unavailable("The workspace changes too often."),
            RequestError::Lost(why) => Self::new(why.code, why.detail),
            RequestError::Store(error) => error.into(),
        }
    }
}

impl Problem {
    fn name_taken(id: WorkspaceId) -> Self {
        Self::new(Code::NameTaken, format!("Workspace {id} has that name."))
            .href(format!("/workspaces/{id}"))
            .errors(vec![FieldError::pointer(
                "/name",
                FieldCode::Invalid,
                "already taken in the team",
            )])
    }
}
