//! The database goes away for moments, and what a call outside has brought must not be lost for that: it stays in
//! memory, and recording it is tried again for as long as a lease lasts. After that somebody else has the job, and looks.

use crate::queue::backoff::full_jitter;
use crate::store::StoreError;
use std::time::Duration;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(2);

/// How often and for how long something is tried that only the database keeps from happening.
pub(super) struct Patience {
    until: Instant,
    /// Tries that failed.
    pub failed: u32,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self::until(Instant::now() + limit)
    }

    pub(super) fn until(until: Instant) -> Self {
        Self { until, failed: 0 }
    }

    /// Waits a while; whether another try makes sense.
    pub(super) async fn again(&mut self, error: &StoreError) -> bool {
        let pause = full_jitter(FIRST, MOST, self.failed);
        if !error.is_away() || Instant::now() + pause >= self.until {
            return false;
        }
        tracing::warn!(%error, "cannot record a result yet; trying again");
        self.failed += 1;
        tokio::time::sleep(pause).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_passes_is_tried_again_and_not_for_ever() {
        let limit = Duration::from_millis(300);
        let away = StoreError::Database(sqlx::Error::PoolTimedOut);
        let (mut patience, begin) = (Patience::new(limit), Instant::now());
        while patience.again(&away).await {}
        assert!(patience.failed > 1);
        assert!(begin.elapsed() < limit * 4, "{:?}", begin.elapsed());
        let wrong = StoreError::Database(sqlx::Error::RowNotFound);
        assert!(!Patience::new(limit).again(&wrong).await);
    }
}
