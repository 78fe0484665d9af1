//! What the subscription can tell before anything is made.

use super::failure::{Act, explain};
use super::limits;
use super::workspaces::managed_group;
use crate::azure::arm::networks::{Subnet, Vnet};
use crate::azure::arm::{Arm, Error};
use crate::cloud::{Check, CheckResult, Failure, NETWORK_FREE, Own, Result};
use crate::domain::arm::{ResourceId, VNET};
use crate::domain::problem::{Code, Explanation};
use crate::domain::spec::{AzureSpec, NetworkSource, Spec, Subnets};
use std::future::Future;

/// Databricks takes no smaller subnet.
const SMALLEST: u32 = 26;

const GROUP: &str = "resource_group_exists";
const NETWORK: &str = "network_exists";
const NETWORK_REGION: &str = "network_region";
const PUBLIC: &str = "public_subnet_usable";
const PRIVATE: &str = "private_subnet_usable";

/// The member of a template that a check is about.
pub(in crate::cloud) fn checked(check: &str) -> &'static str {
    match check {
        GROUP => "resource_group",
        NETWORK | NETWORK_FREE => "vnet_id",
        NETWORK_REGION | limits::QUOTA => "region",
        PUBLIC => "public_subnet",
        PRIVATE => "private_subnet",
        _ => "",
    }
}

/// Everything that can be told.
pub(super) async fn all(
    arm: &Arm,
    spec: &Spec,
    azure: &AzureSpec,
    own: Own<'_>,
) -> Result<Vec<Check>> {
    let mut checks = vec![registered(arm).await?];
    checks.push(group(arm, azure).await?);
    if let Some(NetworkSource::Subnets(subnets)) = &spec.network {
        checks.extend(network(arm, spec, subnets, own).await?);
    }
    checks.extend(limits::all(arm, spec, azure, own).await?);
    Ok(checks)
}

pub(super) fn check(name: &'static str, result: CheckResult, message: impl Into<String>) -> Check {
    Check {
        name,
        result,
        message: message.into(),
    }
}

pub(super) fn pass(name: &'static str, message: impl Into<String>) -> Check {
    check(name, CheckResult::Pass, message)
}

pub(super) fn fail(name: &'static str, code: Code, detail: impl Into<String>) -> Check {
    let explanation = Explanation::new(code, detail);
    let message = explanation.detail.clone();
    check(name, CheckResult::Fail(Box::new(explanation)), message)
}

/// What Azure refuses fails the check; what it does not answer leaves it open; a throttle is waited out.
pub(super) async fn asked<T>(
    name: &'static str,
    doing: &str,
    call: impl Future<Output = std::result::Result<T, Error>>,
) -> Result<std::result::Result<T, Check>> {
    let error = match call.await {
        Ok(found) => return Ok(Ok(found)),
        Err(error) => explain(error, Act::Read, doing),
    };
    let message = error.explanation.detail.clone();
    match error.failure {
        Failure::Throttled(_) => Err(error),
        Failure::Refused | Failure::NotFound => Ok(Err(check(
            name,
            CheckResult::Fail(error.explanation),
            message,
        ))),
        _ => Ok(Err(check(name, CheckResult::Unknown, message))),
    }
}

/// A subscription that does not know Databricks yet gets to know it when the workspace is asked for.
async fn registered(arm: &Arm) -> Result<Check> {
    let name = "provider_registered";
    let state = match asked(name, "asking the subscription", arm.registration()).await? {
        Ok(state) => state,
        Err(check) => return Ok(check),
    };
    let message = format!("the subscription's registration of Microsoft.Databricks is {state}");
    Ok(match state.as_str() {
        "Registered" => pass(name, message),
        _ => check(name, CheckResult::Unknown, message),
    })
}

async fn group(arm: &Arm, azure: &AzureSpec) -> Result<Check> {
    let (name, group) = (GROUP, &azure.resource_group);
    let found = match asked(name, "looking up the resource group", arm.get_group(group)).await? {
        Ok(found) => found,
        Err(check) => return Ok(check),
    };
    Ok(match found {
        Some(_) => pass(name, format!("resource group {group} exists")),
        None => fail(
            name,
            Code::ConfigurationMissing,
            format!("resource group {group} does not exist"),
        ),
    })
}

async fn network(arm: &Arm, spec: &Spec, subnets: &Subnets, own: Own<'_>) -> Result<Vec<Check>> {
    let (name, id) = (NETWORK, &subnets.vnet_id);
    let Some(vnet) = ResourceId::read(id, VNET) else {
        let detail = format!("{id} is no id of a virtual network");
        return Ok(vec![fail(name, Code::ConfigurationMissing, detail)]);
    };
    let vnet = match asked(name, "looking up the network", arm.get_vnet(&vnet)).await? {
        Ok(Some(vnet)) => vnet,
        Ok(None) => {
            let detail = format!("virtual network {id} does not exist");
            return Ok(vec![fail(name, Code::ConfigurationMissing, detail)]);
        }
        Err(check) => return Ok(vec![check]),
    };
    let mut checks = vec![pass(name, format!("virtual network {id} exists"))];
    if !vnet.location.eq_ignore_ascii_case(&spec.region) {
        let detail = format!(
            "virtual network {id} is in {}, and the workspace in {}",
            vnet.location, spec.region
        );
        checks.push(fail(NETWORK_REGION, Code::NetworkInvalid, detail));
    }
    checks.push(subnet(PUBLIC, &vnet, &subnets.public_subnet));
    checks.push(subnet(PRIVATE, &vnet, &subnets.private_subnet));
    checks.extend(free(arm, subnets, own).await?);
    Ok(checks)
}

/// One subnet: there, large enough, guarded, delegated.
fn subnet(name: &'static str, vnet: &Vnet, wanted: &str) -> Check {
    let mut all = vnet.properties.subnets.iter();
    let Some(found) = all.find(|it| it.name.eq_ignore_ascii_case(wanted)) else {
        let detail = format!("virtual network {} has no subnet {wanted}", vnet.name);
        return fail(name, Code::ConfigurationMissing, detail);
    };
    if !found.is_delegated() {
        let detail = format!("subnet {wanted} is not delegated to Microsoft.Databricks/workspaces");
        return fail(name, Code::SubnetNotDelegated, detail);
    }
    if found.properties.network_security_group.is_none() {
        let detail = format!("subnet {wanted} has no network security group");
        return fail(name, Code::SecurityGroupInvalid, detail);
    }
    match bits(found) {
        Some(bits) if bits > SMALLEST => fail(
            name,
            Code::SubnetTooSmall,
            format!(
                "subnet {wanted} is a /{bits}, and Databricks takes none smaller than /{SMALLEST}"
            ),
        ),
        _ => pass(name, format!("subnet {wanted} can be used")),
    }
}

fn bits(subnet: &Subnet) -> Option<u32> {
    let properties = &subnet.properties;
    let range = properties.address_prefix.as_ref();
    let range = range.or_else(|| properties.address_prefixes.first())?;
    range.split_once('/')?.1.parse().ok()
}

/// Subnets serve one workspace. Azure tells of that only by listing workspaces.
async fn free(arm: &Arm, subnets: &Subnets, own: Own<'_>) -> Result<Option<Check>> {
    let name = NETWORK_FREE;
    let all = match asked(name, "listing workspaces", arm.list_workspaces()).await? {
        Ok(all) => all,
        Err(check) => return Ok(Some(check)),
    };
    let own = own.workspace.map(ToString::to_string);
    let others = all.iter().filter(|it| {
        let id = ResourceId::read(&it.id, crate::domain::arm::WORKSPACE);
        id.map(|id| id.to_string()) != own
    });
    let used = others
        .filter(|it| {
            it.uses(
                &subnets.vnet_id,
                [&subnets.public_subnet, &subnets.private_subnet],
            )
        })
        .map(|it| it.name.as_str())
        .next();
    Ok(Some(match used {
        None => pass(name, "no other workspace is in the subnets"),
        Some(other) => fail(
            name,
            Code::NetworkInUse,
            format!("workspace {other} is in one of the subnets"),
        ),
    }))
}

/// What is left of a workspace of that name that is gone.
pub(super) async fn leftovers(arm: &Arm, name: &str) -> Result<Vec<String>> {
    let group = managed_group(name);
    let doing = "looking for what the workspace has left";
    let found = arm.list_group(&group).await;
    let found = found.map_err(|error| explain(error, Act::Read, doing))?;
    let things: Vec<String> = found
        .iter()
        .map(|it| format!("{} {}", it.kind, it.name))
        .collect();
    Ok(match things.as_slice() {
        [] => Vec::new(),
        things => vec![format!(
            "Azure keeps resource group {group} with {}",
            things.join(", ")
        )],
    })
}
