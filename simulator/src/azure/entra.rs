//! Microsoft Entra ID: tokens for the one application, by its secret or by a federated token, and the documents that
//! clients start from. A token is for one audience and expires in real time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use serde_json::{Value, json};

use super::refusals::{answer, error};
use super::{AzureWorld, unknown_query};
use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::clock::epoch_ms;
use crate::faults::FaultKind;
use crate::request::Request;
use crate::state::State;

/// Azure Databricks, in every cloud.
const DATABRICKS: &str = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const LIFETIME_SECONDS: u64 = 3599;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Audience {
    Arm,
    Databricks,
    KeyVault,
}

impl Audience {
    /// The audience of a resource, as `resource` names it or as `scope` does.
    pub(super) fn of(world: &AzureWorld, resource: &str) -> Option<Audience> {
        let resource = resource.trim_end_matches('/').to_ascii_lowercase();
        let without_port = |url: &str| url.rsplit_once(':').map(|(url, _)| url.to_owned());
        let own = &world.arm_endpoint;
        if [
            "https://management.azure.com",
            "https://management.core.windows.net",
        ]
        .contains(&resource.as_str())
            || resource == *own
            || Some(&resource) == without_port(own).as_ref()
        {
            return Some(Audience::Arm);
        }
        let vaults = resource == "https://vault.azure.net"
            || resource
                .strip_prefix("https://vault.azure.brickyard.test")
                .is_some_and(|port| port.is_empty() || port.starts_with(':'));
        match resource.as_str() {
            DATABRICKS => Some(Audience::Databricks),
            _ => vaults.then_some(Audience::KeyVault),
        }
    }
}

/// A token that was given out.
pub(crate) struct Token {
    value: String,
    audience: Audience,
    expires: i64,
}

/// What a token is worth to who it is shown to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Standing {
    Unknown,
    /// For somebody else.
    Foreign,
    Expired,
    /// It has so many milliseconds left.
    Good(i64),
}

impl Standing {
    pub(crate) fn of(state: &State, value: &str, audience: Audience) -> Standing {
        let now = epoch_ms();
        let token = state.azure.tokens.iter().find(|it| it.value == value);
        match token {
            None => Standing::Unknown,
            Some(token) if token.audience != audience => Standing::Foreign,
            Some(token) if token.expires <= now => Standing::Expired,
            Some(token) => Standing::Good(token.expires - now),
        }
    }
}

/// Gives out a token: its value and the seconds it lives.
pub(super) fn grant(state: &mut State, request: &Request, audience: Audience) -> (String, u64) {
    let seconds = match &request.strike {
        Some(strike) if strike.kind() == FaultKind::ShortTokens => strike.duration().as_secs(),
        _ => LIFETIME_SECONDS,
    };
    let chance = &mut state.chance;
    let value = format!("eyJ0eXAiOiJKV1Qi.{}.{}", chance.hex(96), chance.hex(64));
    let now = epoch_ms();
    let tokens = &mut state.azure.tokens;
    tokens.retain(|token| token.expires > now - 600_000);
    tokens.push(Token {
        value: value.clone(),
        audience,
        expires: now + i64::try_from(seconds).unwrap_or(3599) * 1000,
    });
    (value, seconds)
}

pub(super) fn route(method: &str, path: &[&str]) -> Option<(Call, Vec<String>)> {
    let (call, tenant) = match (method, path) {
        ("POST", [tenant, "oauth2", "token"] | [tenant, "oauth2", "v2.0", "token"]) => {
            (Call::EntraToken, tenant)
        }
        ("GET", ["common", "discovery", "instance"]) => (Call::EntraDiscovery, &""),
        ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
            (Call::EntraDiscovery, tenant)
        }
        _ => return None,
    };
    Some((call, vec![(*tenant).to_owned()]))
}

pub(super) fn act(state: &mut State, request: &Request) -> Outcome {
    let plain = (!request.secure).then_some("Entra ID is served over TLS only.");
    let nowhere = (request.call == Call::Unknown).then_some("There is nothing at this path.");
    if let Some(words) = plain.or(nowhere) {
        return Err(
            answer(404, 900_561, "invalid_request", words, &state.world.azure).by_mistake(),
        );
    }
    if request.call == Call::EntraDiscovery {
        return discovery(&state.world.azure, request);
    }
    token(state, request)
}

fn token(state: &mut State, request: &Request) -> Outcome {
    let world = &state.world.azure;
    let refuse = |number: u32| error(world, number, None);
    let wrong = |words: &str| answer(400, 900_144, "invalid_request", words, world).by_mistake();
    if request.ids[0] != world.tenant_id {
        return Err(refuse(90_002));
    }
    let v1 = request.path.ends_with("/oauth2/token");
    let target = if v1 { "resource" } else { "scope" };
    let form = request
        .form()
        .ok_or_else(|| wrong("The body is not a form."))?;
    let known = [
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "client_info",
        "claims",
        target,
    ];
    if let Some((name, _)) = form.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        return Err(wrong(&format!("The parameter '{name}' is not known.")));
    }
    if let Some(name) = unknown_query(request, &[]) {
        return Err(wrong(&format!(
            "The query parameter '{name}' is not known."
        )));
    }
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        let found = found.map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    };
    let must = |name: &str| {
        let words = format!("The request body must contain the following parameter: '{name}'.");
        field(name).ok_or_else(|| wrong(&words))
    };
    if must("grant_type")? != "client_credentials" {
        return Err(refuse(70_003).by_mistake());
    }
    if must("client_id")? != world.client_id {
        return Err(refuse(700_016));
    }
    let audience = audience(world, must(target)?, v1)?;
    match (field("client_secret"), field("client_assertion")) {
        (Some(secret), None) if secret == world.client_secret => {}
        (Some(_), None) => return Err(refuse(7_000_215)),
        (None, Some(assertion)) => {
            if must("client_assertion_type")? != ASSERTION {
                return Err(wrong("The parameter 'client_assertion_type' is not valid."));
            }
            check_assertion(world, assertion)?;
        }
        _ => return Err(refuse(7_000_218).by_mistake()),
    }
    let resource = field("resource").map(str::to_owned);
    let (token, seconds) = grant(state, request, audience);
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": token,
    });
    if v1 {
        let now = Utc::now().timestamp();
        let until = now + i64::try_from(seconds).unwrap_or(3599);
        body["expires_in"] = seconds.to_string().into();
        body["ext_expires_in"] = seconds.to_string().into();
        body["expires_on"] = until.to_string().into();
        body["not_before"] = now.to_string().into();
        body["resource"] = resource.into();
    }
    Ok(Answer::ok(&body).with("cache-control", "no-store, no-cache"))
}

fn audience(world: &AzureWorld, target: &str, v1: bool) -> Result<Audience, Answer> {
    let resource = if v1 {
        target
    } else {
        if target.split_whitespace().count() > 1 {
            return Err(error(world, 700_022, None).by_mistake());
        }
        let bad = || error(world, 70_011, None).by_mistake();
        target.strip_suffix("/.default").ok_or_else(bad)?
    };
    Audience::of(world, resource).ok_or_else(|| error(world, 500_011, None).by_mistake())
}

fn check_assertion(world: &AzureWorld, assertion: &str) -> Result<(), Answer> {
    if assertion == world.federated_token {
        return Ok(());
    }
    let claims = assertion.split('.').nth(1).unwrap_or_default();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    let number = match claims["exp"].as_i64() {
        None => 50_027,
        Some(exp) if exp <= Utc::now().timestamp() => 700_024,
        Some(_) => 70_021,
    };
    Err(error(world, number, None))
}

fn discovery(world: &AzureWorld, request: &Request) -> Outcome {
    let known = ["api-version", "authorization_endpoint"];
    let instance = request.ids[0].is_empty();
    if let Some(name) = unknown_query(request, if instance { &known } else { &[] }) {
        let words = format!("The query parameter '{name}' is not known.");
        return Err(answer(400, 900_144, "invalid_request", &words, world).by_mistake());
    }
    let tenant = format!("{}/{}", world.authority_host, world.tenant_id);
    if instance {
        let name = world.authority_host.trim_start_matches("https://");
        return Ok(Answer::ok(&json!({
            "tenant_discovery_endpoint": format!("{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{"preferred_network": name, "preferred_cache": name, "aliases": [name]}],
        })));
    }
    if request.ids[0] != world.tenant_id {
        return Err(error(world, 90_002, None));
    }
    Ok(Answer::ok(&json!({
        "token_endpoint": format!("{tenant}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "issuer": format!("{tenant}/v2.0"),
        "authorization_endpoint": format!("{tenant}/oauth2/v2.0/authorize"),
        "jwks_uri": format!("{tenant}/discovery/v2.0/keys"),
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })))
}
