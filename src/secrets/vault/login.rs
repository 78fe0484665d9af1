//! How the service proves who it is: a fixed token, or a login whose token ends.
//!
//! A login is done again well before it ends, by one call at a time while the others wait for it or go on with the
//! token that is still good. It is not renewed: a login anew costs the same one call and has no longest life. A token
//! that is refused is doubted once; one that is new is not, since then it is not the token that is refused.

use super::Door;
use super::answer::{parse, successful, unreachable_store};
use crate::outbound::{Body, Verb};
use crate::secrets::{Result, StoreError, StoreFailure};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A login this young is not what is refused.
const YOUNG: Duration = Duration::from_secs(1);

/// After a login that failed while the last one is still good.
const PAUSE: Duration = Duration::from_secs(5);

/// How the service proves who it is.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A token that somebody gives us, and renews.
    Token(SecretString),
    /// The auth method `approle`.
    AppRole {
        /// Where it is mounted; usually `approle`.
        mount: String,
        /// Which role.
        role_id: String,
        /// Its secret.
        secret_id: SecretString,
    },
    /// The auth method `kubernetes`.
    Kubernetes {
        /// Where it is mounted; usually `kubernetes`.
        mount: String,
        /// Which role.
        role: String,
        /// File with the service account's token, read at each login since Kubernetes replaces it.
        jwt_file: PathBuf,
    },
}

/// The login of one store.
pub(super) struct Session {
    auth: Auth,
    lease: Mutex<Option<Lease>>,
}

/// A login.
struct Lease {
    pass: Pass,
    /// When the next login is due; `None` if the token does not end.
    due: Option<Instant>,
    ends: Option<Instant>,
}

/// A token to send, and since when we have it.
#[derive(Clone)]
pub(super) struct Pass {
    pub(super) token: SecretString,
    since: Instant,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Login<'a> {
    AppRole {
        role_id: &'a str,
        secret_id: &'a str,
    },
    Kubernetes {
        role: &'a str,
        jwt: &'a str,
    },
}

#[derive(Deserialize)]
struct Answer {
    auth: Granted,
}

#[derive(Deserialize)]
struct Granted {
    client_token: SecretString,
    #[serde(default)]
    lease_duration: u64,
}

impl Session {
    pub(super) fn new(auth: Auth) -> Self {
        Self {
            auth,
            lease: Mutex::new(None),
        }
    }

    /// A token that is good for a while; logs in if need be.
    pub(super) async fn pass(&self, door: &Door) -> Result<Pass> {
        if let Auth::Token(token) = &self.auth {
            return Ok(Pass {
                token: token.clone(),
                since: Instant::now(),
            });
        }
        let mut lease = self.lease.lock().await;
        let now = Instant::now();
        if let Some(held) = &*lease
            && held.due.is_none_or(|due| now < due)
        {
            return Ok(held.pass.clone());
        }
        match self.login(door).await {
            Ok(new) => Ok(lease.insert(new).pass.clone()),
            Err(error) => match &mut *lease {
                Some(held) if held.ends.is_some_and(|ends| Instant::now() < ends) => {
                    tracing::warn!(%error, "the login at the secret store could not be renewed yet");
                    held.due = Some(Instant::now() + PAUSE);
                    Ok(held.pass.clone())
                }
                _ => Err(error),
            },
        }
    }

    /// Whether it is worth logging in again after this token was refused.
    pub(super) async fn doubt(&self, pass: &Pass) -> bool {
        if matches!(self.auth, Auth::Token(_)) || pass.since.elapsed() < YOUNG {
            return false;
        }
        // Somebody else may have been quicker.
        self.lease
            .lock()
            .await
            .take_if(|held| held.pass.since == pass.since);
        true
    }

    async fn login(&self, door: &Door) -> Result<Lease> {
        let doing = "logging in to the secret store";
        let jwt;
        let (mount, login) = match &self.auth {
            Auth::Token(_) => return Err(StoreError::new(StoreFailure::Denied, doing)),
            Auth::AppRole {
                mount,
                role_id,
                secret_id,
            } => {
                let secret_id = secret_id.expose_secret();
                (mount, Login::AppRole { role_id, secret_id })
            }
            Auth::Kubernetes {
                mount,
                role,
                jwt_file,
            } => {
                let read = tokio::fs::read_to_string(jwt_file).await;
                jwt = Zeroizing::new(read.map_err(|error| {
                    let detail = format!("{doing}: {}: {error}", jwt_file.display());
                    StoreError::new(StoreFailure::Denied, detail)
                })?);
                let jwt = jwt.trim();
                (mount, Login::Kubernetes { role, jwt })
            }
        };
        let mut body = Zeroizing::new(Vec::with_capacity(1 << 14));
        serde_json::to_writer(&mut *body, &login)
            .map_err(|_| StoreError::new(StoreFailure::Denied, doing))?;
        let asked = Instant::now();
        let path = format!("auth/{}/login", mount.trim_matches('/'));
        let sent = door.send(Verb::Post, &path, None, Body::Json(body)).await;
        let answer =
            sent.map_err(|failed| unreachable_store(StoreFailure::Unavailable, doing, &failed))?;
        let answer: Answer = parse(
            &successful(answer, doing)?,
            StoreFailure::Unavailable,
            doing,
        )?;
        let life = Duration::from_secs(answer.auth.lease_duration);
        Ok(Lease {
            pass: Pass {
                token: answer.auth.client_token,
                since: asked,
            },
            due: (!life.is_zero()).then(|| asked + life * 2 / 3),
            ends: (!life.is_zero()).then(|| asked + life),
        })
    }
}
