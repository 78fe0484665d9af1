//! Secrets that are there: set, read, change what stands beside the value, list.

use std::collections::BTreeMap;

use chrono::Utc;
use serde::Deserialize;
use serde_json::Value;

use super::life::{Phase, Secret, Version};
use super::{bad, error, not_found, page, parse};
use crate::answer::{Answer, Outcome};
use crate::request::Request;
use crate::state::State;

const LARGEST_VALUE: usize = 25 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Put {
    value: String,
    content_type: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    attributes: Option<Attributes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Patch {
    content_type: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    attributes: Option<Attributes>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

fn check(
    content_type: Option<&String>,
    tags: Option<&BTreeMap<String, String>>,
    attributes: Option<&Attributes>,
) -> Result<(), Answer> {
    if content_type.is_some_and(|kind| kind.chars().count() > 255) {
        return Err(bad("contentType is longer than 255 characters."));
    }
    let tags = tags.into_iter().flatten();
    if tags.clone().count() > 15 {
        return Err(bad("There are more than 15 tags."));
    }
    let long = |text: &String| text.chars().count() > 256;
    if let Some((name, _)) = tags
        .into_iter()
        .find(|(k, v)| k.is_empty() || long(k) || long(v))
    {
        return Err(bad(&format!("The tag '{name}' is not valid.")));
    }
    let times = attributes.map(|it| (it.nbf, it.exp));
    match times {
        Some((Some(nbf), Some(exp))) if nbf > exp => Err(bad("nbf is later than exp.")),
        // Milliseconds would be beyond the year 5000.
        Some((nbf, exp))
            if nbf.max(exp).unwrap_or(0) > 100_000_000_000 || nbf.min(exp).unwrap_or(0) < 0 =>
        {
            Err(bad("Times are epoch seconds."))
        }
        _ => Ok(()),
    }
}

fn key(request: &Request) -> String {
    request.ids[0].to_ascii_lowercase()
}

/// A secret that can be read.
fn readable<'s>(state: &'s State, request: &Request) -> Result<&'s Secret, Answer> {
    let secret = state.azure.vault.secrets.get(&key(request));
    let now = state.now();
    secret
        .filter(|secret| secret.is_readable(now))
        .ok_or_else(|| not_found(&request.ids[0]))
}

pub(super) fn put(state: &mut State, request: &Request) -> Outcome {
    let body: Put = parse(request)?;
    check(
        body.content_type.as_ref(),
        body.tags.as_ref(),
        body.attributes.as_ref(),
    )?;
    if body.value.len() > LARGEST_VALUE {
        return Err(bad("The value is larger than 25 KB."));
    }
    let (now, id) = (state.now(), state.chance.hex(32));
    let seconds = Utc::now().timestamp();
    let attributes = body.attributes.unwrap_or_default();
    let secrets = &mut state.azure.vault.secrets;
    let secret = secrets.entry(key(request)).or_insert_with(|| Secret {
        name: request.ids[0].clone(),
        versions: Vec::new(),
        phase: Phase::Live,
    });
    secret.may_change(now)?;
    let version = Version {
        id,
        value: body.value,
        content_type: body.content_type,
        tags: body.tags.unwrap_or_default(),
        enabled: attributes.enabled.unwrap_or(true),
        nbf: attributes.nbf,
        exp: attributes.exp,
        created: seconds,
        updated: seconds,
    };
    let mut shown = secret.show(&state.world.azure.vault_url, &version);
    shown["value"] = version.value.as_str().into();
    secret.versions.push(version);
    state.count("secret_versions");
    Ok(Answer::ok(&shown))
}

pub(super) fn get(state: &mut State, request: &Request) -> Outcome {
    let secret = readable(state, request)?;
    let wanted = request.ids.get(1);
    let found = match wanted {
        Some(id) => secret.versions.iter().find(|it| it.id == *id),
        None => secret.current(),
    };
    let version = found.ok_or_else(|| not_found(&request.ids.join("/")))?;
    if !version.enabled {
        let words = "Operation get is not allowed on a disabled secret.";
        return Err(error(403, "Forbidden", Some("SecretDisabled"), words));
    }
    let mut shown = secret.show(&state.world.azure.vault_url, version);
    shown["value"] = version.value.as_str().into();
    Ok(Answer::ok(&shown))
}

/// PATCH of a version, or of the current one: the value stays.
pub(super) fn patch(state: &mut State, request: &Request) -> Outcome {
    let body: Patch = parse(request)?;
    check(
        body.content_type.as_ref(),
        body.tags.as_ref(),
        body.attributes.as_ref(),
    )?;
    let now = state.now();
    let secrets = &mut state.azure.vault.secrets;
    let secret = secrets.get_mut(&key(request));
    let secret = secret.ok_or_else(|| not_found(&request.ids[0]))?;
    if secret.is_deleted() {
        return Err(not_found(&request.ids[0]));
    }
    secret.may_change(now)?;
    let wanted = request.ids.get(1);
    let found = match wanted {
        Some(id) => secret.versions.iter_mut().find(|it| it.id == *id),
        None => secret.versions.last_mut(),
    };
    let version = found.ok_or_else(|| not_found(&request.ids.join("/")))?;
    let attributes = body.attributes.unwrap_or_default();
    version.content_type = body.content_type.or(version.content_type.take());
    if let Some(tags) = body.tags {
        version.tags = tags;
    }
    version.enabled = attributes.enabled.unwrap_or(version.enabled);
    version.nbf = attributes.nbf.or(version.nbf);
    version.exp = attributes.exp.or(version.exp);
    version.updated = Utc::now().timestamp();
    let version = version.clone();
    let shown = secret.show(&state.world.azure.vault_url, &version);
    Ok(Answer::ok(&shown))
}

pub(super) fn list(state: &mut State, request: &Request) -> Outcome {
    let now = state.now();
    let url = &state.world.azure.vault_url;
    let secrets = state.azure.vault.secrets.values();
    let all: Vec<Value> = secrets
        .filter(|it| it.is_readable(now))
        .map(|it| it.show_whole(url))
        .collect();
    page(request, &all)
}

/// The versions of a secret, in no order that would mean anything.
pub(super) fn versions(state: &mut State, request: &Request) -> Outcome {
    let secret = readable(state, request)?;
    let mut versions: Vec<&Version> = secret.versions.iter().collect();
    versions.sort_by_key(|it| &it.id);
    let url = &state.world.azure.vault_url;
    let all: Vec<Value> = versions
        .into_iter()
        .map(|it| secret.show(url, it))
        .collect();
    page(request, &all)
}
