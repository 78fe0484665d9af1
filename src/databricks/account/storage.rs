//! Storage configurations: the root bucket.

use crate::databricks::client::{Call, Client, Kind, Proof, in_path, parse_list};
use crate::databricks::error::Error;
use crate::databricks::values::{id_text, text};
use crate::outbound::Verb;
use serde::Deserialize;
use serde_json::json;

/// One configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct StorageConfiguration {
    /// UUID.
    #[serde(deserialize_with = "id_text")]
    pub storage_configuration_id: String,
    /// Unique in the account.
    #[serde(default, deserialize_with = "text")]
    pub storage_configuration_name: String,
    /// The bucket.
    #[serde(default)]
    pub root_bucket_info: RootBucket,
}

/// The bucket.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RootBucket {
    /// Its name.
    pub bucket_name: String,
}

impl Client {
    /// All configurations.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_storage(&self) -> Result<Vec<StorageConfiguration>, Error> {
        let path = self.account_path("storage-configurations");
        let host = self.account();
        let call = Call::new(Verb::Get, Kind::List, path);
        let response = self.exchange(&host, call, Proof::Principal).await?;
        parse_list(&host, &response, "storage_configurations")
    }

    /// One by id.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_storage(&self, id: &str) -> Result<StorageConfiguration, Error> {
        let call = Call::new(Verb::Get, Kind::Read, self.storage_path(id)?);
        self.json(&self.account(), call).await
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_storage(
        &self,
        name: &str,
        bucket: &str,
    ) -> Result<StorageConfiguration, Error> {
        let path = self.account_path("storage-configurations");
        let call = Call::new(Verb::Post, Kind::Create, path).body(json!({
            "storage_configuration_name": name,
            "root_bucket_info": { "bucket_name": bucket },
        }));
        self.json(&self.account(), call).await
    }

    /// Removes one.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn delete_storage(&self, id: &str) -> Result<(), Error> {
        let call = Call::new(Verb::Delete, Kind::Change, self.storage_path(id)?);
        self.done(&self.account(), call, Proof::Principal).await
    }

    fn storage_path(&self, id: &str) -> Result<String, Error> {
        let id = in_path(id, "storage_configuration_id")?;
        Ok(self.account_path(&format!("storage-configurations/{id}")))
    }
}
