//! Network configurations: a VPC of the customer, and what of it a workspace uses.

use crate::databricks::client::{Call, Client, Kind, Proof, in_path, parse_list};
use crate::databricks::error::Error;
use crate::databricks::values::{id_text, no_id64, or_default, text};
use crate::outbound::Verb;
use serde::Deserialize;
use serde_json::json;

/// One configuration. The vendor judges it only when a workspace is attached to it.
#[derive(Debug, Clone, Deserialize)]
pub struct Network {
    /// UUID.
    #[serde(deserialize_with = "id_text")]
    pub network_id: String,
    /// Unique in the account.
    #[serde(default, deserialize_with = "text")]
    pub network_name: String,
    /// AWS' id of the VPC.
    #[serde(default, deserialize_with = "text")]
    pub vpc_id: String,
    /// AWS' ids of the subnets.
    #[serde(default, deserialize_with = "or_default")]
    pub subnet_ids: Vec<String>,
    /// AWS' ids of the security groups.
    #[serde(default, deserialize_with = "or_default")]
    pub security_group_ids: Vec<String>,
    /// `UNATTACHED`, `VALID`, `WARNED`, `BROKEN`; new values pass through.
    #[serde(default, deserialize_with = "text")]
    pub vpc_status: String,
    /// The workspace it is attached to; absent (or 0) while there is none.
    #[serde(default, deserialize_with = "no_id64")]
    pub workspace_id: Option<i64>,
    /// What is wrong with it.
    #[serde(default, deserialize_with = "or_default")]
    pub error_messages: Vec<NetworkError>,
    /// What is not as recommended.
    #[serde(default, deserialize_with = "or_default")]
    pub warning_messages: Vec<NetworkWarning>,
}

/// Something that is wrong with a network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NetworkError {
    /// `credentials`, `vpc`, `subnet`, `securityGroup`, `networkAcl`; new values pass through.
    #[serde(default, deserialize_with = "text")]
    pub error_type: String,
    /// The vendor's sentence.
    #[serde(default, deserialize_with = "text")]
    pub error_message: String,
}

/// Something about a network that is not as recommended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NetworkWarning {
    /// `subnet`, `securityGroup`; new values pass through.
    #[serde(default, deserialize_with = "text")]
    pub warning_type: String,
    /// The vendor's sentence.
    #[serde(default, deserialize_with = "text")]
    pub warning_message: String,
}

/// What a new configuration is made of.
#[derive(Debug, Clone, Copy)]
pub struct NetworkRequest<'a> {
    /// Unique in the account.
    pub network_name: &'a str,
    /// AWS' id of the VPC.
    pub vpc_id: &'a str,
    /// AWS' ids of the subnets.
    pub subnet_ids: &'a [String],
    /// AWS' ids of the security groups.
    pub security_group_ids: &'a [String],
}

impl Client {
    /// All configurations.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_networks(&self) -> Result<Vec<Network>, Error> {
        let host = self.account();
        let call = Call::new(Verb::Get, Kind::List, self.account_path("networks"));
        let response = self.exchange(&host, call, Proof::Principal).await?;
        parse_list(&host, &response, "networks")
    }

    /// One by id.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_network(&self, id: &str) -> Result<Network, Error> {
        let call = Call::new(Verb::Get, Kind::Read, self.network_path(id)?);
        self.json(&self.account(), call).await
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_network(&self, new: NetworkRequest<'_>) -> Result<Network, Error> {
        let path = self.account_path("networks");
        let call = Call::new(Verb::Post, Kind::Create, path).body(json!({
            "network_name": new.network_name,
            "vpc_id": new.vpc_id,
            "subnet_ids": new.subnet_ids,
            "security_group_ids": new.security_group_ids,
        }));
        self.json(&self.account(), call).await
    }

    /// Removes one.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn delete_network(&self, id: &str) -> Result<(), Error> {
        let call = Call::new(Verb::Delete, Kind::Change, self.network_path(id)?);
        self.done(&self.account(), call, Proof::Principal).await
    }

    fn network_path(&self, id: &str) -> Result<String, Error> {
        let id = in_path(id, "network_id")?;
        Ok(self.account_path(&format!("networks/{id}")))
    }
}
