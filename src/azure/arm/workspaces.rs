//! `Microsoft.Databricks/workspaces`: a workspace as a resource, and the operation that builds it.

use super::{Arm, Error, Fault, if_there, parse};
use crate::domain::arm::{ResourceId, WORKSPACE};
use crate::outbound::{Response, Verb};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The newest stable version; it makes `computeMode` mandatory.
const VERSION: &str = "2026-01-01";

/// A workspace as Azure shows it. Address and number come only when it is built.
#[derive(Debug, Clone, Deserialize)]
pub struct Workspace {
    /// Its id, in Azure's spelling.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its region, sometimes by its display name.
    pub location: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
    /// The rest.
    pub properties: Properties,
}

/// What Azure tells of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Properties {
    /// `Accepted`, `Succeeded`, `Failed` …
    #[serde(default)]
    pub provisioning_state: String,
    /// Databricks' number, as text.
    #[serde(default)]
    pub workspace_id: Option<String>,
    /// Its host, without a scheme.
    #[serde(default)]
    pub workspace_url: Option<String>,
    /// Each as `{"type": …, "value": …}`; more than was asked for, and `null` at times.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// When it was asked for.
    #[serde(default)]
    pub created_date_time: Option<chrono::DateTime<chrono::Utc>>,
}

impl Workspace {
    /// Whether it is in one of these subnets of a network.
    pub fn uses(&self, vnet: &str, subnets: [&str; 2]) -> bool {
        let parameters = self.properties.parameters.as_ref();
        let value = |name: &str| {
            let value = parameters.and_then(|it| it[name]["value"].as_str());
            value.unwrap_or_default()
        };
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let own = ["customPublicSubnetName", "customPrivateSubnetName"].map(value);
        same(value("customVirtualNetworkId"), vnet)
            && own
                .iter()
                .any(|it| subnets.iter().any(|subnet| same(it, subnet)))
    }
}

/// What a workspace is asked for with. JSON as Azure wants it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceRequest<'r> {
    /// `Hybrid` or `Serverless`.
    pub compute_mode: &'r str,
    /// The group Azure makes for the workspace's own resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_resource_group_id: Option<String>,
    /// `Enabled` or `Disabled`.
    pub public_network_access: &'r str,
    /// `AllRules` or `NoAzureDatabricksRules`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_nsg_rules: Option<&'r str>,
    /// Each as `{"value": …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<&'r str, Value>>,
    /// `{"entities": {"managedServices": …, "managedDisk": …}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Value>,
}

/// A workspace as it is asked for.
fn resource(
    location: &str,
    tags: &BTreeMap<String, String>,
    request: &WorkspaceRequest<'_>,
) -> Value {
    json!({
        "location": location,
        "sku": {"name": "premium"},
        "tags": tags,
        "properties": request,
    })
}

/// How a long operation goes.
#[derive(Debug, Clone, Deserialize)]
pub struct Operation {
    /// `Accepted`, `Succeeded`, `Failed`, `Canceled` …
    #[serde(default)]
    pub status: String,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<Fault>,
}

/// Whether a refusal is the operation's, and not of the question how it goes.
fn is_of_the_operation(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 401 | 403 | 404 | 408 | 429)
}

impl Arm {
    /// The id of a workspace of this subscription.
    pub fn workspace_id(&self, group: &str, name: &str) -> ResourceId {
        ResourceId::new(self.subscription(), group, WORKSPACE, name)
    }

    /// Asks for a workspace. What comes back with it is where Azure tells how it goes.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_workspace(
        &self,
        id: &ResourceId,
        location: &str,
        tags: &BTreeMap<String, String>,
        request: &WorkspaceRequest<'_>,
    ) -> Result<(Workspace, Option<String>), Error> {
        let body = resource(location, tags, request);
        let url = self.url(&id.to_string(), VERSION);
        let response = self.call(Verb::Put, &url, Some(&body)).await?;
        Ok((parse(&response)?, self.progress(&response)))
    }

    /// The assignments of the policies that would deny a workspace, which may have no name yet.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn policies_against(
        &self,
        group: &str,
        name: Option<&str>,
        location: &str,
        tags: &BTreeMap<String, String>,
        request: &WorkspaceRequest<'_>,
    ) -> Result<Vec<String>, Error> {
        let mut content = resource(location, tags, request);
        content["type"] = WORKSPACE.into();
        if let Some(name) = name {
            content["name"] = name.into();
        }
        self.denied_by(group, VERSION, &content).await
    }

    /// Gives a workspace these tags instead of all it has. What comes back is where Azure tells how it goes.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_workspace(
        &self,
        id: &ResourceId,
        tags: &BTreeMap<String, String>,
    ) -> Result<Option<String>, Error> {
        let url = self.url(&id.to_string(), VERSION);
        let body = json!({"tags": tags});
        let response = self.call(Verb::Patch, &url, Some(&body)).await?;
        Ok(self.progress(&response))
    }

    /// Where an answer says that its operation can be followed: either header, whole or without host.
    fn progress(&self, response: &Response) -> Option<String> {
        let link = response
            .header("azure-asyncoperation")
            .or_else(|| response.header("location"))?;
        self.below(link)
    }

    /// How an operation goes; `None` if Azure has forgotten it or does not tell.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn operation(&self, url: &str) -> Result<Option<Operation>, Error> {
        match self.get(url).await {
            // Where the result is told instead of the operation, its failure is the answer's own.
            Err(Error::Api(error)) if is_of_the_operation(error.status) => Ok(Some(Operation {
                status: "Failed".to_owned(),
                error: Some(error.fault),
            })),
            told => if_there(told),
        }
    }

    /// One workspace.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_workspace(&self, id: &ResourceId) -> Result<Option<Workspace>, Error> {
        if_there(self.get(&self.url(&id.to_string(), VERSION)).await)
    }

    /// Every workspace of the subscription.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>, Error> {
        let path = format!(
            "/subscriptions/{}/providers/{WORKSPACE}",
            self.subscription()
        );
        self.all(self.url(&path, VERSION)).await
    }

    /// Asks for its removal; with `force`, of what Azure keeps by default too.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn delete_workspace(&self, id: &ResourceId, force: bool) -> Result<(), Error> {
        let mut url = self.url(&id.to_string(), VERSION);
        if force {
            url.push_str("&forceDeletion=true");
        }
        self.call(Verb::Delete, &url, None).await.map(|_| ())
    }
}
