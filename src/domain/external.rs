//! External ids: what the other side calls the things we made or were given. Saved at every checkpoint.

use serde::{Deserialize, Serialize};

/// Everything outside that belongs to one workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExternalIds {
    /// Credentials configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<ExternalObject>,
    /// Storage configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_configuration: Option<ExternalObject>,
    /// Network configuration; none where the vendor makes the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<ExternalObject>,
    /// The workspace itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<ExternalWorkspace>,
    /// Databricks' ids of workspaces it had given up, removed and replaced by a retry. A list that lags must not bring
    /// one of them back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced_workspaces: Vec<i64>,
    /// The service principal the PAT belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_principal: Option<ExternalServicePrincipal>,
    /// The delivered PAT: its id, never its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<ExternalToken>,
}

/// One configuration object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalObject {
    /// Databricks' id.
    pub id: String,
    /// Made by us (deleted with the workspace) or given (never touched).
    pub origin: Origin,
}

/// Where an outside object came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Made for this workspace (or found by our marker): undone with it.
    Made,
    /// Given by id: never deleted.
    Given,
}

/// The workspace as the vendor knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalWorkspace {
    /// Databricks' int64 id; a string in our JSON answers.
    pub id: i64,
    /// The vendor's subdomain; authoritative, not the one asked for.
    pub deployment_name: String,
    /// Address of the workspace.
    pub url: String,
}

/// A service principal of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalServicePrincipal {
    /// SCIM id (a number, as text).
    pub id: String,
    /// Application id (UUID).
    pub application_id: String,
}

/// A delivered PAT, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalToken {
    /// Vendor's token id.
    pub id: String,
    /// Counts from 1.
    pub generation: u32,
}
