//! Workspaces: PUT, GET, lists, PATCH of tags, DELETE. Their fate is fixed at birth, as elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::operations::{Failure, Operation, Provider, opaque, url};
use super::resource::{Resource, deployment_name};
use super::{changes, error, groups, injection, invalid, limits, parse, providers, rules, same};
use crate::account::life::{Phase, Workspace};
use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::faults::{FaultKind, Strike};
use crate::request::{Request, encode};
use crate::state::State;

/// How many a page of a list has.
const PAGE: usize = 20;
const RETRY_AFTER: &str = "15";

fn at(state: &State, group: &str, name: &str) -> Option<usize> {
    state.workspaces.iter().position(|it| {
        let azure = it.azure.as_ref();
        same(&it.name, name) && azure.is_some_and(|azure| same(&azure.group, group))
    })
}

fn find(state: &State, request: &Request) -> Result<usize, Answer> {
    let (group, name) = (&request.ids[1], &request.ids[2]);
    groups::find(&state.azure.arm.groups, group)?;
    at(state, group, name).ok_or_else(|| {
        let words = format!(
            "The Resource 'Microsoft.Databricks/workspaces/{name}' under resource group '{group}' was not found."
        );
        error(404, "ResourceNotFound", &words)
    })
}

pub(super) fn put(state: &mut State, request: &Request) -> Outcome {
    let body: Body = parse(request)?;
    let raw: Value = parse(request)?;
    let (group, name) = (&request.ids[1], &request.ids[2]);
    let version = request.query("api-version").unwrap_or_default();
    rules::check_name(name)?;
    let location = rules::check_location(body.location.as_deref())?;
    rules::check(version, &request.ids[0], group, &body)?;
    providers::check(&mut state.azure.arm, request)?;
    limits::denied(request)?;
    groups::may_receive(&state.azure.arm.groups, group)?;
    let given = |field: &str| raw[field].as_object().cloned().unwrap_or_default();
    let (properties, tags) = (given("properties"), given("tags"));
    let Some(at) = at(state, group, name) else {
        return Ok(create(state, request, location, properties, tags));
    };
    let now = state.now();
    let before = &state.workspaces[at];
    let Some(azure) = &before.azure else {
        return Err(invalid("The workspace is elsewhere."));
    };
    let as_before = azure.properties == properties && azure.location == location;
    let conflict = |why: &str| {
        let words = format!("The workspace '{name}' {why}.");
        error(409, "Conflict", &words)
    };
    match before.phase {
        Phase::Running => {}
        // A second one of the same can be a twin that was late; another one was never asked for.
        Phase::Provisioning { .. } if as_before => return Err(conflict("is being provisioned")),
        Phase::Provisioning { .. } => return Err(conflict("is being provisioned").by_mistake()),
        Phase::Failed(_) => return Err(conflict("has failed and has to be deleted").by_mistake()),
        _ => return Err(conflict("is being deleted")),
    }
    if azure.location != location {
        let words = format!(
            "The resource '{name}' already exists in location '{}'.",
            azure.location
        );
        return Err(error(409, "InvalidResourceLocation", &words).by_mistake());
    }
    changes::check(&azure.properties, &before.show(now), &properties)?;
    Ok(update(state, request, 200, at, properties, tags))
}

fn create(
    state: &mut State,
    request: &Request,
    location: String,
    properties: Map<String, Value>,
    tags: Map<String, Value>,
) -> Answer {
    let (group, name) = (&request.ids[1], &request.ids[2]);
    let now = state.now();
    let takes = Duration::from_millis(state.chance.between(60_000, 180_000));
    let until = now + takes;
    let id = state.chance.workspace_id();
    let strike = request.strike.as_ref();
    let delay = |kind| match strike {
        Some(strike) if strike.kind() == kind => strike.duration(),
        _ => Duration::ZERO,
    };
    let world = &state.world.azure;
    let by = json!({"oid": world.object_id, "applicationId": world.client_id});
    let mut azure = Resource {
        subscription: world.subscription_id.clone(),
        group: groups::spelled(&state.azure.arm.groups, group),
        location,
        sku: json!({"name": "premium"}),
        properties,
        managed_group: None,
        held: None,
        created: chrono::Utc::now(),
        by,
        url_delay: delay(FaultKind::SucceededWithoutUrl),
        forced: false,
        group_lingers: Duration::ZERO,
        deletion: None,
        deletion_fails: None,
    };
    let failure = settle(state, &mut azure, name).or_else(|| Failure::of(strike));
    let fails = failure.as_ref().map(|it| it.message.clone());
    let job = format!("ApplianceProvisioningJob:{}", state.chance.hex(16));
    let operation = Operation {
        id: opaque(&azure.id(name), &job),
        provider: Provider::Databricks,
        subject: name.clone(),
        resource: Some(azure.id(name)),
        until,
        failure,
    };
    let headers = url(request, &azure.group, &azure.location, &operation);
    let workspace = Workspace {
        id,
        deployment_name: deployment_name(id),
        created: epoch_ms(),
        asked_at: now,
        phase: Phase::Provisioning { until, fails },
        ran_since: None,
        dns_delay: delay(FaultKind::DnsLate),
        listed_from: now + delay(FaultKind::ListLag),
        tags_from: now + delay(FaultKind::TagsLate),
        network_lingers: Duration::ZERO,
        given: given(tags),
        name: name.clone(),
        assignments: BTreeMap::new(),
        token_users: Vec::new(),
        tokens: Vec::new(),
        azure: Some(Box::new(azure)),
    };
    let answer = workspace.show(now);
    state.workspaces.push(workspace);
    state.azure.arm.operations.push(operation);
    state.count("workspaces");
    accepted(201, &answer, headers)
}

/// Makes the managed group and takes the subnets, or says why that cannot be.
fn settle(state: &mut State, azure: &mut Resource, name: &str) -> Option<Failure> {
    let id = azure.id(name);
    let managed = azure.properties.get("managedResourceGroupId");
    if let Some(managed) = managed.and_then(Value::as_str) {
        let group = groups::named_by(managed, &azure.subscription)?.to_owned();
        let groups = &mut state.azure.arm.groups;
        if let Err(failure) = groups::manage(groups, &group, &azure.location, &id) {
            return Some(failure);
        }
        azure.managed_group = Some(group);
    }
    let held = injection::wanted(&azure.properties)?;
    let networks = &state.azure.arm.networks;
    let failure = injection::judge(networks, &state.workspaces, &azure.location, &held);
    if failure.is_none() {
        azure.held = Some(held);
    }
    failure
}

fn given(tags: Map<String, Value>) -> Map<String, Value> {
    let tags = Some(tags).filter(|tags| !tags.is_empty());
    tags.map(|tags| ("custom_tags".to_owned(), Value::Object(tags)))
        .into_iter()
        .collect()
}

fn accepted(status: u16, body: &Value, url: String) -> Answer {
    Answer::json(status, body)
        .with("azure-asyncoperation", url)
        .with("retry-after", RETRY_AFTER)
        .with("x-ms-ratelimit-remaining-subscription-writes", "199")
}

fn update(
    state: &mut State,
    request: &Request,
    status: u16,
    at: usize,
    properties: Map<String, Value>,
    tags: Map<String, Value>,
) -> Answer {
    let now = state.now();
    let until = now + Duration::from_millis(state.chance.between(5_000, 20_000));
    let failure = Failure::of(request.strike.as_ref());
    let job = format!("ApplianceProvisioningJob:{}", state.chance.hex(16));
    let workspace = &mut state.workspaces[at];
    workspace.given = given(tags);
    workspace.phase = Phase::Provisioning {
        until,
        fails: failure.as_ref().map(|it| it.message.clone()),
    };
    let Some(azure) = &mut workspace.azure else {
        return invalid("The workspace is elsewhere.");
    };
    for (name, value) in properties {
        azure.properties.insert(name, value);
    }
    let resource = azure.id(&workspace.name);
    let operation = Operation {
        id: opaque(&resource, &job),
        provider: Provider::Databricks,
        subject: workspace.name.clone(),
        resource: Some(resource),
        until,
        failure,
    };
    let url = url(request, &azure.group, &azure.location, &operation);
    let answer = workspace.show(now);
    state.azure.arm.operations.push(operation);
    accepted(status, &answer, url)
}

pub(super) fn get(state: &mut State, request: &Request) -> Outcome {
    let at = find(state, request)?;
    Ok(Answer::ok(&state.workspaces[at].show(state.now())))
}

/// Of a group or of the subscription, page by page.
pub(super) fn list(state: &mut State, request: &Request) -> Outcome {
    let group = request.ids.get(1);
    if let Some(group) = group {
        groups::find(&state.azure.arm.groups, group)?;
    }
    let skip = match request.query("$skipToken").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(skip)) => skip,
        Some(Err(_)) => return Err(invalid("The $skipToken is none that was given out.")),
    };
    let now = state.now();
    let listed = state.workspaces.iter().filter(|it| {
        let azure = it.azure.as_ref();
        let here = |azure: &Resource| group.is_none_or(|group| same(&azure.group, group));
        azure.is_some_and(|azure| here(azure)) && now >= it.listed_from
    });
    let all: Vec<Value> = listed.skip(skip).map(|it| it.show(now)).collect();
    let mut body = json!({"value": all[..all.len().min(PAGE)]});
    if all.len() > PAGE {
        body["nextLink"] = format!(
            "https://{}{}?api-version={}&{}={}",
            request.host_header,
            request.path,
            request.query("api-version").unwrap_or_default(),
            encode("$skipToken"),
            skip + PAGE
        )
        .into();
    }
    Ok(Answer::ok(&body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    tags: BTreeMap<String, String>,
}

pub(super) fn patch(state: &mut State, request: &Request) -> Outcome {
    let body: Patch = parse(request)?;
    rules::check_tags(Some(&body.tags))?;
    let at = find(state, request)?;
    let workspace = &state.workspaces[at];
    if !matches!(workspace.phase, Phase::Running | Phase::Failed(_)) {
        let words = format!("The workspace '{}' is busy.", workspace.name);
        return Err(error(409, "Conflict", &words));
    }
    let tags = body.tags.into_iter().map(|(k, v)| (k, Value::from(v)));
    Ok(update(state, request, 202, at, Map::new(), tags.collect()))
}

pub(super) fn delete(state: &mut State, request: &Request) -> Outcome {
    let forced = match request.query("forceDeletion") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("forceDeletion is true or false.")),
    };
    let (group, name) = (&request.ids[1], &request.ids[2]);
    groups::find(&state.azure.arm.groups, group)?;
    let Some(at) = at(state, group, name) else {
        return Ok(Answer::empty(204));
    };
    let now = state.now();
    let until = now + Duration::from_millis(state.chance.between(20_000, 60_000));
    let strike = request.strike.as_ref();
    let failure = Failure::of(strike);
    let job = format!("ApplianceDeprovisioningJob:{}", state.chance.hex(16));
    let workspace = &mut state.workspaces[at];
    let Some(azure) = &mut workspace.azure else {
        return Ok(Answer::empty(204));
    };
    match workspace.phase {
        Phase::Provisioning { .. } => {
            let words = format!("The workspace '{name}' is being provisioned.");
            return Err(error(409, "Conflict", &words));
        }
        Phase::Cancelling { .. } => {}
        _ => {
            let operation = Operation {
                id: opaque(&azure.id(&workspace.name), &job),
                provider: Provider::Databricks,
                subject: workspace.name.clone(),
                resource: None,
                until,
                failure: failure.clone(),
            };
            azure.forced = forced;
            azure.deletion_fails = failure;
            azure.group_lingers = lingers(strike);
            azure.deletion = Some(operation.id.clone());
            workspace.phase = Phase::Cancelling { until };
            if azure.deletion_fails.is_none() {
                workspace.tokens.clear();
            }
            state.azure.arm.operations.push(operation);
        }
    }
    let operations = &state.azure.arm.operations;
    let operation = operations
        .iter()
        .find(|it| Some(&it.id) == azure.deletion.as_ref());
    let place = operation.map(|it| url(request, &azure.group, &azure.location, it));
    Ok(Answer::empty(202)
        .with("location", place.unwrap_or_default())
        .with("retry-after", RETRY_AFTER)
        .with("x-ms-ratelimit-remaining-subscription-deletes", "199"))
}

fn lingers(strike: Option<&Strike>) -> Duration {
    match strike {
        Some(strike) if strike.kind() == FaultKind::GroupLingers => strike.duration(),
        _ => Duration::ZERO,
    }
}
