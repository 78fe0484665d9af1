//! What Azure knows of a workspace beside its life, and what GET answers of it.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::body::type_of;
use super::operations::Failure;
use crate::account::life::{Phase, Workspace};
use crate::azure::world::WORKSPACES;

/// How long a new workspace is only accepted.
const ACCEPTED: Duration = Duration::from_secs(10);

/// The subnets that a workspace holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The network's id.
    pub(crate) network: String,
    pub(crate) subnets: [String; 2],
}

/// A workspace as Azure's resource.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) location: String,
    pub(crate) sku: Value,
    /// `properties` as they were given.
    pub(crate) properties: Map<String, Value>,
    /// The managed resource group, if it was made for this workspace.
    pub(crate) managed_group: Option<String>,
    pub(crate) held: Option<Held>,
    pub(crate) created: DateTime<Utc>,
    /// Who made it.
    pub(crate) by: Value,
    /// How long after its success it has no URL yet.
    pub(crate) url_delay: Duration,
    /// Deleted with the data.
    pub(crate) forced: bool,
    /// How long its group outlives a forced deletion.
    pub(crate) group_lingers: Duration,
    /// The operation that deletes it.
    pub(crate) deletion: Option<String>,
    /// What its deletion is going to fail with.
    pub(crate) deletion_fails: Option<Failure>,
}

/// `adb-<id>.<number>`.
pub(crate) fn deployment_name(id: i64) -> String {
    format!("adb-{id}.{}", id % 20)
}

impl Resource {
    /// The resource's id.
    pub(crate) fn id(&self, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Databricks/workspaces/{name}",
            self.subscription, self.group
        )
    }

    pub(crate) fn is_serverless(&self) -> bool {
        self.properties.get("computeMode") == Some(&json!("Serverless"))
    }

    /// What becomes of a workspace at the end of its deletion.
    pub(crate) fn end(&mut self) -> Phase {
        match self.deletion_fails.take() {
            Some(failure) => Phase::Failed(failure.message),
            None => Phase::Gone,
        }
    }

    pub(crate) fn provisioning_state(workspace: &Workspace, now: Duration) -> &'static str {
        match &workspace.phase {
            Phase::Provisioning { .. } if workspace.ran_since.is_some() => "Updating",
            Phase::Provisioning { .. } if now < workspace.asked_at + ACCEPTED => "Accepted",
            Phase::Provisioning { .. } => "Creating",
            Phase::Running => "Succeeded",
            Phase::Failed(_) => "Failed",
            Phase::Cancelling { .. } => "Deleting",
            Phase::Gone => "Deleted",
        }
    }

    /// What GET answers.
    pub(crate) fn show(&self, workspace: &Workspace, now: Duration) -> Value {
        let state = Resource::provisioning_state(workspace, now);
        let known_from = workspace.ran_since.map(|since| since + self.url_delay);
        let known = known_from.is_some_and(|from| now >= from);
        let mut properties = self.properties.clone();
        properties.remove("parameters");
        let created = self.created.to_rfc3339_opts(SecondsFormat::Micros, true);
        properties.insert("provisioningState".into(), state.into());
        properties.insert("createdDateTime".into(), created.into());
        properties.insert("createdBy".into(), self.by.clone());
        properties.insert("updatedBy".into(), self.by.clone());
        if !self.is_serverless() {
            let authorizations = json!([{
                "principalId": "9a74af6f-d153-4348-988a-e2672920bee9",
                "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
            }]);
            properties.insert("authorizations".into(), authorizations);
        }
        if known {
            let url = format!("{}.{WORKSPACES}", workspace.deployment_name);
            properties.insert("workspaceId".into(), workspace.id.to_string().into());
            properties.insert("workspaceUrl".into(), url.into());
            properties.insert("isUcEnabled".into(), true.into());
            properties
                .entry("computeMode")
                .or_insert_with(|| "Hybrid".into());
            if !self.is_serverless() {
                properties.insert("parameters".into(), self.parameters(workspace.id));
            }
        }
        let mut body = json!({
            "id": self.id(&workspace.name),
            "name": workspace.name,
            "type": "Microsoft.Databricks/workspaces",
            "location": self.location,
            "sku": self.sku,
            "properties": properties,
        });
        let tags = workspace.given.get("custom_tags");
        if let Some(tags) = tags.filter(|_| now >= workspace.tags_from) {
            body["tags"] = tags.clone();
        }
        body
    }

    /// The parameters that were given, and those that Azure filled in.
    fn parameters(&self, id: i64) -> Value {
        let mut all = json!({
            "enableNoPublicIp": {"value": true},
            "prepareEncryption": {"value": false},
            "requireInfrastructureEncryption": {"value": false},
            "storageAccountName": {"value": format!("dbstorage{:013x}", id)},
            "storageAccountSkuName": {"value": "Standard_GRS"},
            "resourceTags": {"value": {"application": "databricks", "databricks-environment": "true"}},
        });
        if self.held.is_none() {
            all["vnetAddressPrefix"] = json!({"value": "10.139"});
        }
        let given = self.properties.get("parameters").and_then(Value::as_object);
        for (name, parameter) in given.into_iter().flatten() {
            all[name] = json!({"value": parameter["value"]});
        }
        for parameter in all.as_object_mut().into_iter().flat_map(Map::values_mut) {
            parameter["type"] = type_of(&parameter["value"]).into();
        }
        all
    }

    /// What lies in the managed group of a workspace that ran.
    pub(crate) fn contents(&self, id: i64) -> Vec<Value> {
        let Some(group) = &self.managed_group else {
            return Vec::new();
        };
        let of = |kind: &str, name: &str| {
            json!({
                "id": format!("/subscriptions/{}/resourceGroups/{group}/providers/{kind}/{name}", self.subscription),
                "name": name,
                "type": kind,
                "location": self.location,
            })
        };
        let parameters = self.parameters(id);
        let account = parameters["storageAccountName"]["value"].as_str();
        vec![
            of(
                "Microsoft.Storage/storageAccounts",
                account.unwrap_or_default(),
            ),
            of(
                "Microsoft.Databricks/accessConnectors",
                "unity-catalog-access-connector",
            ),
        ]
    }
}
