//! Vault's KV version 2 at the mount `secret`, as OpenBao 2.7 answers it.
//!
//! One token opens everything, and so does that of a login. Values are kept, because the demo's reader reads them back; a client
//! that never reads cannot tell.

mod login;
mod secrets;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::request::Request;
use crate::state::State;

use login::Login;
pub(crate) use secrets::Secret;

/// What Vault holds.
#[derive(Default)]
pub(crate) struct Vault {
    pub(crate) sealed: bool,
    pub(crate) secrets: BTreeMap<String, Secret>,
    logins: Vec<Login>,
}

/// Names the calls below `/v1/`; the id is the path of the secret.
pub(crate) fn route<'a>(method: &str, path: &[&'a str]) -> Option<(Call, Vec<&'a str>)> {
    let call = match (method, path) {
        ("GET", ["sys", "health"]) => Call::StoreHealth,
        ("POST" | "PUT", ["sys", "capabilities-self"]) => Call::StoreCapabilities,
        ("GET", ["auth", "token", "lookup-self"]) => Call::StoreLookupSelf,
        ("POST" | "PUT", ["auth", "approle" | "kubernetes", "login"]) => Call::StoreLogin,
        ("POST" | "PUT", ["secret", "data", _, ..]) => Call::StorePut,
        ("GET", ["secret", "data", _, ..]) => Call::StoreGet,
        ("DELETE", ["secret", "data", _, ..]) => Call::StoreDeleteVersion,
        ("GET", ["secret", "metadata", _, ..]) => Call::StoreMetadataGet,
        ("POST" | "PUT", ["secret", "metadata", _, ..]) => Call::StoreMetadataPut,
        ("PATCH", ["secret", "metadata", _, ..]) => Call::StoreMetadataPatch,
        ("DELETE", ["secret", "metadata", _, ..]) => Call::StoreDelete,
        _ => return None,
    };
    let parts = if path[0] == "secret" {
        path[2..].to_vec()
    } else {
        Vec::new()
    };
    Some((call, parts))
}

/// Lets a store call act.
pub(crate) fn act(state: &mut State, request: &Request) -> Outcome {
    if request.call == Call::StoreHealth {
        return Ok(health(state.vault.sealed));
    }
    if state.vault.sealed {
        return Err(errors(503, &["Vault is sealed"]));
    }
    if request.call == Call::StoreLogin {
        return login::login(state, request);
    }
    match request.header("x-vault-token").or(request.bearer()) {
        None => return Err(errors(403, &["permission denied"]).by_mistake()),
        Some(token) if token == state.world.vault_token => {}
        Some(token) if state.vault.logins.iter().any(|it| it.opens(token)) => {}
        Some(_) => return Err(errors(403, &["permission denied"])),
    }
    let path = request.ids.join("/");
    match request.call {
        Call::StoreCapabilities => capabilities(request),
        Call::StoreLookupSelf => Ok(wrap(&json!({
            "accessor": "sim", "creation_ttl": 0, "display_name": "token", "entity_id": "",
            "expire_time": null, "explicit_max_ttl": 0, "meta": null, "num_uses": 0, "orphan": true,
            "path": "auth/token/create", "policies": ["brickyard"], "renewable": false, "ttl": 0,
            "type": "service",
        }))),
        Call::StorePut => secrets::put(state, request, path),
        Call::StoreGet => secrets::get(state, request, &path),
        Call::StoreDeleteVersion => Ok(secrets::delete_version(state, &path)),
        Call::StoreMetadataGet => secrets::metadata(state, request, &path),
        Call::StoreMetadataPut => secrets::put_metadata(state, request, path),
        Call::StoreMetadataPatch => secrets::patch_metadata(state, request, &path),
        _ => {
            state.vault.secrets.remove(&path);
            Ok(Answer::empty(204))
        }
    }
}

/// GET sys/health: it answers without a token, sealed or not.
pub(crate) fn health(sealed: bool) -> Answer {
    let status = if sealed { 503 } else { 200 };
    Answer::json(
        status,
        &json!({
            "initialized": true,
            "sealed": sealed,
            "standby": sealed,
            "server_time_utc": chrono::Utc::now().timestamp(),
            "version": "2.7.2",
        }),
    )
}

#[derive(serde::Deserialize)]
struct Paths {
    paths: Vec<String>,
}

fn capabilities(request: &Request) -> Outcome {
    let body: Paths = parse(request)?;
    let all: serde_json::Map<String, Value> = body
        .paths
        .into_iter()
        .map(|path| {
            let granted = if path.starts_with("secret/") {
                json!(["create", "delete", "list", "patch", "read", "update"])
            } else {
                json!(["deny"])
            };
            (path, granted)
        })
        .collect();
    let Answer { body, .. } = wrap(&Value::Object(all.clone()));
    // The capabilities stand at the top too, as they do in the real answer.
    let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(top) = body.as_object_mut() {
        top.extend(all);
    }
    Ok(Answer::ok(&body))
}

fn parse<T: DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    serde_json::from_slice(&request.body).map_err(|error| {
        errors(400, &[&format!("failed to parse JSON input: {error}")]).by_mistake()
    })
}

fn errors(status: u16, words: &[&str]) -> Answer {
    Answer::json(status, &json!({"errors": words}))
}

fn wrap_as(status: u16, data: &Value) -> Answer {
    Answer::json(
        status,
        &json!({
            "request_id": uuid::Uuid::new_v4(),
            "lease_id": "",
            "renewable": false,
            "lease_duration": 0,
            "data": data,
            "wrap_info": null,
            "warnings": null,
            "auth": null,
        }),
    )
}

fn wrap(data: &Value) -> Answer {
    wrap_as(200, data)
}
