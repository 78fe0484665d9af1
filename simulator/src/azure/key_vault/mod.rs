//! Azure Key Vault: the secrets of one vault, with versions, and deleted ones that can come back.
//!
//! A call without a usable token is told where to get one, as clients expect it of their first call. Deleting and recovering
//! take a few simulated seconds; until then the name is in the way.

mod deleted;
mod life;
mod secrets;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Audience, AzureWorld, Standing, unknown_query};
use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::request::{Host, Request, encode};
use crate::state::State;

pub(crate) use life::Secret;

const VERSIONS: [&str; 9] = [
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-07-01",
    "2026-04-01",
];

/// The longest page of a list.
const PAGE: usize = 25;

/// What the vault holds, by name in lower case.
#[derive(Default)]
pub(crate) struct KeyVault {
    pub(crate) secrets: BTreeMap<String, Secret>,
}

impl KeyVault {
    pub(super) fn catch_up(&mut self, now: Duration) {
        self.secrets
            .values_mut()
            .for_each(|secret| secret.catch_up(now));
    }
}

pub(super) fn route(method: &str, path: &[&str]) -> Option<(Call, Vec<String>)> {
    let (call, ids): (Call, &[&str]) = match (method, path) {
        ("GET", ["secrets"]) => (Call::StoreList, &[]),
        ("PUT", ["secrets", name]) => (Call::StorePut, &[*name]),
        ("DELETE", ["secrets", name]) => (Call::StoreDelete, &[*name]),
        ("GET", ["secrets", name, "versions"]) => (Call::StoreMetadataGet, &[*name]),
        ("GET", ["secrets", name]) => (Call::StoreGet, &[*name]),
        ("GET", ["secrets", name, version]) => (Call::StoreGet, &[*name, *version]),
        ("PATCH", ["secrets", name]) => (Call::StoreMetadataPut, &[*name]),
        ("PATCH", ["secrets", name, version]) => (Call::StoreMetadataPut, &[*name, *version]),
        ("GET", ["deletedsecrets"]) => (Call::StoreDeletedGet, &[]),
        ("GET", ["deletedsecrets", name]) => (Call::StoreDeletedGet, &[*name]),
        ("POST", ["deletedsecrets", name, "recover"]) => (Call::StoreRestore, &[*name]),
        ("DELETE", ["deletedsecrets", name]) => (Call::StorePurge, &[*name]),
        _ => return None,
    };
    Some((call, ids.iter().map(|id| (*id).to_owned()).collect()))
}

/// A secret's name, and what it ends in: a workspace's name stands there.
pub(super) fn subjects(request: &Request) -> Vec<String> {
    let Some(name) = request.ids.first() else {
        return Vec::new();
    };
    let ends = name.match_indices('-').map(|(at, _)| &name[at + 1..]);
    std::iter::once(name.as_str())
        .chain(ends)
        .map(str::to_owned)
        .collect()
}

pub(super) fn act(state: &mut State, request: &Request) -> Outcome {
    if !request.secure {
        let words = "The key vault is served over TLS only.";
        return Err(error(403, "Forbidden", None, words).by_mistake());
    }
    if request.call == Call::Unknown {
        let words = "There is nothing at this path.";
        return Err(error(404, "NotFound", None, words).by_mistake());
    }
    authenticate(state, request)?;
    check_query(request)?;
    if let Some(name) = request.ids.first() {
        check_name(name)?;
    }
    match request.call {
        Call::StoreList => secrets::list(state, request),
        Call::StorePut => secrets::put(state, request),
        Call::StoreGet => secrets::get(state, request),
        Call::StoreMetadataPut => secrets::patch(state, request),
        Call::StoreMetadataGet => secrets::versions(state, request),
        Call::StoreDelete => deleted::delete(state, request),
        Call::StoreRestore => deleted::recover(state, request),
        Call::StorePurge => deleted::purge(state, request),
        _ if request.ids.is_empty() => deleted::list(state, request),
        _ => deleted::get(state, request),
    }
}

fn authenticate(state: &State, request: &Request) -> Result<(), Answer> {
    let refuse = |words: &str| challenged(request, &state.world.azure, words);
    let Some(bearer) = request.bearer() else {
        // Clients come like this to be told.
        return Err(refuse(
            "AKV10000: Request is missing a Bearer or PoP token.",
        ));
    };
    match Standing::of(state, bearer, Audience::KeyVault) {
        Standing::Good(_) => Ok(()),
        Standing::Expired => Err(refuse("AKV10013: The token is expired.")),
        Standing::Unknown => Err(refuse("AKV10032: Invalid issuer.")),
        Standing::Foreign => Err(refuse("AKV10022: Invalid audience.").by_mistake()),
    }
}

fn check_query(request: &Request) -> Result<(), Answer> {
    let list = matches!(request.call, Call::StoreList | Call::StoreMetadataGet)
        || (request.call == Call::StoreDeletedGet && request.ids.is_empty());
    let known: &[&str] = match list {
        true => &["api-version", "maxresults", "$skiptoken"],
        false => &["api-version"],
    };
    if let Some(name) = unknown_query(request, known) {
        return Err(bad(&format!("The query parameter '{name}' is not known.")));
    }
    match request.query("api-version") {
        None => Err(bad("api-version must be specified")),
        Some(version) if !VERSIONS.contains(&version) => Err(bad(&format!(
            "The api-version '{version}' is not supported."
        ))),
        Some(_) => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), Answer> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if (1..=127).contains(&name.len()) && name.bytes().all(legal) {
        return Ok(());
    }
    let words = format!("The request URI contains an invalid name: {name}");
    Err(bad(&words))
}

/// A page of a list, each with what shows it.
fn page(request: &Request, all: &[Value]) -> Outcome {
    let number = |name: &str| request.query(name).map(str::parse::<usize>);
    let size = match number("maxresults") {
        None => PAGE,
        Some(Ok(size)) if (1..=PAGE).contains(&size) => size,
        Some(_) => return Err(bad("maxresults must be between 1 and 25")),
    };
    let skip = match number("$skiptoken") {
        None => 0,
        Some(Ok(skip)) => skip.min(all.len()),
        Some(Err(_)) => return Err(bad("The $skiptoken is none that was given out.")),
    };
    let end = all.len().min(skip + size);
    let next = (end < all.len()).then(|| {
        format!(
            "https://{}{}?api-version={}&{}={end}&maxresults={size}",
            request.host_header,
            request.path,
            request.query("api-version").unwrap_or_default(),
            encode("$skiptoken"),
        )
    });
    Ok(Answer::ok(
        &json!({"value": all[skip..end], "nextLink": next}),
    ))
}

fn parse<T: DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    if !request.is("application/json") {
        return Err(bad("The content type is not application/json."));
    }
    serde_json::from_slice(&request.body).map_err(|why| bad(&why.to_string()))
}

/// A request that breaks a rule: what the client should have known.
fn bad(words: &str) -> Answer {
    error(400, "BadParameter", None, words).by_mistake()
}

/// A name that is in the way, and how.
fn conflict(inner: &str, words: &str) -> Answer {
    error(409, "Conflict", Some(inner), words)
}

fn not_found(name: &str) -> Answer {
    let words = format!(
        "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may be able \
         to recover it using the correct recovery command."
    );
    error(404, "SecretNotFound", None, &words)
}

/// An error as Key Vault answers it.
pub(crate) fn error(status: u16, code: &str, inner: Option<&str>, words: &str) -> Answer {
    let mut body = json!({"error": {"code": code, "message": words}});
    if let Some(inner) = inner {
        body["error"]["innererror"] = json!({"code": inner});
    }
    Answer::json(status, &body)
}

/// 401: where to get a token, and for what.
pub(crate) fn challenged(request: &Request, world: &AzureWorld, words: &str) -> Answer {
    let resource = match request.host {
        Host::KeyVault => "https://vault.azure.brickyard.test",
        _ => "https://vault.azure.net",
    };
    let challenge = format!(
        "Bearer authorization=\"{}/{}\", resource=\"{resource}\"",
        world.authority_host, world.tenant_id
    );
    error(401, "Unauthorized", None, words).with("www-authenticate", challenge)
}
