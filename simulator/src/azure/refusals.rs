//! What Entra ID refuses: by number, in its error shape.

use chrono::{SecondsFormat, Utc};
use serde_json::json;

use super::AzureWorld;
use crate::answer::Answer;

/// Number, `error`, status and text of what Entra refuses.
const REFUSALS: [(u32, &str, u16, &str); 22] = [
    (
        7_000_215,
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
    ),
    (
        7_000_218,
        "invalid_client",
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    (
        7_000_222,
        "invalid_client",
        401,
        "The provided client secret keys for the app are expired.",
    ),
    (
        7_000_112,
        "unauthorized_client",
        400,
        "The application is disabled.",
    ),
    (
        700_016,
        "unauthorized_client",
        400,
        "The application was not found in the directory.",
    ),
    (
        90_002,
        "invalid_request",
        400,
        "The tenant was not found. Check to make sure you have the correct tenant ID.",
    ),
    (
        70_003,
        "unsupported_grant_type",
        400,
        "The app requested an unsupported grant type.",
    ),
    (
        70_011,
        "invalid_scope",
        400,
        "The provided value for the input parameter 'scope' is not valid.",
    ),
    (
        700_022,
        "invalid_scope",
        400,
        "The provided value for the input parameter 'scope' contains more than one resource.",
    ),
    (
        50_001,
        "invalid_resource",
        400,
        "The resource is disabled or does not exist.",
    ),
    (
        500_011,
        "invalid_resource",
        400,
        "The resource principal was not found in the tenant.",
    ),
    (
        700_024,
        "invalid_client",
        401,
        "Client assertion is not within its valid time range.",
    ),
    (
        700_027,
        "invalid_client",
        401,
        "Client assertion failed signature validation.",
    ),
    (50_012, "invalid_client", 401, "Authentication failed."),
    (50_013, "invalid_client", 401, "The assertion is not valid."),
    (50_027, "invalid_client", 401, "The JWT token is invalid."),
    (
        70_021,
        "invalid_request",
        400,
        "No matching federated identity record found for presented assertion.",
    ),
    (
        700_213,
        "invalid_request",
        400,
        "No matching federated identity record found for presented assertion subject.",
    ),
    (
        53_003,
        "invalid_grant",
        400,
        "Access has been blocked by Conditional Access policies.",
    ),
    (
        530_032,
        "invalid_grant",
        400,
        "Blocked by a security policy of the tenant.",
    ),
    (
        90_055,
        "temporarily_unavailable",
        429,
        "There were too many requests.",
    ),
    (
        90_033,
        "temporarily_unavailable",
        503,
        "A transient error has occurred. Please try again.",
    ),
];

/// What Entra refuses by this number, in its words or in others.
pub(crate) fn error(world: &AzureWorld, number: u32, words: Option<&str>) -> Answer {
    let transient = [50_033, 90_006, 90_012, 90_024, 90_090].contains(&number);
    let known = if transient { 90_033 } else { number };
    let known = REFUSALS.iter().find(|(it, ..)| *it == known);
    let (_, error, status, text) =
        known
            .copied()
            .unwrap_or((number, "invalid_request", 400, "The request was refused."));
    answer(status, number, error, words.unwrap_or(text), world)
}

/// An error as Entra answers it.
pub(super) fn answer(
    status: u16,
    number: u32,
    error: &str,
    words: &str,
    world: &AzureWorld,
) -> Answer {
    let [trace, correlation] = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let now = now.replace('T', " ");
    Answer::json(
        status,
        &json!({
            "error": error,
            "error_description": format!(
                "AADSTS{number}: {words} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
            ),
            "error_codes": [number],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={number}", world.authority_host),
        }),
    )
}
