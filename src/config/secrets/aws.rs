//! `type = "aws_secrets_manager"`.

#[cfg(feature = "aws")]
use super::check_prefix;
use crate::config::shape::PlainHttp;
use crate::config::{Mistakes, Source};
use crate::secrets::Settings;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    #[serde(rename = "type")]
    _kind: String,
    region: Option<String>,
    endpoint_url: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<SecretString>,
    secret_access_key_file: Option<PathBuf>,
    kms_key_id: Option<String>,
    prefix: String,
    recovery_window_days: Option<u8>,
}

#[cfg(not(feature = "aws"))]
pub(super) fn read(
    _: &Source,
    key: &str,
    _: PlainHttp,
    mistakes: &mut Mistakes,
) -> Option<Settings> {
    let words = "this program was built without AWS (cargo feature `aws`)";
    mistakes.add(format!("{key}.type"), words);
    None
}

#[cfg(feature = "aws")]
pub(super) fn read(
    source: &Source,
    key: &str,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> Option<Settings> {
    let raw: Raw = source.section(key, mistakes)?;
    let region = mistakes.required(format!("{key}.region"), raw.region.clone());
    if !region.is_empty() && !crate::domain::aws::is_region(&region) {
        let words = format!("`{region}` is not a region such as `us-west-2`");
        mistakes.add(format!("{key}.region"), words);
    }
    if let Some(url) = &raw.endpoint_url {
        mistakes.url(format!("{key}.endpoint_url"), url, plain);
    }
    if raw.kms_key_id.as_deref().is_some_and(|id| !is_kms_key(id)) {
        let words = "is not a key's id, ARN or `alias/…`";
        mistakes.add(format!("{key}.kms_key_id"), words);
    }
    check_prefix(&raw.prefix, key, mistakes);
    if let Some(days) = raw.recovery_window_days {
        mistakes.range(format!("{key}.recovery_window_days"), days, 7..=30);
    }
    Some(Settings::Aws(crate::secrets::aws::Settings {
        region,
        endpoint_url: raw.endpoint_url.clone(),
        kms_key_id: raw.kms_key_id.clone(),
        prefix: raw.prefix.clone(),
        recovery_window_days: raw.recovery_window_days,
        credentials: access_key(raw, key, mistakes),
    }))
}

/// Both halves of a fixed key, or none of it.
#[cfg(feature = "aws")]
fn access_key(
    raw: Raw,
    key: &str,
    mistakes: &mut Mistakes,
) -> Option<crate::secrets::aws::AccessKey> {
    let secret = raw.secret_access_key.is_some() || raw.secret_access_key_file.is_some();
    if raw.access_key_id.is_none() && !secret {
        return None;
    }
    Some(crate::secrets::aws::AccessKey {
        id: mistakes.required(format!("{key}.access_key_id"), raw.access_key_id),
        secret: mistakes.secret(
            &format!("{key}.secret_access_key"),
            raw.secret_access_key,
            raw.secret_access_key_file.as_deref(),
        ),
    })
}

#[cfg(feature = "aws")]
fn is_kms_key(id: &str) -> bool {
    let known = id.starts_with("arn:") || id.starts_with("alias/");
    let plain = id.starts_with("mrk-") || crate::domain::id::is_uuid(id);
    let text = |b: u8| b.is_ascii_alphanumeric() || b":/_-".contains(&b);
    (known || plain) && id.len() <= 2048 && id.bytes().all(text)
}
