//! Who is let in: a request that would wait for too long is refused, and told when to come again, before anything of it
//! is written. What was accepted before, what removes and what stops is always let in.
//!
//! The queue is looked at once a second in a process, and counted on from there: so the limit is kept to within what the
//! other processes accept in a second, and a flood costs no counting.

use super::request::RequestError;
use crate::store::operations::{self, Backlog};
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
    /// How long the oldest of them may have waited.
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
    accounts: HashMap<String, Backlog>,
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
        let accounts = operations::backlogs(db).await?.into_iter().collect();
        let at = Instant::now();
        *self.lock() = Some(Seen { at, accounts });
        self.by_last_look(account).unwrap_or(Ok(()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn by_last_look(&self, account: &str) -> Option<Result<(), RequestError>> {
        let mut seen = self.lock();
        let seen = seen.as_mut().filter(|seen| seen.at.elapsed() < BELIEVED)?;
        let backlog = seen.accounts.entry(account.to_owned()).or_default();
        let limits = &self.limits;
        let full = backlog.queued >= i64::from(limits.queued_per_account)
            || backlog.oldest_seconds > limits.oldest.as_secs_f64();
        if full {
            return Some(Err(RequestError::QueueFull(*backlog)));
        }
        backlog.queued += 1;
        Some(Ok(()))
    }
}
