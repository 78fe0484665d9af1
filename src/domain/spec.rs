//! What a workspace shall be, resolved: nothing in it has to be looked up in the configuration again.

use super::cloud::{Cloud, ComputeMode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The resolved wish, stored with the workspace. Built by [`super::template::Template::resolve`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Name of the template it came from.
    pub template: String,
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
    /// Credentials configuration.
    pub credentials: CredentialsSource,
    /// Storage configuration.
    pub storage: StorageSource,
    /// Tags that go upstream.
    pub tags: BTreeMap<String, String>,
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
    /// A delete that is not finished by then needs attention.
    pub delete_deadline_seconds: u32,
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
