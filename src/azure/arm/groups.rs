//! Resource groups, and whether the subscription knows Databricks at all.

use super::{Arm, Error, if_there};
use crate::outbound::Verb;
use serde::Deserialize;

const VERSION: &str = "2025-04-01";
const PROVIDERS: &str = "2025-04-01";

/// A resource group.
#[derive(Debug, Clone, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its region; what is in it may be elsewhere.
    pub location: String,
}

/// Something in a resource group.
#[derive(Debug, Clone, Deserialize)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// Its provider and type.
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Deserialize)]
struct Registration {
    #[serde(rename = "registrationState", default)]
    state: String,
}

impl Arm {
    fn group_path(&self, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourcegroups/{name}",
            self.subscription()
        )
    }

    /// The id of a group of this subscription.
    pub fn group_id(&self, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{name}",
            self.subscription()
        )
    }

    /// One group.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_group(&self, name: &str) -> Result<Option<Group>, Error> {
        if_there(self.get(&self.url(&self.group_path(name), VERSION)).await)
    }

    /// What is in a group; nothing if it does not exist.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_group(&self, name: &str) -> Result<Vec<Resource>, Error> {
        let path = format!("{}/resources", self.group_path(name));
        let found = self.all(self.url(&path, VERSION)).await;
        Ok(if_there(found)?.unwrap_or_default())
    }

    /// Whether the subscription knows Databricks: `Registered`, `Registering`, `NotRegistered`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn registration(&self) -> Result<String, Error> {
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Databricks",
            self.subscription()
        );
        let found: Registration = self.get(&self.url(&path, PROVIDERS)).await?;
        Ok(found.state)
    }

    /// Asks the subscription to get to know it. Repeatable.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn register(&self) -> Result<(), Error> {
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Databricks/register",
            self.subscription()
        );
        self.call(Verb::Post, &self.url(&path, PROVIDERS), None)
            .await
            .map(|_| ())
    }
}
