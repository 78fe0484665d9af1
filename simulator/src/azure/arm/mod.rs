//! Azure Resource Manager: workspaces, the networks and groups they need, and the operations that take a while.
//!
//! Every call asks the same first: is it TLS, is there a token for Resource Manager, is this the subscription, is the
//! api-version one that is offered, are all query parameters known. Names compare without regard to case. What takes a
//! while is accepted with the URL of an [`operations::Operation`]; what becomes of it is fixed then.

pub(super) mod body;
mod changes;
mod cidr;
pub(crate) mod groups;
mod injection;
mod limits;
pub(crate) mod networks;
pub(crate) mod operations;
mod providers;
pub(crate) mod resource;
mod rules;
mod security_groups;
mod virtual_networks;
mod workspaces;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Audience, AzureWorld, Standing, unknown_query};
use crate::account::life::Workspace;
use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::faults::FaultKind;
use crate::request::Request;
use crate::state::State;

/// What Resource Manager knows, but for the workspaces.
pub(crate) struct Manager {
    pub(crate) groups: Vec<groups::Group>,
    pub(crate) networks: Vec<networks::Item>,
    operations: Vec<operations::Operation>,
    provider: providers::Registration,
}

impl Manager {
    pub(super) fn new(world: &AzureWorld) -> Manager {
        Manager {
            groups: groups::premade(world),
            networks: networks::premade(world),
            operations: Vec::new(),
            provider: providers::Registration::Registered,
        }
    }

    pub(super) fn catch_up(&mut self, now: Duration, gone: &[Workspace]) {
        for workspace in gone {
            groups::outlive(&mut self.groups, workspace, now);
        }
        let removed = groups::catch_up(&mut self.groups, now);
        self.networks
            .retain(|item| !removed.contains(&item.group.to_ascii_lowercase()));
        networks::catch_up(&mut self.networks, now);
        self.provider.catch_up(now);
    }
}

/// Whether two names or ids are the same.
fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

const DATABRICKS: &[&str] = &["2026-01-01", "2024-05-01"];
const NETWORK: &[&str] = &["2025-01-01"];
const POLICIES: &[&str] = &["2023-03-01"];
const RESOURCES: &[&str] = &["2025-04-01"];
/// Clients that register a provider by themselves do so with an old version.
const PROVIDERS: &[&str] = &["2025-04-01", "2016-02-01"];

pub(super) fn route(method: &str, path: &[&str]) -> Option<(Call, Vec<String>)> {
    let lower: Vec<String> = path.iter().map(|part| part.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let (call, ids): (Call, &[usize]) = match (method, &lower[..]) {
        (
            _,
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                space,
                rest @ ..,
            ],
        ) => {
            let call = in_group(method, space, rest)?;
            match (call, rest.len()) {
                (Call::ArmOperationStatus, _) => (call, &[1, 9]),
                (_, 2) => (call, &[1, 3, 7]),
                _ => (call, &[1, 3]),
            }
        }
        ("GET", ["subscriptions", _, "resourcegroups", _]) => (Call::ArmGetGroup, &[1, 3]),
        ("PUT", ["subscriptions", _, "resourcegroups", _]) => (Call::ArmPutGroup, &[1, 3]),
        ("DELETE", ["subscriptions", _, "resourcegroups", _]) => (Call::ArmDeleteGroup, &[1, 3]),
        ("GET", ["subscriptions", _, "resourcegroups", _, "resources"]) => {
            (Call::ArmListGroupResources, &[1, 3])
        }
        ("GET", ["subscriptions", _, "providers", space, kind]) => (listed(space, kind)?, &[1]),
        ("GET", ["subscriptions", _, "providers", _]) => (Call::ArmGetProvider, &[1, 3]),
        ("POST", ["subscriptions", _, "providers", _, "register"]) => {
            (Call::ArmRegisterProvider, &[1, 3])
        }
        (
            "GET",
            [
                "subscriptions",
                _,
                "providers",
                "microsoft.network",
                "locations",
                _,
                "operations" | "operationresults",
                _,
            ],
        ) => (Call::ArmOperationStatus, &[1, 7]),
        (
            "GET",
            [
                "subscriptions",
                _,
                "providers",
                "microsoft.network",
                "locations",
                _,
                "usages",
            ],
        ) => (Call::ArmListNetworkUsages, &[1, 5]),
        ("GET", ["subscriptions", _, "operationresults", _]) => (Call::ArmOperationStatus, &[1, 3]),
        _ => return None,
    };
    Some((call, ids.iter().map(|at| path[*at].to_owned()).collect()))
}

fn listed(space: &str, kind: &str) -> Option<Call> {
    match (space, kind) {
        ("microsoft.databricks", "workspaces") => Some(Call::ArmListWorkspaces),
        ("microsoft.network", "networksecuritygroups") => Some(Call::ArmListNsgs),
        ("microsoft.network", "virtualnetworks") => Some(Call::ArmListVnets),
        _ => None,
    }
}

fn in_group(method: &str, space: &str, path: &[&str]) -> Option<Call> {
    Some(match (method, space, path) {
        ("GET", _, [kind]) => listed(space, kind)?,
        ("PUT", "microsoft.databricks", ["workspaces", _]) => Call::ArmCreateWorkspace,
        ("GET", "microsoft.databricks", ["workspaces", _]) => Call::ArmGetWorkspace,
        ("PATCH", "microsoft.databricks", ["workspaces", _]) => Call::ArmUpdateWorkspace,
        ("DELETE", "microsoft.databricks", ["workspaces", _]) => Call::ArmDeleteWorkspace,
        (
            "GET",
            "microsoft.databricks",
            ["locations", _, "operationstatuses" | "operationresults", _],
        ) => Call::ArmOperationStatus,
        ("POST", "microsoft.policyinsights", ["checkpolicyrestrictions"]) => Call::ArmCheckPolicies,
        ("PUT", "microsoft.network", ["networksecuritygroups", _]) => Call::ArmPutNsg,
        ("GET", "microsoft.network", ["networksecuritygroups", _]) => Call::ArmGetNsg,
        ("DELETE", "microsoft.network", ["networksecuritygroups", _]) => Call::ArmDeleteNsg,
        ("PUT", "microsoft.network", ["virtualnetworks", _]) => Call::ArmPutVnet,
        ("GET", "microsoft.network", ["virtualnetworks", _]) => Call::ArmGetVnet,
        ("DELETE", "microsoft.network", ["virtualnetworks", _]) => Call::ArmDeleteVnet,
        _ => return None,
    })
}

/// The name of what a request is about.
pub(super) fn subject(state: &State, request: &Request) -> Option<String> {
    match request.call {
        Call::ArmOperationStatus => {
            let id = request.ids.get(1)?;
            let operations = &state.azure.arm.operations;
            let found = operations.iter().rev().find(|it| it.id == *id)?;
            Some(found.subject.clone())
        }
        _ => request.ids.get(2).or(request.ids.get(1)).cloned(),
    }
}

pub(super) fn act(state: &mut State, request: &Request) -> Outcome {
    let answer = admitted(state, request).and_then(|()| dispatch(state, request));
    let finish = |answer: Answer| finish(answer, &request.manners);
    answer.map(finish).map_err(finish)
}

/// Whether a request gets past the gateway.
fn admitted(state: &State, request: &Request) -> Result<(), Answer> {
    if !request.secure {
        let words = "Resource Manager is served over TLS only.";
        return Err(error(403, "HttpsRequired", words).by_mistake());
    }
    if request.call == Call::Unknown {
        let words = format!("There is no route for {} {}.", request.method, request.path);
        return Err(error(404, "InvalidResourceType", &words).by_mistake());
    }
    authenticate(state, request)?;
    let subscription = &request.ids[0];
    if !same(subscription, &state.world.azure.subscription_id) {
        let words = format!("The subscription '{subscription}' could not be found.");
        return Err(error(404, "SubscriptionNotFound", &words));
    }
    check_query(request)
}

fn authenticate(state: &State, request: &Request) -> Result<(), Answer> {
    let world = &state.world.azure;
    let refuse = |code: &str, words: &str| {
        let challenge = format!(
            "Bearer authorization_uri=\"{}/{}\", error=\"invalid_token\", error_description=\"{words}\"",
            world.authority_host, world.tenant_id
        );
        error(401, code, words).with("www-authenticate", challenge)
    };
    let Some(bearer) = request.bearer() else {
        let words = "Authentication failed. The 'Authorization' header is missing.";
        return Err(refuse("AuthenticationFailed", words).by_mistake());
    };
    match Standing::of(state, bearer, Audience::Arm) {
        Standing::Good(_) => Ok(()),
        Standing::Expired => {
            let words = "The access token expiry is in the past.";
            Err(refuse("ExpiredAuthenticationToken", words))
        }
        Standing::Foreign => {
            let words = "The access token has been obtained for the wrong audience or resource.";
            Err(refuse("InvalidAuthenticationToken", words).by_mistake())
        }
        Standing::Unknown => {
            let words = "The access token is invalid.";
            Err(refuse("InvalidAuthenticationToken", words))
        }
    }
}

fn check_query(request: &Request) -> Result<(), Answer> {
    let path = request.path.to_ascii_lowercase();
    let versions = match request.call {
        Call::ArmGetProvider | Call::ArmRegisterProvider => PROVIDERS,
        _ if path.contains("/providers/microsoft.databricks/") => DATABRICKS,
        _ if path.contains("/providers/microsoft.network/") => NETWORK,
        Call::ArmCheckPolicies => POLICIES,
        _ => RESOURCES,
    };
    let Some(version) = request.query("api-version") else {
        let words = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(error(400, "MissingApiVersionParameter", words).by_mistake());
    };
    if !versions.contains(&version) {
        let code = match versions == RESOURCES || versions == PROVIDERS {
            true => "InvalidApiVersionParameter",
            false => "NoRegisteredProviderFound",
        };
        let words = format!(
            "The api-version '{version}' is invalid. The supported versions are '{}'.",
            versions.join(",")
        );
        return Err(error(400, code, &words).by_mistake());
    }
    let known: &[&str] = match request.call {
        Call::ArmDeleteWorkspace => &["api-version", "forceDeletion"],
        Call::ArmListWorkspaces => &["api-version", "$skipToken"],
        _ => &["api-version"],
    };
    match unknown_query(request, known) {
        Some(name) => {
            let words = format!("The query parameter '{name}' is not known.");
            Err(error(400, "InvalidQueryParameter", &words).by_mistake())
        }
        None => Ok(()),
    }
}

fn dispatch(state: &mut State, request: &Request) -> Outcome {
    use networks::Kind::{Nsg, Vnet};
    match request.call {
        Call::ArmCreateWorkspace => workspaces::put(state, request),
        Call::ArmGetWorkspace => workspaces::get(state, request),
        Call::ArmListWorkspaces => workspaces::list(state, request),
        Call::ArmUpdateWorkspace => workspaces::patch(state, request),
        Call::ArmDeleteWorkspace => workspaces::delete(state, request),
        Call::ArmOperationStatus => operations::status(state, request),
        Call::ArmGetGroup => groups::get(state, request),
        Call::ArmPutGroup => groups::put(state, request),
        Call::ArmDeleteGroup => groups::delete(state, request),
        Call::ArmListGroupResources => groups::resources(state, request),
        Call::ArmGetProvider => providers::get(state, request),
        Call::ArmRegisterProvider => providers::register(state, request),
        Call::ArmCheckPolicies => limits::policies(state, request),
        Call::ArmListNetworkUsages => limits::usages(state, request),
        Call::ArmPutNsg => networks::put(state, request, Nsg),
        Call::ArmGetNsg => networks::get(state, request, Nsg),
        Call::ArmListNsgs => networks::list(state, request, Nsg),
        Call::ArmDeleteNsg => networks::delete(state, request, Nsg),
        Call::ArmPutVnet => networks::put(state, request, Vnet),
        Call::ArmGetVnet => networks::get(state, request, Vnet),
        Call::ArmListVnets => networks::list(state, request, Vnet),
        _ => networks::delete(state, request, Vnet),
    }
}

/// What every answer carries, and what faults do to the headers of a client that waits.
fn finish(mut answer: Answer, manners: &[FaultKind]) -> Answer {
    for manner in manners {
        if *manner == FaultKind::PollWithoutRetryAfter {
            answer.headers.retain(|(name, _)| *name != "retry-after");
        }
        for (name, value) in &mut answer.headers {
            match (manner, *name) {
                (FaultKind::RetryAfterZero, "retry-after") => *value = "0".into(),
                (FaultKind::RelativeStatusUrl, "azure-asyncoperation" | "location") => {
                    if let Some(at) = value.find("/subscriptions/") {
                        value.replace_range(..at, "");
                    }
                }
                (FaultKind::LocationHeader, "azure-asyncoperation") => {
                    *name = "location";
                    *value = value
                        .replace("/operationStatuses/", "/operationResults/")
                        .replace("/operations/", "/operationResults/");
                }
                _ => {}
            }
        }
    }
    answer.with("x-ms-request-id", uuid::Uuid::new_v4().to_string())
}

/// The JSON body; what the type does not know is refused.
fn parse<T: DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    let refuse = |why: String| error(400, "InvalidRequestContent", &why).by_mistake();
    if !request.is("application/json") {
        return Err(refuse("The content type is not application/json.".into()));
    }
    let read = serde_json::from_slice(&request.body);
    read.map_err(|why| {
        refuse(format!(
            "The request content was invalid and could not be deserialized: '{why}'."
        ))
    })
}

/// An error as Resource Manager answers it.
pub(crate) fn error(status: u16, code: &str, words: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": words}}))
}

/// A body that breaks a rule: what the client should have known.
fn invalid(words: impl AsRef<str>) -> Answer {
    error(400, "InvalidParameter", words.as_ref()).by_mistake()
}
