//! A workspace in a network that is there already: Azure looks into it only when it deploys.

use serde_json::{Map, Value};

use super::networks::{Item, Kind};
use super::operations::Failure;
use super::resource::Held;
use super::same;
use crate::account::life::Workspace;

/// The smallest subnet.
const SMALLEST: u8 = 26;

/// The subnets that a workspace asks for.
pub(super) fn wanted(properties: &Map<String, Value>) -> Option<Held> {
    let parameters = properties.get("parameters")?;
    let text = |name: &str| Some(parameters[name]["value"].as_str()?.to_owned());
    Some(Held {
        network: text("customVirtualNetworkId")?,
        subnets: [
            text("customPublicSubnetName")?,
            text("customPrivateSubnetName")?,
        ],
    })
}

/// The workspace that holds a subnet.
pub(super) fn holder<'w>(
    workspaces: &'w [Workspace],
    network: &str,
    subnet: &str,
) -> Option<&'w Workspace> {
    workspaces.iter().find(|workspace| {
        let held = workspace
            .azure
            .as_ref()
            .and_then(|azure| azure.held.as_ref());
        held.is_some_and(|held| {
            same(&held.network, network) && held.subnets.iter().any(|it| same(it, subnet))
        })
    })
}

/// Why the workspace is going to fail.
pub(super) fn judge(
    networks: &[Item],
    workspaces: &[Workspace],
    location: &str,
    wanted: &Held,
) -> Option<Failure> {
    let id = &wanted.network;
    let found = networks
        .iter()
        .find(|it| it.kind == Kind::Vnet && same(&it.id, id));
    let Some(network) = found else {
        let words = format!("Resource {id} referenced by the workspace was not found.");
        return Some(Failure::new("InvalidResourceReference", words));
    };
    if network.state() != "Succeeded" {
        let words = format!(
            "Resource {id} is in provisioning state {}.",
            network.state()
        );
        return Some(Failure::new("ReferencedResourceNotProvisioned", words));
    }
    if network.location != location {
        let words = format!(
            "The virtual network {id} is in {}, the workspace in {location}.",
            network.location
        );
        return Some(Failure::new("InvalidResourceLocation", words));
    }
    for name in &wanted.subnets {
        let Some(subnet) = network.subnets.iter().find(|it| same(&it.name, name)) else {
            let words = format!(
                "Subnet '{name}' with the CIDR <null> is not in the range of virtual network {id}."
            );
            return Some(Failure::new("SubnetIsNotWithinVnetError", words));
        };
        if !subnet
            .delegations
            .iter()
            .any(|it| same(it, "Microsoft.Databricks/workspaces"))
        {
            let words = format!(
                "Subnet '{name}' of {id} is not delegated to Microsoft.Databricks/workspaces."
            );
            return Some(Failure::new("SubnetMissingRequiredDelegation", words));
        }
        if subnet.security_group.is_none() {
            let words = format!("Subnet '{name}' of {id} has no network security group.");
            return Some(Failure::new("SubnetMissingNetworkSecurityGroup", words));
        }
        if subnet.prefix.length > SMALLEST {
            let words = format!("Subnet '{name}' of {id} is smaller than /{SMALLEST}.");
            return Some(Failure::new("SubnetTooSmall", words));
        }
        if let Some(other) = holder(workspaces, id, name) {
            let words = format!(
                "Subnet '{name}' of {id} carries the network intent policy of workspace {}.",
                other.name
            );
            return Some(Failure::new("ConflictWithNetworkIntentPolicy", words));
        }
    }
    None
}
