//! Resource groups: two that were there before, those of clients, and those that workspaces manage.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::operations::{Failure, Operation, Provider, url};
use super::{error, injection, networks, parse, rules, same};
use crate::account::life::Workspace;
use crate::answer::{Answer, Outcome};
use crate::azure::AzureWorld;
use crate::request::Request;
use crate::state::State;

/// Who made it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Origin {
    /// It was there before.
    World,
    Client,
    Workspace,
}

/// One group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    location: String,
    tags: BTreeMap<String, String>,
    /// The id of the workspace that manages it.
    manager: Option<String>,
    /// What a deleted workspace left in it.
    leftovers: Vec<Value>,
    gone_at: Option<Duration>,
}

impl Group {
    fn new(name: &str, location: &str, origin: Origin) -> Group {
        Group {
            name: name.to_owned(),
            origin,
            location: location.to_owned(),
            tags: BTreeMap::new(),
            manager: None,
            leftovers: Vec::new(),
            gone_at: None,
        }
    }

    /// What GET answers.
    pub(crate) fn show(&self, subscription: &str) -> Value {
        let state = self.gone_at.map_or("Succeeded", |_| "Deleting");
        let mut body = json!({
            "id": self.id(subscription),
            "name": self.name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": self.location,
            "tags": self.tags,
            "properties": {"provisioningState": state},
        });
        if let Some(manager) = &self.manager {
            body["managedBy"] = manager.as_str().into();
        }
        body
    }

    pub(crate) fn id(&self, subscription: &str) -> String {
        format!("/subscriptions/{subscription}/resourceGroups/{}", self.name)
    }
}

pub(super) fn premade(world: &AzureWorld) -> Vec<Group> {
    [world.resource_group.as_str(), "network"]
        .map(|name| Group::new(name, &world.location, Origin::World))
        .into()
}

/// Removes what was due; the names in lower case.
pub(super) fn catch_up(groups: &mut Vec<Group>, now: Duration) -> Vec<String> {
    groups
        .extract_if(.., |group| group.gone_at.is_some_and(|at| now >= at))
        .map(|group| group.name.to_ascii_lowercase())
        .collect()
}

/// A managed group goes with its workspace, unless what is left in it was not to be deleted.
pub(super) fn outlive(groups: &mut [Group], workspace: &Workspace, now: Duration) {
    let Some(azure) = &workspace.azure else {
        return;
    };
    let id = azure.id(&workspace.name);
    let mut ours = groups.iter_mut();
    let Some(group) = ours.find(|group| group.manager.as_deref() == Some(&id)) else {
        return;
    };
    if azure.forced || workspace.ran_since.is_none() {
        group.gone_at = Some(now + azure.group_lingers);
    } else {
        group.leftovers = azure.contents(workspace.id);
        group.manager = None;
    }
}

pub(super) fn find<'g>(groups: &'g [Group], name: &str) -> Result<&'g Group, Answer> {
    groups
        .iter()
        .find(|it| same(&it.name, name))
        .ok_or_else(|| {
            let words = format!("Resource group '{name}' could not be found.");
            error(404, "ResourceGroupNotFound", &words).with("x-ms-failure-cause", "gateway")
        })
}

/// Whether something can be made in a group.
pub(super) fn may_receive(groups: &[Group], name: &str) -> Result<(), Answer> {
    let group = find(groups, name)?;
    if group.gone_at.is_some() {
        let words = format!("The resource group '{name}' is in deprovisioning state.");
        return Err(error(409, "ResourceGroupBeingDeleted", &words));
    }
    is_open(group)
}

/// What a workspace manages is locked.
fn is_open(group: &Group) -> Result<(), Answer> {
    let Some(manager) = &group.manager else {
        return Ok(());
    };
    let words = format!(
        "The client has permission to perform the action, however the access is denied because of the deny assignment \
         of the workspace '{manager}'."
    );
    Err(error(403, "DenyAssignmentAuthorizationFailed", &words))
}

/// A group's name as it was made.
pub(super) fn spelled(groups: &[Group], name: &str) -> String {
    let group = groups.iter().find(|it| same(&it.name, name));
    group.map_or(name, |group| &group.name).to_owned()
}

/// The name in a group's id.
pub(super) fn named_by<'i>(id: &'i str, subscription: &str) -> Option<&'i str> {
    let parts: Vec<&str> = id.split('/').collect();
    match parts[..] {
        ["", subscriptions, of, groups, name]
            if same(subscriptions, "subscriptions")
                && same(of, subscription)
                && same(groups, "resourceGroups") =>
        {
            Some(name)
        }
        _ => None,
    }
}

pub(super) fn check_name(name: &str) -> Result<(), Answer> {
    let legal = |c: char| c.is_alphanumeric() || "-._()".contains(c);
    if (1..=90).contains(&name.chars().count()) && name.chars().all(legal) && !name.ends_with('.') {
        return Ok(());
    }
    let words = format!("The provided resource group name '{name}' is not valid.");
    Err(error(400, "InvalidResourceGroup", &words).by_mistake())
}

/// Makes the group that a workspace manages; it must not be there.
pub(super) fn manage(
    groups: &mut Vec<Group>,
    name: &str,
    location: &str,
    workspace: &str,
) -> Result<(), Failure> {
    if groups.iter().any(|it| same(&it.name, name)) {
        let words = format!(
            "The managed resource group '{name}' already exists and is not managed by the workspace."
        );
        return Err(Failure::new("ApplianceProvisioningFailed", words));
    }
    let mut group = Group::new(name, location, Origin::Workspace);
    group.manager = Some(workspace.to_owned());
    groups.push(group);
    Ok(())
}

pub(super) fn get(state: &mut State, request: &Request) -> Outcome {
    let group = find(&state.azure.arm.groups, &request.ids[1])?;
    Ok(Answer::ok(&group.show(&request.ids[0])))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    location: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

pub(super) fn put(state: &mut State, request: &Request) -> Outcome {
    let body: Body = parse(request)?;
    let name = &request.ids[1];
    check_name(name)?;
    rules::check_tags(Some(&body.tags))?;
    let location = rules::check_location(body.location.as_deref())?;
    let groups = &mut state.azure.arm.groups;
    let Some(at) = groups.iter().position(|it| same(&it.name, name)) else {
        let mut group = Group::new(name, &location, Origin::Client);
        group.tags = body.tags;
        let answer = Answer::json(201, &group.show(&request.ids[0]));
        groups.push(group);
        state.count("resource_groups");
        return Ok(answer);
    };
    may_receive(groups, name)?;
    if groups[at].location != location {
        let words = format!(
            "Invalid resource group location '{location}'. The resource group already exists in location '{}'.",
            groups[at].location
        );
        return Err(error(409, "InvalidResourceGroupLocation", &words).by_mistake());
    }
    groups[at].tags = body.tags;
    Ok(Answer::ok(&groups[at].show(&request.ids[0])))
}

pub(super) fn delete(state: &mut State, request: &Request) -> Outcome {
    let name = &request.ids[1];
    let group = find(&state.azure.arm.groups, name)?;
    if group.origin == Origin::World {
        let words =
            format!("The scope '{name}' cannot perform delete operation because it is locked.");
        return Err(error(409, "ScopeLocked", &words).by_mistake());
    }
    is_open(group)?;
    let inside = |it: &&Workspace| {
        let azure = it.azure.as_ref();
        azure.is_some_and(|azure| same(&azure.group, name))
    };
    let mut networks = state.azure.arm.networks.iter();
    let held = networks.find(|it| {
        same(&it.group, name)
            && it
                .subnets
                .iter()
                .any(|subnet| injection::holder(&state.workspaces, &it.id, &subnet.name).is_some())
    });
    let inside = state.workspaces.iter().find(inside).map(|it| &it.name);
    if let Some(inside) = inside.or(held.map(|it| &it.name)) {
        let words = format!("The resource group '{name}' holds '{inside}', which is in use.");
        return Err(error(409, "ResourceGroupDeletionBlocked", &words));
    }
    let now = state.now();
    let takes = Duration::from_millis(state.chance.between(10_000, 30_000));
    let until = group.gone_at.unwrap_or(now + takes);
    let location = group.location.clone();
    let operation = Operation {
        id: state.chance.uuid(),
        provider: Provider::Resources,
        subject: name.clone(),
        resource: None,
        until,
        failure: Failure::of(request.strike.as_ref()),
    };
    let place = url(request, name, &location, &operation);
    let groups = state.azure.arm.groups.iter_mut();
    if operation.failure.is_none() {
        let doomed = groups.filter(|it| same(&it.name, name));
        doomed.for_each(|it| it.gone_at = Some(until));
    }
    state.azure.arm.operations.push(operation);
    Ok(Answer::empty(202)
        .with("location", place)
        .with("retry-after", "15"))
}

/// What is in a group, in short.
pub(super) fn resources(state: &mut State, request: &Request) -> Outcome {
    let name = &request.ids[1];
    let now = state.now();
    let group = find(&state.azure.arm.groups, name)?;
    let short = |body: Value| json!({"id": body["id"], "name": body["name"], "type": body["type"], "location": body["location"]});
    let networks = state.azure.arm.networks.iter();
    let networks = networks
        .filter(|it| same(&it.group, name))
        .filter_map(|it| networks::show(&state.azure.arm.networks, &it.id));
    let workspaces = state
        .workspaces
        .iter()
        .filter_map(|it| Some((it, it.azure.as_ref()?)));
    let there = workspaces
        .clone()
        .filter(|(_, azure)| same(&azure.group, name));
    let managed = workspaces.filter(|(it, azure)| {
        let managed = azure.managed_group.as_deref();
        managed.is_some_and(|managed| same(managed, name)) && it.ran_since.is_some()
    });
    let all: Vec<Value> = there
        .map(|(it, _)| it.show(now))
        .chain(networks)
        .map(short)
        .chain(managed.flat_map(|(it, azure)| azure.contents(it.id)))
        .chain(group.leftovers.iter().cloned())
        .collect();
    Ok(Answer::ok(&json!({"value": all})))
}
