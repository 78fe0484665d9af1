//! AWS, through the Databricks Account API.
//!
//! Finding is listing and comparing names. Absent counts as removed only where the vendor says that the thing is
//! not there, not where it says that the account is not ours or that tokens are switched off.

mod checks;
mod networks;
mod nouns;
mod objects;

use super::failure::{Act, explain, removed};
use super::{
    Check, CheckResult, CloudError, ConfigurationObject, Failure, ListedObject, NetworkReport,
    NewWorkspace, ObjectKind, Own, Provider, Result, ServicePrincipal, Timeouts, UpstreamWorkspace,
};
use crate::databricks::account::workspaces::{Workspace, WorkspaceRequest};
use crate::databricks::{Client, Settings};
use crate::domain::cloud::ComputeMode;
use crate::domain::external::{ExternalWorkspace, UpstreamId};
use crate::domain::problem::{Code, Explanation};
use crate::domain::spec::{CredentialsSource, NetworkSource, Spec, StorageSource};
use crate::outbound::Outbound;
use async_trait::async_trait;
use checks::{ACCOUNT_ACCESS, check, given, unless_throttled};
pub(super) use checks::{checked, suspect};
use secrecy::SecretString;
use std::collections::BTreeMap;

/// An account, as it is configured.
#[derive(Debug, Clone)]
pub struct Account {
    /// Address of the account API, without a trailing slash.
    pub account_host: String,
    /// Databricks' account id (UUID).
    pub account_id: String,
    /// The provisioning service principal (UUID).
    pub client_id: String,
    /// Its OAuth secret.
    pub client_secret: SecretString,
    /// Domain below which every workspace's host must lie before a token is sent there.
    pub workspace_domain: String,
    /// Address of a workspace with `{deployment_name}`; `https://{deployment_name}.<workspace_domain>` if absent.
    pub workspace_url_template: Option<String>,
    /// Calls per second to the account API, of all processes together.
    pub requests_per_second: u32,
}

impl Account {
    pub(super) fn open(self, timeouts: Timeouts, outbound: Outbound) -> Aws {
        let settings = Settings {
            account_host: self.account_host,
            account_id: self.account_id,
            client_id: self.client_id,
            client_secret: self.client_secret,
            workspace_domain: self.workspace_domain,
            workspace_url_template: self.workspace_url_template,
            requests_per_second: self.requests_per_second,
            create_timeout: timeouts.create,
            call_timeout: timeouts.call,
        };
        Aws::new(settings, outbound)
    }
}

/// One Databricks account on AWS.
pub struct Aws {
    client: Client,
}

impl Aws {
    /// A provider for one account.
    pub fn new(settings: Settings, outbound: Outbound) -> Self {
        Self {
            client: Client::new(settings, outbound),
        }
    }

    fn workspace(&self, found: Workspace) -> UpstreamWorkspace {
        let tags = found.custom_tags.unwrap_or_default().into_iter();
        UpstreamWorkspace {
            at: ExternalWorkspace {
                id: found.workspace_id.into(),
                number: None,
                // A name that cannot be a subdomain has no address; nothing is ever sent to it.
                url: self
                    .client
                    .workspace_url(&found.deployment_name)
                    .unwrap_or_default(),
                deployment_name: found.deployment_name,
                progress_url: None,
            },
            name: found.workspace_name,
            status: found.workspace_status,
            status_message: crate::domain::scrub::scrubbed(&found.workspace_status_message),
            region: found.aws_region,
            credentials_id: found.credentials_id,
            storage_configuration_id: found.storage_configuration_id,
            network_id: found.network_id,
            tags: tags
                .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
                .collect(),
            created_at_ms: found.creation_time,
        }
    }
}

/// Databricks' number of a workspace.
fn number(id: &UpstreamId) -> Result<i64> {
    match id {
        UpstreamId::Number(number) => Ok(*number),
        UpstreamId::Resource(_) => Err(CloudError::new(
            Failure::Refused,
            Code::Internal,
            "a workspace on AWS has a number, and no resource id",
            None,
        )),
    }
}

#[async_trait]
impl Provider for Aws {
    async fn preflight(&self, spec: &Spec, own: Own<'_>) -> Result<Vec<Check>> {
        let access = ACCOUNT_ACCESS;
        let mut checks = vec![match self.client.list_credentials().await {
            Ok(_) => {
                let message = "the account accepts the provisioning principal".to_owned();
                check(access, CheckResult::Pass, message)
            }
            Err(error) => {
                unless_throttled(access, explain(error, Act::Read, "asking the account"))?
            }
        }];
        if let Some(CredentialsSource::Existing { credentials_id: id }) = &spec.credentials {
            let found = self.client.get_credentials(id).await.map(|_| ());
            checks.push(given(
                "credentials_exist",
                "credentials configuration",
                id,
                found,
            )?);
        }
        if let Some(StorageSource::Existing {
            storage_configuration_id: id,
        }) = &spec.storage
        {
            let found = self.client.get_storage(id).await.map(|_| ());
            checks.push(given("storage_exists", "storage configuration", id, found)?);
        }
        match &spec.network {
            None | Some(NetworkSource::Subnets(_) | NetworkSource::Range(_)) => {}
            Some(NetworkSource::Existing { network_id }) => {
                let found = self.client.get_network(network_id).await;
                checks.extend(networks::check_given(network_id, found, own)?);
            }
            Some(NetworkSource::Made(vpc)) => {
                let all = self.client.list_networks().await;
                checks.push(networks::check_vpc(vpc, all, own)?);
            }
        }
        Ok(checks)
    }

    async fn find_object(
        &self,
        kind: ObjectKind,
        name: &str,
        _: &Spec,
    ) -> Result<Option<ConfigurationObject>> {
        objects::find(&self.client, kind, name).await
    }

    async fn create_object(
        &self,
        kind: ObjectKind,
        name: &str,
        spec: &Spec,
    ) -> Result<ConfigurationObject> {
        objects::create(&self.client, kind, name, spec).await
    }

    async fn delete_object(&self, kind: ObjectKind, id: &str) -> Result<()> {
        objects::delete(&self.client, kind, id).await
    }

    async fn report_network(&self, id: &str) -> Result<Option<NetworkReport>> {
        match self.client.get_network(id).await {
            Ok(found) => Ok(Some(networks::report(&found))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(explain(error, Act::Read, "looking at the network")),
        }
    }

    async fn list_objects(&self, kind: ObjectKind) -> Result<Vec<ListedObject>> {
        objects::list(&self.client, kind).await
    }

    async fn list_workspaces(&self) -> Result<Vec<UpstreamWorkspace>> {
        let all = self.client.list_workspaces().await;
        let all = all.map_err(|error| explain(error, Act::Read, "listing workspaces"))?;
        Ok(all.into_iter().map(|found| self.workspace(found)).collect())
    }

    async fn find_workspaces(&self, _: &str, _: &Spec) -> Result<Vec<UpstreamWorkspace>> {
        self.list_workspaces().await
    }

    async fn get_workspace(&self, id: &UpstreamId) -> Result<Option<UpstreamWorkspace>> {
        match self.client.get_workspace(number(id)?).await {
            Ok(found) => Ok(Some(self.workspace(found))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(explain(error, Act::Read, "looking at the workspace")),
        }
    }

    async fn create_workspace(&self, new: NewWorkspace<'_>) -> Result<UpstreamWorkspace> {
        let request = WorkspaceRequest {
            workspace_name: new.name,
            aws_region: &new.spec.region,
            compute_mode: match new.spec.compute_mode {
                ComputeMode::Classic => None,
                ComputeMode::Serverless => Some("SERVERLESS"),
            },
            credentials_id: new.credentials_id,
            storage_configuration_id: new.storage_configuration_id,
            network_id: new.network_id,
            deployment_name: new.spec.deployment_name.as_deref(),
            pricing_tier: new.spec.tier.as_deref(),
            custom_tags: new.tags,
        };
        let made = self.client.create_workspace(&request).await;
        let doing = "creating the workspace";
        let made = made.map_err(|error| explain(error, Act::CreateWorkspace, doing))?;
        Ok(self.workspace(made))
    }

    async fn update_workspace(
        &self,
        id: &UpstreamId,
        tags: &BTreeMap<String, String>,
    ) -> Result<Option<String>> {
        let changed = self.client.update_workspace(number(id)?, tags).await;
        changed.map_err(|error| explain(error, Act::Update, "changing the workspace's tags"))?;
        Ok(None)
    }

    /// The message of a workspace and the verdict on its network say it already.
    async fn explain_failed(&self, _: &ExternalWorkspace) -> Result<Option<Explanation>> {
        Ok(None)
    }

    async fn delete_workspace(&self, id: &UpstreamId, _whole: bool) -> Result<()> {
        let gone = self.client.delete_workspace(number(id)?).await;
        removed(gone, "deleting the workspace")
    }

    async fn leftovers(&self, _: &str, _: &Spec) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn list_service_principals(&self) -> Result<Vec<ListedObject>> {
        objects::principals(&self.client).await
    }

    async fn find_service_principal(&self, name: &str) -> Result<Option<ServicePrincipal>> {
        let found = self.client.find_service_principals(name).await;
        let found =
            found.map_err(|error| explain(error, Act::Read, "listing service principals"))?;
        // Display names are not unique: always the oldest of several.
        let oldest = found
            .into_iter()
            .min_by_key(|it| (it.id.len(), it.id.clone()));
        Ok(oldest.map(Into::into))
    }

    async fn create_service_principal(&self, name: &str) -> Result<ServicePrincipal> {
        let made = self.client.create_service_principal(name).await;
        let doing = "creating the service principal";
        made.map(Into::into)
            .map_err(|error| explain(error, Act::Create, doing))
    }

    async fn delete_service_principal(&self, id: &str) -> Result<()> {
        let gone = self.client.delete_service_principal(id).await;
        removed(gone, "deleting the service principal")
    }

    async fn assign_service_principal(
        &self,
        workspace: &ExternalWorkspace,
        principal: &ServicePrincipal,
    ) -> Result<()> {
        let id = number(&workspace.id)?;
        let done = self.client.assign_user(id, &principal.id).await;
        done.map_err(|error| explain(error, Act::Admit, "assigning the service principal"))
    }

    fn databricks(&self) -> &Client {
        &self.client
    }

    fn set_processes(&self, live: u32) {
        self.client.set_processes(live);
    }
}
