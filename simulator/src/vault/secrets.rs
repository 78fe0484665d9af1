//! Secrets: versions of data, and metadata beside them.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{errors, parse, wrap, wrap_as};
use crate::answer::{Answer, Outcome};
use crate::request::Request;
use crate::state::State;

/// A secret with its versions.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    metadata_version: u64,
    pub(crate) custom: BTreeMap<String, String>,
    pub(crate) versions: BTreeMap<u64, Version>,
}

/// One version of a secret; deleted ones keep no data.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    created: DateTime<Utc>,
    deleted: Option<DateTime<Utc>>,
    pub(crate) data: Option<Map<String, Value>>,
}

impl Secret {
    fn new() -> Secret {
        let now = Utc::now();
        Secret {
            created: now,
            updated: now,
            metadata_version: 0,
            custom: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    fn current(&self) -> u64 {
        self.versions.keys().next_back().copied().unwrap_or(0)
    }

    fn custom(&self) -> Value {
        if self.custom.is_empty() {
            Value::Null
        } else {
            json!(self.custom)
        }
    }

    fn describe(&self, number: u64) -> Value {
        let version = &self.versions[&number];
        json!({
            "created_time": stamp(version.created),
            "custom_metadata": self.custom(),
            "deletion_time": version.deleted.map(stamp).unwrap_or_default(),
            "destroyed": false,
            "version": number,
        })
    }
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

fn nothing() -> Answer {
    errors(404, &[])
}

#[derive(Deserialize)]
struct Put {
    options: Option<Options>,
    data: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    cas: Option<u64>,
}

pub(super) fn put(state: &mut State, request: &Request, path: String) -> Outcome {
    let body: Put = parse(request)?;
    let data = body
        .data
        .ok_or_else(|| errors(400, &["no data provided"]).by_mistake())?;
    let current = state.vault.secrets.get(&path).map_or(0, Secret::current);
    if body
        .options
        .and_then(|options| options.cas)
        .is_some_and(|cas| cas != current)
    {
        let words = "check-and-set parameter did not match the current version";
        return Err(errors(400, &[words]));
    }
    let secret = state.vault.secrets.entry(path).or_insert_with(Secret::new);
    let now = Utc::now();
    secret.updated = now;
    secret.versions.insert(
        current + 1,
        Version {
            created: now,
            deleted: None,
            data: Some(data),
        },
    );
    // As with the real default, the ten newest versions stay.
    while secret.versions.len() > 10 {
        secret.versions.pop_first();
    }
    let answer = wrap(&secret.describe(current + 1));
    state.count("secret_versions");
    Ok(answer)
}

pub(super) fn get(state: &State, request: &Request, path: &str) -> Outcome {
    let secret = state.vault.secrets.get(path).ok_or_else(nothing)?;
    let wanted = request
        .query("version")
        .and_then(|v| v.parse().ok())
        .filter(|v| *v != 0);
    let number = wanted.unwrap_or(secret.current());
    let version = secret.versions.get(&number).ok_or_else(nothing)?;
    let status = if version.data.is_some() { 200 } else { 404 };
    Ok(wrap_as(
        status,
        &json!({"data": version.data, "metadata": secret.describe(number)}),
    ))
}

pub(super) fn delete_version(state: &mut State, path: &str) -> Answer {
    if let Some(secret) = state.vault.secrets.get_mut(path) {
        let current = secret.current();
        if let Some(version) = secret.versions.get_mut(&current) {
            version.data = None;
            version.deleted.get_or_insert_with(Utc::now);
        }
    }
    Answer::empty(204)
}

pub(super) fn metadata(state: &State, request: &Request, path: &str) -> Outcome {
    if request.query("list") == Some("true") {
        return list(state, path);
    }
    let secret = state.vault.secrets.get(path).ok_or_else(nothing)?;
    let versions: Map<String, Value> = secret
        .versions
        .iter()
        .map(|(number, version)| {
            let shown = json!({
                "created_time": stamp(version.created),
                "deletion_time": version.deleted.map(stamp).unwrap_or_default(),
                "destroyed": false,
            });
            (number.to_string(), shown)
        })
        .collect();
    Ok(wrap(&json!({
        "cas_required": false,
        "created_time": stamp(secret.created),
        "current_metadata_version": secret.metadata_version,
        "current_version": secret.current(),
        "custom_metadata": secret.custom(),
        "delete_version_after": "0s",
        "max_versions": 0,
        "metadata_cas_required": false,
        "oldest_version": if secret.current() > 10 { secret.current() - 9 } else { 0 },
        "updated_time": stamp(secret.updated),
        "versions": versions,
    })))
}

fn list(state: &State, path: &str) -> Outcome {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    let mut keys: Vec<String> = state
        .vault
        .secrets
        .keys()
        .filter_map(|key| key.strip_prefix(&prefix))
        .map(|rest| match rest.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => rest.to_owned(),
        })
        .collect();
    keys.dedup();
    if keys.is_empty() {
        Err(nothing())
    } else {
        Ok(wrap(&json!({"keys": keys})))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    custom_metadata: Option<BTreeMap<String, Option<String>>>,
    #[serde(rename = "max_versions")]
    _max_versions: Option<u64>,
    #[serde(rename = "cas_required")]
    _cas_required: Option<bool>,
    #[serde(rename = "delete_version_after")]
    _delete_version_after: Option<String>,
}

/// At most 64 entries, keys up to 128 bytes, values of 1 to 512 bytes.
fn check(custom: &BTreeMap<String, String>) -> Result<(), Answer> {
    let refuse = |words: String| {
        let words =
            format!("1 error occurred:\n\t* custom_metadata validation failed: {words}\n\n");
        Err(errors(400, &[&words]))
    };
    if custom.len() > 64 {
        return refuse(format!(
            "payload must contain at most 64 keys, provided {}",
            custom.len()
        ));
    }
    for (key, value) in custom {
        if key.is_empty() || key.len() > 128 {
            return refuse(format!(
                "length of key {key:?} is {} but must be 0 < len(key) <= 128",
                key.len()
            ));
        }
        if value.is_empty() || value.len() > 512 {
            return refuse(format!(
                "length of value for key {key:?} is {} but must be 0 < len(value) <= 512",
                value.len()
            ));
        }
    }
    Ok(())
}

pub(super) fn put_metadata(state: &mut State, request: &Request, path: String) -> Outcome {
    let body: Metadata = parse(request)?;
    let custom = body.custom_metadata.map(|given| {
        given
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect::<BTreeMap<_, _>>()
    });
    if let Some(custom) = &custom {
        check(custom)?;
    }
    let secret = state.vault.secrets.entry(path).or_insert_with(Secret::new);
    secret.updated = Utc::now();
    secret.metadata_version += 1;
    if let Some(custom) = custom {
        secret.custom = custom;
    }
    Ok(Answer::empty(204))
}

pub(super) fn patch_metadata(state: &mut State, request: &Request, path: &str) -> Outcome {
    if !request.is("application/merge-patch+json") {
        let sent = request.header("content-type").unwrap_or_default();
        let words =
            format!("PATCH requires Content-Type of application/merge-patch+json, provided {sent}");
        return Err(errors(415, &[&words]).by_mistake());
    }
    let body: Metadata = parse(request)?;
    let secret = state
        .vault
        .secrets
        .get_mut(path)
        .ok_or_else(|| Answer::empty(404))?;
    let mut custom = secret.custom.clone();
    for (key, value) in body.custom_metadata.into_iter().flatten() {
        match value {
            Some(value) => custom.insert(key, value),
            None => custom.remove(&key),
        };
    }
    check(&custom)?;
    secret.custom = custom;
    secret.updated = Utc::now();
    secret.metadata_version += 1;
    Ok(Answer::empty(204))
}
