//! Logins by the auth methods `approle` and `kubernetes`: tokens that end, in real time.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{errors, parse, wrap};
use crate::answer::{Answer, Outcome};
use crate::faults::FaultKind;
use crate::request::Request;
use crate::state::State;

/// How long a login lasts.
const LIFE: Duration = Duration::from_secs(3600);

/// A token that somebody logged in for.
pub(crate) struct Login {
    token: String,
    ends: Instant,
}

impl Login {
    pub(super) fn opens(&self, token: &str) -> bool {
        self.token == token && Instant::now() < self.ends
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppRole {
    role_id: String,
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kubernetes {
    role: String,
    jwt: String,
}

/// POST auth/approle/login and auth/kubernetes/login.
pub(super) fn login(state: &mut State, request: &Request) -> Outcome {
    let world = &state.world;
    if request.path.starts_with("/v1/auth/approle/") {
        let given: AppRole = parse(request)?;
        if given.role_id != world.vault_role_id || given.secret_id != world.vault_secret_id {
            return Err(errors(400, &["invalid role or secret ID"]));
        }
    } else {
        let given: Kubernetes = parse(request)?;
        if given.role != world.vault_kubernetes_role {
            let words = format!("invalid role name {:?}", given.role);
            return Err(errors(400, &[&words]));
        }
        if given.jwt != world.vault_kubernetes_jwt {
            return Err(errors(403, &["permission denied"]));
        }
    }
    let short = request
        .strike
        .as_ref()
        .filter(|strike| strike.kind() == FaultKind::ShortTokens);
    let life = short.map_or(LIFE, |strike| strike.duration());
    let token = format!("hvs.{}", state.chance.hex(24));
    state.vault.logins.push(Login {
        token: token.clone(),
        ends: Instant::now() + life,
    });
    let Answer { body, .. } = wrap(&Value::Null);
    let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
    body["auth"] = json!({
        "accessor": "sim", "client_token": token, "entity_id": "sim", "lease_duration": life.as_secs(),
        "metadata": {}, "mfa_requirement": null, "num_uses": 0, "orphan": true, "policies": ["brickyard", "default"],
        "renewable": true, "token_policies": ["brickyard", "default"], "token_type": "service",
    });
    Ok(Answer::ok(&body))
}
