//! Rule J9, with a scripted issuer and a clock that is moved by hand.

use super::super::test_tokens::{ISSUER, Signer, set};
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Issuer {
    answer: Mutex<Result<Fetched, String>>,
    discovery: Mutex<Option<String>>,
    fetches: AtomicUsize,
    delay: Duration,
}

#[async_trait]
impl Fetch for Issuer {
    async fn get(&self, url: &str) -> Result<Fetched, String> {
        if url.ends_with("/.well-known/openid-configuration") {
            assert_eq!(
                url,
                "https://login.example.com/.well-known/openid-configuration"
            );
            let body = self
                .discovery
                .lock()
                .unwrap()
                .clone()
                .ok_or("no discovery")?;
            return Ok(page(body.into_bytes(), None));
        }
        assert_eq!(url, "https://login.example.com/jwks");
        self.fetches.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.delay).await;
        self.answer.lock().unwrap().clone()
    }
}

fn page(body: Vec<u8>, max_age: Option<u64>) -> Fetched {
    Fetched {
        status: 200,
        max_age,
        body,
    }
}

struct World {
    issuer: Arc<Issuer>,
    keys: Arc<Keys>,
    clock: Clock,
}

impl World {
    fn new(source: Source, kids: &[&str], max_age: Option<u64>, delay: Duration) -> Self {
        let issuer = Arc::new(Issuer {
            answer: Mutex::new(Ok(page(jwks(kids), max_age))),
            discovery: Mutex::default(),
            fetches: AtomicUsize::new(0),
            delay,
        });
        let clock = Clock::system();
        let fetch: Arc<dyn Fetch> = issuer.clone();
        let keys = Arc::new(Keys::new(
            "company".to_owned(),
            source,
            fetch,
            clock.clone(),
        ));
        Self {
            issuer,
            keys,
            clock,
        }
    }

    fn fixed(kids: &[&str]) -> Self {
        let source = Source::Fixed("https://login.example.com/jwks".to_owned());
        Self::new(source, kids, None, Duration::ZERO)
    }

    fn publish(&self, answer: Result<Fetched, String>) {
        *self.issuer.answer.lock().unwrap() = answer;
    }

    fn fetches(&self) -> usize {
        self.issuer.fetches.load(Ordering::SeqCst)
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Waits for a renewal that runs behind the requests' back.
    async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
            drop(self.keys.fetching.lock().await);
        }
    }

    async fn knows(&self, kid: &str) -> Result<bool, Unavailable> {
        self.keys.for_key(kid).await.map(|set| set.contains(kid))
    }
}

fn jwks(kids: &[&str]) -> Vec<u8> {
    set(&kids
        .iter()
        .map(|kid| Signer::Ed.jwk(kid))
        .collect::<Vec<_>>())
}

#[tokio::test]
async fn one_fetch_serves_ten_minutes() {
    let world = World::fixed(&["a"]);
    for _ in 0..5 {
        assert_eq!(world.knows("a").await, Ok(true));
    }
    world.pass(400);
    assert_eq!(world.knows("a").await, Ok(true));
    assert_eq!(world.fetches(), 1);
    world.pass(201);
    assert_eq!(world.knows("a").await, Ok(true));
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn the_last_quarter_renews_behind_the_request() {
    let world = World::fixed(&["a"]);
    assert_eq!(world.knows("a").await, Ok(true));
    world.pass(460);
    assert_eq!(world.knows("a").await, Ok(true));
    world.settle().await;
    assert_eq!(world.fetches(), 2);
    world.pass(400);
    assert_eq!(world.knows("a").await, Ok(true));
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn max_age_is_clamped() {
    for (max_age, alive, over) in [(1, 40, 61), (3600, 2600, 3601), (u64::MAX, 64_000, 86_401)] {
        let source = Source::Fixed("https://login.example.com/jwks".to_owned());
        let world = World::new(source, &["a"], Some(max_age), Duration::ZERO);
        assert_eq!(world.knows("a").await, Ok(true));
        world.pass(alive);
        assert_eq!(world.knows("a").await, Ok(true));
        assert_eq!(world.fetches(), 1, "{max_age}");
        world.pass(over - alive);
        assert_eq!(world.knows("a").await, Ok(true));
        assert_eq!(world.fetches(), 2, "{max_age}");
    }
}

#[tokio::test]
async fn rotation_without_a_gap_and_removed_keys_die() {
    let world = World::fixed(&["a"]);
    assert_eq!(world.knows("a").await, Ok(true));
    world.publish(Ok(page(jwks(&["a", "b"]), None)));
    assert_eq!(
        world.knows("b").await,
        Ok(true),
        "a new key is found at once"
    );
    world.publish(Ok(page(jwks(&["b"]), None)));
    world.pass(601);
    assert_eq!(
        world.knows("a").await,
        Ok(false),
        "a removed key dies at the next refresh"
    );
    assert_eq!(world.knows("b").await, Ok(true));
}

#[tokio::test]
async fn a_storm_of_unknown_key_ids_is_two_fetches() {
    let source = Source::Fixed("https://login.example.com/jwks".to_owned());
    let world = World::new(source, &["a"], None, Duration::from_millis(20));
    let storm = |from: usize| {
        let lookups: Vec<_> = (from..from + 10_000)
            .map(|n| {
                let keys = Arc::clone(&world.keys);
                tokio::spawn(async move { keys.for_key(&format!("k{n}")).await.is_ok() })
            })
            .collect();
        async {
            for lookup in lookups {
                assert!(lookup.await.unwrap());
            }
        }
    };
    storm(0).await;
    assert!(world.fetches() <= 2, "{}", world.fetches());
    world.pass(61);
    storm(10_000).await;
    assert!(world.fetches() <= 3, "{}", world.fetches());
    assert_eq!(world.knows("a").await, Ok(true));
}

#[tokio::test]
async fn an_issuer_that_is_down_keeps_its_old_keys_for_a_day() {
    let world = World::fixed(&["a"]);
    assert_eq!(world.knows("a").await, Ok(true));
    let failures = [
        Err("connection refused".to_owned()),
        Ok(page(b"<html>Sign in</html>".to_vec(), None)),
        Ok(Fetched {
            status: 302,
            ..page(jwks(&["evil"]), None)
        }),
        Ok(Fetched {
            status: 503,
            ..page(jwks(&["evil"]), None)
        }),
    ];
    for failure in failures {
        world.publish(failure);
        world.pass(3600);
        assert_eq!(world.knows("a").await, Ok(true));
        // it may be a key of today, which cannot be had
        assert_eq!(world.knows("evil").await, Err(Unavailable));
    }
    world.settle().await;
    // while it is down it is asked every ten seconds, not for every request
    let before = world.fetches();
    for _ in 0..50 {
        assert_eq!(world.knows("a").await, Ok(true));
    }
    assert!(world.fetches() <= before + 1);
    world.pass(20 * 3600);
    assert_eq!(world.knows("a").await, Err(Unavailable));
    world.publish(Ok(page(jwks(&["a"]), None)));
    assert_eq!(
        world.knows("a").await,
        Err(Unavailable),
        "not asked again at once"
    );
    world.pass(11);
    assert_eq!(world.knows("a").await, Ok(true));
}

#[tokio::test]
async fn never_fetched_is_unavailable() {
    let world = World::fixed(&[]);
    world.publish(Err("down".to_owned()));
    assert_eq!(world.knows("a").await, Err(Unavailable));
    assert_eq!(world.knows("a").await, Err(Unavailable));
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn a_slow_issuer_is_not_waited_for() {
    let source = Source::Fixed("https://login.example.com/jwks".to_owned());
    let mut world = World::new(source, &["a"], None, Duration::from_secs(60));
    assert_eq!(world.keys.timeout, Duration::from_secs(5));
    Arc::get_mut(&mut world.keys).unwrap().timeout = Duration::from_millis(10);
    assert_eq!(world.knows("a").await, Err(Unavailable));
}

#[tokio::test]
async fn an_issuer_that_hangs_holds_nobody_up_who_has_a_known_key() {
    let source = Source::Fixed("https://login.example.com/jwks".to_owned());
    let world = World::new(source, &["a"], None, Duration::ZERO);
    assert_eq!(world.knows("a").await, Ok(true));
    world.publish(Err("down".to_owned()));
    world.pass(601);
    assert_eq!(world.knows("a").await, Ok(true));
    // The fetch is held: whoever had to wait for it would not be answered.
    let fetching = Arc::clone(&world.keys.fetching).lock_owned().await;
    world.pass(11);
    for _ in 0..3 {
        assert_eq!(world.knows("a").await, Ok(true));
    }
    drop(fetching);
    // When it answers again, the next fetch behind the requests' back finds what is new.
    world.publish(Ok(page(jwks(&["b"]), None)));
    assert_eq!(world.knows("a").await, Ok(true));
    world.settle().await;
    assert_eq!(world.knows("a").await, Ok(false));
    assert_eq!(world.knows("b").await, Ok(true));
}

#[tokio::test]
async fn hanging_up_does_not_stop_a_fetch() {
    let source = Source::Fixed("https://login.example.com/jwks".to_owned());
    let world = World::new(source, &["a"], None, Duration::from_millis(30));
    let gone = tokio::time::timeout(Duration::from_millis(5), world.knows("a")).await;
    assert!(gone.is_err());
    assert_eq!(world.knows("a").await, Ok(true));
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn discovery_must_be_the_issuers_own() {
    for (document, good) in [
        (
            format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"https://login.example.com/jwks"}}"#),
            true,
        ),
        (
            r#"{"issuer":"https://login.example.com","jwks_uri":"https://login.example.com/jwks"}"#
                .to_owned(),
            false,
        ),
        (
            r#"{"jwks_uri":"https://login.example.com/jwks"}"#.to_owned(),
            false,
        ),
        (format!(r#"{{"issuer":"{ISSUER}"}}"#), false),
        // an https issuer is not led to plain http, to a file, or to this machine
        (
            format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"http://login.example.com/jwks"}}"#),
            false,
        ),
        (
            format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"file:///etc/passwd"}}"#),
            false,
        ),
        ("<html>".to_owned(), false),
    ] {
        let world = World::new(
            Source::Discovery(ISSUER.to_owned()),
            &["a"],
            None,
            Duration::ZERO,
        );
        *world.issuer.discovery.lock().unwrap() = Some(document.clone());
        assert_eq!(world.knows("a").await.is_ok(), good, "{document}");
    }
}
