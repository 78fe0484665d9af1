//! Networks: a VPC with subnets and security groups. A network belongs to at most one workspace.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{check_name, check_unique, remove};
use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::request::Request;
use crate::state::{Object, State};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    network_name: String,
    vpc_id: String,
    subnet_ids: Vec<String>,
    security_group_ids: Vec<String>,
    vpc_endpoints: Option<VpcEndpoints>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VpcEndpoints {
    #[serde(default)]
    rest_api: Vec<String>,
    #[serde(default)]
    dataplane_relay: Vec<String>,
}

pub(crate) fn create(state: &mut State, request: &Request) -> Outcome {
    let body: Body = request.json()?;
    check_name("network_name", &body.network_name, 256, 4)?;
    let malformed = |words: String| Err(Answer::malformed(words));
    if !body.vpc_id.starts_with("vpc-") {
        return malformed(format!("Invalid vpc_id: {}", body.vpc_id));
    }
    if body.subnet_ids.len() < 2 {
        return malformed("At least two subnet ids are required.".into());
    }
    if !(1..=5).contains(&body.security_group_ids.len()) {
        return malformed("Between one and five security group ids are required.".into());
    }
    for (ids, prefix) in [
        (&body.subnet_ids, "subnet-"),
        (&body.security_group_ids, "sg-"),
    ] {
        if let Some(id) = ids.iter().find(|id| !id.starts_with(prefix)) {
            return malformed(format!("Invalid id: {id}"));
        }
    }
    if let Some(subnet) = body
        .subnet_ids
        .iter()
        .find(|id| is_taken(state, "subnet_ids", id))
    {
        return malformed(format!(
            "Subnet {subnet} is used by another network configuration."
        ));
    }
    check_unique(&state.networks, "Network", &body.network_name)?;
    let id = state.chance.uuid();
    let mut answer = json!({
        "network_id": id,
        "account_id": state.world.account_id,
        "network_name": body.network_name,
        "vpc_id": body.vpc_id,
        "subnet_ids": body.subnet_ids,
        "security_group_ids": body.security_group_ids,
        "vpc_status": "UNATTACHED",
        "creation_time": epoch_ms(),
    });
    if let Some(endpoints) = body.vpc_endpoints {
        answer["vpc_endpoints"] = json!({
            "rest_api": endpoints.rest_api,
            "dataplane_relay": endpoints.dataplane_relay,
        });
    }
    state.networks.push(Object {
        id,
        name: body.network_name,
        body: answer.clone(),
    });
    state.count("networks");
    Ok(Answer::json(201, &answer))
}

fn is_taken(state: &State, field: &str, id: &str) -> bool {
    state
        .networks
        .iter()
        .filter_map(|network| network.body[field].as_array())
        .any(|ids| ids.iter().any(|other| other == id))
}

/// The workspace a network is attached to.
pub(super) fn holder(network: &Object) -> Option<i64> {
    network.body.get("workspace_id").and_then(Value::as_i64)
}

pub(super) fn attach(networks: &mut [Object], id: &str, workspace: i64) {
    if let Some(network) = networks.iter_mut().find(|network| network.id == id) {
        network.body["workspace_id"] = workspace.into();
        network.body["vpc_status"] = "VALID".into();
    }
}

/// Frees the networks of a workspace.
pub(crate) fn detach(networks: &mut [Object], workspace: i64) {
    for network in networks.iter_mut().filter(|n| holder(n) == Some(workspace)) {
        if let Some(body) = network.body.as_object_mut() {
            body.remove("workspace_id");
            body.insert("vpc_status".into(), "UNATTACHED".into());
        }
    }
}

pub(crate) fn delete(state: &mut State, id: &str) -> Outcome {
    let network = super::find(&state.networks, id, "Network")?;
    if let Some(workspace) = holder(network) {
        return Err(Answer::text(
            400,
            "INVALID_STATE",
            format!("Unable to delete, Network is being used by active workspace {workspace}"),
        ));
    }
    remove(&mut state.networks, id, "Network")
}
