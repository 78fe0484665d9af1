//! What a workspace's body must keep to beyond its fields.

use std::collections::BTreeMap;

use super::body::{
    Body, Compliance, Connector, Identity, Mode, NsgRules, Parameters, Properties, Switch,
};
use super::{error, groups, invalid, same};
use crate::answer::Answer;

type Checked = Result<(), Answer>;

/// Regions where workspaces can be made, as ids; display names are accepted too.
const REGIONS: [&str; 12] = [
    "australiaeast",
    "canadacentral",
    "centralus",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "northeurope",
    "swedencentral",
    "uksouth",
    "westeurope",
    "westus",
];

/// A region's id.
pub(super) fn location(given: &str) -> String {
    given.replace(' ', "").to_ascii_lowercase()
}

pub(super) fn check_location(given: Option<&str>) -> Result<String, Answer> {
    let Some(given) = given else {
        let words = "The location property is required for this definition.";
        return Err(error(400, "LocationRequired", words).by_mistake());
    };
    let id = location(given);
    if REGIONS.contains(&id.as_str()) {
        return Ok(id);
    }
    let words = format!("The provided location '{given}' is not available for resource type.");
    Err(error(400, "LocationNotAvailableForResourceType", &words).by_mistake())
}

pub(super) fn check_name(name: &str) -> Checked {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (3..=64).contains(&name.len()) && name.bytes().all(legal) {
        return Ok(());
    }
    let words =
        format!("The workspace name '{name}' is not 3 to 64 of letters, digits, '-' and '_'.");
    Err(error(400, "InvalidResourceName", &words).by_mistake())
}

pub(super) fn check_tags(tags: Option<&BTreeMap<String, String>>) -> Checked {
    let Some(tags) = tags else { return Ok(()) };
    if tags.len() > 50 {
        return Err(invalid("A resource has at most 50 tags."));
    }
    for (name, value) in tags {
        let twice = tags.keys().filter(|other| same(other, name)).count() > 1;
        let legal = !name.chars().any(|c| "<>%&\\?/".contains(c));
        if !(1..=512).contains(&name.chars().count())
            || value.chars().count() > 256
            || twice
            || !legal
        {
            let words = format!("The tag '{name}' is not valid.");
            return Err(error(400, "InvalidTagNameCharacters", &words).by_mistake());
        }
    }
    Ok(())
}

/// The rules of one body under one version; `group` and `name` are the path's.
pub(super) fn check(version: &str, subscription: &str, group: &str, body: &Body) -> Checked {
    check_tags(body.tags.as_ref())?;
    match body.sku.as_ref().map(|sku| sku.name.as_str()) {
        Some("premium") => {}
        Some(other) => {
            let words =
                format!("The sku '{other}' is not available; it is premium, in lower case.");
            return Err(error(400, "SkuNotAvailable", &words).by_mistake());
        }
        None => return Err(invalid("sku is required.")),
    }
    let properties = &body.properties;
    match (version, properties.compute_mode) {
        ("2026-01-01", None) => return Err(invalid("properties.computeMode is required.")),
        ("2026-01-01", _) | (_, None) => {}
        _ => {
            return Err(invalid(
                "properties.computeMode is not known before 2026-01-01.",
            ));
        }
    }
    if properties.compute_mode == Some(Mode::Serverless) {
        serverless(properties)?;
    } else {
        hybrid(subscription, group, properties)?;
    }
    if let Some(encryption) = &properties.encryption {
        let entities = &encryption.entities;
        let services = entities
            .managed_services
            .as_ref()
            .map(|it| (&it.key_source, &it.key_vault_properties));
        let disk = entities
            .managed_disk
            .as_ref()
            .map(|it| (&it.key_source, &it.key_vault_properties));
        for (source, vault) in services.into_iter().chain(disk) {
            if source != "Microsoft.Keyvault" || vault.is_none() {
                return Err(invalid(
                    "encryption.entities need keySource Microsoft.Keyvault and keyVaultProperties.",
                ));
            }
        }
    }
    properties
        .enhanced_security_compliance
        .as_ref()
        .map_or(Ok(()), compliance)
}

fn serverless(properties: &Properties) -> Checked {
    let disk = properties
        .encryption
        .as_ref()
        .and_then(|it| it.entities.managed_disk.as_ref());
    let given = [
        (
            "managedResourceGroupId",
            properties.managed_resource_group_id.is_some(),
        ),
        ("parameters", properties.parameters.is_some()),
        ("requiredNsgRules", properties.required_nsg_rules.is_some()),
        ("defaultCatalog", properties.default_catalog.is_some()),
        ("accessConnector", properties.access_connector.is_some()),
        (
            "defaultStorageFirewall",
            properties.default_storage_firewall.is_some(),
        ),
        ("encryption.entities.managedDisk", disk.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(invalid(format!(
            "properties.{name} cannot be set for serverless workspaces."
        ))),
        None => Ok(()),
    }
}

fn hybrid(subscription: &str, group: &str, properties: &Properties) -> Checked {
    let Some(id) = &properties.managed_resource_group_id else {
        return Err(invalid("properties.managedResourceGroupId is required."));
    };
    let managed = groups::named_by(id, subscription).ok_or_else(|| {
        invalid(format!(
            "managedResourceGroupId '{id}' is no resource group of the subscription."
        ))
    })?;
    groups::check_name(managed)?;
    if same(managed, group) {
        return Err(invalid(
            "The managed resource group is the workspace's own.",
        ));
    }
    let shut = properties.public_network_access == Some(Switch::Disabled);
    let rules = properties.required_nsg_rules.unwrap_or(NsgRules::All);
    match rules {
        NsgRules::All if shut => {
            return Err(invalid(
                "publicNetworkAccess Disabled needs requiredNsgRules NoAzureDatabricksRules.",
            ));
        }
        NsgRules::NoAzureService => {
            return Err(invalid(
                "requiredNsgRules NoAzureServiceRules is for Azure's own services.",
            ));
        }
        _ => {}
    }
    properties
        .access_connector
        .as_ref()
        .map_or(Ok(()), connector)?;
    if properties.default_storage_firewall.is_some() && properties.access_connector.is_none() {
        return Err(invalid("defaultStorageFirewall needs an accessConnector."));
    }
    properties
        .parameters
        .as_ref()
        .map_or(Ok(()), |it| parameters(it, shut))
}

fn connector(connector: &Connector) -> Checked {
    let user = connector.identity_type == Identity::UserAssigned;
    let path = connector.id.to_ascii_lowercase();
    if !path.contains("/providers/microsoft.databricks/accessconnectors/") {
        return Err(invalid("accessConnector.id is no access connector."));
    }
    if user != connector.user_assigned_identity_id.is_some() {
        return Err(invalid(
            "userAssignedIdentityId is for identityType UserAssigned, and needed there.",
        ));
    }
    Ok(())
}

fn parameters(given: &Parameters, shut: bool) -> Checked {
    let text = |it: &Option<super::body::Parameter<String>>| it.as_ref().map(|it| it.value.clone());
    let network = text(&given.custom_virtual_network_id);
    let (public, private) = (
        text(&given.custom_public_subnet_name),
        text(&given.custom_private_subnet_name),
    );
    if network.is_some() != public.is_some() || network.is_some() != private.is_some() {
        return Err(invalid(
            "customVirtualNetworkId, customPublicSubnetName and customPrivateSubnetName go together.",
        ));
    }
    if public.is_some() && public == private {
        return Err(invalid("The two subnets are the same."));
    }
    let pool = given.load_balancer_backend_pool_name.is_some();
    if pool != given.load_balancer_id.is_some() || pool && shut {
        return Err(invalid(
            "A load balancer and its backend pool go together, and with public access only.",
        ));
    }
    if let Some(name) = text(&given.storage_account_name) {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !(3..=24).contains(&name.len()) || !name.bytes().all(legal) {
            return Err(invalid(
                "storageAccountName is not 3 to 24 lower-case letters and digits.",
            ));
        }
    }
    let skus = [
        "Standard_LRS",
        "Standard_GRS",
        "Standard_RAGRS",
        "Standard_ZRS",
        "Standard_GZRS",
        "Standard_RAGZRS",
        "Premium_LRS",
        "Premium_ZRS",
    ];
    if text(&given.storage_account_sku_name).is_some_and(|sku| !skus.contains(&sku.as_str())) {
        return Err(invalid("storageAccountSkuName is not known."));
    }
    if let Some(prefix) = text(&given.vnet_address_prefix) {
        let parts: Vec<_> = prefix.split('.').map(str::parse::<u8>).collect();
        if parts.len() != 2 || parts.iter().any(Result::is_err) || network.is_some() {
            return Err(invalid(
                "vnetAddressPrefix is two numbers, as in 10.139, of a managed network.",
            ));
        }
    }
    match given.encryption.as_ref().map(|it| &it.value) {
        Some(root) if root.key_source == "Microsoft.Keyvault" => {
            let whole = root.key_name.is_some()
                && root.key_version.is_some()
                && root.key_vault_uri.is_some();
            let prepared = given.prepare_encryption.as_ref().is_some_and(|it| it.value);
            if !whole || !prepared {
                return Err(invalid(
                    "encryption needs a whole key, and prepareEncryption.",
                ));
            }
            Ok(())
        }
        Some(root) if root.key_source != "Default" => {
            Err(invalid("encryption.keySource is not known."))
        }
        _ => Ok(()),
    }
}

fn compliance(compliance: &Compliance) -> Checked {
    let on = |it: Option<Switch>| it == Some(Switch::Enabled);
    let update = on(compliance
        .automatic_cluster_update
        .as_ref()
        .map(|it| it.value));
    let monitoring = on(compliance
        .enhanced_security_monitoring
        .as_ref()
        .map(|it| it.value));
    let Some(profile) = &compliance.compliance_security_profile else {
        return Ok(());
    };
    let standards = profile.compliance_standards.as_deref().unwrap_or_default();
    if profile.value == Switch::Enabled && !(update && monitoring) {
        return Err(invalid(
            "complianceSecurityProfile needs automaticClusterUpdate and enhancedSecurityMonitoring.",
        ));
    }
    if profile.value == Switch::Disabled && !standards.is_empty() {
        return Err(invalid(
            "complianceStandards need the complianceSecurityProfile.",
        ));
    }
    Ok(())
}
