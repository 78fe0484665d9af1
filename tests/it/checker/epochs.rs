//! The fencing number, as audit and attempts have kept it.

use super::Evidence;
use super::facts::{public, text, time};
use serde_json::Value;
use std::collections::BTreeMap;

/// I8: nobody wrote under an older lease than somebody before. An operation that was parked and is resumed has another
/// job, whose epochs begin anew.
pub(super) fn epochs_never_fall(evidence: &Evidence) -> Vec<String> {
    let facts = &evidence.facts;
    let mut found = Vec::new();
    let mut highest: BTreeMap<&str, (i64, &Value)> = BTreeMap::new();
    for row in facts.rows("audit") {
        let operation = text(row, "operation_id");
        match text(row, "action") {
            "operation.resumed" => {
                highest.remove(operation);
                continue;
            }
            // Perhaps ended by its removal, under the lease of that one's job.
            "operation.cancelled" => continue,
            _ => {}
        }
        // Other jobs than operations' speak of no operation.
        let Some(epoch) = row["epoch"].as_i64().filter(|_| !operation.is_empty()) else {
            continue;
        };
        if let Some((before, by)) = highest.get(operation).filter(|(before, _)| *before > epoch) {
            found.push(format!(
                "operation {}: {} (audit {}) was written under epoch {epoch}, after {} under {before}",
                public("op", operation),
                text(row, "action"),
                row["seq"],
                text(by, "action"),
            ));
        }
        highest.insert(operation, (epoch, row));
    }
    for job in facts.rows("jobs") {
        let now = job["lease_epoch"].as_i64().unwrap_or_default();
        let written = highest
            .iter()
            .find(|(operation, _)| public("op", operation) == text(job, "key"));
        if let Some((_, (before, _))) = written.filter(|(_, (before, _))| *before > now) {
            found.push(format!(
                "the job of {} is at epoch {now}, {before} has written",
                text(job, "key")
            ));
        }
    }
    found.extend(attempts(evidence));
    found
}

fn attempts(evidence: &Evidence) -> Vec<String> {
    let facts = &evidence.facts;
    let mut sent: Vec<&Value> = facts.rows("attempts").iter().collect();
    // Within one operation permits are asked for one after the other.
    sent.sort_by_key(|row| (text(row, "operation_id"), time(row, "created_at")));
    let resumed = |operation: &str, after: &Value, until: &Value| {
        facts.rows("audit").iter().any(|row| {
            text(row, "action") == "operation.resumed"
                && text(row, "operation_id") == operation
                && (time(after, "created_at")..=time(until, "created_at"))
                    .contains(&time(row, "at"))
        })
    };
    let pairs = sent.windows(2).filter(|pair| {
        let operation = text(pair[0], "operation_id");
        operation == text(pair[1], "operation_id")
            && pair[0]["epoch"].as_i64() > pair[1]["epoch"].as_i64()
            && !resumed(operation, pair[0], pair[1])
    });
    let words = pairs.map(|pair| {
        format!(
            "operation {}: {} was permitted under epoch {}, after {} under {}",
            public("op", text(pair[0], "operation_id")),
            text(pair[1], "call"),
            pair[1]["epoch"],
            text(pair[0], "call"),
            pair[0]["epoch"]
        )
    });
    words.collect()
}
