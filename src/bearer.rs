//! Tokens that end: one per key, shared by all workers.
//!
//! Twenty workers that need the same token cause one request. A token is renewed in the background before it
//! ends, is not used in its last seconds, and is dropped when it is refused. Where tokens come from is a [`Source`]'s.

use secrecy::SecretString;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A token is not used when this close to its end.
const UNUSED_BEFORE_END: Duration = Duration::from_secs(40);
/// It is renewed at most this long before its end.
const RENEWED_BEFORE_END: Duration = Duration::from_secs(20 * 60);
/// After a renewal failed, the next is not tried sooner.
const WAIT_AFTER_FAILURE: Duration = Duration::from_secs(60);
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Above this many keys, those without a live token are forgotten.
const MANY_KEYS: usize = 1024;

/// Where tokens come from.
pub trait Source: Send + Sync + 'static {
    /// What a token is for.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    /// Why there is none. All who waited for the token get the same one.
    type Error: Clone + Display + Send + 'static;

    /// Asks for a token, once.
    fn grant(&self, key: &Self::Key) -> impl Future<Output = Result<Granted, Self::Error>> + Send;
}

/// A token as it is given.
#[derive(Debug)]
pub struct Granted {
    /// The value.
    pub value: SecretString,
    /// How long it lives from now on.
    pub lifetime: Duration,
}

/// The tokens of one source.
pub struct Tokens<S: Source> {
    source: S,
    entries: Mutex<Entries<S>>,
}

type Entries<S> = HashMap<<S as Source>::Key, Arc<Entry<<S as Source>::Error>>>;

/// A token in use.
#[derive(Debug, Clone)]
pub struct Token {
    /// The value, for `Authorization: Bearer`.
    pub value: SecretString,
    /// Counts up at each key, so that a refused token is dropped only once.
    serial: u64,
    renew_at: Instant,
    ends_at: Instant,
}

struct Entry<E> {
    known: Mutex<Known<E>>,
    /// Held while a token is fetched: the single flight.
    flight: tokio::sync::Mutex<()>,
}

struct Known<E> {
    token: Option<Token>,
    /// Fetches that ended, well or not.
    fetches: u64,
    last_failure: Option<E>,
    renewing: bool,
}

impl<E> Default for Entry<E> {
    fn default() -> Self {
        Self {
            known: Mutex::new(Known {
                token: None,
                fetches: 0,
                last_failure: None,
                renewing: false,
            }),
            flight: tokio::sync::Mutex::default(),
        }
    }
}

impl<E> Entry<E> {
    fn known(&self) -> MutexGuard<'_, Known<E>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    /// How long it will be lent out from now on.
    pub fn usable_for(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }
}

impl<S: Source> Tokens<S> {
    /// No tokens yet.
    pub fn new(source: S) -> Self {
        Self {
            source,
            entries: Mutex::default(),
        }
    }

    /// A token that is good now.
    ///
    /// # Errors
    /// Why there is none; whatever was to be sent with it, was not.
    pub async fn get(self: &Arc<Self>, key: &S::Key) -> Result<Token, S::Error> {
        let entry = self.entry(key);
        let seen = {
            let mut known = entry.known();
            let now = Instant::now();
            if let Some(token) = known.token.clone().filter(|token| now < token.ends_at) {
                if now >= token.renew_at && !known.renewing {
                    known.renewing = true;
                    tokio::spawn(self.clone().renew(entry.clone(), key.clone()));
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
        self.fetch(&entry, key).await
    }

    /// Drops a token that was refused, unless it was replaced meanwhile.
    pub fn refused(&self, key: &S::Key, token: &Token) {
        let entry = self.entry(key);
        let mut known = entry.known();
        if known
            .token
            .as_ref()
            .is_some_and(|it| it.serial == token.serial)
        {
            known.token = None;
        }
    }

    async fn renew(self: Arc<Self>, entry: Arc<Entry<S::Error>>, key: S::Key) {
        let seen = entry.known().fetches;
        let _flight = entry.flight.lock().await;
        let somebody_did = entry.known().fetches != seen;
        if !somebody_did && let Err(error) = self.fetch(&entry, &key).await {
            tracing::warn!(%error, "an OAuth token could not be renewed before its end");
            let mut known = entry.known();
            if let Some(token) = &mut known.token {
                token.renew_at = Instant::now() + WAIT_AFTER_FAILURE;
            }
        }
        entry.known().renewing = false;
    }

    async fn fetch(&self, entry: &Entry<S::Error>, key: &S::Key) -> Result<Token, S::Error> {
        let fetched = self.source.grant(key).await;
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

    fn entry(&self, key: &S::Key) -> Arc<Entry<S::Error>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() > MANY_KEYS {
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
        entries.entry(key.clone()).or_default().clone()
    }
}

/// Margins shrink with the lifetime, so that a token of five seconds is of use too.
fn token(granted: Granted, serial: u64, now: Instant) -> Token {
    let lifetime = granted.lifetime.min(LONGEST_LIFETIME);
    let ends_at = now + lifetime - UNUSED_BEFORE_END.min(lifetime / 4);
    let renew_at = now + lifetime - RENEWED_BEFORE_END.min(lifetime / 2);
    Token {
        value: granted.value,
        serial,
        renew_at,
        ends_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn granted(seconds: u64) -> Granted {
        Granted {
            value: "x".into(),
            lifetime: Duration::from_secs(seconds),
        }
    }

    #[tokio::test]
    async fn margins() {
        let now = Instant::now();
        for (lifetime, renew, end) in [(3600, 2400, 3560), (5, 2, 3), (0, 0, 0), (600, 300, 560)] {
            let token = token(granted(lifetime), 1, now);
            assert_eq!((token.renew_at - now).as_secs(), renew, "{lifetime}");
            assert_eq!((token.ends_at - now).as_secs(), end, "{lifetime}");
        }
        assert!(token(granted(u64::MAX), 1, now).ends_at > now);
    }

    /// Gives tokens that are numbered, or fails.
    struct Mint {
        given: AtomicU64,
        seconds: u64,
    }

    impl Source for Mint {
        type Key = &'static str;
        type Error = String;

        async fn grant(&self, key: &&'static str) -> Result<Granted, String> {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
            match *key {
                "bad" => Err(format!("failure {number}")),
                _ => Ok(Granted {
                    value: number.to_string().into(),
                    lifetime: Duration::from_secs(self.seconds),
                }),
            }
        }
    }

    fn mint(seconds: u64) -> Arc<Tokens<Mint>> {
        Arc::new(Tokens::new(Mint {
            given: AtomicU64::new(0),
            seconds,
        }))
    }

    async fn together(tokens: &Arc<Tokens<Mint>>, key: &'static str) -> Vec<String> {
        let asked = (0..20).map(|_| async {
            match tokens.get(&key).await {
                Ok(token) => token.value.expose_secret().to_owned(),
                Err(error) => error,
            }
        });
        let mut said = futures_util::future::join_all(asked).await;
        said.dedup();
        said
    }

    #[tokio::test]
    async fn many_share_one_fetch_its_failure_too() {
        let tokens = mint(3600);
        assert_eq!(together(&tokens, "good").await, ["1"]);
        assert_eq!(together(&tokens, "bad").await, ["failure 2"]);
        // A failure is not kept for those who come later.
        assert_eq!(together(&tokens, "bad").await, ["failure 3"]);
    }

    #[tokio::test]
    async fn renewed_early_in_the_background() {
        let tokens = mint(2);
        let first = tokens.get(&"good").await.unwrap();
        assert!(first.usable_for() > Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let still = tokens.get(&"good").await.unwrap();
        assert_eq!(still.serial, first.serial, "the old one is lent meanwhile");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let next = tokens.get(&"good").await.unwrap();
        assert_eq!(next.value.expose_secret(), "2");
    }

    #[tokio::test]
    async fn a_refused_token_is_dropped_once() {
        let tokens = mint(3600);
        let first = tokens.get(&"good").await.unwrap();
        tokens.refused(&"good", &first);
        let second = tokens.get(&"good").await.unwrap();
        // A latecomer's refusal of the first does not cost the second.
        tokens.refused(&"good", &first);
        let third = tokens.get(&"good").await.unwrap();
        assert_eq!((second.serial, third.serial), (2, 2));
    }
}
