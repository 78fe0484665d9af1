//! `[worker]`: how jobs are taken and how long things may last.

use super::{Mistakes, Source};
use serde::Deserialize;

/// Settings of workers, as they are given: `app` hands `queue`, `provisioning` and `databricks` their parts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerSettings {
    /// Jobs driven at the same time by one process.
    pub slots: u32,
    /// How long a job is leased.
    pub lease_seconds: u32,
    /// Between two extensions of a process's leases.
    pub renew_seconds: u32,
    /// Between two looks for jobs when nothing notifies.
    pub poll_seconds: u32,
    /// The tick of `observe` while something in flight is older than `observe_fast_after_seconds`.
    pub observe_fast_seconds: u32,
    /// The tick of `observe` otherwise.
    pub observe_slow_seconds: u32,
    /// See `observe_fast_seconds`.
    pub observe_fast_after_seconds: u32,
    /// Between two looks for audit rows to seal.
    pub seal_seconds: u32,
    /// How long after an unanswered create its object may still appear in a list.
    pub settle_seconds: u32,
    /// How long an answer that is known to pass, such as a role that is too new, is waited out.
    pub not_yet_seconds: u32,
    /// How long a token that was minted is tried to be put into its store before it is revoked.
    pub store_retry_seconds: u32,
    /// Beginnings of a step, without an end, after which it is left to a person: it kills its process.
    pub max_claims: u32,
    /// Time-out of a call to Databricks that creates.
    pub create_timeout_seconds: u32,
    /// Time-out of every other call to Databricks, and of a mint.
    pub call_timeout_seconds: u32,
    /// How long running steps may go on after a signal to stop.
    pub shutdown_grace_seconds: u32,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            slots: 16,
            lease_seconds: 30,
            renew_seconds: 5,
            poll_seconds: 2,
            observe_fast_seconds: 1,
            observe_slow_seconds: 15,
            observe_fast_after_seconds: 180,
            seal_seconds: 60,
            settle_seconds: 120,
            not_yet_seconds: 300,
            store_retry_seconds: 20,
            max_claims: 5,
            create_timeout_seconds: 60,
            call_timeout_seconds: 20,
            shutdown_grace_seconds: 25,
        }
    }
}

pub(super) fn read(source: &Source, mistakes: &mut Mistakes) -> Option<WorkerSettings> {
    let worker: WorkerSettings = source.section("worker", mistakes)?;
    let w = &worker;
    for (key, value, from, to) in [
        ("slots", w.slots, 1, 1000),
        ("lease_seconds", w.lease_seconds, 5, 600),
        ("renew_seconds", w.renew_seconds, 1, 200),
        ("poll_seconds", w.poll_seconds, 1, 60),
        ("observe_fast_seconds", w.observe_fast_seconds, 1, 60),
        ("observe_slow_seconds", w.observe_slow_seconds, 1, 300),
        (
            "observe_fast_after_seconds",
            w.observe_fast_after_seconds,
            0,
            3600,
        ),
        ("seal_seconds", w.seal_seconds, 1, 3600),
        ("settle_seconds", w.settle_seconds, 1, 3600),
        ("not_yet_seconds", w.not_yet_seconds, 0, 3600),
        ("store_retry_seconds", w.store_retry_seconds, 1, 120),
        ("max_claims", w.max_claims, 2, 100),
        ("create_timeout_seconds", w.create_timeout_seconds, 5, 300),
        ("call_timeout_seconds", w.call_timeout_seconds, 1, 120),
        ("shutdown_grace_seconds", w.shutdown_grace_seconds, 1, 600),
    ] {
        mistakes.range(format!("worker.{key}"), value, from..=to);
    }
    // Two renewals may fail before a lease is lost.
    if w.renew_seconds.saturating_mul(3) > w.lease_seconds {
        mistakes.add(
            "worker.renew_seconds",
            format!(
                "{} is more than a third of `lease_seconds` ({})",
                w.renew_seconds, w.lease_seconds
            ),
        );
    }
    if w.observe_fast_seconds > w.observe_slow_seconds {
        mistakes.add(
            "worker.observe_fast_seconds",
            format!(
                "{} is more than `observe_slow_seconds` ({})",
                w.observe_fast_seconds, w.observe_slow_seconds
            ),
        );
    }
    if w.call_timeout_seconds > w.create_timeout_seconds {
        mistakes.add(
            "worker.call_timeout_seconds",
            format!(
                "{} is more than `create_timeout_seconds` ({})",
                w.call_timeout_seconds, w.create_timeout_seconds
            ),
        );
    }
    // A token that was minted must still be delivered or revoked.
    if w.shutdown_grace_seconds < w.call_timeout_seconds {
        mistakes.add(
            "worker.shutdown_grace_seconds",
            format!(
                "{} is less than `call_timeout_seconds` ({})",
                w.shutdown_grace_seconds, w.call_timeout_seconds
            ),
        );
    }
    Some(worker)
}
