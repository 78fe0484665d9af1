//! `Microsoft.Network`: virtual networks, their subnets, and the security groups that guard them.

use super::{Arm, Error, if_there, parse};
use crate::domain::arm::{ResourceId, SECURITY_GROUP, VNET};
use crate::outbound::Verb;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const VERSION: &str = "2025-01-01";

/// Whom a workspace's subnets must be delegated to.
pub const DELEGATION: &str = "Microsoft.Databricks/workspaces";

/// A virtual network.
#[derive(Debug, Clone, Deserialize)]
pub struct Vnet {
    /// Its id, in Azure's spelling.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its region.
    pub location: String,
    /// The rest.
    pub properties: VnetProperties,
}

/// What Azure tells of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VnetProperties {
    /// `Updating`, `Succeeded`, `Failed`, `Deleting`.
    #[serde(default)]
    pub provisioning_state: String,
    /// Its ranges.
    #[serde(default)]
    pub address_space: AddressSpace,
    /// Its subnets.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
}

/// Ranges of addresses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressSpace {
    /// In CIDR notation.
    #[serde(default)]
    pub address_prefixes: Vec<String>,
}

/// A subnet.
#[derive(Debug, Clone, Deserialize)]
pub struct Subnet {
    /// Its name.
    pub name: String,
    /// The rest.
    #[serde(default)]
    pub properties: SubnetProperties,
}

/// What Azure tells of a subnet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubnetProperties {
    /// Its range.
    #[serde(default)]
    pub address_prefix: Option<String>,
    /// Its ranges, where it has several.
    #[serde(default)]
    pub address_prefixes: Vec<String>,
    /// What guards it.
    #[serde(default)]
    pub network_security_group: Option<Reference>,
    /// Whom it is delegated to.
    #[serde(default)]
    pub delegations: Vec<Delegation>,
}

/// The id of something else.
#[derive(Debug, Clone, Deserialize)]
pub struct Reference {
    /// The id.
    pub id: String,
}

/// A delegation of a subnet.
#[derive(Debug, Clone, Deserialize)]
pub struct Delegation {
    /// The rest.
    pub properties: DelegationProperties,
}

/// Whom it is for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegationProperties {
    /// A service's name.
    #[serde(default)]
    pub service_name: String,
}

/// A security group.
#[derive(Debug, Clone, Deserialize)]
pub struct SecurityGroup {
    /// Its id, in Azure's spelling.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The rest.
    pub properties: SecurityGroupProperties,
}

/// What Azure tells of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroupProperties {
    /// `Updating`, `Succeeded`, `Failed`, `Deleting`.
    #[serde(default)]
    pub provisioning_state: String,
}

/// A network to be made.
#[derive(Debug, Clone)]
pub struct NewVnet<'n> {
    /// Its region.
    pub location: &'n str,
    /// Its range.
    pub range: &'n str,
    /// Name and range of each subnet.
    pub subnets: [(&'n str, &'n str); 2],
    /// Id of the security group of all of them.
    pub security_group: &'n ResourceId,
    /// Its tags.
    pub tags: &'n BTreeMap<String, String>,
}

impl Subnet {
    /// Whether it is delegated to Databricks.
    pub fn is_delegated(&self) -> bool {
        let mut all = self.properties.delegations.iter();
        all.any(|it| it.properties.service_name.eq_ignore_ascii_case(DELEGATION))
    }
}

impl Arm {
    /// Makes a security group without rules of its own, or leaves it as it is. Repeatable.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_security_group(
        &self,
        id: &ResourceId,
        location: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<SecurityGroup, Error> {
        let body = json!({"location": location, "tags": tags, "properties": {"securityRules": []}});
        let url = self.url(&id.to_string(), VERSION);
        let response = self.call(Verb::Put, &url, Some(&body)).await?;
        parse(&response)
    }

    /// Makes a network with its subnets in one call: single ones collide. Repeatable, for one of ours only: it replaces
    /// the list of subnets.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_vnet(&self, id: &ResourceId, new: &NewVnet<'_>) -> Result<Vnet, Error> {
        let subnets = new.subnets.map(|(name, range)| {
            json!({"name": name, "properties": {
                "addressPrefix": range,
                "networkSecurityGroup": {"id": new.security_group.to_string()},
                "delegations": [{"name": "databricks", "properties": {"serviceName": DELEGATION}}],
            }})
        });
        let body = json!({
            "location": new.location,
            "tags": new.tags,
            "properties": {"addressSpace": {"addressPrefixes": [new.range]}, "subnets": subnets},
        });
        let url = self.url(&id.to_string(), VERSION);
        let response = self.call(Verb::Put, &url, Some(&body)).await?;
        parse(&response)
    }

    /// One network.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_vnet(&self, id: &ResourceId) -> Result<Option<Vnet>, Error> {
        if_there(self.get(&self.url(&id.to_string(), VERSION)).await)
    }

    /// One security group.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_security_group(
        &self,
        id: &ResourceId,
    ) -> Result<Option<SecurityGroup>, Error> {
        if_there(self.get(&self.url(&id.to_string(), VERSION)).await)
    }

    /// Every network of the subscription.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_vnets(&self) -> Result<Vec<Vnet>, Error> {
        let path = format!("/subscriptions/{}/providers/{VNET}", self.subscription());
        self.all(self.url(&path, VERSION)).await
    }

    /// Every security group of the subscription.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_security_groups(&self) -> Result<Vec<SecurityGroup>, Error> {
        let path = format!(
            "/subscriptions/{}/providers/{SECURITY_GROUP}",
            self.subscription()
        );
        self.all(self.url(&path, VERSION)).await
    }

    /// Asks for the removal of a network or a security group.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn delete_of_network(&self, id: &ResourceId) -> Result<(), Error> {
        let url = self.url(&id.to_string(), VERSION);
        self.call(Verb::Delete, &url, None).await.map(|_| ())
    }
}
