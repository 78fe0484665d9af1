//! How a fault looks on the wire where Azure is called: each of its services has an error shape of its own.

use super::{FaultKind as K, Strike};
use crate::answer::Answer;
use crate::azure::{self, AzureWorld, arm, key_vault};
use crate::calls::Call;
use crate::request::Request;

/// What is answered instead, if Azure is called and answers this fault in a way of its own.
pub(super) fn answer(strike: &Strike, request: &Request, world: &AzureWorld) -> Option<Answer> {
    if !azure::plays(request) {
        return None;
    }
    let status = |default| strike.fault.status.unwrap_or(default);
    let words = |default| strike.words(default);
    let refuse = |status: u16, code: &str, message: &str| {
        let code = strike.code(code);
        if azure::is_entra(request) {
            entra(status, code, message, world)
        } else if azure::is_key_vault(request) {
            key_vault::error(status, code, None, message)
        } else {
            arm::error(status, code, message)
        }
    };
    let after = |answer: Answer, default: Option<u64>| {
        let seconds = strike.fault.retry_after_seconds.or(default);
        match seconds {
            Some(seconds) => answer.with("retry-after", seconds.to_string()),
            None => answer,
        }
    };
    Some(match strike.kind() {
        K::Throttled => {
            let code = throttled(request);
            let message = words("Number of requests exceeded the limit. Please try again later.");
            after(refuse(429, code, message), Some(1))
        }
        K::ThrottledWithoutRetryAfter => {
            let seconds = strike.fault.retry_after_seconds.unwrap_or(1);
            let message = format!(
                "Number of requests exceeded the limit. Please try again after '{seconds}' seconds."
            );
            refuse(429, throttled(request), words(&message))
        }
        K::ErrorBeforeActing | K::ErrorAfterActing => refuse(
            status(500),
            "InternalServerError",
            words("The server encountered an internal error."),
        ),
        K::Unavailable | K::StoreSealed => {
            let message = words("The service is temporarily unavailable.");
            after(refuse(status(503), "ServiceUnavailable", message), None)
        }
        K::Unauthorized if azure::is_entra(request) => azure::entra_error(world, 7_000_215, None),
        K::Unauthorized if azure::is_key_vault(request) => {
            let message = words("AKV10032: Invalid issuer.");
            key_vault::challenged(request, world, message)
        }
        K::Unauthorized => refuse(
            401,
            "InvalidAuthenticationToken",
            words("The access token is invalid."),
        ),
        K::Forbidden | K::StoreDenied | K::StoreKeyDenied if azure::is_key_vault(request) => {
            let action = "Caller is not authorized to perform action on resource. Action: \
                          'Microsoft.KeyVault/vaults/secrets/setSecret/action'";
            key_vault::error(403, "Forbidden", Some("ForbiddenByRbac"), words(action))
        }
        K::Forbidden | K::StoreDenied | K::StoreKeyDenied => {
            let message = "The client does not have authorization to perform the action.";
            refuse(403, "AuthorizationFailed", words(message))
        }
        K::NotFound => {
            let code = if azure::is_key_vault(request) {
                "SecretNotFound"
            } else {
                "ResourceNotFound"
            };
            refuse(404, code, words("The resource was not found."))
        }
        K::DeleteInUse if request.call == Call::ArmDeleteNsg => {
            let message = "The network security group is in use.";
            refuse(
                400,
                "InUseNetworkSecurityGroupCannotBeDeleted",
                words(message),
            )
        }
        K::DeleteInUse => {
            let message = "The subnet is in use and cannot be deleted.";
            refuse(400, "InUseSubnetCannotBeDeleted", words(message))
        }
        K::ArmError => {
            let message = words("The request could not be completed.");
            after(refuse(status(409), "Conflict", message), None)
        }
        K::EntraError => {
            let number = strike.code("90033").trim_start_matches("AADSTS").parse();
            let message = strike.fault.message.as_deref();
            let mut answer = azure::entra_error(world, number.unwrap_or(90_033), message);
            answer.status = status(answer.status);
            after(answer, None)
        }
        _ => return None,
    })
}

fn throttled(request: &Request) -> &'static str {
    if azure::is_arm(request) {
        "SubscriptionRequestsThrottled"
    } else {
        "Throttled"
    }
}

fn entra(status: u16, code: &str, words: &str, world: &AzureWorld) -> Answer {
    let number = match (status, code.parse()) {
        (_, Ok(number)) => number,
        (429, _) => 90_055,
        _ => 90_033,
    };
    let mut answer = azure::entra_error(world, number, Some(words));
    answer.status = status;
    answer
}
