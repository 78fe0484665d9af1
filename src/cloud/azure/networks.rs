//! A network of our own: a virtual network with two subnets delegated to Databricks, and the security group of both.
//! Both carry the marker as their name, so that either is found when the other was not made.

use super::failure::{Act, explain, removed};
use super::workspaces::SUBNETS;
use crate::azure::arm::Arm;
use crate::azure::arm::networks::{NewVnet, Vnet};
use crate::cloud::{CloudError, ConfigurationObject, Failure, ListedObject, Progress, Result};
use crate::domain::arm::{ResourceId, SECURITY_GROUP, VNET, VnetRange};
use crate::domain::problem::Code;
use crate::domain::spec::{AzureSpec, NetworkSource, Spec};

/// The two resources behind one name.
struct Pair {
    vnet: ResourceId,
    security_group: ResourceId,
}

impl Pair {
    fn new(arm: &Arm, group: &str, name: &str) -> Self {
        let id = |kind| ResourceId::new(arm.subscription(), group, kind, name);
        Self {
            vnet: id(VNET),
            security_group: id(SECURITY_GROUP),
        }
    }
}

/// The id that the network of that name has or would have.
pub(super) fn id(arm: &Arm, azure: &AzureSpec, name: &str) -> String {
    Pair::new(arm, &azure.resource_group, name).vnet.to_string()
}

/// The network of that name; also if only its security group is there.
pub(super) async fn find(
    arm: &Arm,
    azure: &AzureSpec,
    name: &str,
) -> Result<Option<ConfigurationObject>> {
    let pair = Pair::new(arm, &azure.resource_group, name);
    let doing = "looking for the network";
    let vnet = arm.get_vnet(&pair.vnet).await;
    if let Some(vnet) = vnet.map_err(|error| explain(error, Act::Read, doing))? {
        return Ok(Some(noun(&pair, &vnet)));
    }
    let group = arm.get_security_group(&pair.security_group).await;
    let group = group.map_err(|error| explain(error, Act::Read, doing))?;
    Ok(group.map(|_| partial(&pair)))
}

/// Makes one of them: first what guards the network, then, once that is built, the network. What is made is told each time,
/// so that it is known before the next is asked for. Each call sets a state and may be repeated.
pub(super) async fn create(
    arm: &Arm,
    azure: &AzureSpec,
    name: &str,
    spec: &Spec,
) -> Result<ConfigurationObject> {
    let range = match &spec.network {
        Some(NetworkSource::Range(range)) => VnetRange::read(&range.vnet_range),
        _ => None,
    };
    let Some(range) = range else {
        let detail = "the spec does not say what to make a network of";
        return Err(CloudError::new(
            Failure::Refused,
            Code::Internal,
            detail,
            None,
        ));
    };
    let pair = Pair::new(arm, &azure.resource_group, name);
    let [public, private] = range.subnets();
    let (range, tags) = (range.to_string(), &spec.tags);
    let made = async {
        let id = &pair.security_group;
        let guard = arm.get_security_group(id).await?;
        let guard = guard.map(|it| it.properties.provisioning_state);
        match guard.as_deref() {
            Some("Succeeded") => {}
            None | Some("Failed") => {
                arm.put_security_group(id, &spec.region, tags).await?;
                return Ok(None);
            }
            Some(_) => return Ok(None),
        }
        let new = NewVnet {
            location: &spec.region,
            range: &range,
            subnets: [(SUBNETS[0], &public), (SUBNETS[1], &private)],
            security_group: id,
            tags,
        };
        arm.put_vnet(&pair.vnet, &new).await.map(Some)
    };
    match made.await {
        Ok(Some(vnet)) => Ok(noun(&pair, &vnet)),
        Ok(None) => Ok(partial(&pair)),
        Err(error) => Err(explain(error, Act::Create, "creating the network")),
    }
}

/// One whose network is still to be made.
fn partial(pair: &Pair) -> ConfigurationObject {
    ConfigurationObject {
        id: pair.vnet.to_string(),
        name: pair.vnet.name.clone(),
        content: String::new(),
        progress: Progress::Partial,
    }
}

/// Removes the network, and when it is gone its security group. In use until both are gone.
pub(super) async fn delete(arm: &Arm, id: &str) -> Result<()> {
    let doing = "deleting the network";
    let Some(vnet) = ResourceId::read(id, VNET) else {
        let detail = format!("{id} is no virtual network");
        return Err(CloudError::new(
            Failure::Refused,
            Code::Internal,
            detail,
            None,
        ));
    };
    let pair = Pair::new(arm, &vnet.group, &vnet.name);
    let found = arm.get_vnet(&pair.vnet).await;
    if found
        .map_err(|error| explain(error, Act::Read, doing))?
        .is_some()
    {
        removed(arm.delete_of_network(&pair.vnet).await, doing)?;
        return Err(still_there(&pair.vnet));
    }
    let found = arm.get_security_group(&pair.security_group).await;
    if found
        .map_err(|error| explain(error, Act::Read, doing))?
        .is_some()
    {
        removed(arm.delete_of_network(&pair.security_group).await, doing)?;
        return Err(still_there(&pair.security_group));
    }
    Ok(())
}

fn still_there(id: &ResourceId) -> CloudError {
    let detail = format!("Azure is removing {id}");
    CloudError::new(Failure::InUse, Code::DeleteBlocked, detail, None)
}

/// Every network of the subscription by name, and every security group that has lost its network.
pub(super) async fn list(arm: &Arm) -> Result<Vec<ListedObject>> {
    let doing = "listing networks";
    let vnets = arm.list_vnets().await;
    let vnets = vnets.map_err(|error| explain(error, Act::Read, doing))?;
    let groups = arm.list_security_groups().await;
    let groups = groups.map_err(|error| explain(error, Act::Read, doing))?;
    let vnets = vnets.iter().filter_map(|it| ResourceId::read(&it.id, VNET));
    let groups = groups
        .iter()
        .filter_map(|it| ResourceId::read(&it.id, SECURITY_GROUP));
    let groups = groups.map(|it| ResourceId { kind: VNET, ..it });
    let mut all: Vec<ListedObject> = Vec::new();
    for id in vnets.chain(groups) {
        let (id, name) = (id.to_string(), id.name);
        if !all.iter().any(|it| it.id == id) {
            all.push(ListedObject { id, name });
        }
    }
    Ok(all)
}

fn noun(pair: &Pair, vnet: &Vnet) -> ConfigurationObject {
    ConfigurationObject {
        id: pair.vnet.to_string(),
        name: pair.vnet.name.clone(),
        content: vnet.properties.address_space.address_prefixes.join(", "),
        progress: match vnet.properties.provisioning_state.as_str() {
            "Succeeded" => Progress::There,
            // It is made again: that mends it.
            "Failed" => Progress::Partial,
            _ => Progress::Building,
        },
    }
}
