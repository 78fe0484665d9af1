//! Who is let in: a request that would wait for too long is refused, and told when to come again, before anything of it
//! is written. What was accepted before, what removes and what stops is always let in.
//!
//! The queue is looked at once a second in a process, and counted on from there: so the limit is kept to within what the
//! other processes accept in a second, and a flood costs no counting.

use super::request::RequestError;
use crate::queue::gauges;
use crate::store::operations;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a look at the queue is believed.
const BELIEVED: Duration = Duration::from_secs(1);

/// How long a queue may be.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Operations of one account that nobody has begun.
    pub queued_per_account: u32,
    /// How long the oldest job may have been due, of whatever account: then workers are too few, or gone. What waits for
    /// the vendor, or for another version, is not due.
    pub oldest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queued_per_account: 5000,
            oldest: Duration::from_secs(600),
        }
    }
}

/// The door.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    seen: Mutex<Option<Seen>>,
}

#[derive(Debug)]
struct Seen {
    at: Instant,
    oldest_seconds: f64,
    /// Operations that nobody has begun, by account.
    queued: HashMap<String, i64>,
}

impl Admission {
    /// A door with these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            seen: Mutex::default(),
        }
    }

    /// Lets one more operation of this account in, or does not.
    ///
    /// # Errors
    /// [`RequestError::QueueFull`]; the database.
    pub async fn admit(&self, db: &mut PgConnection, account: &str) -> Result<(), RequestError> {
        if let Some(admitted) = self.by_last_look(account) {
            return admitted;
        }
        let queued = operations::queued_by_account(db).await?;
        let seen = Seen {
            oldest_seconds: gauges::available(db).await?.oldest_seconds,
            queued: queued.into_iter().collect(),
            at: Instant::now(),
        };
        *self.lock() = Some(seen);
        self.by_last_look(account).unwrap_or(Ok(()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn by_last_look(&self, account: &str) -> Option<Result<(), RequestError>> {
        let mut seen = self.lock();
        let seen = seen.as_mut().filter(|seen| seen.at.elapsed() < BELIEVED)?;
        let oldest_seconds = seen.oldest_seconds;
        let queued = seen.queued.entry(account.to_owned()).or_default();
        let full = *queued >= i64::from(self.limits.queued_per_account)
            || oldest_seconds > self.limits.oldest.as_secs_f64();
        if full {
            let queued = *queued;
            return Some(Err(RequestError::QueueFull {
                queued,
                oldest_seconds,
            }));
        }
        *queued += 1;
        Some(Ok(()))
    }
}
