//! What the calls of steps are outside: which calls of the simulator, on which cloud and at which store.

use super::stores::Store;
use super::variants::Variant;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use brickyard::provisioning::plan;
use brickyard::provisioning::step::{self, Kind};
use simulator::{Call, FaultKind};

/// A call of the simulator that a call of a step consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// The call.
    pub call: Call,
    /// Which is meant of several: the first after this.
    pub after: Option<Call>,
    /// It is sent before this, or it is another step's.
    pub before: Option<Call>,
}

impl Wire {
    /// Whether it can be struck so: a question to DNS has no status, and what answers 204 has no body to lose.
    pub fn can_meet(&self, fault: FaultKind, store: &Store) -> bool {
        match self.call {
            Call::Dns => matches!(fault, FaultKind::RequestLost | FaultKind::Unavailable),
            Call::StoreMetadataPut | Call::StoreDelete if store.name() == Store::Vault.name() => {
                fault != FaultKind::Truncated
            }
            Call::DeleteServicePrincipal
            | Call::ArmDeleteWorkspace
            | Call::ArmDeleteVnet
            | Call::ArmDeleteNsg => fault != FaultKind::Truncated,
            // The first look finds nothing, and an error is no worse than that.
            Call::GetWorkspace | Call::ArmGetWorkspace if self.after.is_some() => {
                fault != FaultKind::ErrorAfterActing
            }
            Call::StoreMetadataGet | Call::StoreDeletedGet => fault != FaultKind::ErrorAfterActing,
            _ => true,
        }
    }

    /// Whether it is among these calls.
    pub fn is_in(&self, calls: &[Call]) -> bool {
        let place = |call| calls.iter().position(|it| *it == call);
        let begin = self.after.map_or(Some(0), place);
        let end = self.before.map_or(Some(calls.len()), place);
        begin
            .zip(end)
            .is_some_and(|(begin, end)| begin < end && calls[begin..end].contains(&self.call))
    }
}

/// What a call of a step may consist of, outside.
pub fn outside(cloud: Cloud, call: step::Call) -> &'static [Call] {
    match cloud {
        _ if call.is_store() => at_every_store(call),
        Cloud::Aws => on_aws(call),
        Cloud::Azure => on_azure(call),
    }
}

/// All that steps send on a cloud, each with its kind, in the order of the plan.
pub fn sent(cloud: Cloud) -> Vec<(Call, Kind)> {
    let steps = plan::steps(cloud, ComputeMode::Classic).iter();
    let calls = steps.chain(plan::UPDATE).flat_map(|step| step.calls());
    let mut all: Vec<(Call, Kind)> = Vec::new();
    for call in calls {
        for &outside in outside(cloud, *call) {
            if !all.iter().any(|(known, _)| *known == outside) {
                all.push((outside, call.kind()));
            }
        }
    }
    all
}

/// What of it goes to a store, whichever it is.
fn at_every_store(call: step::Call) -> &'static [Call] {
    use step::Call as C;
    match call {
        C::CheckStore => &[Call::StoreCapabilities],
        C::ReadMetadata => &[Call::StoreMetadataGet],
        C::PutSecret => &[Call::StorePut],
        C::PutMetadata => &[Call::StoreMetadataPut],
        C::DeleteSecret => &[Call::StoreDelete],
        _ => &[],
    }
}

/// What a call of a step consists of, outside.
pub fn wires(variant: &Variant, step: &str, call: step::Call) -> Vec<Wire> {
    let cloud = variant.row.0;
    let mint = behind(cloud, step::Call::MintToken)[0].0;
    if call.is_store() {
        let calls = at_the_store(variant.store, mint, call).into_iter();
        let wire = |(call, after)| Wire {
            call,
            after,
            before: None,
        };
        return calls.map(wire).collect();
    }
    let calls = outside(cloud, call);
    use step::Call as C;
    let [create, get, update, delete] = match cloud {
        Cloud::Aws => [
            Call::CreateWorkspace,
            Call::GetWorkspace,
            Call::UpdateWorkspace,
            Call::DeleteWorkspace,
        ],
        Cloud::Azure => [
            Call::ArmCreateWorkspace,
            Call::ArmGetWorkspace,
            Call::ArmUpdateWorkspace,
            Call::ArmDeleteWorkspace,
        ],
    };
    if (step, call) == ("update_workspace", C::GetWorkspace) {
        // It looks before and after.
        let looks = [None, Some(update)].map(|after| Wire {
            call: get,
            after,
            before: None,
        });
        return looks.into();
    }
    let (after, before) = match (step, call) {
        ("preflight", _) => (None, Some(create)),
        (_, C::ReportNetwork) => (Some(create), None),
        (_, C::TryToken) => (Some(mint), None),
        // Sent only where something has failed.
        (_, C::ExplainFailed) => return Vec::new(),
        // Where the address is told only now.
        ("await_running", C::GetWorkspace) if cloud == Cloud::Aws => return Vec::new(),
        ("await_running", C::GetWorkspace) => (Some(create), Some(Call::Me)),
        // Asked first whether there are tokens to revoke, later whether it is gone.
        ("create_workspace", C::GetWorkspace) => (Some(delete), None),
        (_, C::GetWorkspace) => (None, Some(delete)),
        // On Azure looking for it and looking at it are one call.
        (_, C::FindWorkspaces) if calls.contains(&get) => (None, Some(create)),
        _ => (None, None),
    };
    let calls = calls.iter();
    calls
        .map(|&call| Wire {
            call,
            after,
            before,
        })
        .collect()
}

/// The calls of a store, each with what it comes after.
fn at_the_store(store: &Store, mint: Call, call: step::Call) -> Vec<(Call, Option<Call>)> {
    use step::Call as C;
    let look = |after| (Call::StoreMetadataGet, after);
    match (store, call) {
        (Store::Vault | Store::Approle, C::CheckStore) => vec![(Call::StoreCapabilities, None)],
        (Store::Aws, C::CheckStore) => vec![look(None)],
        // There are no versions, or it is deleted. The token is another than that for the cloud.
        (Store::Azure, C::CheckStore) => vec![
            (Call::EntraToken, Some(Call::Me)),
            look(None),
            (Call::StoreDeletedGet, None),
        ],
        (Store::Azure, C::ReadMetadata) => vec![look(None), look(Some(Call::StoreDeletedGet))],
        // It looks before and after.
        (Store::Azure, C::PutSecret) => vec![
            look(Some(mint)),
            (Call::StorePut, None),
            look(Some(Call::StorePut)),
        ],
        (Store::AgeFile(_), _) => Vec::new(),
        (_, C::ReadMetadata) => vec![look(None)],
        (_, C::PutSecret) => vec![(Call::StorePut, None)],
        (_, C::PutMetadata) => vec![(Call::StoreMetadataPut, None)],
        (_, C::DeleteSecret) => vec![(Call::StoreDelete, None)],
        _ => Vec::new(),
    }
}

fn on_aws(call: step::Call) -> &'static [Call] {
    use step::Call as C;
    match call {
        C::Preflight => &[
            Call::AccountToken,
            Call::ListCredentials,
            Call::ListNetworks,
            Call::GetNetwork,
        ],
        C::FindCredentials => &[Call::ListCredentials],
        C::CreateCredentials => &[Call::CreateCredentials],
        C::DeleteCredentials => &[Call::DeleteCredentials],
        C::FindStorage => &[Call::ListStorage],
        C::CreateStorage => &[Call::CreateStorage],
        C::DeleteStorage => &[Call::DeleteStorage],
        C::FindNetwork => &[Call::ListNetworks],
        C::CreateNetwork => &[Call::CreateNetwork],
        C::ReportNetwork => &[Call::GetNetwork],
        C::DeleteNetwork => &[Call::DeleteNetwork],
        C::FindWorkspaces => &[Call::ListWorkspaces],
        C::GetWorkspace => &[Call::GetWorkspace],
        C::CreateWorkspace => &[Call::CreateWorkspace],
        C::UpdateWorkspace => &[Call::UpdateWorkspace],
        C::DeleteWorkspace => &[Call::DeleteWorkspace],
        C::FindServicePrincipal => &[Call::ListServicePrincipals],
        C::CreateServicePrincipal => &[Call::CreateServicePrincipal],
        C::AssignServicePrincipal => &[Call::AssignPrincipal],
        C::AllowTokens => &[Call::TokenPermissions],
        C::DeleteServicePrincipal => &[Call::DeleteServicePrincipal],
        C::Probe => &[Call::Dns, Call::Discovery, Call::WorkspaceToken, Call::Me],
        C::ListTokens => &[Call::ListTokensAsAdmin],
        C::MintToken => &[Call::MintTokenOnBehalf],
        C::TryToken => &[Call::Me],
        C::RevokeToken => &[Call::RevokeTokenAsAdmin],
        _ => &[],
    }
}

fn on_azure(call: step::Call) -> &'static [Call] {
    use step::Call as C;
    match call {
        C::Preflight => &[
            Call::EntraToken,
            Call::ArmGetProvider,
            Call::ArmGetGroup,
            Call::ArmGetVnet,
            Call::ArmListWorkspaces,
            Call::ArmCheckPolicies,
            Call::ArmListNetworkUsages,
        ],
        C::FindNetwork => &[Call::ArmGetVnet, Call::ArmGetNsg],
        C::CreateNetwork => &[Call::ArmPutNsg, Call::ArmPutVnet],
        C::DeleteNetwork => &[Call::ArmDeleteVnet, Call::ArmDeleteNsg],
        C::FindWorkspaces | C::GetWorkspace => &[Call::ArmGetWorkspace],
        C::CreateWorkspace => &[Call::ArmCreateWorkspace],
        C::UpdateWorkspace => &[Call::ArmUpdateWorkspace],
        C::ExplainFailed => &[Call::ArmOperationStatus],
        C::Leftovers => &[Call::ArmListGroupResources],
        C::DeleteWorkspace => &[Call::ArmDeleteWorkspace],
        C::Probe => &[Call::Dns, Call::Discovery, Call::Me],
        C::ListTokens => &[Call::ListTokens],
        C::MintToken => &[Call::MintToken],
        C::TryToken => &[Call::Me],
        C::RevokeToken => &[Call::RevokeToken],
        _ => &[],
    }
}

/// The simulator's calls behind a call that must not be repeated, each with the kind of what it makes. None where the
/// cloud has no such thing.
pub fn behind(cloud: Cloud, call: step::Call) -> &'static [(Call, &'static str)] {
    use step::Call as C;
    match (cloud, call) {
        (Cloud::Aws, C::CreateCredentials) => &[(Call::CreateCredentials, "credentials")],
        (Cloud::Aws, C::CreateStorage) => &[(Call::CreateStorage, "storage_configurations")],
        (Cloud::Aws, C::CreateNetwork) => &[(Call::CreateNetwork, "networks")],
        (Cloud::Aws, C::CreateWorkspace) => &[(Call::CreateWorkspace, "workspaces")],
        (Cloud::Aws, C::CreateServicePrincipal) => {
            &[(Call::CreateServicePrincipal, "service_principals")]
        }
        (Cloud::Aws, C::MintToken) => &[(Call::MintTokenOnBehalf, "tokens")],
        (Cloud::Azure, C::CreateNetwork) => &[
            (Call::ArmPutNsg, "security_groups"),
            (Call::ArmPutVnet, "networks"),
        ],
        (Cloud::Azure, C::CreateWorkspace) => &[(Call::ArmCreateWorkspace, "workspaces")],
        (Cloud::Azure, C::MintToken) => &[(Call::MintToken, "tokens")],
        _ => &[],
    }
}
