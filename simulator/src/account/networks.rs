//! Networks: a VPC with subnets and security groups. A network belongs to at most one workspace.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{check_name, check_unique, remove};
use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::faults::{FaultKind, Strike};
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
    for (ids, field, prefix, kind) in [
        (&body.subnet_ids, "subnet_ids", "subnet-", "Subnet"),
        (
            &body.security_group_ids,
            "security_group_ids",
            "sg-",
            "Security group",
        ),
    ] {
        for (index, id) in ids.iter().enumerate() {
            if !id.starts_with(prefix) {
                return malformed(format!("Invalid id: {id}"));
            }
            if ids[..index].contains(id) {
                return malformed(format!("{kind} {id} is named twice."));
            }
            if is_taken(state, field, id) {
                return malformed(format!(
                    "{kind} {id} is used by another network configuration."
                ));
            }
        }
    }
    let endpoints = body.vpc_endpoints.as_ref();
    let endpoints = endpoints.map(|e| e.rest_api.iter().chain(&e.dataplane_relay));
    if let Some(id) = endpoints.into_iter().flatten().next() {
        // This world has none.
        return Err(Answer::not_found(format!(
            "VPC endpoint {id} does not exist."
        )));
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

/// Attaches a network to a workspace, and judges it: the vendor looks into a VPC only then. The words are why the
/// workspace is going to fail.
pub(super) fn attach(
    networks: &mut [Object],
    id: &str,
    workspace: i64,
    strike: Option<&Strike>,
) -> Option<String> {
    let network = networks.iter_mut().find(|network| network.id == id)?;
    clean(network);
    let of = |field: &str, nth: usize| network.body[field][nth].as_str().unwrap_or_default();
    let (subnet, group) = (of("subnet_ids", 0), of("security_group_ids", 0));
    let found = match strike.map(Strike::kind) {
        Some(FaultKind::SecurityGroupBroken) => Some((
            "securityGroup",
            format!("Security group {group} does not allow all traffic between its members."),
        )),
        Some(FaultKind::SubnetWithoutRoute) => Some((
            "subnet",
            format!("Subnet {subnet} has no route to a NAT gateway."),
        )),
        Some(FaultKind::NetworkAclBlocks) => Some((
            "networkAcl",
            format!("The network ACL of subnet {subnet} blocks outbound port 443."),
        )),
        _ => None,
    };
    let warned = matches!(strike.map(Strike::kind), Some(FaultKind::NetworkWarned))
        .then(|| format!("Subnet {subnet} routes to a NAT instance, not to a NAT gateway."));
    let words = |default: String| strike.map_or(default.clone(), |s| s.words(&default).to_owned());
    network.body["workspace_id"] = workspace.into();
    match (found, warned) {
        (Some((kind, message)), _) => {
            network.body["vpc_status"] = "BROKEN".into();
            network.body["error_messages"] =
                json!([{"error_type": kind, "error_message": words(message)}]);
            Some(format!("The network configuration {id} is not valid."))
        }
        (None, Some(message)) => {
            network.body["vpc_status"] = "WARNED".into();
            network.body["warning_messages"] =
                json!([{"warning_type": "subnet", "warning_message": words(message)}]);
            None
        }
        (None, None) => {
            network.body["vpc_status"] = "VALID".into();
            None
        }
    }
}

/// Forgets workspace and verdict.
fn clean(network: &mut Object) {
    if let Some(body) = network.body.as_object_mut() {
        for field in ["workspace_id", "error_messages", "warning_messages"] {
            body.remove(field);
        }
        body.insert("vpc_status".into(), "UNATTACHED".into());
    }
}

/// Frees the networks of a workspace.
pub(crate) fn detach(networks: &mut [Object], workspace: i64) {
    let held = networks.iter_mut().filter(|n| holder(n) == Some(workspace));
    held.for_each(clean);
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
