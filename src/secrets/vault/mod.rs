//! Vault and OpenBao, KV version 2: five JSON calls.
//!
//! A namespace stands in the path, where both products accept it. Values go in with compare-and-set and are never
//! read back; what we know about a value stands in the path's custom metadata.

mod answer;

use super::{Metadata, Result, SecretStore, SecretValue, StoreFailure, Stored, Version};
use crate::domain::problem::Code;
use crate::outbound::{Authorization, Body, Outbound, Request, Response, SendError, Verb};
use answer::{
    About, Answer, Written, error, is_absent, parse, refused, says_sealed, stored, successful,
    unreachable_store,
};
use async_trait::async_trait;
use chrono::SecondsFormat;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use zeroize::Zeroizing;

const KIND: &str = "vault_kv2";
/// In place of a time: Vault takes no empty values.
const NEVER: &str = "never";
const TIMEOUT: Duration = Duration::from_secs(10);

/// One Vault.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://vault.example.com:8200`.
    pub address: String,
    /// Vault token of the service.
    pub token: SecretString,
    /// Where the KV engine is mounted; usually `secret`.
    pub mount: String,
    /// Namespace.
    pub namespace: Option<String>,
}

/// The store.
pub struct Vault {
    settings: Settings,
    outbound: Outbound,
}

/// The secret, borrowed: nothing of it is copied before the body, which is wiped.
#[derive(Serialize)]
struct Put<'a> {
    options: Cas,
    data: Keys<'a>,
}

#[derive(Serialize)]
struct Cas {
    cas: u64,
}

#[derive(Serialize)]
struct Keys<'a> {
    host: &'a str,
    token: &'a str,
}

impl Vault {
    /// A store behind the settings.
    pub fn new(settings: Settings, outbound: Outbound) -> Self {
        Self { settings, outbound }
    }

    fn url(&self, rest: &str) -> String {
        let address = self.settings.address.trim_end_matches('/');
        match self
            .settings
            .namespace
            .as_deref()
            .map(|it| it.trim_matches('/'))
        {
            Some(namespace) if !namespace.is_empty() => format!("{address}/v1/{namespace}/{rest}"),
            _ => format!("{address}/v1/{rest}"),
        }
    }

    /// `secret/data/a/b`, every segment checked.
    fn path(&self, half: &str, path: &str) -> Result<String> {
        let is_segment = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.=@".contains(&b))
        };
        if path.len() > 512 || !path.split('/').all(is_segment) {
            let detail = "the secret's path has a segment that is empty or has other characters than letters, \
                          digits and -_.=@";
            return Err(error(
                StoreFailure::Denied,
                Code::SecretStoreDenied,
                detail,
                None,
            ));
        }
        Ok(format!(
            "{}/{half}/{path}",
            self.settings.mount.trim_matches('/')
        ))
    }

    async fn send(
        &self,
        verb: Verb,
        rest: &str,
        body: Body,
    ) -> std::result::Result<Response, SendError> {
        let request = Request {
            service: KIND,
            verb,
            url: self.url(rest),
            query: Vec::new(),
            authorization: Authorization::Header {
                name: "x-vault-token",
                value: self.settings.token.clone(),
            },
            body,
            timeout: TIMEOUT,
            max_bytes: 1 << 20,
        };
        self.outbound.send(request).await
    }

    /// A call that may be repeated: whatever happens on the way is "unavailable".
    async fn call(
        &self,
        verb: Verb,
        rest: &str,
        body: Option<Value>,
        doing: &str,
    ) -> Result<Response> {
        let body = match body {
            Some(body) => Body::Json(Zeroizing::new(body.to_string().into_bytes())),
            None => Body::Empty,
        };
        let sent = self.send(verb, rest, body).await;
        sent.map_err(|failed| unreachable_store(StoreFailure::Unavailable, doing, &failed))
    }
}

#[async_trait]
impl SecretStore for Vault {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn check(&self, path: &str) -> Result<()> {
        let doing = "checking the secret store";
        let (data, about) = (self.path("data", path)?, self.path("metadata", path)?);
        let ask = json!({ "paths": [&data, &about] });
        let answer = self
            .call(Verb::Post, "sys/capabilities-self", Some(ask), doing)
            .await?;
        let granted = successful(answer, doing)?;
        let granted: Value = parse(&granted, StoreFailure::Unavailable, doing)?;
        // `data` is where the answer stands; older servers repeat it at the top.
        let granted = granted.get("data").unwrap_or(&granted);
        for path in [&data, &about] {
            let verbs = granted.get(path.as_str()).and_then(Value::as_array);
            let mut verbs = verbs.into_iter().flatten().filter_map(Value::as_str);
            if !verbs.any(|verb| matches!(verb, "create" | "update" | "root")) {
                let detail = format!("{doing}: the service may not write {path}");
                return Err(error(
                    StoreFailure::Denied,
                    Code::SecretStoreDenied,
                    detail,
                    None,
                ));
            }
        }
        Ok(())
    }

    async fn put(&self, path: &str, value: SecretValue<'_>, expected: &Version) -> Result<Version> {
        let doing = "writing the secret";
        let rest = self.path("data", path)?;
        let Ok(cas) = expected.0.parse() else {
            return Err(error(
                StoreFailure::Moved,
                Code::SecretPathTaken,
                "not a version of this store",
                None,
            ));
        };
        let keys = Keys {
            host: value.host,
            token: value.token.expose_secret(),
        };
        let put = Put {
            options: Cas { cas },
            data: keys,
        };
        // Room enough that the buffer never grows and leaves a copy behind.
        let room = 256 + 6 * (keys_len(&put.data));
        let mut body = Zeroizing::new(Vec::with_capacity(room));
        if serde_json::to_writer(&mut *body, &put).is_err() {
            return Err(error(
                StoreFailure::Denied,
                Code::SecretStoreDenied,
                "the secret is not JSON",
                None,
            ));
        }
        let answer = self
            .send(Verb::Post, &rest, Body::Json(body))
            .await
            .map_err(|failed| {
                let failure = match failed {
                    SendError::NotSent(_) => StoreFailure::Unavailable,
                    SendError::Unknown(_) => StoreFailure::Unknown,
                };
                unreachable_store(failure, doing, &failed)
            })?;
        let answer = match answer.status {
            200..=299 => answer,
            // Sealed is said before anything is done; other server errors may come after.
            408 | 500..=599 if !says_sealed(&answer) => {
                return Err(refused(
                    &answer,
                    StoreFailure::Unknown,
                    Code::SecretStoreUnreachable,
                    doing,
                ));
            }
            _ => successful(answer, doing)?,
        };
        let written: Answer<Written> = parse(&answer, StoreFailure::Unknown, doing)?;
        Ok(Version(written.data.version.to_string()))
    }

    async fn put_metadata(&self, path: &str, metadata: &Metadata) -> Result<()> {
        let doing = "writing the secret's metadata";
        let rest = self.path("metadata", path)?;
        let expires_at = metadata
            .expires_at
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
        let body = json!({ "custom_metadata": {
            "token_id": metadata.token_id,
            "generation": metadata.generation.to_string(),
            "version": metadata.version.0,
            "expires_at": expires_at.unwrap_or_else(|| NEVER.to_owned()),
            "workspace": metadata.workspace,
        }});
        let answer = self.call(Verb::Post, &rest, Some(body), doing).await?;
        successful(answer, doing).map(|_| ())
    }

    async fn metadata(&self, path: &str) -> Result<Option<Stored>> {
        let doing = "reading the secret's metadata";
        let rest = self.path("metadata", path)?;
        let answer = self.call(Verb::Get, &rest, None, doing).await?;
        if is_absent(&answer) {
            return Ok(None);
        }
        let answer = successful(answer, doing)?;
        let about: Answer<About> = parse(&answer, StoreFailure::Unavailable, doing)?;
        Ok(Some(stored(about.data)))
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let doing = "deleting the secret";
        let rest = self.path("metadata", path)?;
        let answer = self.call(Verb::Delete, &rest, None, doing).await?;
        if is_absent(&answer) {
            return Ok(());
        }
        successful(answer, doing).map(|_| ())
    }
}

fn keys_len(keys: &Keys<'_>) -> usize {
    keys.host.len() + keys.token.len()
}
