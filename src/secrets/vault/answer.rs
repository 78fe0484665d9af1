//! What Vault answers, and what that means.

use super::KIND;
use crate::domain::problem::Upstream;
use crate::domain::scrub::scrubbed;
use crate::outbound::{Response, SendError};
use crate::secrets::{Metadata, Result, StoreError, StoreFailure, Stored, Version};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct Answer<T> {
    pub(super) data: T,
}

#[derive(Deserialize)]
pub(super) struct Written {
    pub(super) version: u64,
}

#[derive(Deserialize)]
pub(super) struct About {
    #[serde(default)]
    current_version: u64,
    #[serde(default)]
    custom_metadata: Option<BTreeMap<String, String>>,
    #[serde(default)]
    versions: BTreeMap<String, VersionState>,
}

#[derive(Deserialize)]
pub(super) struct VersionState {
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

pub(super) fn stored(about: About) -> Stored {
    let version = about.current_version.to_string();
    let state = about.versions.get(&version);
    let live = state.is_some_and(|it| it.deletion_time.is_empty() && !it.destroyed);
    Stored {
        current: live.then(|| Version(version.clone())),
        expected: Version(version),
        metadata: about
            .custom_metadata
            .as_ref()
            .and_then(Metadata::from_pairs),
    }
}

/// A 404 without any complaint: nothing is there. With one, the mount is wrong.
pub(super) fn is_absent(answer: &Response) -> bool {
    answer.status == 404 && complaints(answer).is_some_and(|said| said.is_empty())
}

/// What Vault complains about; `None` if this is no answer of Vault at all.
pub(super) fn complaints(answer: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let said = body
        .get("errors")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str);
    Some(scrubbed(&said.collect::<Vec<_>>().join("; ")))
}

pub(super) fn says_sealed(answer: &Response) -> bool {
    answer.status == 503 && complaints(answer).is_some_and(|said| said.contains("sealed"))
}

pub(super) fn successful(answer: Response, doing: &str) -> Result<Response> {
    let said = complaints(&answer).unwrap_or_default();
    let failure = match answer.status {
        200..=299 if answer.content_type != "text/html" => return Ok(answer),
        400 if said.contains("check-and-set") => StoreFailure::Moved,
        400 | 401 | 403 | 404 | 405 | 413 => StoreFailure::Denied,
        _ => StoreFailure::Unavailable,
    };
    Err(refused(&answer, failure, doing))
}

pub(super) fn refused(answer: &Response, failure: StoreFailure, doing: &str) -> StoreError {
    let message = complaints(answer).filter(|said| !said.is_empty());
    let message = message.unwrap_or_else(|| format!("HTTP {}", answer.status));
    let detail = format!("{doing}: the store answered {}: {message}", answer.status);
    error(failure, detail, Some((answer, message)))
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(
    answer: &Response,
    failure: StoreFailure,
    doing: &str,
) -> Result<T> {
    serde_json::from_slice(&answer.body).map_err(|_| {
        let detail = format!("{doing}: the answer cannot be understood");
        let message = "a body that is not the expected JSON".to_owned();
        error(failure, detail, Some((answer, message)))
    })
}

pub(super) fn unreachable_store(
    failure: StoreFailure,
    doing: &str,
    failed: &SendError,
) -> StoreError {
    error(failure, format!("{doing}: {failed}"), None)
}

pub(super) fn error(
    failure: StoreFailure,
    detail: impl Into<String>,
    answer: Option<(&Response, String)>,
) -> StoreError {
    let mut error = StoreError::new(failure, detail);
    error.explanation.upstream = Some(Upstream {
        service: KIND.to_owned(),
        status: answer.as_ref().map(|(answer, _)| answer.status),
        error_code: None,
        request_id: answer
            .as_ref()
            .and_then(|(answer, _)| answer.request_id.clone()),
        message: answer.map(|(_, message)| message).unwrap_or_default(),
    });
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Stored {
        stored(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn live_deleted_destroyed_and_never_written() {
        let version = |deletion: &str, destroyed: bool| {
            json!({ "current_version": 3, "versions": { "2": {}, "3": {
                "created_time": "x", "deletion_time": deletion, "destroyed": destroyed } } })
        };
        let live = read(version("", false));
        assert_eq!(live.current, Some(Version("3".to_owned())));
        for gone in [version("2026-01-01T00:00:00Z", false), version("", true)] {
            let gone = read(gone);
            assert_eq!((gone.current, gone.expected.0.as_str()), (None, "3"));
        }
        let empty = read(json!({ "current_version": 0, "versions": {}, "custom_metadata": null }));
        assert_eq!((empty.current, empty.expected.0.as_str()), (None, "0"));
    }
}
