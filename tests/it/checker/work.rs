//! Operations, their jobs, and the processes that held them.

use super::Evidence;
use super::facts::{public, text, time};
use serde_json::Value;
use std::time::Duration;

/// Operations that are over for good.
pub(super) const DONE: [&str; 3] = ["succeeded", "failed", "cancelled"];

/// How long an expired lease may lie before somebody must have taken it: the slow poll, with room.
const CLAIM: Duration = Duration::from_secs(10);

/// Beyond the grace, a process may take this long to end.
const END: Duration = Duration::from_secs(2);

fn named(operation: &Value) -> String {
    format!(
        "operation {} ({}, {})",
        public("op", text(operation, "id")),
        text(operation, "kind"),
        text(operation, "status")
    )
}

/// I6: what was accepted is there, and it has ended, or waits for a person or for its time; and its job fits that.
pub(super) fn what_was_accepted_ends_or_is_parked(evidence: &Evidence) -> Vec<String> {
    let facts = &evidence.facts;
    let mut found = Vec::new();
    let ids: Vec<String> = facts
        .rows("operations")
        .iter()
        .map(|row| public("op", text(row, "id")))
        .collect();
    let audit = facts.rows("audit").iter();
    let purged = facts.purged();
    let gone: Vec<String> = audit
        .map(|row| text(row, "operation_id"))
        .filter(|id| purged.contains(id))
        .map(|id| public("op", id))
        .collect();
    for exchange in &evidence.history.exchanges {
        let missing = |id: &String| !ids.contains(id) && !gone.contains(id);
        if let Some(id) = exchange.operation().filter(missing) {
            found.push(format!(
                "{} {} was accepted as {id}, which is not there",
                exchange.method, exchange.path
            ));
        }
    }
    let job_of = |id: &str| {
        let mut jobs = facts.rows("jobs").iter();
        jobs.find(|job| text(job, "kind") == "operation" && text(job, "key") == id)
    };
    for (row, id) in facts.rows("operations").iter().zip(&ids) {
        let status = text(row, "status");
        let rests = DONE.contains(&status) || status == "needs_attention";
        let waits = status == "queued" && time(row, "not_before").is_some_and(|at| at > facts.now);
        match job_of(id) {
            _ if !rests && !waits => found.push(format!("{} goes on", named(row))),
            None if waits => found.push(format!("{} has no job", named(row))),
            Some(_) if rests => found.push(format!("{} still has a job", named(row))),
            _ => {}
        }
    }
    for job in facts.rows("jobs") {
        let expired = time(job, "lease_expires_at").is_some_and(|at| at + CLAIM < facts.now);
        if expired && !job["lease_owner"].is_null() {
            found.push(format!(
                "the job {} of {} is held under a lease that ended",
                text(job, "kind"),
                text(job, "key")
            ));
        }
    }
    found
}

/// I15: who was told to stop ended well and in time, and holds no lease any more.
pub(super) fn who_has_stopped_holds_nothing(evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    for stop in &evidence.history.stops {
        let owner = stop.owner.to_string();
        if stop.code != 0 || stop.took > stop.grace + END {
            found.push(format!(
                "process {owner} ended with {} after {:?}",
                stop.code, stop.took
            ));
        }
        let jobs = evidence.facts.rows("jobs").iter();
        for job in jobs.filter(|job| text(job, "lease_owner") == owner) {
            found.push(format!(
                "process {owner} has stopped and holds the job {} of {}",
                text(job, "kind"),
                text(job, "key")
            ));
        }
    }
    found
}
