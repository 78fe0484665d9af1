//! The only place that asks what time it is.

use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

/// Wall-clock time for display and token claims. What is decided by time goes by the database's: in SQL by its
/// `clock()`, in a job by a clock that was [set](Self::set) to it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    set: Option<Set>,
}

/// What a clock was set to.
#[derive(Debug, Clone, Copy)]
struct Set {
    to: DateTime<Utc>,
    at: Instant,
    /// The offset then.
    offset_ms: i64,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// One that shows this time now and goes on by the monotonic clock: a machine's wall clock may be wrong, or be put
    /// right meanwhile.
    pub fn set(&self, to: DateTime<Utc>) -> Self {
        Self {
            offset_ms: Arc::clone(&self.offset_ms),
            set: Some(Set {
                to,
                at: Instant::now(),
                offset_ms: self.offset_ms(),
            }),
        }
    }

    fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// Now, in UTC.
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    pub fn now(&self) -> DateTime<Utc> {
        let (time, offset_ms) = match self.set {
            Some(set) => (set.to + set.at.elapsed(), self.offset_ms() - set.offset_ms),
            None => (Utc::now(), self.offset_ms()),
        };
        time + chrono::Duration::milliseconds(offset_ms)
    }

    /// Moves this clock and its clones. Tests move the database's `clock()` with it.
    pub fn advance(&self, by: std::time::Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_that_was_set_goes_on_from_there_and_moves_with_the_others() {
        let system = Clock::system();
        system.advance(Duration::from_secs(7));
        let set = system.set(DateTime::UNIX_EPOCH);
        let shows = |seconds: i64| {
            let since = set.now() - DateTime::UNIX_EPOCH;
            assert!(
                (seconds..seconds + 60).contains(&since.num_seconds()),
                "{since}"
            );
        };
        shows(0);
        system.advance(Duration::from_secs(3600));
        shows(3600);
    }
}
