//! Two times: simulated time moves states (and can be fast or jump), real time stamps and expires.

use std::time::{Duration, Instant};

/// The simulated clock.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    speed: f64,
    jumped: Duration,
}

impl Clock {
    pub(crate) fn new(speed: f64) -> Clock {
        Clock {
            start: Instant::now(),
            speed,
            jumped: Duration::ZERO,
        }
    }

    /// Simulated time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed().mul_f64(self.speed) + self.jumped
    }

    /// Real time since the start.
    pub(crate) fn real(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.jumped += by;
    }
}

/// Real epoch milliseconds, for `creation_time` and the expiry of tokens.
pub(crate) fn epoch_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
