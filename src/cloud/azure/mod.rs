//! Azure, through Azure Resource Manager, and Databricks' own API at the workspace's host.
//!
//! A workspace is a resource: its name is its id, so looking for it by name is looking for it. The PUT that asks for it
//! sets a state; what makes it unrepeatable all the same is that Azure takes one over a half-made resource for a change.
//! Statuses come in the words of Databricks' Account API, so that steps read one language.
//!
//! There are no credentials and storage configurations here, and no service principals of a workspace: the PAT is the
//! provisioning principal's own.

mod checks;
mod failure;
mod limits;
mod login;
mod networks;
mod workspaces;

use super::{
    Check, CloudError, ConfigurationObject, Failure, ListedObject, NetworkReport, NewWorkspace,
    ObjectKind, Own, Provider, Result, ServicePrincipal, Timeouts, UpstreamWorkspace,
};
use crate::azure::Identity;
use crate::azure::arm::workspaces::Workspace;
use crate::azure::arm::{self, Arm, Error};
use crate::databricks::{self, Client};
use crate::domain::arm::{ResourceId, WORKSPACE};
use crate::domain::cloud::ComputeMode;
use crate::domain::external::{ExternalWorkspace, UpstreamId};
use crate::domain::problem::{Code, Explanation};
use crate::domain::spec::{AzureSpec, Spec};
use crate::outbound::Outbound;
use async_trait::async_trait;
pub(super) use checks::checked;
pub(super) use failure::suspect;
use failure::{Act, explain, explain_operation, removed};
use login::Entra;
use std::collections::BTreeMap;
use std::sync::Arc;
use workspaces::{managed_group, noun, request};

/// A subscription, as it is configured.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Its id (UUID).
    pub subscription_id: String,
    /// Address of Azure Resource Manager, without a trailing slash.
    pub arm_endpoint: String,
    /// What a token for it must be for.
    pub arm_audience: String,
    /// Who we are.
    pub identity: crate::azure::Settings,
    /// Domain below which every workspace's host must lie before a token is sent there.
    pub workspace_domain: String,
    /// Address of a workspace with `{deployment_name}`; `https://{deployment_name}.<workspace_domain>` if absent.
    pub workspace_url_template: Option<String>,
    /// Calls per second to Azure Resource Manager, and to each workspace, of all processes together.
    pub requests_per_second: u32,
}

impl Subscription {
    pub(super) fn open(self, timeouts: Timeouts, outbound: Outbound) -> Azure {
        let identity = crate::azure::Settings {
            timeout: timeouts.call,
            ..self.identity
        };
        let identity = Identity::new(identity, outbound.clone());
        let login = Entra {
            identity: identity.clone(),
            management: self.arm_audience.clone(),
        };
        let hosts = databricks::Hosts {
            account_host: String::new(),
            account_id: String::new(),
            workspace_domain: self.workspace_domain,
            workspace_url_template: self.workspace_url_template,
            // `adb-<number>.<small number>`
            labels: 2,
        };
        let limits = databricks::Limits {
            requests_per_second: self.requests_per_second,
            create_timeout: timeouts.create,
            call_timeout: timeouts.call,
        };
        let arm = arm::Settings {
            endpoint: self.arm_endpoint,
            audience: self.arm_audience,
            subscription: self.subscription_id,
            requests_per_second: self.requests_per_second,
            create_timeout: timeouts.create,
            call_timeout: timeouts.call,
        };
        Azure {
            client: Client::with(Arc::new(login), hosts, limits, outbound.clone()),
            arm: Arm::new(arm, identity, outbound),
        }
    }
}

/// One Azure subscription.
pub struct Azure {
    arm: Arm,
    client: Client,
}

impl Azure {
    fn noun(&self, found: Workspace) -> Option<UpstreamWorkspace> {
        noun(&self.client, found, None)
    }
}

/// The resource behind an id of ours.
fn resource(id: &UpstreamId) -> Result<ResourceId> {
    let read = match id {
        UpstreamId::Resource(text) => ResourceId::read(text, WORKSPACE),
        UpstreamId::Number(_) => None,
    };
    read.ok_or_else(|| internal(format!("{id} is no id of a workspace on Azure")))
}

fn of_azure(spec: &Spec) -> Result<&AzureSpec> {
    let azure = spec.azure.as_ref();
    azure.ok_or_else(|| internal("the spec says nothing of Azure"))
}

/// What no plan for Azure leads to.
fn internal(detail: impl Into<String>) -> CloudError {
    CloudError::new(Failure::Refused, Code::Internal, detail, None)
}

fn read(error: Error, doing: &str) -> CloudError {
    explain(error, Act::Read, doing)
}

#[async_trait]
impl Provider for Azure {
    async fn preflight(&self, spec: &Spec, own: Own<'_>) -> Result<Vec<Check>> {
        checks::all(&self.arm, spec, of_azure(spec)?, own).await
    }

    async fn find_object(
        &self,
        kind: ObjectKind,
        name: &str,
        spec: &Spec,
    ) -> Result<Option<ConfigurationObject>> {
        match kind {
            ObjectKind::Network => networks::find(&self.arm, of_azure(spec)?, name).await,
            ObjectKind::Credentials | ObjectKind::Storage => Ok(None),
        }
    }

    async fn create_object(
        &self,
        kind: ObjectKind,
        name: &str,
        spec: &Spec,
    ) -> Result<ConfigurationObject> {
        match kind {
            ObjectKind::Network => networks::create(&self.arm, of_azure(spec)?, name, spec).await,
            ObjectKind::Credentials | ObjectKind::Storage => {
                Err(internal(format!("Azure has no {}", kind.as_str())))
            }
        }
    }

    async fn delete_object(&self, kind: ObjectKind, id: &str) -> Result<()> {
        match kind {
            ObjectKind::Network => networks::delete(&self.arm, id).await,
            ObjectKind::Credentials | ObjectKind::Storage => Ok(()),
        }
    }

    async fn list_objects(&self, kind: ObjectKind) -> Result<Vec<ListedObject>> {
        match kind {
            ObjectKind::Network => networks::list(&self.arm).await,
            ObjectKind::Credentials | ObjectKind::Storage => Ok(Vec::new()),
        }
    }

    /// Azure judges a network when it is asked for the workspace.
    async fn report_network(&self, _: &str) -> Result<Option<NetworkReport>> {
        Ok(None)
    }

    async fn list_workspaces(&self) -> Result<Vec<UpstreamWorkspace>> {
        let all = self.arm.list_workspaces().await;
        let all = all.map_err(|error| read(error, "listing workspaces"))?;
        Ok(all.into_iter().filter_map(|it| self.noun(it)).collect())
    }

    async fn find_workspaces(&self, name: &str, spec: &Spec) -> Result<Vec<UpstreamWorkspace>> {
        let group = &of_azure(spec)?.resource_group;
        let id = self.arm.workspace_id(group, name);
        let found = self.arm.get_workspace(&id).await;
        let found = found.map_err(|error| read(error, "looking for the workspace"))?;
        Ok(found.and_then(|it| self.noun(it)).into_iter().collect())
    }

    async fn get_workspace(&self, id: &UpstreamId) -> Result<Option<UpstreamWorkspace>> {
        let found = self.arm.get_workspace(&resource(id)?).await;
        let found = found.map_err(|error| read(error, "looking at the workspace"))?;
        Ok(found.and_then(|it| self.noun(it)))
    }

    /// A subscription that does not know Databricks is made to; then it is asked again.
    async fn create_workspace(&self, new: NewWorkspace<'_>) -> Result<UpstreamWorkspace> {
        let (spec, doing) = (new.spec, "creating the workspace");
        let azure = of_azure(spec)?;
        let id = self.arm.workspace_id(&azure.resource_group, new.name);
        let managed = self.arm.group_id(&managed_group(new.name));
        let request = request(spec, azure, new.network_id, managed);
        let made = self
            .arm
            .put_workspace(&id, &spec.region, new.tags, &request)
            .await;
        match made {
            Ok((made, progress_url)) => noun(&self.client, made, progress_url)
                .ok_or_else(|| read(Error::Unparseable(201), doing)),
            Err(error) => {
                let explained = explain(error, Act::Create, doing);
                if explained.explanation.code == Code::AzureProviderNotRegistered {
                    let asked = self.arm.register().await;
                    asked.map_err(|error| explain(error, Act::Create, "registering Databricks"))?;
                }
                Err(explained)
            }
        }
    }

    async fn update_workspace(
        &self,
        id: &UpstreamId,
        tags: &BTreeMap<String, String>,
    ) -> Result<Option<String>> {
        let changed = self.arm.update_workspace(&resource(id)?, tags).await;
        changed.map_err(|error| explain(error, Act::Update, "changing the workspace's tags"))
    }

    async fn explain_failed(&self, workspace: &ExternalWorkspace) -> Result<Option<Explanation>> {
        let Some(url) = &workspace.progress_url else {
            let detail =
                "The answer to the request for it was lost, and with it where Azure says why.";
            let hint =
                "See the activity log of the resource group in Azure, then retry the operation.";
            return Ok(Some(
                Explanation::new(Code::WorkspaceFailed, detail).hint(hint),
            ));
        };
        let told = self.arm.operation(url).await;
        let told = told.map_err(|error| read(error, "asking why it failed"))?;
        let fault = told.and_then(|it| it.error);
        Ok(fault.as_ref().map(explain_operation))
    }

    async fn delete_workspace(&self, id: &UpstreamId, whole: bool) -> Result<()> {
        let gone = self.arm.delete_workspace(&resource(id)?, whole).await;
        removed(gone, "deleting the workspace")
    }

    async fn leftovers(&self, name: &str, spec: &Spec) -> Result<Vec<String>> {
        let whole = of_azure(spec)?.force_deletion;
        match spec.compute_mode {
            ComputeMode::Classic if !whole => checks::leftovers(&self.arm, name).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn list_service_principals(&self) -> Result<Vec<ListedObject>> {
        Ok(Vec::new())
    }

    async fn find_service_principal(&self, _: &str) -> Result<Option<ServicePrincipal>> {
        Ok(None)
    }

    async fn create_service_principal(&self, _: &str) -> Result<ServicePrincipal> {
        Err(internal("on Azure the PAT is the provisioning principal's"))
    }

    async fn delete_service_principal(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn assign_service_principal(
        &self,
        _: &ExternalWorkspace,
        _: &ServicePrincipal,
    ) -> Result<()> {
        Err(internal("on Azure the PAT is the provisioning principal's"))
    }

    fn databricks(&self) -> &Client {
        &self.client
    }

    fn set_processes(&self, live: u32) {
        self.arm.set_processes(live);
        self.client.set_processes(live);
    }
}
