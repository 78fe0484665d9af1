//! AWS, through the Databricks Account API.
//!
//! Finding is listing and comparing names. Absent counts as removed only where the vendor says that the thing is
//! not there, not where it says that the account is not ours or that tokens are switched off.

mod checks;
mod failure;
mod listing;
mod networks;
mod nouns;

use super::{
    Check, CheckResult, ConfigurationObject, ListedObject, ListedToken, MintedToken, NetworkReport,
    NewWorkspace, ObjectKind, Own, Probe, Provider, Result, ServicePrincipal, TokenOwner,
    UpstreamWorkspace,
};
use crate::databricks::account::networks::NetworkRequest;
use crate::databricks::account::workspaces::{Workspace, WorkspaceRequest};
use crate::databricks::client::Proof;
use crate::databricks::host::Host;
use crate::databricks::{Class, Client, Error, Settings};
use crate::domain::cloud::ComputeMode;
use crate::domain::spec::{CredentialsSource, NetworkSource, Spec, StorageSource, Vpc};
use crate::outbound::Outbound;
use async_trait::async_trait;
use checks::{check, given, not_ready, unless_throttled};
use failure::{Act, explain};
use nouns::minted;
use secrecy::SecretString;

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

    fn host(&self, url: &str) -> Result<Host> {
        let host = self.client.workspace(url);
        host.map_err(|error| explain(error, Act::Read, "calling the workspace"))
    }

    fn workspace(&self, found: Workspace) -> UpstreamWorkspace {
        let tags = found.custom_tags.unwrap_or_default().into_iter();
        UpstreamWorkspace {
            id: found.workspace_id,
            name: found.workspace_name,
            // A name that cannot be a subdomain has no address; nothing is ever sent to it.
            url: self
                .client
                .workspace_url(&found.deployment_name)
                .unwrap_or_default(),
            deployment_name: found.deployment_name,
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

/// Absent counts as removed.
fn removed(result: std::result::Result<(), Error>, doing: &str) -> Result<()> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result.map_err(|error| explain(error, Act::Delete, doing)),
    }
}

#[async_trait]
impl Provider for Aws {
    async fn preflight(&self, spec: &Spec, own: Own<'_>) -> Result<Vec<Check>> {
        let access = "account_access";
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
            None => {}
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

    async fn find_credentials(&self, name: &str) -> Result<Option<ConfigurationObject>> {
        let all = self.client.list_credentials().await;
        let all = all.map_err(|error| explain(error, Act::Read, "listing credentials"))?;
        Ok(all
            .into_iter()
            .find(|it| it.credentials_name == name)
            .map(Into::into))
    }

    async fn create_credentials(&self, name: &str, role_arn: &str) -> Result<ConfigurationObject> {
        let made = self.client.create_credentials(name, role_arn).await;
        let doing = "creating the credentials configuration";
        made.map(Into::into)
            .map_err(|error| explain(error, Act::Create, doing))
    }

    async fn delete_credentials(&self, id: &str) -> Result<()> {
        let gone = self.client.delete_credentials(id).await;
        removed(gone, "deleting the credentials configuration")
    }

    async fn find_storage(&self, name: &str) -> Result<Option<ConfigurationObject>> {
        let all = self.client.list_storage().await;
        let all = all.map_err(|error| explain(error, Act::Read, "listing storage"))?;
        Ok(all
            .into_iter()
            .find(|it| it.storage_configuration_name == name)
            .map(Into::into))
    }

    async fn create_storage(&self, name: &str, bucket: &str) -> Result<ConfigurationObject> {
        let made = self.client.create_storage(name, bucket).await;
        let doing = "creating the storage configuration";
        made.map(Into::into)
            .map_err(|error| explain(error, Act::Create, doing))
    }

    async fn delete_storage(&self, id: &str) -> Result<()> {
        let gone = self.client.delete_storage(id).await;
        removed(gone, "deleting the storage configuration")
    }

    async fn find_network(&self, name: &str) -> Result<Option<ConfigurationObject>> {
        let all = self.client.list_networks().await;
        let all = all.map_err(|error| explain(error, Act::Read, "listing networks"))?;
        Ok(all
            .into_iter()
            .find(|it| it.network_name == name)
            .map(Into::into))
    }

    async fn create_network(&self, name: &str, vpc: &Vpc) -> Result<ConfigurationObject> {
        let request = NetworkRequest {
            network_name: name,
            vpc_id: &vpc.vpc_id,
            subnet_ids: &vpc.subnet_ids,
            security_group_ids: &vpc.security_group_ids,
        };
        let made = self.client.create_network(request).await;
        let doing = "creating the network configuration";
        made.map(Into::into)
            .map_err(|error| explain(error, Act::Create, doing))
    }

    async fn report_network(&self, id: &str) -> Result<Option<NetworkReport>> {
        match self.client.get_network(id).await {
            Ok(found) => Ok(Some(networks::report(&found))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(explain(error, Act::Read, "looking at the network")),
        }
    }

    async fn delete_network(&self, id: &str) -> Result<()> {
        let gone = self.client.delete_network(id).await;
        removed(gone, "deleting the network configuration")
    }

    async fn list_objects(&self, kind: ObjectKind) -> Result<Vec<ListedObject>> {
        listing::objects(&self.client, kind).await
    }

    async fn list_workspaces(&self) -> Result<Vec<UpstreamWorkspace>> {
        let all = self.client.list_workspaces().await;
        let all = all.map_err(|error| explain(error, Act::Read, "listing workspaces"))?;
        Ok(all.into_iter().map(|found| self.workspace(found)).collect())
    }

    async fn get_workspace(&self, id: i64) -> Result<Option<UpstreamWorkspace>> {
        match self.client.get_workspace(id).await {
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

    async fn delete_workspace(&self, id: i64) -> Result<()> {
        removed(
            self.client.delete_workspace(id).await,
            "deleting the workspace",
        )
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
        workspace: i64,
        principal: &ServicePrincipal,
    ) -> Result<()> {
        let done = self.client.assign_user(workspace, &principal.id).await;
        done.map_err(|error| explain(error, Act::Admit, "assigning the service principal"))
    }

    /// In a workspace without any token the vendor has no permissions object to add to. That is passed over: an
    /// admin may mint on behalf of a principal, and if that needs the permission after all, minting says so.
    async fn allow_tokens(&self, url: &str, principal: &ServicePrincipal) -> Result<()> {
        let host = self.host(url)?;
        match self
            .client
            .allow_tokens(&host, &principal.application_id)
            .await
        {
            Err(error) if error.class() == Some(Class::TokenPermissionsMissing) => Ok(()),
            done => done.map_err(|error| explain(error, Act::Admit, "permitting tokens")),
        }
    }

    async fn probe(&self, url: &str) -> Result<Probe> {
        let host = self.host(url)?;
        match self.client.resolve(&host).await {
            Ok(addresses) if addresses.is_empty() => return Ok(Probe::NoName),
            Ok(_) => {}
            Err(error) => return Ok(Probe::NotReady(error.to_string())),
        }
        if let Err(error) = self.client.discover(&host).await {
            return not_ready(error, "reading the discovery document");
        }
        if let Err(error) = self.client.authenticate(&host).await {
            return not_ready(error, "fetching a token");
        }
        if let Err(error) = self.client.me(&host, Proof::Principal).await {
            return not_ready(error, "asking who we are");
        }
        Ok(Probe::Good)
    }

    /// For a service principal this is every token an admin sees, whoever owns it: tokens are known by id or
    /// marker, and how the vendor names the owner of one minted on behalf is not documented.
    async fn list_tokens(&self, url: &str, owner: TokenOwner<'_>) -> Result<Vec<ListedToken>> {
        let host = self.host(url)?;
        let found = match owner {
            TokenOwner::Provisioner => self.client.list_own_tokens(&host).await,
            TokenOwner::ServicePrincipal(_) => self.client.list_all_tokens(&host).await,
        };
        let found = found.map_err(|error| explain(error, Act::Read, "listing tokens"))?;
        let listed = found.into_iter().map(|token| ListedToken {
            id: token.token_id,
            comment: token.comment,
            expires_at_ms: token.expiry_time,
        });
        Ok(listed.collect())
    }

    async fn mint_token(
        &self,
        url: &str,
        owner: TokenOwner<'_>,
        lifetime_seconds: u32,
        comment: &str,
    ) -> Result<MintedToken> {
        let host = self.host(url)?;
        let client = &self.client;
        let (act, answer) = match owner {
            TokenOwner::Provisioner => (
                Act::Mint,
                client.mint(&host, lifetime_seconds, comment).await,
            ),
            TokenOwner::ServicePrincipal(principal) => {
                let id = &principal.application_id;
                let answer = client
                    .mint_on_behalf_of(&host, id, lifetime_seconds, comment)
                    .await;
                (Act::MintOnBehalf, answer)
            }
        };
        minted(answer.map_err(|error| explain(error, act, "minting a token"))?)
    }

    async fn revoke_token(&self, url: &str, owner: TokenOwner<'_>, token_id: &str) -> Result<()> {
        let host = self.host(url)?;
        let gone = match owner {
            TokenOwner::Provisioner => self.client.revoke_own_token(&host, token_id).await,
            TokenOwner::ServicePrincipal(_) => self.client.revoke_any_token(&host, token_id).await,
        };
        removed(gone, "revoking a token")
    }

    async fn try_token(&self, url: &str, value: &SecretString) -> Result<()> {
        let host = self.host(url)?;
        let tried = self.client.me(&host, Proof::Pat(value)).await;
        tried.map_err(|error| explain(error, Act::Read, "trying the token"))
    }

    fn set_processes(&self, live: u32) {
        self.client.set_processes(live);
    }
}
