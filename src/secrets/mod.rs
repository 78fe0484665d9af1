//! What a secret store must offer to the step that delivers tokens. One trait, one file per store, and what they share:
//! which paths there are, how the value is written down, and how metadata becomes pairs of text.
//!
//! No value is ever read back: the trait has no way to do it. A successor trusts the metadata only if its version
//! is the store's current one, so a store writes the value first and what is known about it after.

pub mod age_file;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "azure")]
pub mod azure_key_vault;
mod metadata;
pub mod vault;

use crate::domain::problem::{Code, Explanation};
use crate::outbound::Outbound;
use async_trait::async_trait;
pub use metadata::Metadata;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The store's version of a secret, in the store's words (a number for Vault, an id for AWS).
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

impl StoreError {
    /// The problem follows from how it ended.
    fn new(failure: StoreFailure, detail: impl Into<String>) -> Self {
        let code = match failure {
            StoreFailure::Unavailable | StoreFailure::Unknown => Code::SecretStoreUnreachable,
            StoreFailure::Denied => Code::SecretStoreDenied,
            StoreFailure::Moved => Code::SecretPathTaken,
        };
        Self {
            failure,
            explanation: Box::new(Explanation::new(code, detail)),
        }
    }
}

/// What the store knows about a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The store's current version of the secret; `None` if there is no live one (deleted, or without any version).
    pub current: Option<Version>,
    /// The version a compare-and-set put must expect.
    pub expected: Version,
    /// Our metadata, if all of it is there, whatever version it speaks of.
    pub metadata: Option<Metadata>,
}

/// What a check that found nothing wrong can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The path may be written.
    Writable,
    /// The store lets us in; whether the path may be written shows at the first put.
    Answers,
}

/// What is delivered.
pub struct SecretValue<'a> {
    /// The workspace's address.
    pub host: &'a str,
    /// The PAT.
    pub token: &'a SecretString,
}

/// The value under the two keys it is stored by, borrowed: nothing of it is copied before a buffer that is wiped.
#[derive(Serialize)]
struct Keys<'a> {
    host: &'a str,
    token: &'a str,
}

impl SecretValue<'_> {
    fn keys(&self) -> Keys<'_> {
        Keys {
            host: self.host,
            token: self.token.expose_secret(),
        }
    }

    /// `value`, of which this is the largest part, as JSON. The buffer is wiped, and has room enough never to grow and
    /// leave a copy behind.
    fn json(&self, value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>> {
        let room = 256 + 6 * (self.host.len() + self.token.expose_secret().len());
        let mut buffer = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *buffer, value)
            .map_err(|_| StoreError::new(StoreFailure::Denied, "the secret is not JSON"))?;
        Ok(buffer)
    }
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, StoreError>;

/// One configured secret store.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// `vault_kv2`, …: shown to callers.
    fn kind(&self) -> &'static str;
    /// Whether the store itself refuses a put whose expected version is no longer the current one when it arrives. If it
    /// does not, a put that comes late goes over a newer one.
    fn compares(&self) -> bool;
    /// Whether a put first brings back what was deleted there, which takes a while and cannot be seen meanwhile.
    fn restores(&self) -> bool;
    /// Reachable, unsealed, authenticated, and, as far as can be told without writing a value, the path may be written.
    async fn check(&self, path: &str) -> Result<Checked>;
    /// Writes the value if the store's version is still `expected` (`None`: nothing was ever written there), and tells
    /// the new version. Repeating a put whose answer was lost is safe.
    async fn put(
        &self,
        path: &str,
        value: SecretValue<'_>,
        expected: Option<&Version>,
    ) -> Result<Version>;
    /// Writes what we know about the secret beside it.
    async fn put_metadata(&self, path: &str, metadata: &Metadata) -> Result<()>;
    /// What the store knows about the path; `None` if nothing was ever written there.
    async fn metadata(&self, path: &str) -> Result<Option<Stored>>;
    /// Removes the secret with all its versions and metadata; absent counts as removed.
    async fn delete(&self, path: &str) -> Result<()>;
}

/// Which store, and how to reach it.
#[derive(Debug, Clone)]
pub enum Settings {
    /// Vault or OpenBao.
    Vault(vault::Settings),
    /// AWS Secrets Manager.
    #[cfg(feature = "aws")]
    Aws(aws::Settings),
    /// Azure Key Vault.
    #[cfg(feature = "azure")]
    AzureKeyVault(azure_key_vault::Settings),
    /// Encrypted files.
    AgeFile(age_file::Settings),
}

/// The store behind the settings. Connects to nothing.
pub fn open(settings: &Settings, outbound: &Outbound) -> Arc<dyn SecretStore> {
    match settings.clone() {
        Settings::Vault(settings) => Arc::new(vault::Vault::new(settings, outbound.clone())),
        #[cfg(feature = "aws")]
        Settings::Aws(settings) => Arc::new(aws::Aws::new(settings)),
        #[cfg(feature = "azure")]
        Settings::AzureKeyVault(settings) => Arc::new(azure_key_vault::AzureKeyVault::new(
            settings,
            outbound.clone(),
        )),
        Settings::AgeFile(settings) => Arc::new(age_file::AgeFile::new(settings)),
    }
}

/// Longest path, in bytes.
const MAX_PATH: usize = 512;

/// Refuses a path that is not one in every store: segments with single slashes between them, none of them `.` or `..`.
fn check_path(path: &str) -> Result<()> {
    let is_segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.=@".contains(&b))
    };
    if path.len() <= MAX_PATH && path.split('/').all(is_segment) {
        return Ok(());
    }
    Err(StoreError::new(
        StoreFailure::Denied,
        "the secret's path has a segment that is empty or has other characters than letters, digits and -_.=@",
    ))
}
