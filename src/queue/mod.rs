//! All SQL about jobs, and the loop that runs them. Knows nothing of workspaces.
//!
//! A **job** says what to run ([`Job::kind`], [`Job::key`]) and when. It is enqueued in its caller's transaction,
//! [acquired](lease::acquire) under a **lease** with a growing **epoch**, and released by whoever ran it, in the same
//! transaction that records what was done. A write that names an old epoch touches no row: the writer was replaced
//! and must drop what it has. Waiting is a row with a later `run_at`; it costs no task and no lease.

pub mod backoff;
pub mod enqueue;
pub mod gauges;
pub mod lease;
pub mod listen;
pub mod worker;

use chrono::{DateTime, Utc};
use std::time::Duration;
use uuid::Uuid;

/// Numbers of the queue.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Jobs one process runs at a time.
    pub slots: usize,
    /// How long a lease lasts without being extended.
    pub lease: Duration,
    /// How often a process extends its leases.
    pub renew_every: Duration,
    /// How often a process looks for due jobs when nothing wakes it.
    pub poll_every: Duration,
    /// How long running jobs may take to reach a checkpoint at shutdown.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: 16,
            lease: Duration::from_secs(30),
            renew_every: Duration::from_secs(5),
            poll_every: Duration::from_secs(2),
            grace: Duration::from_secs(25),
        }
    }
}

/// A leased job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Row id.
    pub id: Uuid,
    /// Which handler runs it.
    pub kind: String,
    /// What it is about, in the handler's words.
    pub key: String,
    /// Fencing number of this lease.
    pub epoch: i64,
    /// Times it was acquired since its last checkpoint, this time included.
    pub claims: i32,
    /// Tries that failed and counted since the last progress.
    pub attempts: i32,
    /// When it was acquired, by the database's clock.
    pub acquired_at: DateTime<Utc>,
}
