//! What an issuer says about itself: its discovery document (OpenID Connect Discovery 1.0).

use super::MAX_DEPTH;
use super::cache::{Fetch, Fetched};
use crate::domain::strict_json;
use serde_json::Value;
use std::time::Duration;

/// The discovery document of an issuer; it must be its own. The error is for the log.
pub(super) async fn discover(
    fetch: &dyn Fetch,
    issuer: &str,
    timeout: Duration,
) -> Result<Value, String> {
    let base = issuer.trim_end_matches('/');
    let url = format!("{base}/.well-known/openid-configuration");
    let document = document(fetch, &url, timeout).await?;
    let value = strict_json::parse(&document.body, MAX_DEPTH)
        .map_err(|fault| format!("the discovery document is {fault}"))?;
    if value.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err("the discovery document is of another issuer".to_owned());
    }
    Ok(value)
}

/// A member of the discovery document that is an address.
pub(super) fn address(document: &Value, member: &str) -> Result<String, String> {
    document
        .get(member)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| format!("the discovery document has no {member}"))
}

/// An address of the document, if it is no less protected than the issuer itself. It may lie on another host, as the
/// keys of some issuers do.
pub(super) fn as_secure_as(issuer: &str, url: String) -> Result<String, String> {
    let plain = issuer.starts_with("http://") && url.starts_with("http://");
    if plain || url.starts_with("https://") {
        Ok(url)
    } else {
        Err("the discovery document's address is not https".to_owned())
    }
}

/// One document of an issuer.
pub(super) async fn document(
    fetch: &dyn Fetch,
    url: &str,
    timeout: Duration,
) -> Result<Fetched, String> {
    let fetched = tokio::time::timeout(timeout, fetch.get(url))
        .await
        .map_err(|_| "no answer in time".to_owned())??;
    match fetched.status {
        200 => Ok(fetched),
        status => Err(format!("status {status}")),
    }
}
