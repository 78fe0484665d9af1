//! Vault and OpenBao, KV version 2: five JSON calls, and one to log in.
//!
//! A namespace stands in the path, where both products accept it; the login is inside it too. Values go in with
//! compare-and-set and are never read back; what we know about a value stands in the path's custom metadata.

mod answer;
mod login;

use super::{
    Checked, Keys, Metadata, Result, SecretStore, SecretValue, StoreFailure, Stored, Version,
    check_path,
};
use crate::outbound::{Authorization, Body, Outbound, Request, Response, SendError, Verb};
use answer::{
    About, Answer, Written, error, is_absent, parse, refused, says_sealed, stored, successful,
    unreachable_store,
};
use async_trait::async_trait;
pub use login::Auth;
use login::Session;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use zeroize::Zeroizing;

const KIND: &str = "vault_kv2";
const TIMEOUT: Duration = Duration::from_secs(10);

/// One Vault.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://vault.example.com:8200`.
    pub address: String,
    /// How the service proves who it is.
    pub auth: Auth,
    /// Where the KV engine is mounted; usually `secret`.
    pub mount: String,
    /// Namespace.
    pub namespace: Option<String>,
}

/// The store.
pub struct Vault {
    door: Door,
    mount: String,
    session: Session,
}

/// The way to the server.
struct Door {
    /// With version and namespace, ending in a slash.
    base: String,
    outbound: Outbound,
}

#[derive(Serialize)]
struct Put<'a> {
    options: Cas,
    data: Keys<'a>,
}

/// With 0, Vault writes only what is not there.
#[derive(Serialize)]
struct Cas {
    cas: u64,
}

impl Door {
    async fn send(
        &self,
        verb: Verb,
        rest: &str,
        token: Option<&SecretString>,
        body: Body,
    ) -> std::result::Result<Response, SendError> {
        let authorization = match token {
            None => Authorization::None,
            Some(token) => Authorization::Header {
                name: "x-vault-token",
                value: token.clone(),
            },
        };
        let request = Request {
            service: KIND,
            verb,
            url: format!("{}{rest}", self.base),
            query: Vec::new(),
            authorization,
            headers: Vec::new(),
            body,
            timeout: TIMEOUT,
            max_bytes: 1 << 20,
        };
        self.outbound.send(request).await
    }
}

impl Vault {
    /// A store behind the settings.
    pub fn new(settings: Settings, outbound: Outbound) -> Self {
        let address = settings.address.trim_end_matches('/');
        let namespace = settings.namespace.as_deref().unwrap_or_default();
        let base = match namespace.trim_matches('/') {
            "" => format!("{address}/v1/"),
            namespace => format!("{address}/v1/{namespace}/"),
        };
        Self {
            door: Door { base, outbound },
            mount: settings.mount.trim_matches('/').to_owned(),
            session: Session::new(settings.auth),
        }
    }

    /// `secret/data/a/b`, every segment checked.
    fn path(&self, half: &str, path: &str) -> Result<String> {
        check_path(path)?;
        Ok(format!("{}/{half}/{path}", self.mount))
    }

    /// Sends with the session's token. A login that is not accepted any more is done again, once.
    async fn send(
        &self,
        verb: Verb,
        rest: &str,
        body: Body,
        doing: &str,
    ) -> Result<std::result::Result<Response, SendError>> {
        let pass = self.session.pass(&self.door).await?;
        let first = self.door.send(verb, rest, Some(&pass.token), body.clone());
        let first = first.await;
        match &first {
            Ok(answer) if answer.status == 403 && self.session.doubt(&pass).await => {}
            _ => return Ok(first),
        }
        tracing::info!(
            doing,
            "the secret store refused our login; logging in again"
        );
        let pass = self.session.pass(&self.door).await?;
        Ok(self.door.send(verb, rest, Some(&pass.token), body).await)
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
        let sent = self.send(verb, rest, body, doing).await?;
        sent.map_err(|failed| unreachable_store(StoreFailure::Unavailable, doing, &failed))
    }
}

#[async_trait]
impl SecretStore for Vault {
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
                return Err(error(StoreFailure::Denied, detail, None));
            }
        }
        Ok(Checked::Writable)
    }

    async fn put(
        &self,
        path: &str,
        value: SecretValue<'_>,
        expected: Option<&Version>,
    ) -> Result<Version> {
        let doing = "writing the secret";
        let rest = self.path("data", path)?;
        let Ok(cas) = expected.map_or(Ok(0), |version| version.0.parse()) else {
            let detail = "not a version of this store";
            return Err(error(StoreFailure::Moved, detail, None));
        };
        let put = Put {
            options: Cas { cas },
            data: value.keys(),
        };
        let body = Body::Json(value.json(&put)?);
        let sent = self.send(Verb::Post, &rest, body, doing).await?;
        let answer = sent.map_err(|failed| {
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
                return Err(refused(&answer, StoreFailure::Unknown, doing));
            }
            _ => successful(answer, doing)?,
        };
        let written: Answer<Written> = parse(&answer, StoreFailure::Unknown, doing)?;
        Ok(Version(written.data.version.to_string()))
    }

    async fn put_metadata(&self, path: &str, metadata: &Metadata) -> Result<()> {
        let doing = "writing the secret's metadata";
        let rest = self.path("metadata", path)?;
        let body = json!({ "custom_metadata": metadata.pairs() });
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
