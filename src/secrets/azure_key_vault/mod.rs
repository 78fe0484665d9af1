//! Azure Key Vault, through the official client: over our own door, without its retries, with our time-outs.
//!
//! Key Vault has no compare-and-set: a set makes a version, whatever there is. So a put first looks whether the newest version
//! is still the expected one, sets, and looks again whether its own is the newest; if it is not, somebody else wrote, and the
//! put has failed. Within one process puts to one name wait for each other. Between processes a moment stays, from the first
//! look to the set, in which a later write goes over an earlier one unseen. Leases keep all but a late, replaced worker out
//! of it; it sends nothing after a time that its successor waits for, since this store does not compare. What stays is a set
//! that Azure carries out long after its client has hung up. Each version carries the put's id as a tag, made from name and
//! value: a put whose answer was lost is known by it.
//!
//! Versions are looked at by their list, which shows no values, and what we know about a value stands in its version's tags.
//! A deleted secret keeps its name until it is purged. One that is ours is recovered by the put, which takes a while; not by
//! the check before it, for what was recovered and never written would be left behind. Anybody else's is left alone and said.
//! Whether a path may be written shows at the first put.
//!
//! Neither the value nor an answer that repeats it is copied where it is not wiped. The client's copies of our own tokens are
//! not wiped.

mod failure;
mod login;
mod name;
mod versions;

use super::{
    Checked, Metadata, Result, SecretStore, SecretValue, StoreError, StoreFailure, Stored, Version,
    check_path,
};
use crate::azure::{self, Door, Identity, client_options};
use crate::outbound::Outbound;
use async_trait::async_trait;
use azure_core::error::Error;
use azure_core::http::RequestContent;
use azure_core::time::OffsetDateTime;
use azure_security_keyvault_secrets::models::{
    SecretAttributes, SecretClientUpdateSecretPropertiesOptions, SetSecretParameters,
    UpdateSecretPropertiesParameters,
};
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use bytes::Bytes;
use failure::{Lost, failed, foreign, recovering, says, says_absent, says_forbidden};
use futures_util::TryStreamExt;
use login::Login;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use versions::{Known, Versions, is_ours, tags, tags_with};

const KIND: &str = "azure_key_vault";
const TIMEOUT: Duration = Duration::from_secs(10);
/// Names share a lock with one in so many.
const LOCKS: usize = 64;
const DELETED: &str = "ObjectIsDeletedButRecoverable";
const BEING_DELETED: &str = "ObjectIsBeingDeleted";

/// One vault.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://name.vault.azure.net`.
    pub vault_url: String,
    /// Stands before every path: `brickyard/`.
    pub prefix: String,
    /// Whether a deleted secret is purged, so that nobody can recover it.
    pub purge: bool,
    /// Who we are there.
    pub identity: azure::Settings,
}

/// The store.
pub struct AzureKeyVault {
    prefix: String,
    purge: bool,
    client: azure_core::Result<SecretClient>,
    /// Held by a put, one per some names.
    locks: [Mutex<()>; LOCKS],
}

/// What is set. The value is JSON itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Put<'a> {
    value: &'a str,
    content_type: &'static str,
    tags: BTreeMap<&'static str, String>,
}

/// All we read of the answer, which repeats the value.
#[derive(Deserialize)]
struct Written<'a> {
    id: &'a str,
}

impl AzureKeyVault {
    /// A store behind the settings. Connects to nothing.
    pub fn new(settings: Settings, outbound: Outbound) -> Self {
        let door = Door {
            outbound: outbound.clone(),
            service: KIND,
            timeout: TIMEOUT,
        };
        let login = Arc::new(Login::new(door, Identity::new(settings.identity, outbound)));
        let options = SecretClientOptions {
            client_options: client_options(login.clone()),
            ..SecretClientOptions::default()
        };
        Self {
            prefix: settings.prefix,
            purge: settings.purge,
            client: SecretClient::new(&settings.vault_url, login, Some(options)),
            locks: std::array::from_fn(|_| Mutex::default()),
        }
    }

    fn client(&self) -> Result<&SecretClient> {
        let client = self.client.as_ref();
        client.map_err(|error| failed(error, "opening the vault", Lost::Harmless))
    }

    fn name(&self, path: &str) -> Result<String> {
        let path_there = format!("{}{path}", self.prefix);
        check_path(path).and_then(|()| check_path(&path_there))?;
        name::name(&path_there).ok_or_else(|| {
            let words = "the secret's path is too long: as a name in Key Vault, where a slash counts twice and other \
                         characters than a-z, 0-9 and dashes count five times, it may have 127 characters";
            StoreError::new(StoreFailure::Denied, words)
        })
    }

    /// Empty if there is no such secret, or a deleted one.
    async fn versions(&self, name: &str, doing: &str, lost: Lost) -> Result<Versions> {
        let listed = async {
            let list = self.client()?.list_secret_properties_versions(name, None);
            let list = list.map_err(|error| failed(&error, doing, lost))?;
            match list.try_collect::<Vec<_>>().await {
                Ok(shown) => Ok(shown),
                Err(error) if says_absent(&error) => Ok(Vec::new()),
                Err(error) => Err(failed(&error, doing, lost)),
            }
        };
        let shown = listed.await?;
        Ok(Versions::new(shown.iter().filter_map(Known::of).collect()))
    }

    /// Whether a deleted secret has the name, and if so, whether it is ours. Nothing is known of one that is only just
    /// deleted, or of any if we may not ask.
    async fn deleted(&self, name: &str, doing: &str) -> Result<Option<bool>> {
        let deleted = match self.client()?.get_deleted_secret(name, None).await {
            Ok(deleted) => deleted.into_model(),
            Err(error) if says_absent(&error) || says_forbidden(&error) => return Ok(None),
            Err(error) => Err(error),
        };
        let deleted = deleted.map_err(|error| failed(&error, doing, Lost::Harmless))?;
        Ok(Some(is_ours(&deleted)))
    }

    /// Begins to bring a deleted secret of ours back; always an error, for it takes a while.
    async fn recover(&self, name: &str, doing: &str) -> Result<()> {
        match self.deleted(name, doing).await? {
            Some(true) => {}
            Some(false) => return Err(foreign(doing)),
            None => return Ok(()),
        }
        match self.client()?.recover_deleted_secret(name, None).await {
            Ok(_) => Err(recovering(doing)),
            Err(error) => Err(failed(&error, doing, Lost::Harmless)),
        }
    }

    /// Sets a value, and tells its version.
    async fn set(&self, name: &str, body: Bytes, doing: &str) -> Result<Version> {
        let body: RequestContent<SetSecretParameters> = body.into();
        let answer = match self.client()?.set_secret(name, body, None).await {
            Ok(answer) => answer.into_body(),
            Err(error) => {
                if says(&error, DELETED) {
                    self.recover(name, doing).await?;
                }
                return Err(failed(&error, doing, Lost::Matters));
            }
        };
        let written: Option<Written<'_>> = serde_json::from_slice(answer.as_ref()).ok();
        let id = written.and_then(|written| written.id.rsplit_once('/'));
        match id {
            Some((_, version)) if !version.is_empty() => Ok(Version(version.to_owned())),
            _ => {
                let detail = format!("{doing}: the answer cannot be understood");
                Err(StoreError::new(StoreFailure::Unknown, detail))
            }
        }
    }

    async fn purge(&self, name: &str, just_deleted: bool) -> Result<()> {
        let doing = "purging the deleted secret";
        if !just_deleted && self.deleted(name, doing).await? == Some(false) {
            return Ok(());
        }
        match self.client()?.purge_deleted_secret(name, None).await {
            Ok(_) => Ok(()),
            // Nothing is there, or it is not known yet that it is deleted.
            Err(error) if says_absent(&error) && !just_deleted => Ok(()),
            Err(error) => {
                let mut told = failed(&error, doing, Lost::Harmless);
                if says_absent(&error) {
                    told.failure = StoreFailure::Unavailable;
                } else if says_forbidden(&error) {
                    let hint = "Give the service's identity the right to purge (role \"Key Vault Purge Operator\", or purge in the access policy), or set `purge = false`: with purge protection nobody can.";
                    told.explanation.hint = Some(hint.to_owned());
                }
                Err(told)
            }
        }
    }

    fn lock(&self, name: &str) -> &Mutex<()> {
        let sum = name.bytes().map(usize::from).sum::<usize>();
        &self.locks[sum % LOCKS]
    }
}

#[async_trait]
impl SecretStore for AzureKeyVault {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn compares(&self) -> bool {
        false
    }

    fn restores(&self) -> bool {
        true
    }

    async fn check(&self, path: &str) -> Result<Checked> {
        let doing = "checking the secret store";
        let name = self.name(path)?;
        let known = self.versions(&name, doing, Lost::Harmless).await?;
        if known.newest().is_none() && self.deleted(&name, doing).await? == Some(false) {
            return Err(foreign(doing));
        }
        Ok(Checked::Answers)
    }

    async fn put(
        &self,
        path: &str,
        value: SecretValue<'_>,
        expected: Option<&Version>,
    ) -> Result<Version> {
        let doing = "writing the secret";
        let name = self.name(path)?;
        let json = value.json(&value.keys())?;
        let text = std::str::from_utf8(&json).unwrap_or_default();
        let id = put_id(&name, text);
        let _alone = self.lock(&name).lock().await;
        let before = self.versions(&name, doing, Lost::Harmless).await?;
        if let Some(newest) = before.newest() {
            // By a put whose answer was lost.
            if newest.put.as_ref() == Some(&id) && before.is_newest(&newest.version) {
                return Ok(newest.version.clone());
            }
        }
        if before.newest().map(|newest| &newest.version) != expected {
            return Err(moved());
        }
        let body = value.json(&Put {
            value: text,
            content_type: "application/json",
            tags: tags(&id, before.next_number()),
        })?;
        let version = self.set(&name, Bytes::from_owner(body), doing).await?;
        let after = self.versions(&name, doing, Lost::Matters).await?;
        if after.is_newest(&version) {
            Ok(version)
        } else {
            Err(moved())
        }
    }

    async fn put_metadata(&self, path: &str, metadata: &Metadata) -> Result<()> {
        let doing = "writing the secret's tags";
        let name = self.name(path)?;
        let versions = self.versions(&name, doing, Lost::Harmless).await?;
        let Some(known) = versions.find(&metadata.version) else {
            return Err(moved());
        };
        let ends = metadata.expires_at.map(|at| at.timestamp());
        let change = UpdateSecretPropertiesParameters {
            tags: Some(tags_with(known, metadata)),
            secret_attributes: ends.map(|at| SecretAttributes {
                expires: OffsetDateTime::from_unix_timestamp(at).ok(),
                ..SecretAttributes::default()
            }),
            ..UpdateSecretPropertiesParameters::default()
        };
        let options = SecretClientUpdateSecretPropertiesOptions {
            secret_version: Some(metadata.version.0.clone()),
            ..SecretClientUpdateSecretPropertiesOptions::default()
        };
        let told = |error: Error| failed(&error, doing, Lost::Harmless);
        let change = change.try_into().map_err(told)?;
        let changed = self
            .client()?
            .update_secret_properties(&name, change, Some(options));
        changed.await.map(|_| ()).map_err(told)
    }

    async fn metadata(&self, path: &str) -> Result<Option<Stored>> {
        let doing = "looking for the secret";
        let name = self.name(path)?;
        let versions = self.versions(&name, doing, Lost::Harmless).await?;
        Ok(versions.newest().map(|newest| Stored {
            current: newest.enabled.then(|| newest.version.clone()),
            expected: newest.version.clone(),
            metadata: versions.metadata(),
        }))
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let doing = "deleting the secret";
        let name = self.name(path)?;
        let just_deleted = match self.client()?.delete_secret(&name, None).await {
            Ok(_) => true,
            Err(error) if says_absent(&error) => false,
            Err(error) if says(&error, BEING_DELETED) || says(&error, DELETED) => false,
            Err(error) => return Err(failed(&error, doing, Lost::Harmless)),
        };
        if self.purge {
            self.purge(&name, just_deleted).await?;
        }
        Ok(())
    }
}

fn moved() -> StoreError {
    let detail = "the secret has another version than was expected";
    StoreError::new(StoreFailure::Moved, detail)
}

/// An id that this value at this name always has. It tells nothing of the token, which is too long to be guessed.
fn put_id(name: &str, value: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([0]);
    hash.update(value);
    let hash = hash.finalize();
    let bytes = hash[..16].iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
