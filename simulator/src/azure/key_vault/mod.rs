//! The key vault: secrets with versions, deleted ones that can come back.

use std::time::Duration;

use serde_json::json;

use crate::answer::{Answer, Outcome};
use crate::azure::AzureWorld;
use crate::calls::Call;
use crate::request::{Host, Request};
use crate::state::State;

/// What the vault holds.
#[derive(Default)]
pub(crate) struct KeyVault {}

impl KeyVault {
    pub(super) fn catch_up(&mut self, _now: Duration) {}
}

pub(super) fn route(_method: &str, _path: &[&str]) -> Option<(Call, Vec<String>)> {
    None
}

pub(super) fn subject(request: &Request) -> Option<String> {
    request.ids.first().cloned()
}

pub(super) fn act(_state: &mut State, _request: &Request) -> Outcome {
    Err(error(404, "NotFound", None, "There is nothing at this path.").by_mistake())
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
