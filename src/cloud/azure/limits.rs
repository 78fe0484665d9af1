//! What limits what can be made in a subscription, as far as Azure tells before it is asked for it: policies and quotas.
//! Who is not let ask learns nothing, and nothing is blocked.

use super::checks::{asked, check, fail, pass};
use super::networks;
use super::workspaces::{managed_group, request};
use crate::azure::arm::Arm;
use crate::cloud::{Check, CheckResult, Own, Result};
use crate::domain::cloud::ComputeMode;
use crate::domain::problem::Code;
use crate::domain::spec::{AzureSpec, NetworkSource, Spec};

const POLICIES: &str = "policies_allow";

/// The check whether the region has room for another network.
pub(super) const QUOTA: &str = "network_quota";

/// What a network that is made for a workspace, by us or by Azure, counts among.
const COUNTED: [(&str, &str); 2] = [
    ("VirtualNetworks", "virtual networks"),
    ("NetworkSecurityGroups", "network security groups"),
];

pub(super) async fn all(
    arm: &Arm,
    spec: &Spec,
    azure: &AzureSpec,
    own: Own<'_>,
) -> Result<Vec<Check>> {
    let mut checks = vec![policies(arm, spec, azure, own).await?];
    let given = matches!(spec.network, Some(NetworkSource::Subnets(_)));
    if spec.compute_mode == ComputeMode::Classic && !given {
        checks.push(quota(arm, spec).await?);
    }
    Ok(checks)
}

async fn policies(arm: &Arm, spec: &Spec, azure: &AzureSpec, own: Own<'_>) -> Result<Check> {
    let network = match &spec.network {
        Some(NetworkSource::Subnets(subnets)) => Some(subnets.vnet_id.clone()),
        Some(NetworkSource::Range(_)) => Some(networks::id(arm, azure, own.network)),
        _ => None,
    };
    let managed = arm.group_id(&managed_group(own.name));
    let request = request(spec, azure, network.as_deref(), managed);
    let name = Some(own.name).filter(|name| !name.is_empty());
    let group = &azure.resource_group;
    let call = arm.policies_against(group, name, &spec.region, &spec.tags, &request);
    let denying = match asked(POLICIES, "asking what policies say", call).await? {
        Ok(denying) => denying,
        Err(untold) => return Ok(unknown(untold)),
    };
    Ok(match denying.as_slice() {
        [] => pass(POLICIES, "no policy denies the workspace"),
        denying => fail(
            POLICIES,
            Code::AzurePolicyDenied,
            format!("the workspace would be denied by {}", denying.join(", ")),
        ),
    })
}

async fn quota(arm: &Arm, spec: &Spec) -> Result<Check> {
    let region = &spec.region;
    let call = arm.network_usages(region);
    let usages = match asked(QUOTA, "asking for the network quotas", call).await? {
        Ok(usages) => usages,
        Err(untold) => return Ok(unknown(untold)),
    };
    let full = COUNTED.iter().find_map(|(name, words)| {
        let usage = usages.iter().find(|it| it.name.value == *name)?;
        (usage.current >= usage.limit).then(|| {
            let (current, limit) = (usage.current, usage.limit);
            format!("the subscription has {current} of {limit} {words} in {region}")
        })
    });
    Ok(match full {
        None => pass(QUOTA, format!("there is room for a network in {region}")),
        Some(detail) => fail(QUOTA, Code::AzureQuota, detail),
    })
}

/// What Azure does not tell is no reason to stop.
fn unknown(untold: Check) -> Check {
    check(untold.name, CheckResult::Unknown, untold.message)
}
