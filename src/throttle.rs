//! Keeping below the vendor's rate limits: one token bucket per account and per workspace host, and one pause per
//! host, set by a 429. Short waits happen here; longer ones are an answer, so that no worker is held. What is short
//! depends on the share of the limit: the look and the call that follows it must fit behind each other, or a step that
//! is held back at its second call begins again with the look, for ever.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The longest wait for the bucket or a pause that happens inline.
const INLINE: Duration = Duration::from_millis(250);
/// Waiting for this many calls of the bucket happens inline too.
const INLINE_CALLS: f64 = 2.0;
/// A change was looked before: it goes ahead of new looks, unless the wait is longer than this.
const INLINE_CHANGE: Duration = Duration::from_secs(5);
/// Above this many hosts, idle ones are forgotten.
const MANY_HOSTS: usize = 1024;

/// All buckets of one account.
pub struct Throttle {
    per_second: f64,
    processes: AtomicU32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    /// May go below zero: calls that wait inline have taken theirs already.
    left: f64,
    filled: Instant,
    paused_until: Option<Instant>,
}

impl Throttle {
    /// A limit that all live processes share.
    pub fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second.max(1)),
            processes: AtomicU32::new(1),
            buckets: Mutex::default(),
        }
    }

    /// How many live processes share the limit.
    pub fn set_processes(&self, live: u32) {
        self.processes.store(live.max(1), Ordering::Relaxed);
    }

    /// Takes one call for `host`, perhaps after a short wait; `changes` if it does more than look.
    ///
    /// # Errors
    /// How long to wait, if that is longer than is fit to wait here; nothing is taken then.
    pub async fn take(&self, host: &str, changes: bool) -> Result<(), Duration> {
        let wait = self.reserve(host, changes, Instant::now())?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    fn reserve(&self, host: &str, changes: bool, now: Instant) -> Result<Duration, Duration> {
        let rate = self.per_second / f64::from(self.processes.load(Ordering::Relaxed));
        let most = rate.max(1.0);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > MANY_HOSTS {
            buckets.retain(|_, bucket| !bucket.is_idle(now));
        }
        let bucket = buckets.entry(host.to_owned()).or_insert(Bucket {
            left: most,
            filled: now,
            paused_until: None,
        });
        let gained = now.duration_since(bucket.filled).as_secs_f64() * rate;
        bucket.left = (bucket.left + gained).min(most);
        bucket.filled = now;
        let pause = bucket
            .paused_until
            .map_or(Duration::ZERO, |it| it.duration_since(now));
        let short = (1.0 - bucket.left).max(0.0) / rate;
        let short = Duration::from_secs_f64(short);
        let wait = pause.max(short);
        let mut inline = INLINE.max(Duration::from_secs_f64(INLINE_CALLS / rate));
        if changes {
            inline = inline.max(INLINE_CHANGE);
        }
        if pause > INLINE || short > inline {
            return Err(wait);
        }
        bucket.left -= 1.0;
        Ok(wait)
    }

    /// Lets nothing through to `host` for that long. A later end wins. Returns for how much longer than before that is.
    pub fn pause(&self, host: &str, wait: Duration) -> Duration {
        let now = Instant::now();
        self.pause_until(host, now, now + wait)
    }

    fn pause_until(&self, host: &str, now: Instant, until: Instant) -> Duration {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get_mut(host) else {
            return Duration::ZERO;
        };
        let paused = bucket.paused_until.map_or(now, |before| before.max(now));
        bucket.paused_until = bucket.paused_until.max(Some(until));
        until.saturating_duration_since(paused)
    }
}

impl Bucket {
    fn is_idle(&self, now: Instant) -> bool {
        now.duration_since(self.filled) > Duration::from_secs(60)
            && self.paused_until.is_none_or(|until| until < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_of_calls_then_short_waits_then_an_answer() {
        let throttle = Throttle::new(10);
        let now = Instant::now();
        for _ in 0..10 {
            assert_eq!(throttle.reserve("a", false, now), Ok(Duration::ZERO));
        }
        let waits: Vec<_> = (0..3).map(|_| throttle.reserve("a", false, now)).collect();
        assert!(waits[0].unwrap() >= Duration::from_millis(99));
        assert!(waits[1].unwrap() >= Duration::from_millis(199));
        assert!(waits[2].unwrap_err() > INLINE);
        assert_eq!(throttle.reserve("b", false, now), Ok(Duration::ZERO));
        let later = now + Duration::from_secs(2);
        assert_eq!(throttle.reserve("a", false, later), Ok(Duration::ZERO));
    }

    #[tokio::test]
    async fn processes_share() {
        let throttle = Throttle::new(10);
        throttle.set_processes(20);
        let now = Instant::now();
        assert_eq!(throttle.reserve("a", false, now), Ok(Duration::ZERO));
        // One in two seconds: so long are the next two waits, and the third is an answer.
        let waits: Vec<_> = (0..3).map(|_| throttle.reserve("a", false, now)).collect();
        assert!(waits[0].unwrap() > Duration::from_millis(1900), "{waits:?}");
        assert!(waits[1].unwrap() > Duration::from_millis(3900), "{waits:?}");
        assert!(
            waits[2].unwrap_err() > Duration::from_millis(5900),
            "{waits:?}"
        );
    }

    #[tokio::test]
    async fn a_change_goes_ahead_of_new_looks() {
        let throttle = Throttle::new(10);
        let now = Instant::now();
        while throttle.reserve("a", false, now).is_ok() {}
        for _ in 0..16 {
            assert!(throttle.reserve("a", true, now).is_ok());
        }
        assert!(throttle.reserve("a", false, now).unwrap_err() > Duration::from_secs(1));
        while throttle.reserve("a", true, now).is_ok() {}
        assert!(throttle.reserve("a", true, now).unwrap_err() > INLINE_CHANGE);
        assert_eq!(throttle.reserve("b", true, now), Ok(Duration::ZERO));
        throttle.pause_until("b", now, now + Duration::from_secs(7));
        assert_eq!(
            throttle.reserve("b", true, now),
            Err(Duration::from_secs(7))
        );
    }

    #[tokio::test]
    async fn pauses() {
        let throttle = Throttle::new(10);
        let now = Instant::now();
        assert_eq!(throttle.reserve("a", false, now), Ok(Duration::ZERO));
        let pause = |seconds| throttle.pause_until("a", now, now + Duration::from_secs(seconds));
        assert_eq!(
            [5, 7, 1].map(pause).map(|longer| longer.as_secs()),
            [5, 2, 0]
        );
        assert_eq!(
            throttle.reserve("a", false, now),
            Err(Duration::from_secs(7))
        );
        assert_eq!(throttle.reserve("b", false, now), Ok(Duration::ZERO));
        let later = now + Duration::from_secs(7);
        assert_eq!(throttle.reserve("a", false, later), Ok(Duration::ZERO));
    }

    #[tokio::test]
    async fn short_waits_happen_here() {
        let throttle = Throttle::new(10);
        let started = Instant::now();
        for _ in 0..11 {
            throttle.take("a", false).await.unwrap();
        }
        assert!(started.elapsed() >= Duration::from_millis(50));
    }
}
