//! `[database]`: the one Postgres.

use super::{Mistakes, Source};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::PathBuf;

/// Settings of the connection pool, which `app` makes: `store` and `queue` are handed connections.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// `postgres://user:password@host/database`.
    pub url: SecretString,
    /// Most connections of this process.
    pub max_connections: u32,
    /// Longest wait for a connection.
    pub acquire_timeout_seconds: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    url: Option<SecretString>,
    url_file: Option<PathBuf>,
    max_connections: u32,
    acquire_timeout_seconds: u32,
}

impl DatabaseSettings {
    /// The defaults, at that address.
    pub fn at(url: SecretString) -> Self {
        Self {
            url,
            max_connections: 10,
            acquire_timeout_seconds: 5,
        }
    }
}

impl Default for Raw {
    fn default() -> Self {
        let default = DatabaseSettings::at(SecretString::default());
        Self {
            url: None,
            url_file: None,
            max_connections: default.max_connections,
            acquire_timeout_seconds: default.acquire_timeout_seconds,
        }
    }
}

pub(super) fn read(source: &Source, mistakes: &mut Mistakes) -> Option<DatabaseSettings> {
    let raw: Raw = source.section("database", mistakes)?;
    let url = mistakes.secret("database.url", raw.url, raw.url_file.as_deref());
    let text = url.expose_secret();
    let rest = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"));
    if !text.is_empty() && rest.is_none_or(str::is_empty) {
        mistakes.add("database.url", "must begin with postgres://");
    }
    mistakes.range("database.max_connections", raw.max_connections, 2..=1000);
    mistakes.range(
        "database.acquire_timeout_seconds",
        raw.acquire_timeout_seconds,
        1..=60,
    );
    Some(DatabaseSettings {
        url,
        max_connections: raw.max_connections,
        acquire_timeout_seconds: raw.acquire_timeout_seconds,
    })
}
