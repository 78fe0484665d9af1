//! The body of PUT for a workspace, as Azure documents it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) location: Option<String>,
    pub(super) sku: Option<Sku>,
    pub(super) tags: Option<BTreeMap<String, String>>,
    pub(super) properties: Properties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sku {
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Properties {
    pub(super) compute_mode: Option<Mode>,
    pub(super) managed_resource_group_id: Option<String>,
    pub(super) parameters: Option<Parameters>,
    pub(super) public_network_access: Option<Switch>,
    pub(super) required_nsg_rules: Option<NsgRules>,
    pub(super) default_catalog: Option<Catalog>,
    pub(super) access_connector: Option<Connector>,
    pub(super) default_storage_firewall: Option<Switch>,
    pub(super) encryption: Option<Encryption>,
    pub(super) enhanced_security_compliance: Option<Compliance>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
pub(super) enum Mode {
    Hybrid,
    Serverless,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
pub(super) enum Switch {
    Enabled,
    Disabled,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
pub(super) enum NsgRules {
    #[serde(rename = "AllRules")]
    All,
    #[serde(rename = "NoAzureDatabricksRules")]
    NoAzureDatabricks,
    /// Azure's own services use it.
    #[serde(rename = "NoAzureServiceRules")]
    NoAzureService,
}

/// A parameter: `{"value": …}`; `type` is there when one was read before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter<T> {
    pub(super) value: T,
    #[serde(rename = "type")]
    _type: Option<String>,
}

type Text = Option<Parameter<String>>;
type Bool = Option<Parameter<bool>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Parameters {
    pub(super) custom_virtual_network_id: Text,
    pub(super) custom_public_subnet_name: Text,
    pub(super) custom_private_subnet_name: Text,
    pub(super) load_balancer_backend_pool_name: Text,
    pub(super) load_balancer_id: Text,
    pub(super) storage_account_name: Text,
    pub(super) storage_account_sku_name: Text,
    pub(super) vnet_address_prefix: Text,
    pub(super) prepare_encryption: Bool,
    pub(super) encryption: Option<Parameter<RootEncryption>>,
    #[serde(rename = "amlWorkspaceId")]
    _aml_workspace_id: Text,
    #[serde(rename = "enableNoPublicIp")]
    _enable_no_public_ip: Bool,
    #[serde(rename = "natGatewayName")]
    _nat_gateway_name: Text,
    #[serde(rename = "publicIpName")]
    _public_ip_name: Text,
    #[serde(rename = "requireInfrastructureEncryption")]
    _require_infrastructure_encryption: Bool,
}

/// The odd casing is Azure's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RootEncryption {
    #[serde(rename = "keySource")]
    pub(super) key_source: String,
    #[serde(rename = "KeyName")]
    pub(super) key_name: Option<String>,
    #[serde(rename = "keyversion")]
    pub(super) key_version: Option<String>,
    #[serde(rename = "keyvaulturi")]
    pub(super) key_vault_uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Catalog {
    #[serde(rename = "initialType")]
    _initial_type: CatalogType,
    #[serde(rename = "initialName")]
    _initial_name: Option<String>,
}

#[derive(Deserialize)]
enum CatalogType {
    UnityCatalog,
    HiveMetastore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Connector {
    pub(super) id: String,
    pub(super) identity_type: Identity,
    pub(super) user_assigned_identity_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
pub(super) enum Identity {
    SystemAssigned,
    UserAssigned,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Encryption {
    pub(super) entities: Entities,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Entities {
    pub(super) managed_services: Option<Key>,
    pub(super) managed_disk: Option<DiskKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Key {
    pub(super) key_source: String,
    pub(super) key_vault_properties: Option<KeyVaultProperties>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DiskKey {
    pub(super) key_source: String,
    pub(super) key_vault_properties: Option<KeyVaultProperties>,
    #[serde(rename = "rotationToLatestKeyVersionEnabled")]
    _rotation: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct KeyVaultProperties {
    #[serde(rename = "keyVaultUri")]
    _key_vault_uri: String,
    #[serde(rename = "keyName")]
    _key_name: String,
    #[serde(rename = "keyVersion")]
    _key_version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Compliance {
    pub(super) automatic_cluster_update: Option<Valued>,
    pub(super) enhanced_security_monitoring: Option<Valued>,
    pub(super) compliance_security_profile: Option<Profile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Valued {
    pub(super) value: Switch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Profile {
    pub(super) value: Switch,
    pub(super) compliance_standards: Option<Vec<String>>,
}

/// What a parameter's kind is called when it is read.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "Bool",
        Value::Object(_) => "Object",
        _ => "String",
    }
}
