//! Between Azure's resource and our noun.

use crate::azure::arm::workspaces::{Workspace, WorkspaceRequest};
use crate::cloud::UpstreamWorkspace;
use crate::databricks::Client;
use crate::domain::arm::{ResourceId, WORKSPACE, key};
use crate::domain::cloud::ComputeMode;
use crate::domain::external::{ExternalWorkspace, UpstreamId};
use crate::domain::spec::{AzureSpec, NetworkSource, Spec};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Names of the subnets we make.
pub(super) const SUBNETS: [&str; 2] = ["public", "private"];

/// The group that Azure makes for the resources of a workspace of that name. It must not be there before.
pub(super) fn managed_group(name: &str) -> String {
    format!("{name}-managed")
}

/// Our noun for what Azure shows. `progress_url` is known only to who asked for it.
pub(super) fn noun(
    client: &Client,
    found: Workspace,
    progress_url: Option<String>,
) -> Option<UpstreamWorkspace> {
    let id = ResourceId::read(&found.id, WORKSPACE)?;
    let host = found.properties.workspace_url.unwrap_or_default();
    let deployment_name = client.deployment_name(&host).unwrap_or_default();
    let number = found
        .properties
        .workspace_id
        .and_then(|text| text.parse().ok());
    let url = client.workspace_url(&deployment_name).unwrap_or_default();
    let state = found.properties.provisioning_state;
    let usable = number.is_some() && !url.is_empty();
    Some(UpstreamWorkspace {
        status: status(&state, usable).to_owned(),
        status_message: state,
        region: found.location.replace(' ', "").to_ascii_lowercase(),
        name: id.name.clone(),
        at: ExternalWorkspace {
            id: UpstreamId::Resource(id.to_string()),
            number,
            deployment_name,
            url,
            progress_url,
        },
        credentials_id: None,
        storage_configuration_id: None,
        network_id: None,
        tags: found.tags.unwrap_or_default(),
        created_at_ms: found
            .properties
            .created_date_time
            .map(|at| at.timestamp_millis()),
    })
}

/// Azure's states in the words of Databricks' Account API. What is new to us is in progress. A workspace without a
/// number or an address is of no use, whatever its state.
fn status(state: &str, usable: bool) -> &'static str {
    match state {
        "Succeeded" if usable => "RUNNING",
        "Failed" | "Canceled" => "FAILED",
        "Deleting" | "Deleted" => "CANCELLING",
        _ => "PROVISIONING",
    }
}

/// What Azure is asked for.
pub(super) fn request<'r>(
    spec: &'r Spec,
    azure: &'r AzureSpec,
    network: Option<&str>,
    managed_group_id: String,
) -> WorkspaceRequest<'r> {
    let enabled = |yes: bool| if yes { "Enabled" } else { "Disabled" };
    let serverless = spec.compute_mode == ComputeMode::Serverless;
    let mut request = WorkspaceRequest {
        compute_mode: if serverless { "Serverless" } else { "Hybrid" },
        public_network_access: enabled(azure.public_network_access),
        encryption: encryption(azure),
        ..WorkspaceRequest::default()
    };
    if serverless {
        return request;
    }
    request.managed_resource_group_id = Some(managed_group_id);
    request.required_nsg_rules = Some(match azure.back_end_private_link {
        true => "NoAzureDatabricksRules",
        false => "AllRules",
    });
    let value = |value: Value| json!({"value": value});
    let mut parameters = BTreeMap::from([
        ("enableNoPublicIp", value((!azure.public_ip).into())),
        (
            "requireInfrastructureEncryption",
            value(azure.infrastructure_encryption.into()),
        ),
    ]);
    if let Some(network) = network {
        let [public, private] = match &spec.network {
            Some(NetworkSource::Subnets(subnets)) => [
                subnets.public_subnet.as_str(),
                subnets.private_subnet.as_str(),
            ],
            _ => SUBNETS,
        };
        parameters.insert("customVirtualNetworkId", value(network.into()));
        parameters.insert("customPublicSubnetName", value(public.into()));
        parameters.insert("customPrivateSubnetName", value(private.into()));
    }
    request.parameters = Some(parameters);
    request
}

fn encryption(azure: &AzureSpec) -> Option<Value> {
    let entity = |id: &String| {
        let (vault, name, version) = key(id)?;
        Some(json!({
            "keySource": "Microsoft.Keyvault",
            "keyVaultProperties": {"keyVaultUri": vault, "keyName": name, "keyVersion": version},
        }))
    };
    let services = azure.managed_services_key.as_ref().and_then(entity);
    let disks = azure.managed_disk_key.as_ref().and_then(entity);
    let entities = [("managedServices", services), ("managedDisk", disks)];
    let entities: BTreeMap<_, _> = entities
        .into_iter()
        .filter_map(|(name, entity)| Some((name, entity?)))
        .collect();
    (!entities.is_empty()).then(|| json!({"entities": entities}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_without_an_address_is_not_yet_success() {
        for (state, usable, word) in [
            ("Succeeded", true, "RUNNING"),
            ("Succeeded", false, "PROVISIONING"),
            ("Failed", true, "FAILED"),
            ("Canceled", false, "FAILED"),
            ("Deleting", true, "CANCELLING"),
            ("Accepted", false, "PROVISIONING"),
            ("SomethingNew", false, "PROVISIONING"),
        ] {
            assert_eq!(status(state, usable), word, "{state}");
        }
    }
}
