//! Workspaces as the account API knows them.

use crate::databricks::client::{Call, Client, Kind, Proof, parse_list};
use crate::databricks::error::Error;
use crate::databricks::values::{id64, text, time};
use crate::outbound::Verb;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One workspace.
#[derive(Debug, Clone, Deserialize)]
pub struct Workspace {
    /// int64.
    #[serde(deserialize_with = "id64")]
    pub workspace_id: i64,
    /// Not unique.
    #[serde(default, deserialize_with = "text")]
    pub workspace_name: String,
    /// Subdomain; authoritative, whatever was asked for.
    #[serde(default, deserialize_with = "text")]
    pub deployment_name: String,
    /// As it stands; new values pass through.
    #[serde(default, deserialize_with = "text")]
    pub workspace_status: String,
    /// The vendor's sentence.
    #[serde(default, deserialize_with = "text")]
    pub workspace_status_message: String,
    /// Region.
    #[serde(default, deserialize_with = "text")]
    pub aws_region: String,
    /// Credentials configuration.
    #[serde(default)]
    pub credentials_id: Option<String>,
    /// Storage configuration.
    #[serde(default)]
    pub storage_configuration_id: Option<String>,
    /// Network configuration.
    #[serde(default)]
    pub network_id: Option<String>,
    /// Tags; may appear late.
    #[serde(default)]
    pub custom_tags: Option<BTreeMap<String, Value>>,
    /// ms since the epoch.
    #[serde(default, deserialize_with = "time")]
    pub creation_time: Option<i64>,
}

/// What a new workspace is made of.
#[derive(Debug, Serialize)]
pub struct WorkspaceRequest<'a> {
    /// Upstream name.
    pub workspace_name: &'a str,
    /// Region.
    pub aws_region: &'a str,
    /// `SERVERLESS`; the vendor's default is classic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_mode: Option<&'a str>,
    /// Credentials configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_id: Option<&'a str>,
    /// Storage configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_configuration_id: Option<&'a str>,
    /// Network configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_id: Option<&'a str>,
    /// Subdomain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_name: Option<&'a str>,
    /// Tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing_tier: Option<&'a str>,
    /// Tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_tags: &'a BTreeMap<String, String>,
}

impl Client {
    /// All workspaces of the account.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>, Error> {
        let host = self.account();
        let call = Call::new(Verb::Get, Kind::List, self.account_path("workspaces"));
        let response = self.exchange(&host, call, Proof::Principal).await?;
        parse_list(&host, &response, "workspaces")
    }

    /// One workspace.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_workspace(&self, id: i64) -> Result<Workspace, Error> {
        let path = self.account_path(&format!("workspaces/{id}"));
        self.json(&self.account(), Call::new(Verb::Get, Kind::Read, path))
            .await
    }

    /// Asks for a workspace. Success means accepted.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_workspace(&self, new: &WorkspaceRequest<'_>) -> Result<Workspace, Error> {
        let body = serde_json::to_value(new).map_err(|error| Error::NotSent(error.to_string()))?;
        let call = Call::new(Verb::Post, Kind::Create, self.account_path("workspaces"));
        self.json(&self.account(), call.body(body)).await
    }

    /// Gives a workspace these tags instead of all it has; none at all are ignored. The mask is Google Cloud's demand,
    /// and harmless elsewhere.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn update_workspace(
        &self,
        id: i64,
        tags: &BTreeMap<String, String>,
    ) -> Result<Workspace, Error> {
        let path = self.account_path(&format!("workspaces/{id}"));
        let call = Call::new(Verb::Patch, Kind::Change, path)
            .query("update_mask", "custom_tags")
            .body(json!({"custom_tags": tags}));
        self.json(&self.account(), call).await
    }

    /// Asks for its removal.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn delete_workspace(&self, id: i64) -> Result<(), Error> {
        let path = self.account_path(&format!("workspaces/{id}"));
        let call = Call::new(Verb::Delete, Kind::Change, path);
        self.done(&self.account(), call, Proof::Principal).await
    }
}
