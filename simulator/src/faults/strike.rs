//! How a fault looks on the wire.

use super::{FaultKind as K, Strike, azure};
use crate::answer::Answer;
use crate::calls::Call;
use crate::request::Request;
use crate::world::World;

/// What happens to a call that was struck.
pub(crate) enum Effect {
    /// The call never acts; this is answered.
    Instead(Answer),
    /// The call acts; this is answered if it succeeded.
    After(Answer),
    /// The connection closes before the call acts.
    CutBefore,
    /// The call acts, then the connection closes.
    CutAfter,
    /// The call acts, and half of its answer arrives.
    Halve,
    /// Held before acting.
    HoldBefore,
    /// Acts, and the answer is held.
    HoldAfter,
    /// Acts and answers; the route itself looks at the fault.
    Within,
    /// Acts and answers late.
    Late,
}

const FLAP: &str = "Current organization does not have any associated worker environments";

/// The effect of a strike on this request.
pub(crate) fn effect(strike: &Strike, request: &Request, world: &World) -> Effect {
    let status = |default| strike.fault.status.unwrap_or(default);
    let retry_after =
        |answer: Answer, default: Option<u64>| match strike.fault.retry_after_seconds.or(default) {
            Some(seconds) => answer.with("retry-after", seconds.to_string()),
            None => answer,
        };
    if let Some(answer) = azure::answer(strike, request, &world.azure) {
        return match strike.kind() {
            K::ErrorAfterActing => Effect::After(answer),
            _ => Effect::Instead(answer),
        };
    }
    Effect::Instead(match strike.kind() {
        K::AnswerLost => return Effect::CutAfter,
        K::RequestLost | K::StoreDown => return Effect::CutBefore,
        K::HoldRequest => return Effect::HoldBefore,
        K::HoldAnswer => return Effect::HoldAfter,
        K::Truncated => return Effect::Halve,
        K::Slow => return Effect::Late,
        K::WorkspaceFails
        | K::SecurityGroupBroken
        | K::SubnetWithoutRoute
        | K::NetworkAclBlocks
        | K::NetworkWarned
        | K::NetworkLingers
        | K::DnsLate
        | K::ListLag
        | K::TagsLate
        | K::ShortTokens
        | K::ArmFails
        | K::SucceededWithoutUrl
        | K::PollWithoutRetryAfter
        | K::RetryAfterZero
        | K::RelativeStatusUrl
        | K::LocationHeader
        | K::ProviderNotRegistered
        | K::PolicyDenies
        | K::NetworkQuotaReached
        | K::GroupLingers
        | K::RecoverLate => return Effect::Within,
        K::ErrorAfterActing => {
            return Effect::After(internal_error(strike, request, status(500)));
        }
        K::ErrorBeforeActing => internal_error(strike, request, status(500)),
        K::Throttled | K::ThrottledWithoutRetryAfter => {
            let words =
                strike.words("Too many requests: RPC token bucket limit has been exceeded.");
            let answer = match side(request) {
                Side::Vault => vault_error(429, words),
                Side::Aws => crate::aws::error(400, "ThrottlingException", "Rate exceeded"),
                Side::Databricks => Answer::error(429, "REQUEST_LIMIT_EXCEEDED", words),
            };
            retry_after(answer, Some(1))
        }
        K::Unavailable => {
            let words = strike.words("The service is temporarily unavailable.");
            let answer = match side(request) {
                Side::Vault => vault_error(status(503), words),
                Side::Aws => crate::aws::error(status(503), "ServiceUnavailable", words),
                Side::Databricks => {
                    Answer::error(status(503), "TEMPORARILY_UNAVAILABLE", words)
                }
            };
            retry_after(answer, None)
        }
        K::TextError => {
            let words = strike.words("INVALID_STATE: The request cannot be served in this state.");
            let (code, message) = words.split_once(": ").unwrap_or(("BAD_REQUEST", words));
            Answer::text(status(400), code, message)
        }
        K::MessageOnlyError => Answer::json(
            status(400),
            &serde_json::json!({"message": strike.words(
                "MALFORMED_REQUEST: Failed parameter validation checks."
            )}),
        ),
        K::EmptyConflict => Answer::empty(status(409)),
        K::HtmlError => Answer::html(
            status(502),
            "<html><head><title>502 Bad Gateway</title></head><body><pre>Bad Gateway</pre></body></html>",
        ),
        K::HtmlOk => Answer::login_page(),
        K::RedirectToLogin => Answer::redirect(format!(
            "/login?account_id={}&next_url={}",
            world.account_id, request.path
        )),
        K::NumericError => invalid_access_token(),
        K::Unauthorized if request.call.is_store() => denied(request, "permission denied"),
        K::Unauthorized => Answer::unauthenticated(strike.words("Credential was not accepted.")),
        K::Forbidden => Answer::forbidden(
            strike.words("This API is disabled for users without account admin status."),
        ),
        K::NotFound => Answer::not_found(strike.words("The resource does not exist.")),
        K::IamNotPropagated => Answer::malformed(strike.words(
            "Failed credential validation checks: please use a valid cross account IAM role \
             with permissions setup correctly",
        )),
        K::ApiFlaps => match strike.nth % 3 {
            0 => no_webapps(),
            1 => Answer::error(400, "INVALID_STATE", strike.words(FLAP)),
            _ => return Effect::Within,
        },
        K::PrincipalNotAssigned => crate::oauth::invalid_client(),
        K::AssignmentLate => {
            let words = [
                "Permission assignment APIs are not available for this workspace.",
                "Permission assignments not supported for current workspace.",
                "Principal not in workspace.",
            ][strike.nth as usize % 3];
            Answer::error(400, "INVALID_STATE", strike.words(words))
        }
        K::TokensDisabled => Answer::error(
            404,
            "FEATURE_DISABLED",
            strike.words("Tokens are disabled."),
        ),
        K::TokenQuota => Answer::error(
            status(400),
            "QUOTA_EXCEEDED",
            strike.words("The user has reached the limit of 600 tokens."),
        ),
        K::OboForbidden => {
            Answer::forbidden(strike.words("User does not have permission to use tokens."))
        }
        K::TokenPermissionsMissing => {
            Answer::not_found(strike.words("tokens tokens does not exist"))
        }
        K::StoreSealed if request.call == Call::StoreHealth => crate::vault::health(true),
        K::StoreSealed => match side(request) {
            Side::Aws => crate::aws::error(503, "ServiceUnavailable", "Service Unavailable"),
            _ => vault_error(503, "Vault is sealed"),
        },
        K::StoreDenied => denied(request, "1 error occurred:\n\t* permission denied\n\n"),
        K::StoreKeyDenied => crate::aws::error(
            400,
            "EncryptionFailure",
            strike.words("Secrets Manager can't encrypt the protected secret text using the provided KMS key."),
        ),
        // Of Azure alone: elsewhere it is an error as any other.
        K::ArmError | K::EntraError => internal_error(strike, request, status(500)),
        K::DeleteInUse if request.call == Call::DeleteNetwork => Answer::empty(409),
        K::DeleteInUse => Answer::text(
            400,
            "INVALID_STATE",
            strike.words("Unable to delete, the object is being used by an active workspace"),
        ),
    })
}

/// Whose error shape a request is answered in.
enum Side {
    Databricks,
    Vault,
    Aws,
}

fn side(request: &Request) -> Side {
    if crate::aws::operation(request).is_some() {
        Side::Aws
    } else if request.call.is_store() {
        Side::Vault
    } else {
        Side::Databricks
    }
}

fn internal_error(strike: &Strike, request: &Request, status: u16) -> Answer {
    let words = strike.words("An internal error occurred.");
    match side(request) {
        Side::Vault => vault_error(status, words),
        Side::Aws => crate::aws::error(status, "InternalServiceError", words),
        Side::Databricks => Answer::error(status, "INTERNAL_ERROR", words),
    }
}

/// A store does not let the client.
fn denied(request: &Request, vaults_words: &str) -> Answer {
    match (side(request), crate::aws::operation(request)) {
        (Side::Aws, Some(operation)) => {
            let words = format!(
                "User: arn:aws:iam::111122223333:user/brickyard is not authorized to perform: \
                 secretsmanager:{operation} because no identity-based policy allows it"
            );
            crate::aws::error(400, "AccessDeniedException", &words)
        }
        _ => vault_error(403, vaults_words),
    }
}

fn vault_error(status: u16, words: &str) -> Answer {
    Answer::json(status, &serde_json::json!({"errors": [words]}))
}

/// Shape 5: the workspace edge does not accept a PAT.
pub(crate) fn invalid_access_token() -> Answer {
    Answer::json(
        403,
        &serde_json::json!({"error_code": 403, "message": "Invalid access token."}),
    )
    .with("x-databricks-reason-phrase", "Invalid access token.")
}

/// Shape 8: nobody serves this workspace yet.
pub(crate) fn no_webapps() -> Answer {
    Answer::html(
        503,
        "<html><head><title>Error 503 Service Unavailable</title></head>\
         <body><pre>No webapps are available to handle your request</pre></body></html>",
    )
}
