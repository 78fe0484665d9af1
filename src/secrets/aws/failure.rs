//! What AWS answers, and what that means.

use super::KIND;
use crate::domain::problem::Upstream;
use crate::domain::scrub::scrubbed;
use crate::secrets::{StoreError, StoreFailure};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;
use std::error::Error;
use std::io;

/// What it means for a call that no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// It may be repeated as it is.
    Harmless,
    /// It may have had its effect, and that has to be found out.
    Matters,
}

/// AWS's name of the error; empty if there is none.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    error.code().unwrap_or_default()
}

/// Whether the secret is scheduled for deletion.
pub(super) fn says_deleted<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let said = error.message().unwrap_or_default();
    let words = [
        "marked deleted",
        "marked for deletion",
        "scheduled for deletion",
    ];
    code(error) == "InvalidRequestException" && words.iter().any(|words| said.contains(words))
}

/// The failure of a call, explained.
pub(super) fn failed<E>(error: &SdkError<E, HttpResponse>, doing: &str, lost: Lost) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let lost = match lost {
        Lost::Harmless => StoreFailure::Unavailable,
        Lost::Matters => StoreFailure::Unknown,
    };
    let answer = match error {
        SdkError::ServiceError(answer) => answer.raw(),
        SdkError::ResponseError(answer) => {
            let detail = format!("{doing}: the answer cannot be understood");
            return explained(lost, detail, Some(answer.raw()), error);
        }
        SdkError::TimeoutError(_) => {
            return StoreError::new(lost, format!("{doing}: no answer in time"));
        }
        _ => return not_sent(error, doing, lost),
    };
    let status = answer.status().as_u16();
    let failure = match code(error) {
        "ResourceExistsException" | "ResourceNotFoundException" => StoreFailure::Moved,
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded" => StoreFailure::Unavailable,
        // It can be restored, or is gone in a moment and holds its name until then.
        _ if says_deleted(error) => StoreFailure::Unavailable,
        _ if status == 429 => StoreFailure::Unavailable,
        // A page instead of an answer comes with any status.
        _ if !(400..500).contains(&status) => lost,
        _ => StoreFailure::Denied,
    };
    let words = error.message().unwrap_or("no message");
    let detail = scrubbed(&format!(
        "{doing}: AWS answered {} ({status}): {words}",
        name(error)
    ));
    let mut explained = explained(failure, detail, Some(answer), error);
    explained.explanation.hint = hint(code(error)).map(str::to_owned);
    explained
}

/// What an operator can do, where the general hint does not say it.
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "EncryptionFailure" | "DecryptionFailure" => {
            "Let the service's identity use the KMS key (kms:GenerateDataKey, kms:Decrypt), and check that the key is enabled."
        }
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "ExpiredTokenException" => {
            "Check the store's access key, or the identity the service runs as, and the machine's clock."
        }
        "LimitExceededException" => {
            "Raise the account's quota of Secrets Manager, or remove unused secrets."
        }
        _ => return None,
    })
}

/// No request was sent, or nobody knows: no credentials, nobody there, the connection broke.
fn not_sent<E>(error: &SdkError<E, HttpResponse>, doing: &str, lost: StoreFailure) -> StoreError
where
    E: Error + 'static,
{
    let mut failure = match error {
        SdkError::ConstructionFailure(_) => StoreFailure::Denied,
        _ => lost,
    };
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
        if let Some(credentials) = source.downcast_ref::<CredentialsError>() {
            return without_credentials(credentials, doing);
        }
        if let Some(io) = source.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::ConnectionRefused
        {
            failure = StoreFailure::Unavailable;
        }
    }
    StoreError::new(failure, scrubbed(&format!("{doing}: {innermost}")))
}

fn without_credentials(error: &CredentialsError, doing: &str) -> StoreError {
    let (failure, words) = match error {
        CredentialsError::CredentialsNotLoaded(_) => (
            StoreFailure::Denied,
            "the service has no AWS credentials: none in the settings, the environment, a web identity, a container's \
             or an instance's role",
        ),
        CredentialsError::InvalidConfiguration(_) => (
            StoreFailure::Denied,
            "the environment's AWS configuration is not valid",
        ),
        _ => (
            StoreFailure::Unavailable,
            "AWS gave the service no credentials",
        ),
    };
    StoreError::new(failure, format!("{doing}: {words}"))
}

fn name<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    error.code().unwrap_or("an error without a name")
}

fn explained<E: ProvideErrorMetadata>(
    failure: StoreFailure,
    detail: String,
    answer: Option<&HttpResponse>,
    error: &SdkError<E, HttpResponse>,
) -> StoreError {
    let mut explained = StoreError::new(failure, detail);
    explained.explanation.upstream = Some(Upstream {
        service: KIND.to_owned(),
        status: answer.map(|answer| answer.status().as_u16()),
        error_code: error.code().map(scrubbed),
        request_id: answer.and_then(|answer| answer.request_id().map(scrubbed)),
        message: scrubbed(error.message().unwrap_or_default()),
    });
    explained
}
