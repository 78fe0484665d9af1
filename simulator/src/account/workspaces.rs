//! Workspaces: creating, listing, deleting. Their fate (failure, late DNS, lag in lists) is fixed at
//! birth.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::life::{Phase, Workspace};
use super::{check_name, check_uuid, networks};
use crate::answer::{Answer, Outcome};
use crate::azure;
use crate::clock::epoch_ms;
use crate::faults::{FaultKind, Strike};
use crate::request::Request;
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    workspace_name: String,
    aws_region: String,
    deployment_name: Option<String>,
    credentials_id: Option<String>,
    storage_configuration_id: Option<String>,
    network_id: Option<String>,
    managed_services_customer_managed_key_id: Option<String>,
    storage_customer_managed_key_id: Option<String>,
    private_access_settings_id: Option<String>,
    network_connectivity_config_id: Option<String>,
    pricing_tier: Option<Tier>,
    custom_tags: Option<BTreeMap<String, String>>,
    compute_mode: Option<Mode>,
    #[serde(rename = "is_no_public_ip_enabled")]
    _is_no_public_ip_enabled: Option<bool>,
    #[serde(rename = "account_id")]
    _account_id: Option<String>,
    #[serde(rename = "cloud")]
    _cloud: Option<String>,
}

#[derive(Clone, Copy, Deserialize, serde::Serialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Tier {
    CommunityEdition,
    Dedicated,
    Enterprise,
    Premium,
    Standard,
}

#[derive(Clone, Copy, Deserialize, serde::Serialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Mode {
    Hybrid,
    Serverless,
}

pub(crate) fn create(state: &mut State, request: &Request) -> Outcome {
    let body: Body = request.json()?;
    check_name("workspace_name", &body.workspace_name, 100, 1)?;
    check_region(&body.aws_region)?;
    check_tags(body.custom_tags.as_ref())?;
    check_parts(state, &body)?;
    let deployment_name = deployment_name(state, body.deployment_name.as_deref())?;

    let id = state.chance.workspace_id();
    let now = state.now();
    let takes = building_time(state);
    let strike = request.strike.as_ref();
    let delay = |kind| match strike {
        Some(strike) if strike.kind() == kind => strike.duration(),
        _ => Duration::ZERO,
    };
    let network = body.network_id.as_deref();
    let broken = network.and_then(|it| networks::attach(&mut state.networks, it, id, strike));
    let fails = failure(strike).or(broken);
    let provisioner = state.provisioner().id;
    let workspace = Workspace {
        id,
        deployment_name,
        created: epoch_ms(),
        asked_at: now,
        phase: Phase::Provisioning {
            until: now + takes,
            fails,
        },
        ran_since: None,
        dns_delay: delay(FaultKind::DnsLate),
        listed_from: now + delay(FaultKind::ListLag),
        tags_from: now + delay(FaultKind::TagsLate),
        network_lingers: delay(FaultKind::NetworkLingers),
        given: given(state, &body),
        name: body.workspace_name,
        assignments: BTreeMap::from([(provisioner, "ADMIN")]),
        token_users: Vec::new(),
        tokens: Vec::new(),
        azure: None,
    };
    let answer = workspace.show(now);
    state.workspaces.push(workspace);
    state.count("workspaces");
    Ok(Answer::json(201, &answer))
}

/// The words with which a workspace is going to fail.
pub(super) fn failure(strike: Option<&Strike>) -> Option<String> {
    let strike = strike.filter(|s| s.kind() == FaultKind::WorkspaceFails)?;
    let words = strike.words("The maximum number of addresses has been reached.");
    Some(words.to_owned())
}

/// Copies of the workspace that was made last.
pub(crate) fn copy_newest(state: &mut State, times: usize) -> Vec<(i64, String)> {
    let Some(newest) = state.workspaces.last().cloned() else {
        return Vec::new();
    };
    let now = state.now();
    let mut made = Vec::with_capacity(times);
    for number in 0..times {
        let mut copy = newest.clone();
        copy.id = state.chance.workspace_id();
        copy.name = format!("{}-{number}", newest.name);
        copy.deployment_name = match &copy.azure {
            Some(_) => azure::deployment_name(copy.id),
            None => format!("dbc-{}-{}", state.chance.hex(8), state.chance.hex(4)),
        };
        copy.asked_at = now;
        copy.ran_since = None;
        copy.phase = Phase::Provisioning {
            until: now + building_time(state),
            fails: None,
        };
        made.push((copy.id, copy.deployment_name.clone()));
        state.workspaces.push(copy);
        state.count("workspaces");
    }
    made
}

fn building_time(state: &mut State) -> Duration {
    Duration::from_millis(state.chance.between(300_000, 480_000))
}

fn given(state: &State, body: &Body) -> Map<String, Value> {
    let serverless = body.compute_mode == Some(Mode::Serverless);
    let mut given = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            given.insert(key.to_owned(), value);
        }
    };
    let text = |value: &Option<String>| value.clone().map(Value::from);
    put("account_id", Some(state.world.account_id.clone().into()));
    put("aws_region", Some(body.aws_region.clone().into()));
    put("credentials_id", text(&body.credentials_id));
    put(
        "storage_configuration_id",
        text(&body.storage_configuration_id),
    );
    put("network_id", text(&body.network_id));
    put(
        "managed_services_customer_managed_key_id",
        text(&body.managed_services_customer_managed_key_id),
    );
    put(
        "storage_customer_managed_key_id",
        text(&body.storage_customer_managed_key_id),
    );
    put(
        "private_access_settings_id",
        text(&body.private_access_settings_id),
    );
    put(
        "network_connectivity_config_id",
        text(&body.network_connectivity_config_id),
    );
    put(
        "pricing_tier",
        Some(json!(body.pricing_tier.unwrap_or(Tier::Enterprise))),
    );
    put("compute_mode", body.compute_mode.map(|mode| json!(mode)));
    put(
        "storage_mode",
        Some(
            if serverless {
                "DEFAULT_STORAGE"
            } else {
                "CUSTOMER_HOSTED"
            }
            .into(),
        ),
    );
    put(
        "custom_tags",
        body.custom_tags
            .clone()
            .filter(|t| !t.is_empty())
            .map(|t| json!(t)),
    );
    given
}

fn check_region(region: &str) -> Result<(), Answer> {
    let parts: Vec<&str> = region.split('-').collect();
    let digits = parts
        .last()
        .is_some_and(|end| end.len() == 1 && end.parse::<u8>().is_ok());
    if parts.len() >= 3 && digits && parts.iter().all(|p| !p.is_empty()) {
        return Ok(());
    }
    Err(Answer::bad_value(format!("Invalid aws_region: {region}")))
}

pub(super) fn check_tags(tags: Option<&BTreeMap<String, String>>) -> Result<(), Answer> {
    for (key, value) in tags.into_iter().flatten() {
        if !(1..=127).contains(&key.chars().count()) || value.chars().count() > 255 {
            return Err(Answer::bad_value(format!("Invalid custom tag: {key}")));
        }
    }
    Ok(())
}

fn check_parts(state: &State, body: &Body) -> Result<(), Answer> {
    let need = |field: &str, id: &Option<String>| {
        id.clone()
            .ok_or_else(|| Answer::malformed(format!("{field} is required.")))
    };
    if body.compute_mode == Some(Mode::Serverless) {
        let parts = [
            ("credentials_id", &body.credentials_id),
            ("storage_configuration_id", &body.storage_configuration_id),
            ("network_id", &body.network_id),
            (
                "storage_customer_managed_key_id",
                &body.storage_customer_managed_key_id,
            ),
        ];
        let given = parts.into_iter().find(|(_, id)| id.is_some());
        return given.map_or(Ok(()), |(field, _)| Err(not_serverless(field)));
    }
    let credentials = need("credentials_id", &body.credentials_id)?;
    check_credentials(state, &credentials)?;
    let storage = need("storage_configuration_id", &body.storage_configuration_id)?;
    check_storage(state, &storage)?;
    if let Some(network) = &body.network_id {
        check_network(state, network, None)?;
    }
    Ok(())
}

/// What a serverless workspace does not have.
pub(super) fn not_serverless(field: &str) -> Answer {
    Answer::bad_value(format!("{field} cannot be set for serverless workspaces."))
}

pub(super) fn check_credentials(state: &State, id: &str) -> Result<(), Answer> {
    check_uuid("credentialsId", id)?;
    super::find(&state.credentials, id, "Credential").map(|_| ())
}

pub(super) fn check_storage(state: &State, id: &str) -> Result<(), Answer> {
    check_uuid("storageConfigurationId", id)?;
    super::find(&state.storage, id, "Storage configuration").map(|_| ())
}

pub(super) fn check_network(state: &State, id: &str, own: Option<i64>) -> Result<(), Answer> {
    check_uuid("networkId", id)?;
    match networks::holder(super::find(&state.networks, id, "Network")?) {
        Some(other) if Some(other) != own => Err(Answer::malformed(format!(
            "Network {id} is used by another workspace {other}."
        ))),
        _ => Ok(()),
    }
}

fn deployment_name(state: &mut State, wanted: Option<&str>) -> Result<String, Answer> {
    let Some(wanted) = wanted.filter(|name| !name.is_empty()) else {
        return Ok(format!(
            "dbc-{}-{}",
            state.chance.hex(8),
            state.chance.hex(4)
        ));
    };
    let Some(prefix) = &state.deployment_prefix else {
        return Err(Answer::malformed(
            "Failed parameter validation checks: Deployment name cannot be used until a deployment \
             name prefix is defined. Please contact your Databricks representative",
        ));
    };
    let name = if wanted == "EMPTY" {
        prefix.clone()
    } else {
        let folded = wanted.to_ascii_lowercase();
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !folded.bytes().all(legal) || folded.starts_with('-') || folded.ends_with('-') {
            return Err(Answer::malformed(format!(
                "Invalid deployment name: {wanted}"
            )));
        }
        format!("{prefix}-{folded}")
    };
    if name.len() > 64 {
        return Err(Answer::malformed(
            "Deployment name is longer than 64 characters.",
        ));
    }
    if state.workspaces.iter().any(|w| w.deployment_name == name) {
        return Err(Answer::malformed(format!(
            "Deployment name {name} is already in use."
        )));
    }
    Ok(name)
}

pub(crate) fn list(state: &State) -> Answer {
    let now = state.now();
    let ours = state.workspaces.iter().filter(|w| w.azure.is_none());
    let listed = ours.filter(|w| now >= w.listed_from);
    Answer::ok(&listed.map(|w| w.show(now)).collect::<Value>())
}

pub(crate) fn find_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Workspace, Answer> {
    state
        .workspaces
        .iter_mut()
        .find(|workspace| workspace.id.to_string() == id && workspace.azure.is_none())
        .ok_or_else(|| Answer::not_found(format!("Workspace {id} does not exist.")))
}

pub(crate) fn get(state: &mut State, id: &str) -> Outcome {
    let now = state.now();
    Ok(Answer::ok(&find_mut(state, id)?.show(now)))
}

pub(crate) fn delete(state: &mut State, id: &str) -> Outcome {
    let now = state.now();
    let takes = Duration::from_millis(state.chance.between(3_000, 8_000));
    let workspace = find_mut(state, id)?;
    if matches!(workspace.phase, Phase::Cancelling { .. }) {
        return Err(Answer::not_found(format!("Workspace {id} does not exist.")));
    }
    workspace.phase = Phase::Cancelling { until: now + takes };
    workspace.tokens.clear();
    Ok(Answer::ok(&workspace.show(now)))
}
