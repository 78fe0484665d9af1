//! What Key Vault answers, and what that means.

use super::KIND;
use crate::azure::IdentityError;
use crate::domain::problem::{Code, Upstream};
use crate::domain::scrub::scrubbed;
use crate::outbound::SendError;
use crate::secrets::{StoreError, StoreFailure};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::HeaderName;
use serde::Deserialize;

/// What it means for a call that no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// It may be repeated as it is.
    Harmless,
    /// It may have had its effect, and that has to be found out.
    Matters,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    status: u16,
    /// The vendor's code, with its inner one if there is one: `Forbidden/ForbiddenByRbac`.
    code: String,
    words: String,
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    error: Details,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    innererror: Option<Box<Details>>,
}

impl Details {
    fn codes(&self, found: &mut Vec<String>) {
        found.extend(self.code.clone());
        if let Some(inner) = &self.innererror {
            inner.codes(found);
        }
    }
}

/// What was said, if it is an answer of the API.
fn said(error: &Error) -> Option<Said> {
    let ErrorKind::HttpResponse {
        status,
        raw_response: Some(raw),
        ..
    } = error.kind()
    else {
        return None;
    };
    let answer: Answer = serde_json::from_slice(raw.body().as_ref()).ok()?;
    let mut codes = Vec::new();
    answer.error.codes(&mut codes);
    let id = HeaderName::from_static("x-ms-request-id");
    Some(Said {
        status: u16::from(*status),
        code: scrubbed(&codes.join("/")),
        words: scrubbed(answer.error.message.as_deref().unwrap_or("no message")),
        request_id: raw.headers().get_optional_str(&id).map(scrubbed),
    })
}

/// Whether there is no such secret.
pub(super) fn says_absent(error: &Error) -> bool {
    said(error).is_some_and(|said| said.status == 404)
}

/// Whether the answer's code, or an inner one, is this.
pub(super) fn says(error: &Error, code: &str) -> bool {
    said(error).is_some_and(|said| said.code.split('/').any(|it| it == code))
}

/// Whether the service may not do this.
pub(super) fn says_forbidden(error: &Error) -> bool {
    said(error).is_some_and(|said| said.status == 403)
}

/// The failure of a call, explained.
pub(super) fn failed(error: &Error, doing: &str, lost: Lost) -> StoreError {
    let lost = match lost {
        Lost::Harmless => StoreFailure::Unavailable,
        Lost::Matters => StoreFailure::Unknown,
    };
    if let Some(said) = said(error) {
        return refused(said, doing, lost);
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(identity) = error.downcast_ref::<IdentityError>() {
            return without_token(identity, doing);
        }
        if let Some(unsent) = error.downcast_ref::<SendError>() {
            return no_answer(unsent, doing, lost);
        }
        cause = error.source();
    }
    match error.kind() {
        // A page, with whatever status.
        ErrorKind::HttpResponse { status, .. } => StoreError::new(
            lost,
            format!("{doing}: {status} and something that is not Key Vault's API"),
        ),
        ErrorKind::DataConversion | ErrorKind::Io => {
            StoreError::new(lost, format!("{doing}: the answer cannot be understood"))
        }
        _ => StoreError::new(StoreFailure::Denied, scrubbed(&format!("{doing}: {error}"))),
    }
}

fn refused(said: Said, doing: &str, lost: StoreFailure) -> StoreError {
    let failure = match said.status {
        409 | 429 => StoreFailure::Unavailable,
        404 => StoreFailure::Moved,
        400..=499 if said.status != 408 => StoreFailure::Denied,
        _ => lost,
    };
    let detail = format!(
        "{doing}: Key Vault answered {} ({}): {}",
        said.code, said.status, said.words
    );
    let mut error = StoreError::new(failure, detail);
    error.explanation.hint = hint(&said);
    error.explanation.upstream = Some(Upstream {
        service: KIND.to_owned(),
        status: Some(said.status),
        error_code: Some(said.code),
        request_id: said.request_id,
        message: said.words,
    });
    error
}

/// What an operator can do, where the general hint does not say it.
fn hint(said: &Said) -> Option<String> {
    let inner = said.code.rsplit('/').next().unwrap_or_default();
    Some(match (said.status, inner) {
        (401, _) => "Check that `tenant_id` is the tenant of the vault's subscription; the vault does not accept the identity's tokens.".to_owned(),
        (403, "ForbiddenByRbac") => {
            let action = action(&said.words).map_or(String::new(), |it| format!(" ({it} is missing)"));
            format!("Give the service's identity the role \"Key Vault Secrets Officer\" on the vault{action}; a new assignment takes some minutes to be known.")
        }
        (403, "ForbiddenByPolicy" | "AccessDenied") => "Give the service's identity set, list, delete, recover and get (for deleted secrets; purge too with `purge = true`) in the vault's access policy.".to_owned(),
        (403, "ForbiddenByFirewall" | "ForbiddenByConnection") => "Let the vault's network rules admit the address the service calls from, or give it a private endpoint of the vault.".to_owned(),
        (409, "ObjectIsDeletedButRecoverable" | "ObjectIsBeingRecovered" | "ObjectIsBeingDeleted") => {
            "Nothing: a deleted secret of that name is on its way back, or out; the operation goes on by itself.".to_owned()
        }
        _ => return None,
    })
}

/// `Microsoft.KeyVault/vaults/secrets/setSecret/action`, as the refusal names it.
fn action(words: &str) -> Option<&str> {
    let start = words.find("Microsoft.KeyVault/")?;
    let rest = &words[start..];
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"./".contains(c));
    Some(rest[..end.unwrap_or(rest.len())].trim_end_matches('.'))
}

/// The identity has no token: the store's problem, in the identity's words.
fn without_token(error: &IdentityError, doing: &str) -> StoreError {
    let failure = if error.passes {
        StoreFailure::Unavailable
    } else {
        StoreFailure::Denied
    };
    let told = error.explanation();
    let mut explained = StoreError::new(failure, format!("{doing}: {}", told.detail));
    let general = (!error.passes).then(|| told.code.hint().to_owned());
    explained.explanation.hint = told.hint.or(general);
    explained.explanation.upstream = told.upstream;
    explained
}

fn no_answer(error: &SendError, doing: &str, lost: StoreFailure) -> StoreError {
    let failure = match error {
        SendError::NotSent(_) => StoreFailure::Unavailable,
        SendError::Unknown(_) => lost,
    };
    let detail = scrubbed(&format!("{doing}: {error}"));
    let mut explained = StoreError::new(failure, detail);
    if error.to_string().contains("the name does not exist") {
        let hint = "Check `vault_url`: the vault does not exist, or its name cannot be resolved from here (a private endpoint needs its DNS zone).";
        explained.explanation.hint = Some(hint.to_owned());
    }
    explained
}

/// A deleted secret of somebody else has the name.
pub(super) fn foreign(doing: &str) -> StoreError {
    let detail = format!("{doing}: a deleted secret that is not ours holds the name");
    let mut error = StoreError::new(StoreFailure::Denied, detail);
    error.explanation.code = Code::SecretPathTaken;
    let hint = "Recover or purge the deleted secret, or use another path pattern; it is left alone, since its owner may want it back.";
    error.explanation.hint = Some(hint.to_owned());
    error
}

/// Ours is being recovered.
pub(super) fn recovering(doing: &str) -> StoreError {
    let detail = format!("{doing}: our deleted secret of that name is being recovered");
    let mut error = StoreError::new(StoreFailure::Unavailable, detail);
    error.explanation.hint = Some("Nothing: it takes up to a minute.".to_owned());
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::headers::Headers;
    use azure_core::http::{RawResponse, StatusCode};

    fn answer(status: u16, body: &str) -> Error {
        let status = StatusCode::from(status);
        let raw = RawResponse::from_bytes(status, Headers::new(), body.to_owned());
        let kind = ErrorKind::HttpResponse {
            status,
            error_code: None,
            raw_response: Some(Box::new(raw)),
        };
        Error::with_message(kind, "words")
    }

    fn refusal(status: u16, code: &str, inner: &str) -> Error {
        let action = "Action: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'";
        let inner = format!(r#","innererror":{{"code":"{inner}"}}"#);
        let body = format!(r#"{{"error":{{"code":"{code}","message":"{action}"{inner}}}}}"#);
        answer(status, &body)
    }

    #[test]
    fn refusals_are_told_apart() {
        use StoreFailure::{Denied, Moved, Unavailable, Unknown};
        for (status, inner, failure, hint) in [
            (401, "", Denied, Some("tenant_id")),
            (
                403,
                "ForbiddenByRbac",
                Denied,
                Some(
                    "Key Vault Secrets Officer\" on the vault (Microsoft.KeyVault/vaults/secrets/setSecret/action is missing)",
                ),
            ),
            (403, "ForbiddenByPolicy", Denied, Some("access policy")),
            (403, "ForbiddenByFirewall", Denied, Some("network rules")),
            (403, "SecretDisabled", Denied, None),
            (400, "", Denied, None),
            (404, "", Moved, None),
            (409, "ObjectIsBeingRecovered", Unavailable, Some("Nothing")),
            (429, "", Unavailable, None),
            (408, "", Unknown, None),
            (503, "", Unknown, None),
        ] {
            let error = failed(&refusal(status, "Code", inner), "putting", Lost::Matters);
            assert_eq!(error.failure, failure, "{status} {inner}");
            let told = error.explanation.hint.unwrap_or_default();
            assert!(
                hint.map_or(told.is_empty(), |words| told.contains(words)),
                "{told}"
            );
            assert_eq!(error.explanation.upstream.unwrap().status, Some(status));
        }
        assert!(says(
            &refusal(409, "Conflict", "ObjectIsBeingDeleted"),
            "ObjectIsBeingDeleted"
        ));
        assert!(!says(&refusal(409, "Conflict", "x"), "Con"));
        assert!(says_absent(&refusal(404, "SecretNotFound", "")));
    }

    #[test]
    fn no_answer_and_no_api() {
        let absent = SendError::NotSent("dns: the name does not exist".to_owned());
        let error = failed(
            &Error::new(ErrorKind::Other, absent),
            "putting",
            Lost::Matters,
        );
        assert_eq!(error.failure, StoreFailure::Unavailable);
        assert!(error.explanation.hint.unwrap().contains("vault_url"));
        let reset = SendError::Unknown("reset".to_owned());
        let reset = Error::new(ErrorKind::Other, reset);
        assert_eq!(
            failed(&reset, "x", Lost::Matters).failure,
            StoreFailure::Unknown
        );
        assert_eq!(
            failed(&reset, "x", Lost::Harmless).failure,
            StoreFailure::Unavailable
        );
        for status in [403, 502] {
            let page = answer(status, "<html>");
            assert!(!says_absent(&page) && !says_forbidden(&page));
            assert_eq!(
                failed(&page, "x", Lost::Matters).failure,
                StoreFailure::Unknown
            );
        }
    }
}
