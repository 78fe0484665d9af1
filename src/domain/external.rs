//! External ids: what the other side calls the things we made or were given. Saved at every checkpoint.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the vendor calls a workspace: a number on AWS, the id of a resource on Azure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UpstreamId {
    /// Databricks' int64.
    Number(i64),
    /// `/subscriptions/…/workspaces/<name>`, in the one spelling that its provider writes.
    Resource(String),
}

impl fmt::Display for UpstreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Resource(id) => f.write_str(id),
        }
    }
}

impl UpstreamId {
    /// Its last part: what people call it.
    pub fn short(&self) -> String {
        let whole = self.to_string();
        last_part(&whole).to_owned()
    }

    /// Reads what [`fmt::Display`] has written.
    pub fn read(text: &str) -> Self {
        let number = text.parse().map(Self::Number);
        number.unwrap_or_else(|_| Self::Resource(text.to_owned()))
    }
}

/// The last part of an id that is a path; all of any other.
pub fn last_part(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

impl From<i64> for UpstreamId {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

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
    /// The network was asked for, and the cloud has not finished it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub network_unfinished: bool,
    /// The workspace itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<ExternalWorkspace>,
    /// The ids of workspaces that the vendor had given up, removed and replaced by a retry. A list that lags must not
    /// bring one of them back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced_workspaces: Vec<UpstreamId>,
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
    /// What it is addressed by.
    pub id: UpstreamId,
    /// Databricks' int64 id, where that is another and known by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// The vendor's subdomain; authoritative, not the one asked for. Empty until the vendor tells it.
    pub deployment_name: String,
    /// Address of the workspace; empty as long as the subdomain is.
    pub url: String,
    /// Where the vendor tells how its creation goes, if not in the workspace itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_url: Option<String>,
}

impl ExternalWorkspace {
    /// Databricks' int64 id, if it is known; a string in our JSON answers.
    pub fn number(&self) -> Option<i64> {
        match self.id {
            UpstreamId::Number(number) => Some(number),
            UpstreamId::Resource(_) => self.number,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_are_written_as_they_are_read() {
        for (json, text) in [
            (json!(7_405_601_234_567_890_i64), "7405601234567890"),
            (
                json!("/subscriptions/s/workspaces/w"),
                "/subscriptions/s/workspaces/w",
            ),
        ] {
            let id: UpstreamId = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(UpstreamId::read(text), id);
            assert_eq!(serde_json::to_value(id).unwrap(), json);
        }
    }

    #[test]
    fn rows_of_the_version_before_are_read_and_written_as_they_were() {
        let row = json!({"id": 12, "deployment_name": "dbc-1", "url": "https://dbc-1.example.com"});
        let read: ExternalWorkspace = serde_json::from_value(row.clone()).unwrap();
        assert_eq!(read.number(), Some(12));
        assert_eq!(serde_json::to_value(read).unwrap(), row);
    }
}
