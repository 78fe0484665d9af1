//! Two times: simulated time moves states (and can be fast or jump), real time expires, and stamps together with the jumps.

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

    /// Time since the start as the clients' clocks see it: real, and jumped with ours.
    pub(crate) fn stamp(&self) -> Duration {
        self.start.elapsed() + self.jumped
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.jumped += by;
    }
}

/// Real epoch milliseconds, for `creation_time` and the expiry of tokens.
pub(crate) fn epoch_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
