//! What a cloud must offer to the steps. One trait, one file per cloud.
//!
//! A provider translates between our nouns and one cloud's API and classifies every failure ([`CloudError`]).
//! It never retries, never sleeps, keeps no state of ours, and decides nothing about the plan.

pub mod aws;
#[cfg(feature = "azure")]
pub mod azure;
mod failure;
mod settings;
mod workspace;

pub use settings::{Settings, Timeouts, open};

use crate::databricks::Client;
use crate::domain::external::{ExternalWorkspace, UpstreamId};
use crate::domain::problem::{Code, Explanation, Upstream};
use crate::domain::spec::Spec;
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::Duration;
use workspace::Api;

/// How a call ended, if not well. The closed list that the steps act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The request was certainly not sent or had certainly no effect, and may be sent again later.
    NotSent,
    /// A text that is known to pass (IAM not propagated, principal not in workspace yet): nothing was made, wait.
    NotYet,
    /// Asked to slow down; nothing was made.
    Throttled(Option<Duration>),
    /// It may have had its effect: time-out, reset, 408, 5xx, truncated or unparsable answer. Look before repeating.
    Unknown,
    /// "Exists already" or another conflict: look.
    Conflict,
    /// "In use": the thing cannot be removed yet.
    InUse,
    /// The thing addressed does not exist.
    NotFound,
    /// Refused for good.
    Refused,
}

/// A failed call: what to do about it, and its explanation for people.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {}", explanation.code.as_str(), explanation.detail)]
pub struct CloudError {
    /// How it ended.
    pub failure: Failure,
    /// What to tell people if it stays so.
    pub explanation: Box<Explanation>,
}

impl CloudError {
    /// An error with its explanation.
    pub fn new(
        failure: Failure,
        code: Code,
        detail: impl Into<String>,
        upstream: Option<Upstream>,
    ) -> Self {
        Self {
            failure,
            explanation: Box::new(Explanation::new(code, detail).upstream(upstream)),
        }
    }
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, CloudError>;

/// A configuration object found in or made in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationObject {
    /// Vendor id.
    pub id: String,
    /// Its name (our marker, if it is ours).
    pub name: String,
    /// What it points to: role ARN, bucket name, VPC or range of addresses. Compared before adoption.
    pub content: String,
    /// How far it is.
    pub progress: Progress,
}

/// How far a configuration object is. Where one call makes it, it is there as soon as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Some of what it consists of is missing; making it again adds that.
    Partial,
    /// The cloud is building it.
    Building,
    /// It can be used.
    There,
}

/// The kinds of configuration objects: what a workspace is made of. They carry our marker as their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Who acts in the customer's cloud account.
    Credentials,
    /// Where the workspace's own files lie.
    Storage,
    /// Where its compute runs.
    Network,
}

impl ObjectKind {
    /// For sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials configuration",
            Self::Storage => "storage configuration",
            Self::Network => "network",
        }
    }
}

/// A thing in the account, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Vendor id.
    pub id: String,
    /// Its name; our marker, if it is ours.
    pub name: String,
}

/// What the vendor says of a network configuration. It judges one only when a workspace is attached to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkReport {
    /// What is wrong with it.
    pub problem: Option<Explanation>,
    /// What is not as recommended, in sentences.
    pub warnings: Vec<String>,
}

/// What is ours already when a spec is checked: it does not stand in our way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Own<'a> {
    /// The workspace, if it was made.
    pub workspace: Option<&'a UpstreamId>,
    /// The upstream name that it has or would have; empty if there is none yet.
    pub name: &'a str,
    /// The name of the network that is or would be made.
    pub network: &'a str,
}

/// A workspace as the vendor's list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamWorkspace {
    /// What it is addressed by, where it answers, where its progress is told.
    pub at: ExternalWorkspace,
    /// Upstream name.
    pub name: String,
    /// Status in the words of Databricks' Account API, whatever the cloud says; unknown ones pass through.
    pub status: String,
    /// The vendor's sentence.
    pub status_message: String,
    /// Region.
    pub region: String,
    /// Credentials configuration id.
    pub credentials_id: Option<String>,
    /// Storage configuration id.
    pub storage_configuration_id: Option<String>,
    /// Network configuration id.
    pub network_id: Option<String>,
    /// Tags as far as they are visible.
    pub tags: BTreeMap<String, String>,
    /// Creation time in ms since the epoch.
    pub created_at_ms: Option<i64>,
}

/// What a new workspace is made of.
#[derive(Debug, Clone)]
pub struct NewWorkspace<'a> {
    /// Upstream name (`domain::marker::upstream_name`).
    pub name: &'a str,
    /// The resolved spec: region, tier, deployment name, compute mode.
    pub spec: &'a Spec,
    /// Credentials configuration id.
    pub credentials_id: Option<&'a str>,
    /// Storage configuration id.
    pub storage_configuration_id: Option<&'a str>,
    /// Network configuration id.
    pub network_id: Option<&'a str>,
    /// All tags, the marker's included.
    pub tags: &'a BTreeMap<String, String>,
}

/// A service principal of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePrincipal {
    /// SCIM id.
    pub id: String,
    /// Application id.
    pub application_id: String,
}

/// Whose PAT is meant.
#[derive(Debug, Clone, Copy)]
pub enum TokenOwner<'a> {
    /// The provisioning principal's own.
    Provisioner,
    /// A service principal's, by application id: minted on its behalf, listed and revoked as admin.
    ServicePrincipal(&'a ServicePrincipal),
}

/// A PAT in the vendor's list; never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedToken {
    /// Vendor's token id.
    pub id: String,
    /// Comment: our marker, if it is ours.
    pub comment: String,
    /// Expiry in ms since the epoch.
    pub expires_at_ms: Option<i64>,
}

/// A PAT just minted. The value exists here and in the store, nowhere else.
pub struct MintedToken {
    /// Vendor's token id.
    pub id: String,
    /// The value; wiped when dropped.
    pub value: SecretString,
    /// Expiry in ms since the epoch.
    pub expires_at_ms: Option<i64>,
}

/// What one probe of a workspace's host found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Name resolves, OAuth works, the API answered for us.
    Good,
    /// The name does not resolve yet.
    NoName,
    /// It resolves but does not answer as it should; the sentence says how.
    NotReady(String),
}

/// The result of one preflight check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// snake_case name of the check.
    pub name: &'static str,
    /// What came out.
    pub result: CheckResult,
    /// A sentence.
    pub message: String,
}

/// The check whether a given network is attached to no other workspace.
pub const NETWORK_FREE: &str = "network_free";

/// The check whether the parts of a network to be made are in no other one.
pub const SUBNETS_FREE: &str = "subnets_free";

/// pass, unknown (never blocks) or fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    /// Holds.
    Pass,
    /// Cannot be told from here.
    Unknown,
    /// Would fail; with its explanation.
    Fail(Box<Explanation>),
}

/// One account of one cloud.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What the account can tell before anything is made.
    async fn preflight(&self, spec: &Spec, own: Own<'_>) -> Result<Vec<Check>>;

    /// The configuration object of that name, where one of this spec would lie.
    async fn find_object(
        &self,
        kind: ObjectKind,
        name: &str,
        spec: &Spec,
    ) -> Result<Option<ConfigurationObject>>;
    /// Makes one of what the spec says. Not repeatable.
    async fn create_object(
        &self,
        kind: ObjectKind,
        name: &str,
        spec: &Spec,
    ) -> Result<ConfigurationObject>;
    /// Removes one; absent counts as removed, and one that is being removed as in use.
    async fn delete_object(&self, kind: ObjectKind, id: &str) -> Result<()>;
    /// Everything of a kind in the account, whoever made it.
    async fn list_objects(&self, kind: ObjectKind) -> Result<Vec<ListedObject>>;

    /// What the vendor says of a network; `None` if it says nothing of it.
    async fn report_network(&self, id: &str) -> Result<Option<NetworkReport>>;

    /// Every workspace of the account, in one call.
    async fn list_workspaces(&self) -> Result<Vec<UpstreamWorkspace>>;
    /// Those among which the one of that name and spec must be, if it is there.
    async fn find_workspaces(&self, name: &str, spec: &Spec) -> Result<Vec<UpstreamWorkspace>>;
    /// One workspace; `None` if the vendor does not know it.
    async fn get_workspace(&self, id: &UpstreamId) -> Result<Option<UpstreamWorkspace>>;
    /// Asks for a workspace. Not repeatable; success means accepted.
    async fn create_workspace(&self, new: NewWorkspace<'_>) -> Result<UpstreamWorkspace>;
    /// Gives it these tags, and takes away all others. Repeatable; success means accepted: it is done when
    /// [`Self::get_workspace`] says that the workspace runs. What comes back is where the cloud tells how it goes, if it
    /// does.
    async fn update_workspace(
        &self,
        id: &UpstreamId,
        tags: &BTreeMap<String, String>,
    ) -> Result<Option<String>>;
    /// Why the cloud could not make or change it, in its own words; `None` if it has none.
    async fn explain_failed(&self, workspace: &ExternalWorkspace) -> Result<Option<Explanation>>;
    /// Asks for its removal; absent counts as removed. It is gone when [`Self::get_workspace`] says `None`. What the
    /// cloud keeps of one by default goes with it only if `whole`.
    async fn delete_workspace(&self, id: &UpstreamId, whole: bool) -> Result<()>;
    /// What is left in the cloud of a workspace of that name and spec that is gone, in sentences.
    async fn leftovers(&self, name: &str, spec: &Spec) -> Result<Vec<String>>;

    /// Every service principal of the account, whoever made it.
    async fn list_service_principals(&self) -> Result<Vec<ListedObject>>;
    /// The service principal of that display name.
    async fn find_service_principal(&self, name: &str) -> Result<Option<ServicePrincipal>>;
    /// Makes one in the account. Not repeatable.
    async fn create_service_principal(&self, name: &str) -> Result<ServicePrincipal>;
    /// Removes one; absent counts as removed.
    async fn delete_service_principal(&self, id: &str) -> Result<()>;
    /// Makes it a user of the workspace. Repeatable.
    async fn assign_service_principal(
        &self,
        workspace: &ExternalWorkspace,
        principal: &ServicePrincipal,
    ) -> Result<()>;

    /// Databricks' own API at the hosts of this account's workspaces: what follows is said to it, in every cloud alike.
    fn databricks(&self) -> &Client;

    /// Lets it own tokens in the workspace (adds, never replaces). Repeatable.
    async fn allow_tokens(
        &self,
        workspace: &ExternalWorkspace,
        principal: &ServicePrincipal,
    ) -> Result<()> {
        let api = Api::at(self.databricks(), workspace)?;
        api.allow_tokens(principal).await
    }
    /// One look at the workspace's host: name, login, `Me`.
    async fn probe(&self, workspace: &ExternalWorkspace) -> Result<Probe> {
        Api::at(self.databricks(), workspace)?.probe().await
    }
    /// Live tokens of the owner in the workspace.
    async fn list_tokens(
        &self,
        workspace: &ExternalWorkspace,
        owner: TokenOwner<'_>,
    ) -> Result<Vec<ListedToken>> {
        let api = Api::at(self.databricks(), workspace)?;
        api.list_tokens(owner).await
    }
    /// Mints a PAT. Not repeatable.
    async fn mint_token(
        &self,
        workspace: &ExternalWorkspace,
        owner: TokenOwner<'_>,
        lifetime_seconds: u32,
        comment: &str,
    ) -> Result<MintedToken> {
        let api = Api::at(self.databricks(), workspace)?;
        api.mint(owner, lifetime_seconds, comment).await
    }
    /// Revokes a PAT by id; absent counts as revoked.
    async fn revoke_token(
        &self,
        workspace: &ExternalWorkspace,
        owner: TokenOwner<'_>,
        token_id: &str,
    ) -> Result<()> {
        let api = Api::at(self.databricks(), workspace)?;
        api.revoke(owner, token_id).await
    }
    /// Calls the workspace once with the PAT itself.
    async fn try_token(&self, workspace: &ExternalWorkspace, value: &SecretString) -> Result<()> {
        Api::at(self.databricks(), workspace)?
            .try_token(value)
            .await
    }

    /// How many live processes share this account's rate limit.
    fn set_processes(&self, live: u32);
}
