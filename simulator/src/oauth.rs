//! OAuth M2M of the account and of workspaces, and the discovery documents clients start from.
//!
//! A token is for one side: the account's is not accepted by workspaces, nor one workspace's by
//! another.

use serde_json::json;

use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::faults::FaultKind;
use crate::faults::strike::no_webapps;
use crate::request::{Host, Request};
use crate::state::State;

/// A token that was given out.
pub(crate) struct OauthToken {
    pub(crate) value: String,
    pub(crate) workspace: Option<i64>,
    pub(crate) expires: i64,
}

/// The refusal of a client, a secret, or a principal that is not in the workspace.
pub(crate) fn invalid_client() -> Answer {
    Answer::json(
        401,
        &json!({"error": "invalid_client", "error_description": "Client authentication failed"}),
    )
}

fn grant(state: &mut State, request: &Request, workspace: Option<i64>) -> Outcome {
    let refuse = |error: &str, words: &str| {
        Answer::json(400, &json!({"error": error, "error_description": words})).by_mistake()
    };
    let form = request
        .form()
        .ok_or_else(|| refuse("invalid_request", "The body is not a form"))?;
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, v)| v.as_str())
    };
    let known = [
        "grant_type",
        "scope",
        "authorization_details",
        "assume_group",
    ];
    if form.iter().any(|(key, _)| !known.contains(&key.as_str())) {
        return Err(refuse("invalid_request", "The form has an unknown field"));
    }
    if field("grant_type") != Some("client_credentials") {
        return Err(refuse(
            "unsupported_grant_type",
            "grant_type must be client_credentials",
        ));
    }
    if field("scope").is_none_or(|scope| !scope.split(' ').any(|s| s == "all-apis")) {
        return Err(refuse("invalid_scope", "scope must be all-apis"));
    }
    let Some((client, secret)) = request.basic() else {
        return Err(invalid_client().by_mistake());
    };
    if client != state.world.client_id || secret != state.world.client_secret {
        return Err(invalid_client());
    }
    let seconds = match &request.strike {
        Some(strike) if strike.kind() == FaultKind::ShortTokens => strike.duration().as_secs(),
        _ => 3600,
    };
    let value = format!("eyJraWQ.{}.{}", state.chance.hex(64), state.chance.hex(32));
    let now = epoch_ms();
    state
        .oauth_tokens
        .retain(|token| token.expires > now - 60_000);
    state.oauth_tokens.push(OauthToken {
        value: value.clone(),
        workspace,
        expires: now + i64::try_from(seconds).unwrap_or(3600) * 1000,
    });
    Ok(Answer::ok(&json!({
        "access_token": value,
        "scope": "all-apis",
        "token_type": "Bearer",
        "expires_in": seconds,
    })))
}

/// POST /oidc/accounts/{account}/v1/token
pub(crate) fn account_token(state: &mut State, request: &Request) -> Outcome {
    if request.ids[0] != state.world.account_id {
        return Ok(Answer::login_page());
    }
    grant(state, request, None)
}

/// POST /oidc/v1/token of a workspace.
pub(crate) fn workspace_token(state: &mut State, request: &Request) -> Outcome {
    let Host::Workspace(deployment) = &request.host else {
        return Err(no_webapps());
    };
    let provisioner = state.provisioner().id;
    let workspace = state.workspace_at(deployment).filter(|w| w.is_reachable());
    let workspace = workspace.ok_or_else(no_webapps)?;
    let id = workspace.id;
    if !workspace.assignments.contains_key(&provisioner) {
        return Err(invalid_client());
    }
    grant(state, request, Some(id))
}

/// Whether the bearer token of a request is one of ours: its workspace, or `None` for the account.
pub(crate) fn token<'a>(state: &'a State, request: &Request) -> Option<&'a OauthToken> {
    let bearer = request.bearer()?;
    let now = epoch_ms();
    state
        .oauth_tokens
        .iter()
        .find(|token| token.value == bearer && token.expires > now)
}

/// Refuses requests without a living account token.
pub(crate) fn account_caller(state: &State, request: &Request) -> Result<(), Answer> {
    if request.bearer().is_none() {
        return Err(Answer::unauthenticated("Credential was not sent.").by_mistake());
    }
    match token(state, request) {
        Some(token) if token.workspace.is_none() => Ok(()),
        _ => Err(Answer::unauthenticated(
            "Credential was not sent or was of an unsupported type for this API.",
        )),
    }
}

/// The two documents of both kinds of hosts.
pub(crate) fn discovery(state: &State, request: &Request) -> Outcome {
    let config = request.path == "/.well-known/databricks-config";
    let account = &state.world.account_id;
    let (oidc, body) = match &request.host {
        Host::Home | Host::Entra | Host::Arm | Host::KeyVault => {
            if request.ids.first().is_some_and(|id| id != account) {
                return Ok(Answer::login_page());
            }
            let oidc = format!("{}/oidc/accounts/{account}", state.world.account_host);
            let body = json!({
                "oidc_endpoint": format!("{}/oidc/accounts/{{account_id}}", state.world.account_host),
                "account_id": account,
                "cloud": "AWS",
                "host_type": "ACCOUNT_HOST",
            });
            (oidc, body)
        }
        Host::Workspace(deployment) => {
            let workspace = state.workspace_at(deployment).filter(|w| w.is_reachable());
            let workspace = workspace.ok_or_else(no_webapps)?;
            let oidc = format!("http://{}/oidc", request.host_header);
            let body = json!({
                "oidc_endpoint": oidc,
                "account_id": account,
                "workspace_id": workspace.id.to_string(),
                "cloud": if workspace.azure.is_some() { "AZURE" } else { "AWS" },
                "host_type": "WORKSPACE_HOST",
            });
            (oidc, body)
        }
    };
    if config {
        return Ok(Answer::ok(&body));
    }
    Ok(Answer::ok(&json!({
        "issuer": oidc,
        "authorization_endpoint": format!("{oidc}/v1/authorize"),
        "token_endpoint": format!("{oidc}/v1/token"),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "scopes_supported": ["all-apis"],
    })))
}
