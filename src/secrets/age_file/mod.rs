//! Encrypted files, for laptops and small installations: one file per path, encrypted to an age recipient. The service
//! holds the public key only, so nothing here can decrypt; whoever holds the identity reads with `age -d -i key`.
//!
//! `<directory>/<path>.age` holds the value; `<path>.json` beside it, in clear, its version and what we know about it.
//! All changes happen under a lock on one file, so versions are compared and set between processes too. The version is
//! counted up *before* the value is written: after a crash between the two, the metadata speaks of an older version
//! than the current one and is not believed. Files are written aside, synced, and renamed into place.

mod files;

use super::{
    Checked, Metadata, Result, SecretStore, SecretValue, StoreError, StoreFailure, Stored, Version,
    check_path,
};
pub use age::x25519::Recipient;
use async_trait::async_trait;
use files::Files;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

const KIND: &str = "age_file";

/// One directory.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the files lie; it must be there.
    pub directory: PathBuf,
    /// Who can decrypt: `age1…`.
    pub recipient: Recipient,
    /// What is inside.
    pub format: Format,
}

/// What an encrypted file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The token, as it is.
    #[default]
    Token,
    /// A JSON object with `host` and `token`.
    Json,
}

/// The store.
pub struct AgeFile {
    settings: Settings,
}

/// What stands beside the value, in clear.
#[derive(Serialize, Deserialize)]
struct Beside {
    version: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}

impl AgeFile {
    /// A store behind the settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Does something with the files of a path under the directory's lock.
    async fn locked<T: Send + 'static>(
        &self,
        path: &str,
        doing: &'static str,
        work: impl FnOnce(&Files) -> std::result::Result<T, Trouble> + Send + 'static,
    ) -> Result<T> {
        let locked = |files: &Files| {
            let _lock = files.lock()?;
            work(files)
        };
        self.unlocked(path, doing, locked).await
    }

    /// The same without the lock, which is a file too. On a thread that may block.
    async fn unlocked<T: Send + 'static>(
        &self,
        path: &str,
        doing: &'static str,
        work: impl FnOnce(&Files) -> std::result::Result<T, Trouble> + Send + 'static,
    ) -> Result<T> {
        check_path(path)?;
        let (directory, path) = (self.settings.directory.clone(), path.to_owned());
        let worked = tokio::task::spawn_blocking(move || work(&Files::at(&directory, &path)));
        let trouble = match worked.await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(trouble)) => trouble,
            Err(_) => Trouble::Files(io::Error::other("the work was broken off")),
        };
        Err(match trouble {
            Trouble::Moved => StoreError::new(
                StoreFailure::Moved,
                format!("{doing}: the secret has another version than was expected"),
            ),
            Trouble::Files(error) => {
                let directory = self.settings.directory.display();
                StoreError::new(failure(&error), format!("{doing} in {directory}: {error}"))
            }
        })
    }

    fn encrypted(&self, value: &SecretValue<'_>) -> Result<Vec<u8>> {
        let json;
        let content = match self.settings.format {
            Format::Token => value.token.expose_secret().as_bytes(),
            Format::Json => {
                json = value.json(&value.keys())?;
                json.as_slice()
            }
        };
        encrypt(&self.settings.recipient, content).map_err(|error| {
            let detail = format!("encrypting the secret: {error}");
            StoreError::new(StoreFailure::Denied, detail)
        })
    }
}

/// Why work under the lock was not done.
enum Trouble {
    Moved,
    Files(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Files(error)
    }
}

/// What an operator has to mend is a refusal; a full disk, say, is waited for.
fn failure(error: &io::Error) -> StoreFailure {
    use io::ErrorKind as K;
    match error.kind() {
        K::NotFound | K::PermissionDenied | K::ReadOnlyFilesystem | K::NotADirectory => {
            StoreFailure::Denied
        }
        K::IsADirectory | K::InvalidData | K::InvalidFilename | K::AlreadyExists => {
            StoreFailure::Denied
        }
        _ => StoreFailure::Unavailable,
    }
}

fn encrypt(recipient: &Recipient, content: &[u8]) -> io::Result<Vec<u8>> {
    let recipients = std::iter::once(recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(content)?;
    writer.finish()?;
    Ok(sealed)
}

fn read(files: &Files) -> io::Result<Option<Beside>> {
    let Some(text) = files.read_beside()? else {
        return Ok(None);
    };
    let beside = serde_json::from_slice(&text);
    beside.map(Some).map_err(|_| {
        let words = "the file beside the secret is not ours";
        io::Error::new(io::ErrorKind::InvalidData, words)
    })
}

fn write(files: &Files, beside: &Beside) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(beside).map_err(io::Error::other)?;
    files.write_beside(&text)
}

#[async_trait]
impl SecretStore for AgeFile {
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
        self.unlocked(path, "checking the secret store", |files| {
            files.check()?;
            Ok(Checked::Writable)
        })
        .await
    }

    async fn put(
        &self,
        path: &str,
        value: SecretValue<'_>,
        expected: Option<&Version>,
    ) -> Result<Version> {
        let sealed = self.encrypted(&value)?;
        let expected = expected.cloned();
        self.locked(path, "writing the secret", move |files| {
            let before = read(files)?;
            let version = before.as_ref().map_or(0, |it| it.version);
            let seen = before.as_ref().map(|it| Version(it.version.to_string()));
            // A file that somebody put there by hand is nobody's version: it is not written over.
            if seen != expected || (before.is_none() && files.has_value()?) {
                return Err(Trouble::Moved);
            }
            let after = Beside {
                version: version + 1,
                metadata: before.map(|it| it.metadata).unwrap_or_default(),
            };
            write(files, &after)?;
            files.write_value(&sealed)?;
            Ok(Version(after.version.to_string()))
        })
        .await
    }

    async fn put_metadata(&self, path: &str, metadata: &Metadata) -> Result<()> {
        let metadata = metadata.pairs();
        self.locked(path, "writing the secret's metadata", move |files| {
            let before = read(files)?.ok_or(Trouble::Moved)?;
            let version = before.version;
            Ok(write(files, &Beside { version, metadata })?)
        })
        .await
    }

    async fn metadata(&self, path: &str) -> Result<Option<Stored>> {
        self.locked(path, "reading the secret's metadata", |files| {
            let live = files.has_value()?;
            let Some(beside) = read(files)? else {
                let foreign = live.then(|| Version("none".to_owned()));
                return Ok(foreign.map(|version| Stored {
                    current: Some(version.clone()),
                    expected: version,
                    metadata: None,
                }));
            };
            let version = Version(beside.version.to_string());
            Ok(Some(Stored {
                current: live.then(|| version.clone()),
                expected: version,
                metadata: Metadata::from_pairs(&beside.metadata),
            }))
        })
        .await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.locked(path, "deleting the secret", |files| Ok(files.remove()?))
            .await
    }
}
