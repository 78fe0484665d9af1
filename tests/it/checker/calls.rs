//! Calls that must not be repeated blindly, and calls that had to wait, by the log of what arrived.

use super::Evidence;
use super::facts::{called, text};
use super::kinds::{Kind, Nature};
use simulator::{Arrival, Call, FaultKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// A token may be minted again, but not while a mint may still arrive.
const MINTS: [Call; 2] = [Call::MintToken, Call::MintTokenOnBehalf];

fn gap(first: &Arrival, second: &Arrival) -> Duration {
    Duration::from_millis(second.at.saturating_sub(first.at))
}

/// Whether its sender knew for certain that it had no effect: a refusal that arrived whole.
fn refused(arrival: &Arrival) -> bool {
    let whole = !matches!(
        arrival.fault,
        Some(FaultKind::Truncated | FaultKind::HoldAnswer | FaultKind::HoldRequest)
    );
    whole
        && arrival
            .status
            .is_some_and(|it| (400..500).contains(&it) && ![408, 409].contains(&it))
}

/// I9: no two creates for one marker overlap or come within the settle window, and at most one attempt is unresolved.
pub(super) fn creates_do_not_meet(evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    let mut sent: BTreeMap<(Call, &str), Vec<&Arrival>> = BTreeMap::new();
    for arrival in &evidence.arrivals {
        let creates = Kind::made_by(arrival.call).is_some();
        if let Some(object) = &arrival.object
            && (creates || MINTS.contains(&arrival.call))
        {
            sent.entry((arrival.call, object))
                .or_default()
                .push(arrival);
        }
    }
    for ((call, object), sent) in &sent {
        let kind = Kind::made_by(*call);
        for pair in sent.windows(2) {
            let (first, second) = (pair[0], pair[1]);
            let over = first.until.is_some_and(|until| second.at >= until);
            let between = first.sequence..second.sequence;
            let between = || {
                evidence
                    .arrivals
                    .iter()
                    .filter(|it| between.contains(&it.sequence))
            };
            let removed = between().any(|it| {
                kind.is_some_and(|kind| kind.removal == it.call)
                    && it.acted
                    && it.object.as_deref() == Some(object)
            });
            // Most conflicts may be with oneself; not that Azure did not know Databricks, whereupon it was made to.
            let unknown = first.status == Some(409)
                && between().any(|it| it.call == Call::ArmRegisterProvider);
            let window = match (kind.map(|kind| kind.nature), over) {
                // A mint, or what only sets a state once more: not while the first is under way.
                (None | Some(Nature::Set), true) => Duration::ZERO,
                // Counted from the permit, which is older than the arrival by what lay between.
                (None, false) => evidence.terms.call_timeout / 2,
                (_, true) if refused(first) || unknown => Duration::ZERO,
                _ => evidence.terms.settle,
            };
            if !removed && gap(first, second) < window {
                found.push(format!(
                    "{call} of {object} was sent by call {} and again by call {}, {:?} later",
                    first.sequence,
                    second.sequence,
                    gap(first, second)
                ));
            }
        }
    }
    found.extend(unresolved(evidence));
    found
}

fn unresolved(evidence: &Evidence) -> Vec<String> {
    let facts = &evidence.facts;
    let mut found = Vec::new();
    for row in facts.rows("workspaces") {
        let attempts = facts.rows("attempts").iter();
        let mut calls: Vec<&str> = attempts
            .filter(|it| {
                it["workspace_id"] == row["id"]
                    && ["open", "unknown"].contains(&text(it, "outcome"))
            })
            .map(|it| text(it, "call"))
            .collect();
        calls.sort_unstable();
        // A change that could not be made may stay unanswered; the next one waits for it.
        if !row["problem"].is_null() {
            calls.retain(|call| *call != "update_workspace");
        }
        let over = ["ready", "deleted"].contains(&text(row, "phase")) && !facts.forgotten(row);
        let twice = calls.windows(2).any(|pair| pair[0] == pair[1]);
        if twice || over && !calls.is_empty() {
            found.push(format!("{} has unresolved {calls:?}", called(row)));
        }
    }
    found
}

/// Rounding of two times to milliseconds.
const ROUNDED: u64 = 2;

/// I12: nobody calls a host before the time it was told to wait for, nor more often than its limit allows.
pub(super) fn who_is_told_to_wait_waits(evidence: &Evidence) -> Vec<String> {
    let Some(per_second) = evidence.terms.one_process else {
        return Vec::new();
    };
    let mut hosts: BTreeMap<&str, Vec<&Arrival>> = BTreeMap::new();
    let ours = |it: &&Arrival| it.call.is_account() || it.call.is_arm() || it.call.is_workspace();
    for arrival in evidence.arrivals.iter().filter(ours) {
        // A workspace's host stands before the path; the account's does not, nor does that of Azure, which has no other.
        let host = arrival.path.split('/').next().unwrap_or_default();
        hosts.entry(host).or_default().push(arrival);
    }
    let mut found = Vec::new();
    for (host, calls) in hosts {
        for (at, told) in calls.iter().enumerate() {
            let (Some(until), Some(seconds), Some(429)) =
                (told.until, told.retry_after, told.status)
            else {
                continue;
            };
            let end = until + seconds * 1000;
            let early = |it: &&&Arrival| it.at > until && it.at + ROUNDED < end;
            if let Some(early) = calls[at + 1..].iter().find(early) {
                found.push(format!(
                    "call {} ({}) to {host:?} came {} ms after call {} was told to wait {seconds} s",
                    early.sequence,
                    early.call,
                    early.at - until,
                    told.sequence
                ));
            }
        }
        if let Some(words) = too_often(&calls, f64::from(per_second)) {
            found.push(format!("host {host:?}: {words}"));
        }
    }
    found
}

/// The same bucket, filled anew: a second's worth at once, and what is gained meanwhile.
fn too_often(calls: &[&Arrival], per_second: f64) -> Option<String> {
    let (mut left, mut filled) = (per_second, calls.first()?.at);
    for call in calls {
        let gained = (call.at.saturating_sub(filled) + ROUNDED) as f64 / 1000.0 * per_second;
        left = (left + gained).min(per_second) - 1.0;
        filled = filled.max(call.at);
        if left < -1.0 {
            return Some(format!("call {} was over the limit", call.sequence));
        }
    }
    None
}
