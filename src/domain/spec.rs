//! What a workspace shall be, resolved: nothing in it has to be looked up in the configuration again.

use super::cloud::{Cloud, ComputeMode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The resolved wish, stored with the workspace. Built by [`super::template::Template::resolve`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The template it came from, with its version: `sandbox@3`.
    pub template: String,
    /// What the request chose of it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// Name of the configured account it is made in.
    pub account: String,
    /// The cloud of that account.
    pub cloud: Cloud,
    /// Classic or serverless.
    pub compute_mode: ComputeMode,
    /// The cloud's region, in the cloud's words.
    pub region: String,
    /// Databricks' pricing tier, in Databricks' words; the account's plan if absent.
    pub tier: Option<String>,
    /// The subdomain asked for; the vendor generates one if absent.
    pub deployment_name: Option<String>,
    /// Credentials configuration; a serverless workspace has none.
    pub credentials: Option<CredentialsSource>,
    /// Storage configuration; a serverless workspace has none.
    pub storage: Option<StorageSource>,
    /// Network; if absent, the vendor makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkSource>,
    /// What only Azure has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureSpec>,
    /// Tags that go upstream.
    pub tags: BTreeMap<String, String>,
    /// Names of tags that it had once and shall have no longer; all others that it has upstream are somebody else's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub removed_tags: BTreeSet<String>,
    /// Whose PAT, how long.
    pub token: TokenSpec,
    /// Where the PAT is delivered.
    pub secret: SecretTarget,
    /// Whether the workspace's own host can be reached from the service.
    pub reachable_from_here: bool,
    /// How long a failed workspace is kept for repair before it is undone.
    pub keep_failed_seconds: u32,
    /// A create that is not finished by then fails.
    pub create_deadline_seconds: u32,
    /// An update that is not finished by then fails.
    #[serde(default = "an_hour", skip_serializing_if = "is_an_hour")]
    pub update_deadline_seconds: u32,
    /// A delete that is not finished by then needs attention.
    pub delete_deadline_seconds: u32,
    /// Longest lifetime that may be asked for; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ttl_seconds: Option<u32>,
    /// An expired workspace is deleted this long after its end.
    #[serde(default = "a_day", skip_serializing_if = "is_a_day")]
    pub expiry_grace_seconds: u32,
}

impl Spec {
    /// The same with other tags.
    #[must_use]
    pub fn with_tags(&self, tags: BTreeMap<String, String>) -> Self {
        let mut removed_tags = self.removed_tags.clone();
        removed_tags.extend(self.tags.keys().cloned());
        removed_tags.retain(|name| !tags.contains_key(name));
        Self {
            tags,
            removed_tags,
            ..self.clone()
        }
    }
}

/// The deadline that is not written down.
fn an_hour() -> u32 {
    3600
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde wants")]
fn is_an_hour(seconds: &u32) -> bool {
    *seconds == an_hour()
}

/// The grace that is not written down.
fn a_day() -> u32 {
    24 * 3600
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde wants")]
fn is_a_day(seconds: &u32) -> bool {
    *seconds == a_day()
}

/// An existing credentials configuration, or what to make one from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum CredentialsSource {
    /// Use this one and never delete it.
    Existing {
        /// Databricks' id (UUID).
        credentials_id: String,
    },
    /// Make one, and delete it with the workspace.
    Made {
        /// ARN of the cross-account IAM role.
        role_arn: String,
    },
}

/// An existing storage configuration, or what to make one from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum StorageSource {
    /// Use this one and never delete it.
    Existing {
        /// Databricks' id (UUID).
        storage_configuration_id: String,
    },
    /// Make one, and delete it with the workspace.
    Made {
        /// Name of the S3 root bucket.
        bucket_name: String,
    },
}

/// An existing network configuration, or what to make one from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum NetworkSource {
    /// Use this one and never delete it. It serves one workspace at a time.
    Existing {
        /// Databricks' id (UUID).
        network_id: String,
    },
    /// Make one, and delete it with the workspace.
    Made(Vpc),
    /// Use these subnets of an Azure virtual network and never touch it.
    Subnets(Subnets),
    /// Make an Azure virtual network with two subnets and what guards them, and delete it with the workspace.
    Range(Range),
}

impl NetworkSource {
    /// What is used as it is; `None` if something is made.
    pub fn given(&self) -> Option<&str> {
        match self {
            Self::Existing { network_id } => Some(network_id),
            Self::Subnets(subnets) => Some(&subnets.vnet_id),
            Self::Made(_) | Self::Range(_) => None,
        }
    }
}

/// What a made one consists of: compared before one of our name is taken for ours.
impl fmt::Display for NetworkSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Existing { network_id } => f.write_str(network_id),
            Self::Made(vpc) => vpc.fmt(f),
            Self::Subnets(subnets) => f.write_str(&subnets.vnet_id),
            Self::Range(range) => f.write_str(&range.vnet_range),
        }
    }
}

/// Two subnets of an Azure virtual network, dedicated to one workspace and delegated to Databricks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subnets {
    /// Resource id of the network.
    pub vnet_id: String,
    /// Name of the subnet of the hosts.
    pub public_subnet: String,
    /// Name of the subnet of the containers.
    pub private_subnet: String,
}

/// The addresses of a network to be made, each half of the lower half a subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// `10.139.0.0/16`.
    pub vnet_range: String,
}

/// The customer's part of a network: a VPC, and what of it a workspace uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    /// AWS' id of the VPC.
    pub vpc_id: String,
    /// AWS' ids of the subnets: at least two, each in another availability zone.
    pub subnet_ids: Vec<String>,
    /// AWS' ids of the security groups: one to five.
    pub security_group_ids: Vec<String>,
}

/// The same for the same content, in whatever order it is named.
impl fmt::Display for Vpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = |ids: &[String]| {
            let mut ids = ids.to_vec();
            ids.sort();
            ids.join(", ")
        };
        let (subnets, groups) = (sorted(&self.subnet_ids), sorted(&self.security_group_ids));
        write!(f, "{} with {subnets} and {groups}", self.vpc_id)
    }
}

/// What a workspace on Azure has besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzureSpec {
    /// The resource group it is made in, which must be there.
    pub resource_group: String,
    /// Whether clusters have public addresses.
    pub public_ip: bool,
    /// Whether its front is reached without a private link.
    pub public_network_access: bool,
    /// Whether its clusters reach Databricks by a private link.
    pub back_end_private_link: bool,
    /// A second encryption below the storage's own.
    pub infrastructure_encryption: bool,
    /// Identifier of the Key Vault key for notebooks and queries: `https://<vault>/keys/<name>/<version>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_services_key: Option<String>,
    /// Identifier of the Key Vault key for the disks of clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_disk_key: Option<String>,
    /// Whether Unity Catalog's default storage is deleted with the workspace; Azure keeps it otherwise.
    pub force_deletion: bool,
}

/// Whose PAT it is and how long it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSpec {
    /// Whose token.
    pub token_for: TokenFor,
    /// Lifetime in seconds, from minting.
    pub lifetime_seconds: u32,
}

/// Whose PAT is minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFor {
    /// A service principal made for this workspace; the PAT is minted on behalf of it.
    #[default]
    ServicePrincipal,
    /// The provisioning principal itself. Its holder administers the workspace.
    Provisioner,
}

/// Where the PAT is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretTarget {
    /// Name of the configured secret store.
    pub store: String,
    /// Path inside the store: deterministic, known before, stable over rotations.
    pub path: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As rows have it that are older than networks and serverless workspaces.
    fn old() -> serde_json::Value {
        json!({
            "template": "sandbox", "account": "main", "cloud": "aws", "compute_mode": "classic",
            "region": "us-west-2", "tier": null, "deployment_name": null,
            "credentials": { "role_arn": "arn:aws:iam::123456789012:role/databricks" },
            "storage": { "storage_configuration_id": "00000000-0000-4000-8000-000000000004" },
            "tags": {},
            "token": { "token_for": "service_principal", "lifetime_seconds": 3600 },
            "secret": { "store": "vault", "path": "databricks/team/name" },
            "reachable_from_here": true, "keep_failed_seconds": 0,
            "create_deadline_seconds": 7200, "delete_deadline_seconds": 3600,
        })
    }

    #[test]
    fn specs_of_older_rows_are_read_and_written_as_they_were() {
        let spec: Spec = serde_json::from_value(old()).unwrap();
        assert_eq!(spec.network, None);
        assert!(matches!(
            spec.credentials,
            Some(CredentialsSource::Made { .. })
        ));
        assert_eq!(serde_json::to_value(&spec).unwrap(), old());
    }

    #[test]
    fn a_vpc_reads_the_same_in_any_order() {
        let vpc = |subnets: [&str; 2]| Vpc {
            vpc_id: "vpc-1".to_owned(),
            subnet_ids: subnets.map(str::to_owned).to_vec(),
            security_group_ids: vec!["sg-1".to_owned()],
        };
        assert_eq!(
            vpc(["s-2", "s-1"]).to_string(),
            "vpc-1 with s-1, s-2 and sg-1"
        );
        assert_eq!(
            vpc(["s-1", "s-2"]).to_string(),
            vpc(["s-2", "s-1"]).to_string()
        );
        assert_ne!(
            vpc(["s-1", "s-2"]).to_string(),
            vpc(["s-1", "s-3"]).to_string()
        );
    }

    #[test]
    fn networks_are_told_apart_by_what_they_name() {
        let id = json!({ "network_id": "n" });
        let vpc = json!({ "vpc_id": "v", "subnet_ids": ["a", "b"], "security_group_ids": ["c"] });
        for (network, given) in [(&id, true), (&vpc, false)] {
            let mut row = old();
            row["network"] = network.clone();
            let spec: Spec = serde_json::from_value(row.clone()).unwrap();
            let source = spec.network.as_ref().unwrap();
            assert_eq!(matches!(source, NetworkSource::Existing { .. }), given);
            assert_eq!(serde_json::to_value(&spec).unwrap(), row);
        }
    }
}
