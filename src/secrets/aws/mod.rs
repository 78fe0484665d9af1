//! AWS Secrets Manager, through the official SDK: without its retries, with our time-outs.
//!
//! A put is a compare-and-set. The first value comes with `CreateSecret`, which refuses a name that is taken. A later
//! one is written under a staging label of our own, where nobody reads it, and then `AWSCURRENT` is moved to it *from
//! the version we saw*, which AWS refuses if the label stands elsewhere by now. The version's id (`ClientRequestToken`)
//! is made from name and value: AWS takes a repetition for the same put, and a put whose answer was lost is known by it.
//!
//! What we know about a value stands in tags. A secret that is scheduled for deletion is restored if it is ours; anybody
//! else's is theirs as long as it can be restored. Whether a path may be written cannot be asked without writing: a
//! missing permission to put shows at the put; the token is revoked then, and the step waits ever longer before the next.
//! The SDK's own copies of the value are not wiped; everything on this side of it is.

mod around;
mod failure;

use super::{
    Checked, Metadata, Result, SecretStore, SecretValue, StoreError, StoreFailure, Stored, Version,
    check_path,
};
use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::Tag;
use failure::{Lost, code, failed, says_deleted};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::OnceCell;

const KIND: &str = "aws_secrets_manager";
/// The label of a value that is not current yet.
const STAGED: &str = "BRICKYARD";
const CURRENT: &str = "AWSCURRENT";
/// What our tags begin with; alone it marks a secret as made by us.
const TAG: &str = "brickyard";
/// In place of a version where a secret has none: somebody made the secret for us to fill.
const EMPTY: &str = "none";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);

/// One account and region of Secrets Manager.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `us-west-2`.
    pub region: String,
    /// Another address than AWS's own: a VPC endpoint, a test server.
    pub endpoint_url: Option<String>,
    /// Fixed credentials; without them AWS's usual chain: environment, web identity, container, instance.
    pub credentials: Option<AccessKey>,
    /// The key that encrypts secrets we make; without one, the account's default.
    pub kms_key_id: Option<String>,
    /// Stands before every path: `brickyard/`.
    pub prefix: String,
    /// Days in which a deleted secret can be restored, 7 to 30; without, it is gone at once.
    pub recovery_window_days: Option<u8>,
}

/// A fixed access key.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
}

/// The store.
pub struct Aws {
    settings: Settings,
    client: OnceCell<Client>,
}

impl Aws {
    /// A store behind the settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            client: OnceCell::new(),
        }
    }

    /// The client, made at its first use, since looking for credentials takes time.
    async fn client(&self) -> &Client {
        self.client.get_or_init(|| connect(&self.settings)).await
    }

    fn name(&self, path: &str) -> Result<String> {
        let name = format!("{}{path}", self.settings.prefix);
        check_path(path).and_then(|()| check_path(&name))?;
        Ok(name)
    }

    /// `None` if there is no such secret.
    async fn describe(&self, name: &str, doing: &str) -> Result<Option<DescribeSecretOutput>> {
        let asked = self.client().await.describe_secret().secret_id(name);
        match asked.send().await {
            Ok(about) => Ok(Some(about)),
            Err(error) if code(&error) == "ResourceNotFoundException" => Ok(None),
            Err(error) => Err(failed(&error, doing, Lost::Harmless)),
        }
    }

    /// The first value of a secret that is not there.
    async fn create(&self, name: &str, id: &str, value: &str) -> Result<Version> {
        let doing = "creating the secret";
        let create = self.client().await.create_secret();
        let create = create
            .name(name)
            .client_request_token(id)
            .secret_string(value)
            .description("A Databricks token, delivered by Brickyard")
            .set_kms_key_id(self.settings.kms_key_id.clone())
            .tags(tag(TAG, "true"));
        match create.send().await {
            Ok(_) => Ok(Version(id.to_owned())),
            Err(error) => Err(failed(&error, doing, Lost::Matters)),
        }
    }

    /// Writes the value where nobody reads it. Tells whether it is current by that already: the first version of all is.
    async fn stage(&self, name: &str, id: &str, value: &str) -> Result<bool> {
        let doing = "writing the secret";
        let mut restored = false;
        loop {
            let put = self.client().await.put_secret_value();
            let put = put
                .secret_id(name)
                .client_request_token(id)
                .secret_string(value)
                .version_stages(STAGED);
            let error = match put.send().await {
                Ok(put) => return Ok(put.version_stages().iter().any(|stage| stage == CURRENT)),
                Err(error) => error,
            };
            if restored || !says_deleted(&error) {
                return Err(failed(&error, doing, Lost::Matters));
            }
            self.restore(name).await?;
            restored = true;
        }
    }

    async fn restore(&self, name: &str) -> Result<()> {
        let restore = self.client().await.restore_secret().secret_id(name);
        let restored = restore.send().await;
        restored
            .map(|_| ())
            .map_err(|error| failed(&error, "restoring the deleted secret", Lost::Harmless))
    }

    /// Moves `AWSCURRENT` from the version we expect to the one we wrote.
    async fn make_current(&self, name: &str, id: &str, expected: &str) -> Result<Version> {
        let doing = "making the secret's new version current";
        let update = self.client().await.update_secret_version_stage();
        let update = update
            .secret_id(name)
            .version_stage(CURRENT)
            .move_to_version_id(id)
            .remove_from_version_id(expected);
        match update.send().await {
            Ok(_) => Ok(Version(id.to_owned())),
            Err(error) if code(&error) == "InvalidParameterException" => {
                self.is_current(name, id).await
            }
            Err(error) => Err(failed(&error, doing, Lost::Matters)),
        }
    }

    /// Whether our version is the current one, by a put whose answer was lost.
    async fn is_current(&self, name: &str, id: &str) -> Result<Version> {
        let about = self.describe(name, "looking for the secret").await?;
        if about.and_then(|about| current(&about)).as_deref() == Some(id) {
            return Ok(Version(id.to_owned()));
        }
        let detail = "the secret has another version than was expected";
        Err(StoreError::new(StoreFailure::Moved, detail))
    }
}

#[async_trait]
impl SecretStore for Aws {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn compares(&self) -> bool {
        true
    }

    fn restores(&self) -> bool {
        false
    }

    async fn check(&self, path: &str) -> Result<Checked> {
        let name = self.name(path)?;
        self.describe(&name, "checking the secret store").await?;
        Ok(Checked::Answers)
    }

    async fn put(
        &self,
        path: &str,
        value: SecretValue<'_>,
        expected: Option<&Version>,
    ) -> Result<Version> {
        let name = self.name(path)?;
        let json = value.json(&value.keys())?;
        let value = std::str::from_utf8(&json).unwrap_or_default();
        let id = version_id(&name, value);
        let Some(Version(expected)) = expected else {
            return self.create(&name, &id, value).await;
        };
        if *expected == id {
            return self.is_current(&name, &id).await;
        }
        if self.stage(&name, &id, value).await? {
            return Ok(Version(id));
        }
        self.make_current(&name, &id, expected).await
    }

    async fn put_metadata(&self, path: &str, metadata: &Metadata) -> Result<()> {
        let doing = "writing the secret's tags";
        let name = self.name(path)?;
        let pairs = metadata.pairs().into_iter();
        let tags = pairs.map(|(key, value)| tag(&format!("{TAG}:{key}"), &value));
        let put = self.client().await.tag_resource().secret_id(name);
        let put = put.set_tags(Some(tags.chain([tag(TAG, "true")]).collect()));
        let put = put.send().await;
        put.map(|_| ())
            .map_err(|error| failed(&error, doing, Lost::Harmless))
    }

    async fn metadata(&self, path: &str) -> Result<Option<Stored>> {
        let name = self.name(path)?;
        let about = self.describe(&name, "looking for the secret").await?;
        Ok(about.as_ref().map(stored))
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let name = self.name(path)?;
        let delete = self.client().await.delete_secret().secret_id(name);
        let delete = match self.settings.recovery_window_days {
            Some(days) => delete.recovery_window_in_days(days.into()),
            None => delete.force_delete_without_recovery(true),
        };
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == "ResourceNotFoundException" => Ok(()),
            Err(error) if says_deleted(&error) => Ok(()),
            Err(error) => Err(failed(&error, "deleting the secret", Lost::Harmless)),
        }
    }
}

async fn connect(settings: &Settings) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_timeout(TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(AccessKey { id, secret }) = &settings.credentials {
        let secret = secret.expose_secret();
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, KIND));
    }
    let config = aws_sdk_secretsmanager::config::Builder::from(&loader.load().await);
    Client::from_conf(config.interceptor(around::Around).build())
}

/// An id that this value at this name always has. AWS wants 32 to 64 characters; it is shown to callers, and tells
/// nothing of the token, which is too long to be guessed.
fn version_id(name: &str, value: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([0]);
    hash.update(value);
    let hash = hash.finalize();
    hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn current(about: &DescribeSecretOutput) -> Option<String> {
    let mut versions = about.version_ids_to_stages()?.iter();
    let (id, _) = versions.find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT))?;
    Some(id.clone())
}

fn stored(about: &DescribeSecretOutput) -> Stored {
    let tags: BTreeMap<&str, &str> = about
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?, tag.value()?)))
        .collect();
    let pairs = tags.iter().filter_map(|(key, value)| {
        let key = key.strip_prefix(TAG)?.strip_prefix(':')?;
        Some((key.to_owned(), (*value).to_owned()))
    });
    let version = current(about);
    let deleted = about.deleted_date().is_some() && tags.contains_key(TAG);
    Stored {
        current: version.clone().filter(|_| !deleted).map(Version),
        expected: Version(version.unwrap_or_else(|| EMPTY.to_owned())),
        metadata: Metadata::from_pairs(&pairs.collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_secretsmanager::primitives::DateTime;

    fn about(version: Option<&str>, tags: &[(&str, &str)], deleted: bool) -> Stored {
        let mut about = DescribeSecretOutput::builder()
            .set_deleted_date(deleted.then(|| DateTime::from_secs(1)))
            .version_ids_to_stages("older", vec!["AWSPREVIOUS".to_owned()]);
        if let Some(version) = version {
            about = about.version_ids_to_stages(version, vec![CURRENT.to_owned()]);
        }
        for (key, value) in tags {
            about = about.tags(tag(key, value));
        }
        stored(&about.build())
    }

    #[test]
    fn live_deleted_foreign_and_empty() {
        let version = Version("v".to_owned());
        for tags in [&[][..], &[(TAG, "true")]] {
            let live = about(Some("v"), tags, false);
            assert_eq!(live.current, Some(version.clone()));
        }
        let gone = about(Some("v"), &[(TAG, "true")], true);
        assert_eq!((gone.current, gone.expected), (None, version.clone()));
        // What somebody else deleted can be restored by them.
        assert_eq!(about(Some("v"), &[], true).current, Some(version));
        let empty = about(None, &[], false);
        assert_eq!((empty.current, empty.expected.0.as_str()), (None, EMPTY));
    }

    #[test]
    fn a_value_has_one_id() {
        let id = version_id("a/b", "value");
        assert_eq!(id, version_id("a/b", "value"));
        assert_eq!(id.len(), 32);
        for other in [version_id("a/c", "value"), version_id("a/b", "other")] {
            assert_ne!(id, other);
        }
    }
}
