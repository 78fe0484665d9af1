//! What a secret store must offer to the step that delivers tokens. One trait, one file per store.
//!
//! No value is ever read back: the trait has no way to do it. A successor trusts the metadata only if its version
//! is the store's current one.

pub mod vault;

use crate::domain::problem::Explanation;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

/// The store's version of a secret, in the store's words (a number for Vault).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// How a call to the store ended, if not well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFailure {
    /// Down, sealed, throttled or unreachable: wait.
    Unavailable,
    /// It does not let us: wait, and say so, for an operator can mend it.
    Denied,
    /// The version moved: somebody else wrote.
    Moved,
    /// A put that may have had its effect.
    Unknown,
}

/// A failed call to the store.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {}", explanation.code.as_str(), explanation.detail)]
pub struct StoreError {
    /// How it ended.
    pub failure: StoreFailure,
    /// What to tell people.
    pub explanation: Box<Explanation>,
}

/// What is written about the secret beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The vendor's token id.
    pub token_id: String,
    /// Generation of the token, from 1.
    pub generation: u32,
    /// The version this metadata speaks of.
    pub version: Version,
    /// When the token ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Our workspace id: whose secret it is.
    pub workspace: String,
}

/// What the store knows about a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The store's current version of the secret; `None` if there is no live one (never written, or deleted).
    pub current: Option<Version>,
    /// The version a compare-and-set put must expect. `Version("0")` for a path never written, for Vault.
    pub expected: Version,
    /// Our metadata, if all of it is there, whatever version it speaks of.
    pub metadata: Option<Metadata>,
}

/// What is delivered.
pub struct SecretValue<'a> {
    /// The workspace's address.
    pub host: &'a str,
    /// The PAT.
    pub token: &'a SecretString,
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, StoreError>;

/// One configured secret store.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// `vault_kv2`, …: shown to callers.
    fn kind(&self) -> &'static str;
    /// Reachable, unsealed, authenticated, and the path may be written.
    async fn check(&self, path: &str) -> Result<()>;
    /// Writes the value if the store's version is still `expected`, and tells the new version.
    async fn put(&self, path: &str, value: SecretValue<'_>, expected: &Version) -> Result<Version>;
    /// Writes what we know about the secret beside it.
    async fn put_metadata(&self, path: &str, metadata: &Metadata) -> Result<()>;
    /// What the store knows about the path; `None` if nothing was ever written there.
    async fn metadata(&self, path: &str) -> Result<Option<Stored>>;
    /// Removes the secret with all its versions and metadata; absent counts as removed.
    async fn delete(&self, path: &str) -> Result<()>;
}
