//! What the work adds to the metrics, drawn up before the commit and counted after it: a checkpoint that was not written
//! counts nothing.

use super::checkpoint::Checkpoint;
use super::plan;
use crate::domain::operation::{OperationStatus, StepStatus};
use crate::domain::problem::Code;
use crate::metrics;
use crate::store::operations::Operation;
use crate::store::workspaces::Workspace;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Codes for what this version does not recognise.
const UNRECOGNISED: [Code; 3] = [
    Code::WorkspaceFailed,
    Code::UpstreamRejected,
    Code::UpstreamUnparseable,
];

/// What a checkpoint adds.
#[must_use]
pub(super) struct Count {
    kind: &'static str,
    cloud: &'static str,
    step: Option<(&'static str, &'static str, Duration)>,
    ended: Option<(&'static str, &'static str, Option<Duration>)>,
    unrecognised: bool,
}

impl Count {
    pub(super) fn of(
        operation: &Operation,
        workspace: &Workspace,
        checkpoint: &Checkpoint,
    ) -> Self {
        let position = usize::try_from(operation.position).unwrap_or(usize::MAX);
        let record = checkpoint.steps.get(position);
        let result = record.and_then(|record| result(record.status));
        let step = record.zip(result).and_then(|(record, result)| {
            let step = plan::find(&record.name)?;
            let took = record.duration_ms.and_then(|ms| u64::try_from(ms).ok())?;
            Some((step.name(), result, Duration::from_millis(took)))
        });
        let problem = checkpoint.problem.as_ref().map(|problem| problem.code);
        let stopped = matches!(
            checkpoint.status,
            OperationStatus::Failed | OperationStatus::NeedsAttention
        );
        let ended = checkpoint.status.is_done().then(|| {
            let code = problem.filter(|_| stopped).map_or("", Code::as_str);
            let finished_at = record.and_then(|record| record.finished_at);
            let began = operation
                .started_at
                .or(record.and_then(|record| record.started_at));
            (
                checkpoint.status.as_str(),
                code,
                between(began, finished_at),
            )
        });
        Self {
            kind: operation.kind.as_str(),
            cloud: workspace.spec.cloud.as_str(),
            step,
            ended,
            unrecognised: stopped && problem.is_some_and(|code| UNRECOGNISED.contains(&code)),
        }
    }

    /// Counts it.
    pub(super) fn add(self) {
        if let Some((step, result, took)) = self.step {
            metrics::step_ended(step, self.cloud, result, took);
        }
        if let Some((result, code, took)) = self.ended {
            metrics::operation_ended(self.kind, self.cloud, result, code, took);
        }
        if self.unrecognised {
            metrics::unrecognised_failure();
        }
    }
}

/// Counts an operation that was stopped because somebody asked for it.
pub(super) fn cancelled(operation: &Operation, workspace: &Workspace) {
    let code = Code::CancelledByRequest.as_str();
    let status = OperationStatus::Cancelled.as_str();
    let (kind, cloud) = (operation.kind.as_str(), workspace.spec.cloud.as_str());
    metrics::operation_ended(kind, cloud, status, code, None);
}

fn result(status: StepStatus) -> Option<&'static str> {
    match status {
        StepStatus::Succeeded => Some("succeeded"),
        StepStatus::Failed => Some("failed"),
        StepStatus::Skipped => Some("skipped"),
        StepStatus::Undone => Some("undone"),
        StepStatus::Pending | StepStatus::Running => None,
    }
}

fn between(began: Option<DateTime<Utc>>, ended: Option<DateTime<Utc>>) -> Option<Duration> {
    let (began, ended) = began.zip(ended)?;
    // Two clocks took part: what comes out negative took no time.
    Some((ended - began).to_std().unwrap_or_default())
}
