//! What a cloud must offer to the steps. One trait, one file per cloud.
//!
//! A provider translates between our nouns and one cloud's API and classifies every failure ([`CloudError`]).
//! It never retries, never sleeps, keeps no state of ours, and decides nothing about the plan.

pub mod aws;

use crate::domain::problem::{Code, Explanation, Upstream};
use crate::domain::spec::{Spec, Vpc};
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::Duration;

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
    /// What it points to: role ARN, bucket name or [`Vpc`]. Compared before adoption.
    pub content: String,
}

/// The kinds of things in an account that carry our marker as their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Network configurations.
    Network,
    /// Storage configurations.
    Storage,
    /// Credentials configurations.
    Credentials,
    /// Service principals.
    ServicePrincipal,
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
    pub workspace: Option<i64>,
    /// The name of the network that is or would be made.
    pub network: &'a str,
}

/// A workspace as the vendor's list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamWorkspace {
    /// int64 id.
    pub id: i64,
    /// Upstream name.
    pub name: String,
    /// Subdomain, authoritative.
    pub deployment_name: String,
    /// Address derived from the subdomain and the configured domain.
    pub url: String,
    /// Status in the vendor's words; unknown ones pass through.
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

    /// The credentials configuration of that name.
    async fn find_credentials(&self, name: &str) -> Result<Option<ConfigurationObject>>;
    /// Makes one from a role ARN. Not repeatable.
    async fn create_credentials(&self, name: &str, role_arn: &str) -> Result<ConfigurationObject>;
    /// Removes one; absent counts as removed.
    async fn delete_credentials(&self, id: &str) -> Result<()>;

    /// The storage configuration of that name.
    async fn find_storage(&self, name: &str) -> Result<Option<ConfigurationObject>>;
    /// Makes one from a bucket name. Not repeatable.
    async fn create_storage(&self, name: &str, bucket: &str) -> Result<ConfigurationObject>;
    /// Removes one; absent counts as removed.
    async fn delete_storage(&self, id: &str) -> Result<()>;

    /// The network configuration of that name.
    async fn find_network(&self, name: &str) -> Result<Option<ConfigurationObject>>;
    /// Makes one from a VPC. Not repeatable.
    async fn create_network(&self, name: &str, vpc: &Vpc) -> Result<ConfigurationObject>;
    /// What the vendor says of one; `None` if it does not know it.
    async fn report_network(&self, id: &str) -> Result<Option<NetworkReport>>;
    /// Removes one; absent counts as removed.
    async fn delete_network(&self, id: &str) -> Result<()>;

    /// Everything of a kind in the account, whoever made it.
    async fn list_objects(&self, kind: ObjectKind) -> Result<Vec<ListedObject>>;

    /// Every workspace of the account, in one call.
    async fn list_workspaces(&self) -> Result<Vec<UpstreamWorkspace>>;
    /// One workspace; `None` if the vendor does not know it.
    async fn get_workspace(&self, id: i64) -> Result<Option<UpstreamWorkspace>>;
    /// Asks for a workspace. Not repeatable; success means accepted.
    async fn create_workspace(&self, new: NewWorkspace<'_>) -> Result<UpstreamWorkspace>;
    /// Asks for its removal; absent counts as removed. It is gone when [`Self::get_workspace`] says `None`.
    async fn delete_workspace(&self, id: i64) -> Result<()>;

    /// The service principal of that display name.
    async fn find_service_principal(&self, name: &str) -> Result<Option<ServicePrincipal>>;
    /// Makes one in the account. Not repeatable.
    async fn create_service_principal(&self, name: &str) -> Result<ServicePrincipal>;
    /// Removes one; absent counts as removed.
    async fn delete_service_principal(&self, id: &str) -> Result<()>;
    /// Makes it a user of the workspace. Repeatable.
    async fn assign_service_principal(
        &self,
        workspace: i64,
        principal: &ServicePrincipal,
    ) -> Result<()>;
    /// Lets it own tokens in the workspace (adds, never replaces). Repeatable.
    async fn allow_tokens(&self, url: &str, principal: &ServicePrincipal) -> Result<()>;

    /// One look at the workspace's host: name, OAuth, `Me`.
    async fn probe(&self, url: &str) -> Result<Probe>;
    /// Live tokens of the owner in the workspace.
    async fn list_tokens(&self, url: &str, owner: TokenOwner<'_>) -> Result<Vec<ListedToken>>;
    /// Mints a PAT. Not repeatable.
    async fn mint_token(
        &self,
        url: &str,
        owner: TokenOwner<'_>,
        lifetime_seconds: u32,
        comment: &str,
    ) -> Result<MintedToken>;
    /// Revokes a PAT by id; absent counts as revoked.
    async fn revoke_token(&self, url: &str, owner: TokenOwner<'_>, token_id: &str) -> Result<()>;
    /// Calls the workspace once with the PAT itself.
    async fn try_token(&self, url: &str, value: &SecretString) -> Result<()>;

    /// How many live processes share this account's rate limit.
    fn set_processes(&self, live: u32);
}
