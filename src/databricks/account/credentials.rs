//! Credentials configurations: the cross-account role of the customer.

use crate::databricks::client::{Call, Client, Kind, Proof, in_path, parse_list};
use crate::databricks::error::Error;
use crate::databricks::values::{id_text, text};
use crate::outbound::Verb;
use serde::Deserialize;
use serde_json::json;

/// One configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct Credentials {
    /// UUID.
    #[serde(deserialize_with = "id_text")]
    pub credentials_id: String,
    /// Unique in the account.
    #[serde(default, deserialize_with = "text")]
    pub credentials_name: String,
    /// Where the role stands.
    #[serde(default)]
    pub aws_credentials: AwsCredentials,
}

/// The AWS half.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct AwsCredentials {
    /// The role.
    pub sts_role: StsRole,
}

/// The role.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct StsRole {
    /// Its ARN.
    pub role_arn: String,
}

impl Credentials {
    /// ARN of the role.
    pub fn role_arn(&self) -> &str {
        &self.aws_credentials.sts_role.role_arn
    }
}

impl Client {
    /// All configurations.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_credentials(&self) -> Result<Vec<Credentials>, Error> {
        let call = Call::new(Verb::Get, Kind::List, self.account_path("credentials"));
        let host = self.account();
        let response = self.exchange(&host, call, Proof::Principal).await?;
        parse_list(&host, &response, "credentials")
    }

    /// One by id.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_credentials(&self, id: &str) -> Result<Credentials, Error> {
        let path = self.account_path(&format!("credentials/{}", in_path(id, "credentials_id")?));
        self.json(&self.account(), Call::new(Verb::Get, Kind::Read, path))
            .await
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_credentials(
        &self,
        name: &str,
        role_arn: &str,
    ) -> Result<Credentials, Error> {
        let call = Call::new(Verb::Post, Kind::Create, self.account_path("credentials"));
        let body = json!({
            "credentials_name": name,
            "aws_credentials": { "sts_role": { "role_arn": role_arn } },
        });
        self.json(&self.account(), call.body(body)).await
    }

    /// Removes one.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn delete_credentials(&self, id: &str) -> Result<(), Error> {
        let path = self.account_path(&format!("credentials/{}", in_path(id, "credentials_id")?));
        let call = Call::new(Verb::Delete, Kind::Change, path);
        self.done(&self.account(), call, Proof::Principal).await
    }
}
