//! Virtual networks and network security groups: made, listed, deleted, a few simulated seconds each.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::cidr::Cidr;
use super::operations::{Failure, Operation, Provider, url};
use super::{error, groups, injection, parse, rules, same, security_groups, virtual_networks};
use crate::answer::{Answer, Outcome};
use crate::azure::AzureWorld;
use crate::request::Request;
use crate::state::State;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Vnet,
    Nsg,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Vnet => "virtualNetworks",
            Kind::Nsg => "networkSecurityGroups",
        }
    }

    fn longest_name(self) -> usize {
        match self {
            Kind::Vnet => 64,
            Kind::Nsg => 80,
        }
    }
}

/// A part of a virtual network.
#[derive(Clone, Debug)]
pub(crate) struct Subnet {
    pub(crate) name: String,
    pub(crate) prefix: Cidr,
    /// The id of its security group.
    pub(crate) security_group: Option<String>,
    /// Whom it is delegated to.
    pub(crate) delegations: Vec<String>,
    /// `properties` as they were given.
    pub(crate) properties: Value,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Stay,
    Fail,
    Go,
}

/// A virtual network or a security group.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) location: String,
    pub(crate) premade: bool,
    pub(super) tags: Map<String, Value>,
    pub(super) properties: Map<String, Value>,
    pub(crate) subnets: Vec<Subnet>,
    /// What is being done to it, and until when.
    work: Option<(Duration, Then)>,
    failed: bool,
}

impl Item {
    pub(crate) fn state(&self) -> &'static str {
        match self.work {
            Some((_, Then::Go)) => "Deleting",
            Some(_) => "Updating",
            None if self.failed => "Failed",
            None => "Succeeded",
        }
    }
}

/// What a PUT asks for.
pub(super) struct Draft {
    pub(super) location: String,
    pub(super) tags: Map<String, Value>,
    pub(super) properties: Map<String, Value>,
    pub(super) subnets: Vec<Subnet>,
}

fn id_of(subscription: &str, group: &str, kind: Kind, name: &str) -> String {
    let kind = kind.name();
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/{kind}/{name}"
    )
}

/// The network `shared` with its security group.
pub(super) fn premade(world: &AzureWorld) -> Vec<Item> {
    let item = |kind, name: &str, draft: Draft| Item {
        kind,
        group: "network".into(),
        name: name.into(),
        id: id_of(&world.subscription_id, "network", kind, name),
        location: draft.location,
        premade: true,
        tags: draft.tags,
        properties: draft.properties,
        subnets: draft.subnets,
        work: None,
        failed: false,
    };
    let draft = |properties: Value, subnets| Draft {
        location: world.location.clone(),
        tags: Map::new(),
        properties: properties.as_object().cloned().unwrap_or_default(),
        subnets,
    };
    let group = item(
        Kind::Nsg,
        "databricks",
        draft(json!({"securityRules": []}), Vec::new()),
    );
    let subnet = |name: &str, prefix: &str, delegated: bool| {
        let mut properties = json!({"addressPrefix": prefix});
        if delegated {
            properties["networkSecurityGroup"] = json!({"id": group.id});
            properties["delegations"] = json!([{
                "name": "databricks",
                "properties": {"serviceName": "Microsoft.Databricks/workspaces"},
            }]);
        }
        virtual_networks::subnet(name, properties)
    };
    let subnets = [
        subnet(&world.public_subnet, "10.10.0.0/24", true),
        subnet(&world.private_subnet, "10.10.1.0/24", true),
        subnet(&world.other_subnet, "10.10.2.0/24", false),
    ];
    let space = json!({"addressSpace": {"addressPrefixes": ["10.10.0.0/16"]}});
    let shared = draft(space, subnets.into_iter().flatten().collect());
    let shared = item(Kind::Vnet, "shared", shared);
    vec![group, shared]
}

pub(super) fn catch_up(items: &mut Vec<Item>, now: Duration) {
    items.retain(|item| !matches!(item.work, Some((until, Then::Go)) if now >= until));
    for item in items {
        if let Some((until, then)) = item.work
            && now >= until
        {
            item.work = None;
            item.failed = then == Then::Fail;
        }
    }
}

/// What GET answers.
pub(crate) fn show(items: &[Item], id: &str) -> Option<Value> {
    let item = items.iter().find(|it| same(&it.id, id))?;
    let mut properties = match item.kind {
        Kind::Vnet => virtual_networks::show(item),
        Kind::Nsg => security_groups::show(items, item),
    };
    properties["provisioningState"] = item.state().into();
    Some(json!({
        "id": item.id,
        "name": item.name,
        "type": format!("Microsoft.Network/{}", item.kind.name()),
        "location": item.location,
        "tags": item.tags,
        "etag": format!("W/\"{}\"", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, properties.to_string().as_bytes())),
        "properties": properties,
    }))
}

fn position(state: &State, request: &Request, kind: Kind) -> Option<usize> {
    let (group, name) = (&request.ids[1], &request.ids[2]);
    let mut items = state.azure.arm.networks.iter();
    items.position(|it| it.kind == kind && same(&it.group, group) && same(&it.name, name))
}

pub(super) fn get(state: &mut State, request: &Request, kind: Kind) -> Outcome {
    let (group, name) = (&request.ids[1], &request.ids[2]);
    groups::find(&state.azure.arm.groups, group)?;
    let items = &state.azure.arm.networks;
    let found = position(state, request, kind);
    let shown = found.and_then(|at| show(items, &items[at].id));
    shown.map(|body| Answer::ok(&body)).ok_or_else(|| {
        let kind = kind.name();
        let words = format!("The Resource 'Microsoft.Network/{kind}/{name}' under resource group '{group}' was not found.");
        error(404, "ResourceNotFound", &words)
    })
}

/// Of a group or of the subscription.
pub(super) fn list(state: &mut State, request: &Request, kind: Kind) -> Outcome {
    let group = request.ids.get(1);
    if let Some(group) = group {
        groups::find(&state.azure.arm.groups, group)?;
    }
    let items = &state.azure.arm.networks;
    let listed = items
        .iter()
        .filter(|it| it.kind == kind && group.is_none_or(|group| same(&it.group, group)));
    let all: Vec<Value> = listed.filter_map(|it| show(items, &it.id)).collect();
    Ok(Answer::ok(&json!({"value": all})))
}

fn check_name(kind: Kind, name: &str) -> Result<(), Answer> {
    let bytes = name.as_bytes();
    let legal = |b: &u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    let first = bytes.first().is_some_and(u8::is_ascii_alphanumeric);
    let last = bytes
        .last()
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let least = if kind == Kind::Vnet { 2 } else { 1 };
    if first
        && last
        && bytes.iter().all(legal)
        && (least..=kind.longest_name()).contains(&name.len())
    {
        return Ok(());
    }
    let words = format!("Resource name {name} is invalid.");
    Err(error(400, "InvalidResourceName", &words).by_mistake())
}

/// What was there before is another team's; what is being worked on has to wait.
fn may_change(item: &Item) -> Result<(), Answer> {
    if item.premade {
        let words = format!(
            "The client does not have authorization to perform this action over scope '{}'.",
            item.id
        );
        return Err(error(403, "AuthorizationFailed", &words).by_mistake());
    }
    if item.work.is_some() {
        let words = format!("Another operation on {} is in progress.", item.id);
        let details = json!([{"code": "RetryableErrorDueToAnotherOperation", "message": words}]);
        let body =
            json!({"error": {"code": "RetryableError", "message": words, "details": details}});
        return Err(Answer::json(429, &body).with("retry-after", "10"));
    }
    Ok(())
}

pub(super) fn put(state: &mut State, request: &Request, kind: Kind) -> Outcome {
    let (group, name) = (&request.ids[1], &request.ids[2]);
    check_name(kind, name)?;
    let draft = match kind {
        Kind::Vnet => virtual_networks::draft(parse(request)?)?,
        Kind::Nsg => security_groups::draft(parse(request)?)?,
    };
    groups::may_receive(&state.azure.arm.groups, group)?;
    let group = groups::spelled(&state.azure.arm.groups, group);
    let found = position(state, request, kind);
    if let Some(at) = found {
        let before = &state.azure.arm.networks[at];
        may_change(before)?;
        if before.location != draft.location {
            let words = format!(
                "The resource '{name}' already exists in location '{}'.",
                before.location
            );
            return Err(error(409, "InvalidResourceLocation", &words).by_mistake());
        }
        virtual_networks::check_held(&state.workspaces, before, &draft.subnets)?;
    }
    virtual_networks::check_references(&state.azure.arm.networks, &draft)?;
    let until = state.now() + Duration::from_millis(state.chance.between(3_000, 10_000));
    let failure = Failure::of(request.strike.as_ref());
    let then = if failure.is_some() {
        Then::Fail
    } else {
        Then::Stay
    };
    let id = id_of(&state.world.azure.subscription_id, &group, kind, name);
    let item = Item {
        kind,
        name: found.map_or(name.clone(), |at| state.azure.arm.networks[at].name.clone()),
        id: found.map_or(id, |at| state.azure.arm.networks[at].id.clone()),
        group,
        location: draft.location,
        premade: false,
        tags: draft.tags,
        properties: draft.properties,
        subnets: draft.subnets,
        work: Some((until, then)),
        failed: false,
    };
    let (id, location) = (item.id.clone(), item.location.clone());
    match found {
        Some(at) => state.azure.arm.networks[at] = item,
        None => {
            state.azure.arm.networks.push(item);
            state.count(match kind {
                Kind::Vnet => "networks",
                Kind::Nsg => "security_groups",
            });
        }
    }
    let url = begin(state, request, &location, Some(&id), until, failure);
    let body = show(&state.azure.arm.networks, &id).unwrap_or_default();
    let status = if found.is_some() { 200 } else { 201 };
    Ok(Answer::json(status, &body)
        .with("azure-asyncoperation", url)
        .with("retry-after", "10"))
}

/// Begins an operation: its URL.
fn begin(
    state: &mut State,
    request: &Request,
    location: &str,
    resource: Option<&str>,
    until: Duration,
    failure: Option<Failure>,
) -> String {
    let operation = Operation {
        id: state.chance.uuid(),
        provider: Provider::Network,
        subject: request.ids[2].clone(),
        resource: resource.map(str::to_owned),
        until,
        failure,
    };
    let url = url(request, "", location, &operation);
    state.azure.arm.operations.push(operation);
    url
}

pub(super) fn delete(state: &mut State, request: &Request, kind: Kind) -> Outcome {
    groups::find(&state.azure.arm.groups, &request.ids[1])?;
    let Some(at) = position(state, request, kind) else {
        return Ok(Answer::empty(204));
    };
    let items = &state.azure.arm.networks;
    let item = &items[at];
    may_change(item)?;
    for subnet in &item.subnets {
        if let Some(workspace) = injection::holder(&state.workspaces, &item.id, &subnet.name) {
            return Err(virtual_networks::in_use(
                item,
                &subnet.name,
                &workspace.name,
            ));
        }
    }
    if let Some(user) = security_groups::user(items, item) {
        let words = format!(
            "Network security group {} cannot be deleted because it is in use by the following resources: {user}.",
            item.id
        );
        return Err(error(
            400,
            "InUseNetworkSecurityGroupCannotBeDeleted",
            &words,
        ));
    }
    let until = state.now() + Duration::from_millis(state.chance.between(3_000, 10_000));
    let failure = Failure::of(request.strike.as_ref());
    let location = item.location.clone();
    let then = if failure.is_some() {
        Then::Stay
    } else {
        Then::Go
    };
    state.azure.arm.networks[at].work = Some((until, then));
    let url = begin(state, request, &location, None, until, failure);
    Ok(Answer::empty(202)
        .with(
            "location",
            url.replace("/operations/", "/operationResults/"),
        )
        .with("azure-asyncoperation", url)
        .with("retry-after", "10"))
}

/// The location of a network's body.
pub(super) fn location(given: Option<&str>) -> Result<String, Answer> {
    rules::check_location(given)
}
