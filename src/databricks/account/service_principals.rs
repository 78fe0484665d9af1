//! Service principals of the account, over SCIM.

use crate::databricks::client::{Call, Client, Kind, Proof, in_path, parse, parse_list};
use crate::databricks::error::Error;
use crate::databricks::values::{id_text, text};
use crate::outbound::Verb;
use serde::Deserialize;
use serde_json::json;

/// How many are asked for at once. Fewer may come although there are more.
const PAGE: usize = 500;

/// More pages than any account has.
const MOST_PAGES: usize = 200;

/// One service principal.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePrincipal {
    /// SCIM id: a number, as text.
    #[serde(deserialize_with = "id_text")]
    pub id: String,
    /// UUID; the user name in permissions.
    #[serde(deserialize_with = "id_text")]
    pub application_id: String,
    /// Not unique.
    #[serde(default, deserialize_with = "text")]
    pub display_name: String,
}

impl Client {
    /// The service principals of that display name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn find_service_principals(
        &self,
        display_name: &str,
    ) -> Result<Vec<ServicePrincipal>, Error> {
        if display_name.contains(['"', '\\']) {
            return Err(Error::BadId("display name"));
        }
        let host = self.account();
        let path = self.account_path("scim/v2/ServicePrincipals");
        let filter = format!("displayName eq \"{display_name}\"");
        let call = Call::new(Verb::Get, Kind::List, path).query("filter", filter);
        let response = self.exchange(&host, call, Proof::Principal).await?;
        let mut found: Vec<ServicePrincipal> = parse_list(&host, &response, "Resources")?;
        found.retain(|principal| principal.display_name == display_name);
        Ok(found)
    }

    /// All of the account.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_service_principals(&self) -> Result<Vec<ServicePrincipal>, Error> {
        let host = self.account();
        #[derive(Deserialize)]
        struct Total {
            #[serde(rename = "totalResults")]
            total: Option<usize>,
        }
        let mut all: Vec<ServicePrincipal> = Vec::new();
        for _ in 0..MOST_PAGES {
            let path = self.account_path("scim/v2/ServicePrincipals");
            let call = Call::new(Verb::Get, Kind::List, path)
                .query("startIndex", (all.len() + 1).to_string())
                .query("count", PAGE.to_string());
            let response = self.exchange(&host, call, Proof::Principal).await?;
            let page: Vec<ServicePrincipal> = parse_list(&host, &response, "Resources")?;
            let total = parse::<Total>(host.side(), &response)?.total;
            let none = page.is_empty();
            all.extend(page);
            if none || total.is_some_and(|total| all.len() >= total) {
                break;
            }
        }
        Ok(all)
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_service_principal(
        &self,
        display_name: &str,
    ) -> Result<ServicePrincipal, Error> {
        let path = self.account_path("scim/v2/ServicePrincipals");
        let call = Call::new(Verb::Post, Kind::Create, path).body(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal"],
            "displayName": display_name,
            "active": true,
        }));
        self.json(&self.account(), call).await
    }

    /// Removes one from the account, and so from every workspace.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn delete_service_principal(&self, id: &str) -> Result<(), Error> {
        let id = in_path(id, "service principal id")?;
        let path = self.account_path(&format!("scim/v2/ServicePrincipals/{id}"));
        let call = Call::new(Verb::Delete, Kind::Change, path);
        self.done(&self.account(), call, Proof::Principal).await
    }
}
