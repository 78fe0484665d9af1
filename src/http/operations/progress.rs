//! How far an operation is and how long it will take: a prior that shrinks with time and with every finished step.
//!
//! Building a workspace takes Databricks five to eight minutes; nearly all of it is one step. Until enough operations
//! were measured, that is what we say, with `samples: 0`.

use crate::domain::operation::{
    OperationKind, OperationStatus, StepRecord, StepStatus, WaitingFor,
};
use crate::store::operations::Operation as Row;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// 0 to 100; 100 exactly when it succeeded.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: u8,
    /// The step it is at; null when it has ended.
    pub step: Option<String>,
    /// A sentence for people.
    pub message: String,
    /// What it waits for; null while it works.
    pub waiting_for: Option<WaitingFor>,
    /// Time left; null when it has ended or waits for a person.
    pub eta_seconds: Option<Eta>,
}

/// Time left, in seconds. Falls while time passes; 0 and 0 mean that it takes longer than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Eta {
    /// Half of all operations need at most this.
    #[schema(minimum = 0)]
    pub p50: i64,
    /// Nine of ten need at most this.
    #[schema(minimum = 0)]
    pub p90: i64,
    /// Measured operations behind the numbers; 0 while they are a general expectation.
    #[schema(minimum = 0)]
    pub samples: i64,
}

/// How long a step usually takes, in seconds.
fn usual_seconds(kind: OperationKind, step: &str) -> i64 {
    match (kind, step) {
        (OperationKind::Create, "await_running") => 255,
        (OperationKind::Create, "await_reachable") => 25,
        (OperationKind::Delete, "create_workspace") => 60,
        _ => 4,
    }
}

/// How long an operation takes, in seconds: half of them need at most the first, nine of ten at most the second.
fn prior(kind: OperationKind) -> (i64, i64) {
    match kind {
        OperationKind::Create => (300, 480),
        OperationKind::Update => (5, 60),
        OperationKind::Delete => (90, 180),
    }
}

/// Where a row is, now.
pub fn progress(row: &Row, now: DateTime<Utc>) -> Progress {
    let done = row.status.is_done();
    let eta_seconds =
        (!done && row.status != OperationStatus::NeedsAttention).then(|| eta(row, now));
    let step = row
        .plan
        .get(usize::try_from(row.position).unwrap_or(usize::MAX));
    let mut message = row.message.clone();
    if row.status == OperationStatus::Running && eta_seconds.is_some_and(|eta| eta.p90 == 0) {
        if !message.is_empty() {
            message.push(' ');
        }
        message.push_str("It takes longer than usual.");
    }
    Progress {
        percent: percent(row, now),
        step: step.filter(|_| !done).cloned(),
        message,
        waiting_for: row.waiting_for.filter(|_| !done),
        eta_seconds,
    }
}

fn elapsed(since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> i64 {
    since.map_or(0, |since| (now - since).num_seconds().max(0))
}

fn is_over(step: &StepRecord) -> bool {
    matches!(
        step.status,
        StepStatus::Succeeded | StepStatus::Skipped | StepStatus::Undone
    )
}

/// Not more than the prior minus the time since the first step, and not more than the steps that are left usually
/// take: both only fall.
fn eta(row: &Row, now: DateTime<Utc>) -> Eta {
    let left: i64 = row
        .steps
        .iter()
        .filter(|step| !is_over(step))
        .map(|step| (usual_seconds(row.kind, &step.name) - elapsed(step.started_at, now)).max(0))
        .sum();
    let (p50, p90) = prior(row.kind);
    let passed = elapsed(row.started_at, now);
    Eta {
        p50: left.min(p50 - passed).max(0),
        p90: (left * p90 / p50).min(p90 - passed).max(0),
        samples: 0,
    }
}

/// Share of the usual time that is behind us; a step under way counts at most nine tenths of its own.
fn percent(row: &Row, now: DateTime<Utc>) -> u8 {
    if row.status == OperationStatus::Succeeded {
        return 100;
    }
    let (mut all, mut behind) = (0, 0);
    for step in &row.steps {
        let usual = usual_seconds(row.kind, &step.name) * 10;
        all += usual;
        if is_over(step) {
            behind += usual;
        } else if step.status == StepStatus::Running {
            behind += (elapsed(step.started_at, now) * 10).min(usual * 9 / 10);
        }
    }
    u8::try_from(behind * 100 / all.max(1))
        .unwrap_or(99)
        .min(99)
}

/// When to ask again, in whole seconds: soon near an expected end, later while a long wait has just begun. `None`
/// when it has ended.
pub fn retry_after(row: &Row, ahead: i64, now: DateTime<Utc>) -> Option<u64> {
    if row.status.is_done() {
        return None;
    }
    let left = |seconds: i64| u64::try_from(seconds / 10).unwrap_or(0).clamp(2, 30);
    Some(match (row.status, row.waiting_for) {
        (OperationStatus::NeedsAttention, _) => 60,
        (_, Some(WaitingFor::SecretStore | WaitingFor::Throttling)) => 15,
        (OperationStatus::Queued, _) => match row.not_before {
            Some(begin) if begin > now => u64::try_from((begin - now).num_seconds())
                .unwrap_or(0)
                .clamp(2, 60),
            _ => left(ahead * 10),
        },
        _ => left(eta(row, now).p50),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::samples;
    use chrono::Duration;

    #[test]
    fn eta_and_percent_only_move_forward() {
        let row = samples::running();
        let begin = row.started_at.unwrap();
        let mut last = (i64::MAX, i64::MAX, 0);
        for second in 0..1000 {
            let progress = progress(&row, begin + Duration::seconds(second));
            let eta = progress.eta_seconds.unwrap();
            assert!(eta.p50 >= 0 && eta.p90 >= eta.p50, "{eta:?}");
            assert!(
                eta.p50 <= last.0 && eta.p90 <= last.1 && progress.percent >= last.2,
                "{second}"
            );
            assert!(progress.percent < 100);
            last = (eta.p50, eta.p90, progress.percent);
        }
        assert_eq!((last.0, last.1), (0, 0));
        let late = progress(&row, begin + Duration::seconds(1000));
        assert!(
            late.message.contains("longer than usual"),
            "{}",
            late.message
        );
    }

    #[test]
    fn the_prior_is_five_to_eight_minutes() {
        let row = samples::queued();
        let eta = progress(&row, row.created_at).eta_seconds.unwrap();
        assert!(
            (270..=310).contains(&eta.p50) && (430..=490).contains(&eta.p90),
            "{eta:?}"
        );
        assert_eq!(eta.samples, 0);
    }

    #[test]
    fn the_end() {
        let mut row = samples::running();
        let now = row.started_at.unwrap();
        row.status = OperationStatus::Succeeded;
        let progress = progress(&row, now);
        assert_eq!(
            (progress.percent, progress.step, progress.eta_seconds),
            (100, None, None)
        );
        assert_eq!(retry_after(&row, 0, now), None);
    }

    #[test]
    fn when_to_ask_again() {
        let mut row = samples::running();
        let begin = row.started_at.unwrap();
        assert_eq!(retry_after(&row, 0, begin), Some(28));
        assert_eq!(
            retry_after(&row, 0, begin + Duration::seconds(290)),
            Some(2)
        );
        row.status = OperationStatus::NeedsAttention;
        assert_eq!(retry_after(&row, 0, begin), Some(60));
        let queued = samples::queued();
        assert_eq!(retry_after(&queued, 0, queued.created_at), Some(2));
        assert_eq!(retry_after(&queued, 500, queued.created_at), Some(30));
    }
}
