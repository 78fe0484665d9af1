//! An issuer's keys over time (rule J9): fetched when first needed, refreshed before they are old, and kept for a day
//! when the issuer does not answer.
//!
//! An unknown key id may cause one fetch per minute, however many tokens bring one; concurrent requests share a
//! fetch; and a fetch goes on when the request that caused it goes away, so that hanging up cannot keep a set old.
//!
//! While fetches fail, the old set answers at once and is renewed behind the requests' back: only what it does not hold
//! is unavailable, for that may be a key of today. A key that was taken down upstream dies with the set it came in:
//! after the `max-age` its issuer gave, 1 minute to a day, 10 minutes by default.

use super::discovery::{address, as_secure_as, discover, document};
use super::jwks::{KeySet, MAX_SET_BYTES};
use crate::clock::Clock;
use crate::outbound::{Authorization, Body, Outbound, Request, Verb};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_MAX_AGE_SECONDS: i64 = 600;
const MIN_MAX_AGE_SECONDS: i64 = 60;
const MAX_MAX_AGE_SECONDS: i64 = 24 * 3600;
/// How long a set is used while its issuer does not answer, from its fetch.
const STALE_SECONDS: i64 = 24 * 3600;
/// Between two fetches for unknown key ids.
const UNKNOWN_KEY_SECONDS: i64 = 60;
/// After a failed fetch.
const RETRY_SECONDS: i64 = 10;

/// A document from an issuer.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// `Cache-Control: max-age`.
    pub max_age: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// How documents are got. [`Outbound`] in the product.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// One GET, no redirects, five seconds. The error is for the log.
    async fn get(&self, url: &str) -> Result<Fetched, String>;
}

#[async_trait]
impl Fetch for Outbound {
    async fn get(&self, url: &str) -> Result<Fetched, String> {
        let request = Request {
            service: "issuer",
            verb: Verb::Get,
            url: url.to_owned(),
            query: Vec::new(),
            authorization: Authorization::None,
            headers: Vec::new(),
            body: Body::Empty,
            timeout: FETCH_TIMEOUT,
            max_bytes: MAX_SET_BYTES,
        };
        let response = self.send(request).await.map_err(|e| e.to_string())?;
        Ok(Fetched {
            status: response.status,
            max_age: response.max_age,
            body: response.body.to_vec(),
        })
    }
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// At this address.
    Fixed(String),
    /// Named by the discovery document of this issuer.
    Discovery(String),
}

/// The keys of one issuer.
pub(super) struct Keys {
    name: String,
    source: Source,
    fetch: Arc<dyn Fetch>,
    clock: Clock,
    timeout: Duration,
    state: Mutex<State>,
    /// Held while fetching.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    set: Option<Loaded>,
    last_failure: Option<i64>,
    last_unknown_key: Option<i64>,
}

struct Loaded {
    keys: Arc<KeySet>,
    fetched_at: i64,
    fresh_until: i64,
}

/// No set, not even an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unavailable;

/// What is to be done, by what is known.
enum Plan {
    Use(Arc<KeySet>),
    UseAndRefresh(Arc<KeySet>),
    Fetch,
    GiveUp,
}

impl Keys {
    /// An empty cache; nothing is fetched before somebody asks.
    pub(super) fn new(name: String, source: Source, fetch: Arc<dyn Fetch>, clock: Clock) -> Self {
        Self {
            name,
            source,
            fetch,
            clock,
            timeout: FETCH_TIMEOUT,
            state: Mutex::default(),
            fetching: Arc::default(),
        }
    }

    /// Whether these are the keys of that issuer at that place, so that they may go on serving it.
    pub(super) fn are_of(&self, name: &str, source: &Source) -> bool {
        self.name == name && self.source == *source
    }

    /// The set to look `kid` up in. It need not contain it.
    pub(super) async fn for_key(self: &Arc<Self>, kid: &str) -> Result<Arc<KeySet>, Unavailable> {
        self.get(Some(kid)).await
    }

    /// The current set, fetched if there is none.
    pub(super) async fn current(self: &Arc<Self>) -> Result<Arc<KeySet>, Unavailable> {
        self.get(None).await
    }

    /// One look past the cache: how many keys there are, or why there are none.
    pub(super) async fn look(&self) -> Result<usize, String> {
        match self.load().await?.0.len() {
            0 => Err("the set has no key that can be used".to_owned()),
            keys => Ok(keys),
        }
    }

    async fn get(self: &Arc<Self>, kid: Option<&str>) -> Result<Arc<KeySet>, Unavailable> {
        match self.plan(kid) {
            Plan::Use(keys) => return self.answer(keys, kid),
            Plan::UseAndRefresh(keys) => {
                if let Ok(guard) = Arc::clone(&self.fetching).try_lock_owned() {
                    self.spawn_refresh(guard);
                }
                return self.answer(keys, kid);
            }
            Plan::GiveUp => return Err(Unavailable),
            Plan::Fetch => {}
        }
        let guard = Arc::clone(&self.fetching).lock_owned().await;
        // Somebody may have fetched while we waited.
        if let Plan::Fetch = self.plan(kid) {
            if kid.is_some_and(|kid| self.is_fresh_without(kid)) {
                self.state().last_unknown_key = Some(self.now());
            }
            // A panic inside is a failed refresh; the state says what is left.
            let _ = self.spawn_refresh(guard).await;
        }
        match self.plan_after_fetch() {
            Some(keys) => self.answer(keys, kid),
            None => Err(Unavailable),
        }
    }

    /// A set whose renewal failed does not prove that there is no such key.
    fn answer(&self, keys: Arc<KeySet>, kid: Option<&str>) -> Result<Arc<KeySet>, Unavailable> {
        let missing = kid.is_some_and(|kid| !keys.contains(kid));
        if missing && self.state().last_failure.is_some() {
            return Err(Unavailable);
        }
        Ok(keys)
    }

    fn plan(&self, kid: Option<&str>) -> Plan {
        let now = self.now();
        let state = self.state();
        let may_retry = state
            .last_failure
            .is_none_or(|failed| now - failed >= RETRY_SECONDS);
        let Some(loaded) = &state.set else {
            return if may_retry { Plan::Fetch } else { Plan::GiveUp };
        };
        let keys = Arc::clone(&loaded.keys);
        if now >= loaded.fresh_until {
            let usable = state.last_failure.is_some() && now < loaded.fetched_at + STALE_SECONDS;
            return match (usable, may_retry) {
                (true, true) => Plan::UseAndRefresh(keys),
                (true, false) => Plan::Use(keys),
                (false, true) => Plan::Fetch,
                (false, false) => Plan::GiveUp,
            };
        }
        let unknown = kid.is_some_and(|kid| !keys.contains(kid));
        let may_look = state
            .last_unknown_key
            .is_none_or(|last| now - last >= UNKNOWN_KEY_SECONDS);
        if unknown && may_look {
            return Plan::Fetch;
        }
        // In the last quarter of its life a set is renewed behind the requests' back.
        let quarter = (loaded.fresh_until - loaded.fetched_at) / 4;
        if now >= loaded.fresh_until - quarter && may_retry {
            Plan::UseAndRefresh(keys)
        } else {
            Plan::Use(keys)
        }
    }

    fn is_fresh_without(&self, kid: &str) -> bool {
        let now = self.now();
        let state = self.state();
        state
            .set
            .as_ref()
            .is_some_and(|loaded| now < loaded.fresh_until && !loaded.keys.contains(kid))
    }

    fn plan_after_fetch(&self) -> Option<Arc<KeySet>> {
        let now = self.now();
        let state = self.state();
        let loaded = state.set.as_ref()?;
        (now < loaded.fetched_at + STALE_SECONDS).then(|| Arc::clone(&loaded.keys))
    }

    fn spawn_refresh(
        self: &Arc<Self>,
        guard: tokio::sync::OwnedMutexGuard<()>,
    ) -> tokio::task::JoinHandle<()> {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            this.refresh().await;
            drop(guard);
        })
    }

    async fn refresh(&self) {
        let result = self.load().await;
        let now = self.now();
        let mut state = self.state();
        match result {
            Ok((keys, max_age)) => {
                for why in &keys.skipped {
                    tracing::warn!(issuer = self.name, reason = %why, "a published key is left out");
                }
                tracing::debug!(
                    issuer = self.name,
                    keys = keys.len(),
                    "signing keys fetched"
                );
                state.last_failure = None;
                state.set = Some(Loaded {
                    keys: Arc::new(keys),
                    fetched_at: now,
                    fresh_until: now + max_age,
                });
            }
            Err(reason) => {
                tracing::warn!(issuer = self.name, reason, "signing keys cannot be fetched");
                state.last_failure = Some(now);
            }
        }
    }

    async fn load(&self) -> Result<(KeySet, i64), String> {
        let url = match &self.source {
            Source::Fixed(url) => url.clone(),
            Source::Discovery(issuer) => {
                let said = discover(&*self.fetch, issuer, self.timeout).await?;
                as_secure_as(issuer, address(&said, "jwks_uri")?)?
            }
        };
        let document = document(&*self.fetch, &url, self.timeout).await?;
        let keys = KeySet::parse(&document.body).map_err(|e| e.to_string())?;
        let max_age = document
            .max_age
            .map_or(DEFAULT_MAX_AGE_SECONDS, |age| {
                i64::try_from(age).unwrap_or(MAX_MAX_AGE_SECONDS)
            })
            .clamp(MIN_MAX_AGE_SECONDS, MAX_MAX_AGE_SECONDS);
        Ok((keys, max_age))
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp()
    }

    /// A poisoned lock guards plain data: whatever is there is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
