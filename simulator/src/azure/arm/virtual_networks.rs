//! Virtual networks with their subnets. A PUT replaces the list of subnets; those that a workspace holds must stay.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::cidr::Cidr;
use super::injection;
use super::networks::{Draft, Item, Kind, Subnet, location};
use super::{error, same};
use crate::account::life::Workspace;
use crate::answer::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    location: Option<String>,
    #[serde(default)]
    tags: Map<String, Value>,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Properties {
    address_space: AddressSpace,
    #[serde(default)]
    subnets: Vec<GivenSubnet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AddressSpace {
    address_prefixes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenSubnet {
    name: String,
    properties: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SubnetProperties {
    address_prefix: Option<String>,
    address_prefixes: Option<Vec<String>>,
    network_security_group: Option<Reference>,
    #[serde(default)]
    delegations: Vec<Delegation>,
    #[serde(rename = "defaultOutboundAccess")]
    _default_outbound_access: Option<bool>,
    #[serde(rename = "privateEndpointNetworkPolicies")]
    _private_endpoint_network_policies: Option<String>,
    #[serde(rename = "privateLinkServiceNetworkPolicies")]
    _private_link_service_network_policies: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delegation {
    #[serde(rename = "name")]
    _name: String,
    properties: DelegationProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DelegationProperties {
    service_name: String,
}

fn wrong(code: &str, words: impl AsRef<str>) -> Answer {
    error(400, code, words.as_ref()).by_mistake()
}

fn cidr(text: &str) -> Result<Cidr, Answer> {
    let bad = || {
        wrong(
            "InvalidAddressPrefixFormat",
            format!("Address prefix {text} is not a CIDR."),
        )
    };
    Cidr::parse(text).ok_or_else(bad)
}

/// A subnet of these properties.
pub(super) fn subnet(name: &str, properties: Value) -> Result<Subnet, Answer> {
    let read = serde_json::from_value::<SubnetProperties>(properties.clone());
    let read =
        read.map_err(|why| wrong("InvalidRequestContent", format!("Subnet {name}: {why}")))?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if !(1..=80).contains(&name.len()) || !name.bytes().all(legal) {
        return Err(wrong(
            "InvalidResourceName",
            format!("Resource name {name} is invalid."),
        ));
    }
    let prefix = match (&read.address_prefix, read.address_prefixes.as_deref()) {
        (Some(prefix), None) | (None, Some([prefix])) => cidr(prefix)?,
        _ => {
            return Err(wrong(
                "InvalidRequestContent",
                format!("Subnet {name} needs one address prefix."),
            ));
        }
    };
    if prefix.length > 29 {
        return Err(wrong(
            "NetcfgInvalidSubnet",
            format!("Subnet '{name}' is not valid: it is smaller than /29."),
        ));
    }
    let services = read.delegations.iter();
    Ok(Subnet {
        name: name.to_owned(),
        prefix,
        security_group: read.network_security_group.map(|it| it.id),
        delegations: services
            .map(|it| it.properties.service_name.clone())
            .collect(),
        properties,
    })
}

pub(super) fn draft(body: Body) -> Result<Draft, Answer> {
    let given = &body.properties.address_space.address_prefixes;
    let spaces = given
        .iter()
        .map(|it| cidr(it))
        .collect::<Result<Vec<_>, _>>()?;
    if spaces.is_empty() {
        return Err(wrong(
            "InvalidRequestContent",
            "The address space is empty.",
        ));
    }
    let subnets = body.properties.subnets.into_iter();
    let subnets: Vec<Subnet> = subnets
        .map(|it| subnet(&it.name, it.properties))
        .collect::<Result<_, _>>()?;
    for (at, subnet) in subnets.iter().enumerate() {
        let name = &subnet.name;
        if !spaces.iter().any(|space| space.contains(subnet.prefix)) {
            let words = format!(
                "Subnet '{name}' is not valid because its IP address range is outside the IP address range of virtual network."
            );
            return Err(wrong("NetcfgInvalidSubnet", words));
        }
        for other in &subnets[..at] {
            if same(&other.name, name) {
                return Err(wrong(
                    "InvalidRequestContent",
                    format!("Subnet {name} is there twice."),
                ));
            }
            if other.prefix.overlaps(subnet.prefix) {
                let words = format!(
                    "Subnet '{name}' is not valid because its IP address range overlaps with that of subnet '{}'.",
                    other.name
                );
                return Err(wrong("NetcfgSubnetRangesOverlap", words));
            }
        }
    }
    let space = json!({"addressPrefixes": body.properties.address_space.address_prefixes});
    Ok(Draft {
        location: location(body.location.as_deref())?,
        tags: body.tags,
        properties: Map::from_iter([("addressSpace".to_owned(), space)]),
        subnets,
    })
}

/// What a network refers to has to be there, and finished.
pub(super) fn check_references(items: &[Item], draft: &Draft) -> Result<(), Answer> {
    let ids = draft
        .subnets
        .iter()
        .filter_map(|it| it.security_group.as_deref());
    for id in ids {
        let group = items
            .iter()
            .find(|it| it.kind == Kind::Nsg && same(&it.id, id));
        match group {
            None => {
                let words =
                    format!("Resource {id} referenced by the virtual network was not found.");
                return Err(error(400, "InvalidResourceReference", &words));
            }
            Some(group) if group.state() != "Succeeded" => {
                let words = format!("Resource {id} is in provisioning state {}.", group.state());
                return Err(error(409, "ReferencedResourceNotProvisioned", &words));
            }
            Some(group) if group.location != draft.location => {
                let words = format!("Resource {id} is in location {}.", group.location);
                return Err(error(400, "InvalidResourceReference", &words));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The refusal to touch a subnet.
pub(super) fn in_use(network: &Item, subnet: &str, workspace: &str) -> Answer {
    let words = format!(
        "Subnet {subnet} is in use by workspace {workspace} and cannot be deleted. In order to delete the subnet, delete all \
         the resources within the subnet. The virtual network is {}.",
        network.id
    );
    error(400, "InUseSubnetCannotBeDeleted", &words)
}

/// Subnets that workspaces hold stay as they are.
pub(super) fn check_held(
    workspaces: &[Workspace],
    before: &Item,
    after: &[Subnet],
) -> Result<(), Answer> {
    for subnet in &before.subnets {
        let Some(holder) = injection::holder(workspaces, &before.id, &subnet.name) else {
            continue;
        };
        let kept = after.iter().find(|it| same(&it.name, &subnet.name));
        let same = kept.is_some_and(|kept| {
            kept.prefix == subnet.prefix
                && kept.delegations == subnet.delegations
                && kept.security_group.is_some()
        });
        if !same {
            return Err(in_use(before, &subnet.name, &holder.name));
        }
    }
    Ok(())
}

pub(super) fn show(network: &Item) -> Value {
    let mut properties = Value::Object(network.properties.clone());
    let subnets = network.subnets.iter().map(|subnet| {
        let mut properties = subnet.properties.clone();
        properties["provisioningState"] = network.state().into();
        if !subnet.delegations.is_empty()
            && let Some(all) = properties["delegations"].as_array_mut()
        {
            for one in all {
                one["properties"]["provisioningState"] = "Succeeded".into();
            }
        }
        json!({
            "id": format!("{}/subnets/{}", network.id, subnet.name),
            "name": subnet.name,
            "properties": properties,
        })
    });
    properties["subnets"] = subnets.collect();
    properties["virtualNetworkPeerings"] = json!([]);
    properties["enableDdosProtection"] = false.into();
    properties
}
