//! OAuth tokens of the provisioning principal: one per host, shared by all workers.
//!
//! Twenty workers that need the same token cause one request. A token is renewed in the background before it
//! ends, is not used in its last seconds, and is dropped when the vendor refuses it.

use super::error::{ApiError, Error, Side};
use crate::outbound::{Authorization, Body, Outbound, Request, SendError, Verb};
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A token is not used when this close to its end.
const UNUSED_BEFORE_END: Duration = Duration::from_secs(40);
/// It is renewed at most this long before its end.
const RENEWED_BEFORE_END: Duration = Duration::from_secs(20 * 60);
/// After a renewal failed, the next is not tried sooner.
const WAIT_AFTER_FAILURE: Duration = Duration::from_secs(60);
const LONGEST_LIFETIME: u64 = 24 * 3600;
/// Above this many hosts, those without a live token are forgotten.
const MANY_HOSTS: usize = 1024;

/// The tokens of one principal.
pub struct Tokens {
    outbound: Outbound,
    client_id: String,
    client_secret: SecretString,
    timeout: Duration,
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

/// Where a token comes from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Address of the token endpoint; also the key under which the token is kept.
    pub url: String,
    /// Whose endpoint it is.
    pub side: Side,
}

/// A token in use.
#[derive(Debug, Clone)]
pub struct Token {
    /// The value, for `Authorization: Bearer`.
    pub value: SecretString,
    /// Counts up at each host, so that a refused token is dropped only once.
    serial: u64,
    renew_at: Instant,
    ends_at: Instant,
}

#[derive(Default)]
struct Entry {
    known: Mutex<Known>,
    /// Held while a token is fetched: the single flight.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    token: Option<Token>,
    /// Fetches that ended, well or not.
    fetches: u64,
    last_failure: Option<Error>,
    renewing: bool,
}

impl Entry {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: u64,
}

impl Tokens {
    /// No tokens yet. Asking for one gives up after `timeout`.
    pub fn new(
        outbound: Outbound,
        client_id: String,
        client_secret: SecretString,
        timeout: Duration,
    ) -> Self {
        Self {
            outbound,
            client_id,
            client_secret,
            timeout,
            entries: Mutex::default(),
        }
    }

    /// A token that is good now.
    ///
    /// # Errors
    /// Why there is none; whatever was to be sent with it, was not.
    pub async fn get(self: &Arc<Self>, source: &Source) -> Result<Token, Error> {
        let entry = self.entry(&source.url);
        let seen = {
            let mut known = entry.known();
            let now = Instant::now();
            if let Some(token) = known.token.clone().filter(|token| now < token.ends_at) {
                if now >= token.renew_at && !known.renewing {
                    known.renewing = true;
                    tokio::spawn(self.clone().renew(entry.clone(), source.clone()));
                }
                return Ok(token);
            }
            known.fetches
        };
        let _flight = entry.flight.lock().await;
        {
            let known = entry.known();
            if known.fetches != seen {
                // Somebody fetched while we waited: its outcome is ours.
                let now = Instant::now();
                match (&known.token, &known.last_failure) {
                    (Some(token), _) if now < token.ends_at => return Ok(token.clone()),
                    (_, Some(failure)) => return Err(failure.clone()),
                    _ => {}
                }
            }
        }
        self.fetch(&entry, source).await
    }

    /// Drops a token that was refused, unless it was replaced meanwhile.
    pub fn refused(&self, source: &Source, token: &Token) {
        let entry = self.entry(&source.url);
        let mut known = entry.known();
        if known
            .token
            .as_ref()
            .is_some_and(|it| it.serial == token.serial)
        {
            known.token = None;
        }
    }

    async fn renew(self: Arc<Self>, entry: Arc<Entry>, source: Source) {
        let seen = entry.known().fetches;
        let _flight = entry.flight.lock().await;
        let somebody_did = entry.known().fetches != seen;
        if !somebody_did && let Err(error) = self.fetch(&entry, &source).await {
            tracing::warn!(%error, "an OAuth token could not be renewed before its end");
            let mut known = entry.known();
            if let Some(token) = &mut known.token {
                token.renew_at = Instant::now() + WAIT_AFTER_FAILURE;
            }
        }
        entry.known().renewing = false;
    }

    async fn fetch(&self, entry: &Entry, source: &Source) -> Result<Token, Error> {
        let fetched = self.request(source).await;
        let mut known = entry.known();
        known.fetches += 1;
        match fetched {
            Ok(granted) => {
                let token = token(granted, known.fetches, Instant::now());
                known.token = Some(token.clone());
                known.last_failure = None;
                Ok(token)
            }
            Err(error) => {
                known.last_failure = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn request(&self, source: &Source) -> Result<Granted, Error> {
        let request = Request {
            service: source.side.service(),
            verb: Verb::Post,
            url: source.url.clone(),
            query: Vec::new(),
            authorization: Authorization::Basic {
                user: self.client_id.clone(),
                password: self.client_secret.clone(),
            },
            body: Body::Form(vec![
                ("grant_type", "client_credentials".to_owned()),
                ("scope", "all-apis".to_owned()),
            ]),
            timeout: self.timeout,
            max_bytes: 64 * 1024,
        };
        let response = match self.outbound.send(request).await {
            Ok(response) => response,
            Err(SendError::NotSent(why)) => return Err(Error::NotSent(why)),
            Err(SendError::Unknown(why)) => return Err(Error::NoTokenAnswer(why)),
        };
        if !(200..300).contains(&response.status) || response.content_type == "text/html" {
            return Err(Error::NoToken(ApiError::parse(source.side, &response)));
        }
        let granted: Result<Granted, _> = serde_json::from_slice(&response.body);
        granted.map_err(|_| Error::NoTokenAnswer("a body that is not a token".to_owned()))
    }

    fn entry(&self, key: &str) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() > MANY_HOSTS {
            let now = Instant::now();
            entries.retain(|_, entry| {
                let live = entry
                    .known()
                    .token
                    .as_ref()
                    .is_some_and(|it| now < it.ends_at);
                live || Arc::strong_count(entry) > 1
            });
        }
        entries.entry(key.to_owned()).or_default().clone()
    }
}

/// Margins shrink with the lifetime, so that a token of five seconds is of use too.
fn token(granted: Granted, serial: u64, now: Instant) -> Token {
    let lifetime = Duration::from_secs(granted.expires_in.min(LONGEST_LIFETIME));
    let ends_at = now + lifetime - UNUSED_BEFORE_END.min(lifetime / 4);
    let renew_at = now + lifetime - RENEWED_BEFORE_END.min(lifetime / 2);
    Token {
        value: granted.access_token,
        serial,
        renew_at,
        ends_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn margins() {
        let now = Instant::now();
        for (expires_in, renew, end) in [(3600, 2400, 3560), (5, 2, 3), (0, 0, 0), (600, 300, 560)]
        {
            let granted = Granted {
                access_token: "x".into(),
                expires_in,
            };
            let token = token(granted, 1, now);
            assert_eq!((token.renew_at - now).as_secs(), renew, "{expires_in}");
            assert_eq!((token.ends_at - now).as_secs(), end, "{expires_in}");
        }
        let granted = Granted {
            access_token: "x".into(),
            expires_in: u64::MAX,
        };
        assert!(token(granted, 1, now).ends_at > now);
    }
}
