//! How many requests one principal may send: a bucket each, in this process. It holds back a loop that went wild; it
//! is not accounting, and replicas do not share it.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The window of the policy.
const WINDOW: Duration = Duration::from_secs(60);

/// More principals than this at a time: buckets that are full again are forgotten.
const MANY: usize = 10_000;

/// The policy's header (draft-ietf-httpapi-ratelimit-headers).
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The standing's header.
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// The buckets of all principals.
#[derive(Debug)]
pub struct Rate {
    per_window: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    filled: Instant,
}

/// Where a principal stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    quota: u32,
    left: u32,
    full_in: Duration,
    /// Set if the request is one too many: when the next one may come.
    pub wait: Option<Duration>,
}

impl Rate {
    /// A full bucket of `per_minute` requests for everybody.
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_window: per_minute.max(1),
            buckets: Mutex::default(),
        }
    }

    /// Takes one request out of a principal's bucket.
    pub fn take(&self, principal: &str, now: Instant) -> Standing {
        let quota = f64::from(self.per_window);
        let per_second = quota / WINDOW.as_secs_f64();
        let refilled = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.filled).as_secs_f64();
            (bucket.left + since * per_second).min(quota)
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MANY {
            buckets.retain(|_, bucket| refilled(bucket) < quota);
        }
        let bucket = buckets.entry(principal.to_owned()).or_insert(Bucket {
            left: quota,
            filled: now,
        });
        bucket.left = refilled(bucket);
        bucket.filled = now;
        let wait =
            (bucket.left < 1.0).then(|| Duration::from_secs_f64((1.0 - bucket.left) / per_second));
        if wait.is_none() {
            bucket.left -= 1.0;
        }
        Standing {
            quota: self.per_window,
            // In 0..=quota: the bucket never holds more.
            left: bucket.left as u32,
            full_in: Duration::from_secs_f64((quota - bucket.left) / per_second),
            wait,
        }
    }
}

impl Standing {
    /// `Retry-After` in whole seconds, never 0.
    pub fn retry_after(&self) -> u64 {
        self.wait.map_or(1, |wait| wait.as_secs() + 1)
    }

    /// Tells the standing in the headers of an answer.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let policy = format!("\"default\";q={};w={}", self.quota, WINDOW.as_secs());
        let standing = format!(
            "\"default\";r={};t={}",
            self.left,
            self.full_in.as_secs_f64().ceil()
        );
        for (name, text) in [(POLICY, policy), (STANDING, standing)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_emptied_refilled_and_nobody_elses() {
        let (rate, begin) = (Rate::new(60), Instant::now());
        for left in (0..60).rev() {
            let standing = rate.take("one", begin);
            assert_eq!((standing.left, standing.wait), (left, None));
        }
        let refused = rate.take("one", begin);
        assert_eq!(refused.wait, Some(Duration::from_secs(1)));
        assert_eq!(refused.retry_after(), 2);
        assert_eq!(rate.take("two", begin).left, 59, "everybody has a bucket");
        assert_eq!(
            rate.take("one", begin + Duration::from_millis(1500)).wait,
            None
        );
        let later = rate.take("one", begin + Duration::from_secs(600));
        assert_eq!(later.left, 59, "never fuller than full");
    }

    #[test]
    fn what_is_told() {
        let mut headers = HeaderMap::new();
        Rate::new(120)
            .take("one", Instant::now())
            .tell(&mut headers);
        assert_eq!(headers[POLICY], "\"default\";q=120;w=60");
        assert_eq!(headers[STANDING], "\"default\";r=119;t=1");
    }

    #[test]
    fn full_buckets_are_forgotten_when_there_are_many() {
        let (rate, begin) = (Rate::new(60), Instant::now());
        for n in 0..MANY {
            rate.take(&n.to_string(), begin);
        }
        rate.take("last", begin + Duration::from_secs(120));
        assert_eq!(rate.buckets.lock().unwrap().len(), 1);
    }
}
